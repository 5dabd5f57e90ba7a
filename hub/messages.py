"""The outbox of text messages: queued with the change that asks for them, claimed for a while, sent, marked.

A row is there as soon as its cause is, in the same transaction, and its key is there once for ever. Who sends claims a
row by moving `next_at` into the future before it tries: a program that dies in between leaves a row that is tried
again, under the same key. What was sent meanwhile becomes 告知群众 (短信) of the case.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import case_store, reference
from casework.case_log import CaseLog
from casework.case_tables import case_row, message
from casework.changes import ChangeKind
from casework.fold import CaseState
from casework.message_words import masked, message_key, message_text, mobile_of
from casework.telling import MESSAGE, Telling, due_tellings
from casework.telling_lists import speaker
from casework.texts import N_
from sync_protocol.store import me as identity
from sync_protocol.store.dialect import insert_absent

WAITING, SENT, FAILED, NEEDLESS = "waiting", "sent", "failed", "needless"
STATE_NAMES = {WAITING: N_("等待发送"), SENT: N_("已发出"), FAILED: N_("没有发出"), NEEDLESS: N_("已不需要发")}
LEASE_SECONDS = 300
AT_ONCE = 20
TRIES_MAX = 10
BACKOFF_SECONDS = 30
BACKOFF_MAX_SECONDS = 6 * 3_600
ERROR_CHARS = 200
_SETTING = "messages"
_M, _C = message.c, case_row.c


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one try: sent; or why not, and whether another try may succeed."""

    sent: bool
    again: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours to send until the lease ends."""

    id: int
    key: str
    topic: bytes
    phone: str
    text: str
    tries: int


def note_gateway(conn: Connection, withheld: Collection[str] | None) -> None:
    """Remember for all programs of this county whether there is a gateway, and of which items nothing is sent; None: no
    gateway."""
    value = b"" if withheld is None else json.dumps({"withheld": sorted(withheld)}).encode()
    if identity.get(conn, _SETTING) != value:
        identity.put(conn, _SETTING, value)


def queue(conn: Connection, log: CaseLog, cases: Iterable[tuple[int, bytes]], now: int) -> None:
    """Queue what these cases (home, topic) have to tell by now, each thing once; only what the county has ordered.
    Of an erased case nothing is kept."""
    setting = identity.get(conn, _SETTING)
    topics = [topic for home, topic in cases if home]
    if setting is None or not topics:
        return
    erased = sa.select(_C.topic).where(_C.topic.in_(topics), _C.state == "")
    conn.execute(sa.delete(message).where(_M.topic.in_(erased)))
    if not setting:
        return
    withheld = frozenset(json.loads(setting)["withheld"])
    wanted = sa.select(_C.topic, _C.home, _C.home_region, _C.item)
    rows = conn.execute(wanted.where(_C.topic.in_(topics), _C.tell != sa.literal_column("''"))).all()
    for row in rows:
        if row.item not in withheld:
            _queue_one(conn, log, row.topic, reference.region_name(conn, row.home_region), now)


def _queue_one(conn: Connection, log: CaseLog, topic: bytes, station: str, now: int) -> None:
    state = _ordered(conn, log, topic)
    phone = mobile_of(state)
    due = [one for one in due_tellings(state) if not one.messaged] if phone else []
    until = state.supplement.until if state.supplement is not None else ""
    row = {"topic": topic, "phone": phone, "state": WAITING, "created": now, "tries": 0, "next_at": now, "error": ""}
    texts = [(one, message_text(one, speaker(conn, station), until)) for one in due]
    insert_absent(
        conn,
        message,
        [{**row, "key": message_key(topic, one), "about": one.about, "text": said} for one, said in texts],
    )


def _ordered(conn: Connection, log: CaseLog, topic: bytes) -> CaseState:
    found = case_store.load(conn, log, topic)
    return CaseState() if found is None else found[1].base or found[1]


def _due(state: CaseState, topic: bytes, key: str) -> Telling | None:
    return next((one for one in due_tellings(state) if message_key(topic, one) == key), None)


def claim(conn: Connection, log: CaseLog, now: int) -> list[Claimed]:
    """Take some messages whose time has come; two programs never take the same. What need not be said any more,
    because it was said or the case has gone on, is not sent.
    """
    due = sa.select(message).where(_M.state == WAITING, _M.next_at <= now).order_by(_M.next_at, _M.id).limit(AT_ONCE)
    claimed = []
    for row in conn.execute(due.with_for_update(skip_locked=True)).all():
        mine = sa.update(message).where(_M.id == row.id, _M.state == WAITING, _M.tries == row.tries)
        if _due(_ordered(conn, log, row.topic), row.topic, row.key) is None:
            conn.execute(mine.values(state=NEEDLESS, phone=masked(row.phone), text="", error=""))
        elif conn.execute(mine.values(tries=row.tries + 1, next_at=now + LEASE_SECONDS)).rowcount:
            claimed.append(Claimed(row.id, row.key, row.topic, row.phone, row.text, row.tries + 1))
    return claimed


def backoff(tries: int, random: Callable[[], float]) -> int:
    """Seconds until the next try: anywhere up to twice as long as after the try before (full jitter)."""
    return 1 + int(random() * min(BACKOFF_MAX_SECONDS, BACKOFF_SECONDS * 2 ** min(tries, 20)))


def settle(
    conn: Connection,
    prepare: Callable[[Connection, int], None],
    log: CaseLog,
    one: Claimed,
    verdict: Verdict,
    now: int,
    random: float,
) -> None:
    """Mark what came of a try; of what was sent the case is told as well. `prepare` puts in order what the county has
    of a home. `random`: 0 to 1."""
    mine = sa.update(message).where(_M.id == one.id, _M.state == WAITING)
    if verdict.sent:
        home = log.home_of(conn, one.topic)
        if home is not None:
            prepare(conn, home)  # locks the home before the row, as everything does that queues
        gone = mine.values(state=SENT, phone=masked(one.phone), text="", error="", next_at=now)
        if conn.execute(gone).rowcount and home is not None:
            _tell_case(conn, log, home, one, now)
        return
    reason = verdict.reason[:ERROR_CHARS]
    mine = mine.where(_M.tries == one.tries)  # else the lease has ended, and another is at it
    if verdict.again and one.tries < TRIES_MAX:
        conn.execute(mine.values(next_at=now + backoff(one.tries, lambda: random), error=reason))
    else:
        conn.execute(mine.values(state=FAILED, next_at=now, error=reason))


def _tell_case(conn: Connection, log: CaseLog, home: int, one: Claimed, now: int) -> None:
    telling = _due(_ordered(conn, log, one.topic), one.topic, one.key)
    if telling is None:
        return
    body = {"about": telling.about, "of": telling.of, "how": MESSAGE, "done": False}
    log.write(conn, home, one.topic, (int(ChangeKind.TELL), body), actor=0, time=now, quality=1)


def send_again(conn: Connection, id_: int, now: int) -> bool:
    """Try a message once more that had failed; whether there was one."""
    failed = sa.update(message).where(_M.id == id_, _M.state == FAILED)
    return conn.execute(failed.values(state=WAITING, tries=0, next_at=now, error="")).rowcount > 0


COUNT_MAX = 10_000
FAILED_ROWS = 50


@dataclass(frozen=True, slots=True)
class Outbox:
    """How the outbox stands: how many by state, each to COUNT_MAX and no further; when the oldest that waits was queued
    (unix s, 0 for none)."""

    counts: dict[str, int]
    oldest: int


def outbox(conn: Connection) -> Outbox:
    counts = {}
    for state in STATE_NAMES:
        some = sa.select(_M.id).where(_M.state == state).limit(COUNT_MAX).subquery()
        counts[state] = int(conn.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())
    waiting = sa.select(_M.created).where(_M.state == WAITING).limit(COUNT_MAX).subquery()
    return Outbox(counts, conn.execute(sa.select(sa.func.min(waiting.c.created))).scalar() or 0)


def failures(conn: Connection, page: int) -> tuple[Sequence[Any], bool]:
    """Messages that were given up, the oldest first, without number or text; and whether more follow."""
    some = sa.select(_M.id, _M.topic, _M.about, _M.phone, _M.created, _M.next_at, _M.tries, _M.error)
    some = some.where(_M.state == FAILED).order_by(_M.next_at, _M.id)
    rows = conn.execute(some.limit(FAILED_ROWS + 1).offset(page * FAILED_ROWS)).all()
    return rows[:FAILED_ROWS], len(rows) > FAILED_ROWS
