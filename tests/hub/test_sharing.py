"""Later readers: a replaced machine can read its unfinished cases again, by one signed share and nobody else's key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from casework.case_tables import case_row
from casework.errors import BadInput
from casework.policy import Role
from hub import sharing
from hub.sharing import homes_to_share, share_with_new_machine
from sync_protocol import authority, canonical
from sync_protocol.entries import EntryType
from sync_protocol.errors import BadBytes
from sync_protocol.feeds import down
from sync_protocol.sharing import Share, pack_shares, parse_shares
from sync_protocol.store import tables as t
from sync_protocol.topology import Tier
from tests.hub.hall import Hall, follow
from tests.sync_protocol.county import OTHER_VILLAGE, REGION, TOWNSHIP, VILLAGE, Place


@pytest.fixture
def case(hall: Hall) -> bytes:
    agent = hall.add_user("v.agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    topic = hall.collect(agent, pages=1)
    hall.sync()
    hall.judge()
    hall.sync()
    return topic


def replaced(hall: Hall, name: str, region: str, tier: Tier) -> Place:
    """A new machine of a station, with an empty disk and keys of its own."""
    place = hall.county.enrol(region, tier, f"{name}-2")
    follow(place, lambda: hall.county.clock.now)
    setattr(hall, name, place)
    hall.sync()
    hall.sync()
    return place


def admit_at(hall: Hall) -> Callable[..., Any]:
    return lambda conn, journal, sealed, now: sharing.admit(conn, journal, hall.topics(hall.hub), sealed, now)


def test_the_keys_come_with_the_certificate_or_neither_does(
    hall: Hall, case: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    serials = sa.select(sa.func.count()).select_from(t.certificate)
    before = hall.hub.store.read(lambda conn: conn.execute(serials).scalar_one())
    with monkeypatch.context() as broken:
        broken.setattr(sharing, "share_with_new_machine", lambda *arguments: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            hall.county.enrol(VILLAGE, Tier.VILLAGE, "village-2", admit_at(hall))
    assert hall.hub.store.read(lambda conn: conn.execute(serials).scalar_one()) == before
    known = key_at(hall, hall.hub, case)
    hall.village = hall.county.enrol(VILLAGE, Tier.VILLAGE, "village-3", admit_at(hall))
    follow(hall.village, lambda: hall.county.clock.now)
    hall.sync()
    hall.sync()
    assert key_at(hall, hall.village, case) == known is not None
    assert share(hall, hall.village.author) == 0


def share(hall: Hall, author: int) -> int:
    topics, now = hall.topics(hall.hub), hall.now()
    homes = hall.hub.store.read(lambda conn: homes_to_share(conn, topics, author))
    return sum(
        hall.hub.store.write(lambda conn, home=home: share_with_new_machine(conn, topics, author, home, now))
        for home in homes
    )


def key_at(hall: Hall, place: Place, topic: bytes) -> bytes | None:
    return place.store.read(lambda conn: hall.topics(place).key_of(conn, hall.village.author, topic))


@pytest.mark.parametrize(
    ("name", "region", "tier"), [("village", VILLAGE, Tier.VILLAGE), ("township", TOWNSHIP, Tier.TOWNSHIP)]
)
def test_a_new_machine_reads_the_unfinished_cases_of_the_lost_one(
    hall: Hall, case: bytes, name: str, region: str, tier: Tier
) -> None:
    known = key_at(hall, hall.hub, case)
    place = replaced(hall, name, region, tier)
    assert known is not None and key_at(hall, place, case) is None
    assert share(hall, place.author) == 1
    assert share(hall, place.author) == 0, "the same key is shared twice"
    hall.sync()
    assert key_at(hall, place, case) == known
    (page,) = hall.changes(place, case)[0].blobs
    assert b"".join(hall.topics(place).read(known, page.hash)) == b"page 0" * 400


def test_by_hand_one_case_is_shared_with_whoever_holds_it_and_nobody_else(hall: Hall, case: bytes) -> None:
    code = hall.row(hall.hub, case).code
    place = replaced(hall, "village", VILLAGE, Tier.VILLAGE)

    def by_hand(code: str, region: str) -> int:
        topics = hall.topics(hall.hub)
        return hall.hub.store.write(lambda conn: sharing.share_by_hand(conn, topics, code, region, hall.now()))

    elsewhere = hall.county.enrol(OTHER_VILLAGE, Tier.VILLAGE, "other village")
    for wrong, region, field in ((code[:-1], VILLAGE, "intake_code"), (code, OTHER_VILLAGE, "with"),
                                 (code, "1" * 12, "with"), (code, REGION, "with")):  # fmt: skip
        with pytest.raises(BadInput) as refused:
            by_hand(wrong, region)
        assert [(one.field, bool(one.remedy)) for one in refused.value.problems] == [(field, True)]
    assert (by_hand(code, VILLAGE), by_hand(code, VILLAGE)) == (1, 0)
    hall.sync()
    assert key_at(hall, place, case) == key_at(hall, hall.hub, case) is not None
    assert key_at(hall, elsewhere, case) is None


def test_a_first_machine_and_a_finished_case_get_nothing(hall: Hall, case: bytes) -> None:
    assert share(hall, hall.village.author) == 0
    place = replaced(hall, "village", VILLAGE, Tier.VILLAGE)
    hall.hub.store.write(lambda conn: conn.execute(sa.update(case_row).values(state="delivered")))
    assert share(hall, place.author) == 0


def test_an_erased_case_keeps_no_share_and_takes_none(hall: Hall, case: bytes) -> None:
    place = replaced(hall, "village", VILLAGE, Tier.VILLAGE)
    share(hall, place.author)
    hall.sync()
    hall.at_hub(authority.erase, place.author, case, hall.writing())
    late = pack_shares([Share(case, place.author, 9, b"s" * 96)])
    hall.hub.store.write(
        lambda conn: hall.hub.replica.journal.tell(conn, down(1, place.author), EntryType.SHARE, late, hall.writing())
    )
    hall.sync()
    for here in (hall.hub, hall.township, place):
        assert here.store.read(lambda conn: conn.execute(sa.select(t.share)).all()) == []
    assert key_at(hall, place, case) is None


def test_a_seal_that_does_not_open_hides_no_other(hall: Hall, case: bytes) -> None:
    place = replaced(hall, "village", VILLAGE, Tier.VILLAGE)
    spoiled = pack_shares([Share(case, place.author, 2**31, b"s" * 96)])
    hall.township.store.write(
        lambda conn: hall.township.replica.journal.tell(
            conn, down(hall.township.author, place.author), EntryType.SHARE, spoiled, hall.writing()
        )
    )
    share(hall, place.author)
    hall.sync()
    assert key_at(hall, place, case) == key_at(hall, hall.hub, case) is not None


GOOD: list[Any] = [b"t" * 16, 3, 4, b"s" * 96]


@pytest.mark.parametrize(
    "value",
    [[], 7, [[*GOOD, 1]], [GOOD[:3]], [[b"short", *GOOD[1:]]], [[GOOD[0], 0, 4, b"s"]], [[GOOD[0], 3, 0, b"s"]],
     [[GOOD[0], 3, 4, b""]], [[GOOD[0], 3, 4, b"s" * 257]], [[GOOD[0], True, 4, b"s"]], [GOOD] * 65],
)  # fmt: skip
def test_a_malformed_share_is_refused(value: object) -> None:
    assert parse_shares(canonical.pack([GOOD])) == [Share(*GOOD)]
    with pytest.raises(BadBytes):
        parse_shares(canonical.pack(value))
