"""One-time codes by which an applicant rates at this place, and of which stages somebody has; never what was said."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import accounts_store
from casework.accounts import ThrottleRule, wait_seconds
from casework.case_tables import rating_code, rating_given

CODE_DIGITS = 6
CODE_SECONDS = 15 * 60
RANDOM_BYTES = 64
"""To be drawn for one code: so much holds enough numbers to find one that is not in use."""
_ONE_NUMBER_BYTES = 8
ADDRESS_THROTTLE = ThrottleRule(free=9, window_seconds=3600)
"""Old hands mistype; a tablet serves many."""
PLACE_THROTTLE = ThrottleRule(free=99, first_wait_seconds=5, window_seconds=3600)
"""All addresses together, so that many guessers find no more than a few."""
_PLACE_KEY = accounts_store.address_key("rating code")
_C, _G = rating_code.c, rating_given.c


def issue(conn: Connection, topic: bytes, stage: str, now: int, random: bytes) -> str:
    """A fresh code of CODE_DIGITS digits for a stage of a case; an earlier one of the same stage is gone.

    `random`: RANDOM_BYTES. Raises LookupError when all that it holds are in use.
    """
    same_stage = sa.and_(_C.topic == topic, _C.stage == stage)
    conn.execute(sa.delete(rating_code).where(sa.or_(_C.expires <= now, same_stage)))
    for code in _numbers(random):
        if conn.execute(sa.select(_C.code).where(_C.code == code)).first() is None:
            row = {"code": code, "topic": topic, "stage": stage, "expires": now + CODE_SECONDS}
            conn.execute(sa.insert(rating_code).values(row))
            return code
    raise LookupError("no free rating code")


def _numbers(random: bytes) -> Iterator[str]:
    for at in range(0, len(random), _ONE_NUMBER_BYTES):
        number = int.from_bytes(random[at : at + _ONE_NUMBER_BYTES], "big") % 10**CODE_DIGITS
        yield f"{number:0{CODE_DIGITS}d}"


def find(conn: Connection, code: str, now: int) -> tuple[bytes, str] | None:
    """The case and stage of a code that is still good."""
    row = conn.execute(sa.select(rating_code).where(_C.code == code, _C.expires > now)).one_or_none()
    return (row.topic, row.stage) if row is not None else None


def use(conn: Connection, code: str, now: int) -> tuple[bytes, str] | None:
    """As `find`; the code is gone with it."""
    found = find(conn, code, now)
    if found is not None and conn.execute(sa.delete(rating_code).where(_C.code == code)).rowcount:
        return found
    return None


def wait_of(conn: Connection, address: str, now: int) -> int:
    """Seconds until a guess from this address is looked at; 0: now. Call it before `find`, in one transaction."""
    own = _address_key(address)
    accounts_store.one_at_a_time(conn, _PLACE_KEY, own)
    rules = ((_PLACE_KEY, PLACE_THROTTLE), (own, ADDRESS_THROTTLE))
    return max(
        wait_seconds(accounts_store.failures_since(conn, key, now - rule.window_seconds), now, rule)
        for key, rule in rules
    )


def note_failure(conn: Connection, address: str, now: int) -> None:
    """Count a code that was none."""
    for key in (_PLACE_KEY, _address_key(address)):
        accounts_store.record_failure(conn, key, now)


def _address_key(address: str) -> str:
    return accounts_store.address_key("rating " + address)


def given(conn: Connection, topic: bytes) -> frozenset[str]:
    """The stages of a case that somebody has rated at this place."""
    return frozenset(conn.execute(sa.select(_G.stage).where(_G.topic == topic)).scalars())


def note_given(conn: Connection, topic: bytes, stage: str) -> None:
    """Remember that, and nothing else."""
    if stage not in given(conn, topic):
        conn.execute(sa.insert(rating_given).values(topic=topic, stage=stage))
