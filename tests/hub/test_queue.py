"""The county's queue: whose, in which order, with what missing."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from casework.changes import ChangeKind
from casework.policy import Person, Role
from casework.states import State
from casework.workdays import china_day
from hub.queue import coming, queue, waiting_states
from tests.hub.hall import OFFICE, Hall
from tests.sync_protocol.county import REGION, VILLAGE

REVIEWER = Person(2, "审核", Role.COUNTY_REVIEWER, 1, REGION, OFFICE)
APPROVER = Person(3, "审批", Role.COUNTY_APPROVER, 1, REGION, OFFICE)


def waiting(hall: Hall, person: Person = REVIEWER, today: date | None = None):
    log = hall.topics(hall.hub)
    day = today or china_day(hall.now())
    return hall.hub.store.read(lambda conn: queue(conn, log, person, waiting_states(person.role), day))


@pytest.fixture
def agent(hall: Hall):
    account = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    return account


def endorsed(hall: Hall, topic: bytes) -> None:
    hall.township.write(hall.village.author, topic, 66, {"opinion": "同意"})


def brought(hall: Hall) -> None:
    hall.sync()
    hall.judge()


def test_each_role_waits_for_the_states_it_can_move() -> None:
    assert set(waiting_states(Role.COUNTY_REVIEWER)) == {"collected", "first_review", "accepted", "granted", "denied"}
    assert set(waiting_states(Role.COUNTY_APPROVER)) == {"review", "granted", "denied"}
    for role in (Role.ADMIN, Role.OPS, Role.SUPERVISOR):
        assert waiting_states(role) == ()


def test_the_one_due_first_stands_first_with_its_clock_word(hall: Hall, agent) -> None:
    late = hall.collect(agent, "早收的")
    hall.county.clock.now += 3 * 86_400
    soon = hall.collect(agent, "晚收的")
    hall.sync()
    for topic in (soon, late):
        endorsed(hall, topic)
    brought(hall)
    lines = waiting(hall).lines
    assert [line.name for line in lines] == ["早收的", "晚收的"]
    assert lines[0].clock is not None and lines[1].clock is not None
    assert lines[0].clock.due is not None and lines[1].clock.due is not None
    assert lines[0].clock.due < lines[1].clock.due
    overdue = waiting(hall, today=lines[0].clock.due + timedelta(days=1)).lines
    assert (overdue[0].tone, overdue[0].clock and overdue[0].clock.word) == ("bad", "超期")
    due_today = waiting(hall, today=lines[0].clock.due).lines[0].clock
    assert due_today is not None
    assert due_today.word == "今日到期"


def test_missing_scans_are_counted_per_case(hall: Hall, agent) -> None:
    topic = hall.collect(agent, pages=3)
    hall.sync()
    endorsed(hall, topic)
    brought(hall)
    (line,) = waiting(hall).lines
    assert (line.missing, line.pages) == (0, 3)
    first = hall.changes(hall.hub, topic)[0].blobs[0]
    hall.hub.replica.blobs.path(first.hash).unlink()
    assert waiting(hall).lines[0].missing == 1


def test_another_office_and_another_role_see_nothing_of_it(hall: Hall, agent) -> None:
    topic = hall.collect(agent)
    hall.sync()
    endorsed(hall, topic)
    brought(hall)
    assert len(waiting(hall).lines) == 1
    for stranger in (
        Person(2, "x", Role.COUNTY_REVIEWER, 1, REGION, "公安局"),
        Person(2, "x", Role.COUNTY_REVIEWER, 1, REGION, ""),
        Person(2, "x", Role.COUNTY_REVIEWER, 1, "341822000000", OFFICE),
        APPROVER,
    ):
        assert waiting(hall, stranger).lines == ()


def test_a_case_leaves_the_reviewer_for_the_approver(hall: Hall, agent) -> None:
    topic = hall.collect(agent)
    hall.sync()
    endorsed(hall, topic)
    brought(hall)
    desk = hall.desk(hall.hub)
    for kind in (ChangeKind.ACCEPT, ChangeKind.REVIEW):
        hall.hub.store.write(lambda conn, k=kind: desk.act(conn, REVIEWER, topic, k, {}))
    assert waiting(hall).lines == ()
    (line,) = waiting(hall, APPROVER).lines
    assert line.state == State.REVIEW
    assert line.case_no
    assert line.clock is not None
    assert line.clock.label == "承诺期限"


def test_what_is_still_with_the_township_is_on_its_way(hall: Hall, agent) -> None:
    hall.collect(agent, "在途")
    brought(hall)
    assert waiting(hall).lines == ()
    log = hall.topics(hall.hub)
    found = hall.hub.store.read(lambda conn: coming(conn, log, REVIEWER, china_day(hall.now())))
    assert [line.name for line in found.lines] == ["在途"]


def test_a_case_of_the_green_channel_is_marked(hall: Hall, agent) -> None:
    topic = hall.collect(agent, "卧床的老人", green="申请人卧床不起")
    hall.sync()
    endorsed(hall, topic)
    brought(hall)
    assert [line.green for line in waiting(hall).lines] == [True]
