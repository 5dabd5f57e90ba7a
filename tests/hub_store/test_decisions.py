"""Two people at two programs decide the same thing in the same moment: one decision counts, the other is told so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from casework.changes import ChangeKind
from casework.desk import Desk, Machine
from casework.errors import BadInput
from casework.fsck import look_at_cases
from casework.policy import Person, Role
from hub.held import Choice, EntryKey, list_held, settle
from hub.judge import judge_one_home
from sync_protocol.feeds import HUB, down
from sync_protocol.topics import Topics
from tests.hub.hall import ITEM, OFFICE, Hall, follow
from tests.hub_store.places import Twice, times_settled, wrong
from tests.sync_protocol.county import REGION, VILLAGE, Place

REVIEWER = Person(2, "审核员", Role.COUNTY_REVIEWER, HUB, REGION, OFFICE)
ADMIN = Person(1, "陈管理", Role.ADMIN, HUB, REGION)
AtOnce = Callable[..., list[Any]]


@pytest.fixture
def hall(twice: Twice) -> Hall:
    for place in (*twice.hubs, twice.township, twice.village):
        follow(place, lambda: twice.county.clock.now)
    hall = Hall(twice.county, twice.hubs[0], twice.township, twice.village)
    hall.publish()
    hall.sync()
    return hall


def _topics(hub: Place) -> Topics:
    return Topics(lambda: hub.replica)


def _desk(hub: Place) -> Desk:
    """As the county's program puts it together: it judges the home before it writes."""

    def judge_first(conn: Connection, home: int) -> None:
        while judge_one_home(conn, hub.replica.journal, _topics(hub), desk, home, hub.clock.now).topics:
            pass

    desk = Desk(_topics(hub), Machine(lambda: 0, lambda: hub.clock.now, lambda: 1, judge_first))
    return desk


def test_a_case_is_accepted_once_and_numbered_once(twice: Twice, hall: Hall, at_once: AtOnce) -> None:
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    cases = [hall.collect(agent, f"申请人{n}") for n in range(4)]
    hall.sync()
    for case in cases:
        hall.township.write(hall.village.author, case, int(ChangeKind.ENDORSE), {"opinion": "同意"})
    hall.sync()

    def accept(hub: Place, case: bytes) -> Callable[[], None]:
        return lambda: hub.store.write(lambda conn: _desk(hub).act(conn, REVIEWER, case, ChangeKind.ACCEPT, {}))

    results = at_once(*(accept(hub, case) for case in cases for hub in twice.hubs))
    for at in range(0, len(results), 2):
        assert sorted(type(one).__name__ for one in results[at : at + 2]) == ["BadInput", "NoneType"], results
    hall.sync()
    kinds = [[e.kind for e in hall.changes(hall.village, case)] for case in cases]
    assert kinds == [[ChangeKind.COLLECT, ChangeKind.ENDORSE, ChangeKind.ACCEPT]] * 4
    numbers = {hall.row(hall.village, case).case_no for case in cases}
    assert len(numbers) == 4 and {number[-4:] for number in numbers} == {"0001", "0002", "0003", "0004"}, numbers
    assert set(times_settled(twice.hubs[0].store, down(HUB, hall.village.author)).values()) == {1}
    log = _topics(twice.hubs[1])
    checked = look_at_cases(twice.hubs[1].store, log)
    assert (checked.cases, checked.wrong) == (4, []) and wrong(twice.hubs[1]) == []


def test_a_held_entry_is_settled_by_one_person(twice: Twice, hall: Hall, at_once: AtOnce) -> None:
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    hall.revoke_village()
    topic = hall.collect(agent, item=ITEM)
    hall.sync()
    hall.judge()
    (line,) = hall.hub.store.read(lambda conn: list_held(conn, _topics(hall.hub), ADMIN))
    choices = (Choice(True, "电话核实"), Choice(False, "本人否认", "not_confirmed"))

    def decide(hub: Place, key: EntryKey, choice: Choice) -> Callable[[], None]:
        def again(conn: Connection, home: int, settled: bytes) -> None:
            judge_one_home(conn, hub.replica.journal, _topics(hub), _desk(hub), home, hub.clock.now, [settled])

        def fn(conn: Connection) -> None:
            settle(conn, _topics(hub), hub.replica.journal, ADMIN, key, choice, hub.writing(1), again)

        return lambda: hub.store.write(fn)

    results = at_once(*(decide(hub, line.key, choice) for hub in twice.hubs for choice in choices))
    assert sorted(type(one).__name__ for one in results) == ["BadInput"] * 3 + ["NoneType"], results
    assert all(one is None or isinstance(one, BadInput) for one in results)
    key = (line.key.slot, line.key.epoch, line.key.number)
    assert times_settled(hall.hub.store, down(HUB, hall.village.author))[key] == 1
    assert hall.changes(hall.hub, topic)[0].standing in ("ordered", "refused")
    assert wrong(hall.hub) == []
