"""What lists sort and search by follows from the log: after a correction, after a new calendar, after damage."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
import sqlalchemy as sa

from casework.case_lists import CaseQuery
from casework.case_tables import case_row, case_term
from casework.changes import ChangeKind
from casework.deadlines import NO_DUE
from casework.fsck import look_at_cases
from casework.policy import Role
from casework.workdays import Calendar, load_calendar
from tests.hub.hall import Hall
from tests.hub.test_queue import REVIEWER, endorsed
from tests.hub.test_reference_data import again
from tests.sync_protocol.county import VILLAGE, Place


@pytest.fixture
def agent(hall: Hall):
    account = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    return account


def found(hall: Hall, place: Place, account, text: str) -> list[bytes]:
    desk, person = hall.desk(place), hall.agent(account)
    return [row.topic for row in place.store.read(lambda conn: desk.find(conn, person, CaseQuery(text=text))).rows]


def due(place: Place, topic: bytes) -> str:
    return place.store.read(lambda conn: conn.execute(_DUE, {"topic": topic}).scalar_one())


_DUE = sa.select(case_row.c.due).where(case_row.c.topic == sa.bindparam("topic"))


def wrong(hall: Hall, place: Place, *, mend: bool = False) -> list[str]:
    findings = look_at_cases(place.store, hall.topics(place), mend=mend)
    return findings.mended if mend else findings.wrong


def test_a_corrected_name_is_found_and_the_old_one_is_not(hall: Hall, agent) -> None:
    topic = hall.collect(agent, "王小明")
    desk, person = hall.desk(hall.village), hall.agent(agent)
    (row,) = hall.village.store.read(lambda conn: desk.find(conn, person, CaseQuery(text="小明"))).rows
    state = hall.village.store.read(lambda conn: desk.view(conn, person, topic)).state
    body = {"applicant": {**state.applicant, "name": "欧阳小红"}, "reason": "姓名录错"}
    hall.village.store.write(lambda conn: desk.act(conn, person, topic, ChangeKind.CORRECT, body))
    assert found(hall, hall.village, agent, "欧阳小红") == found(hall, hall.village, agent, "阳小") == [topic]
    assert found(hall, hall.village, agent, "小明") == []
    assert found(hall, hall.village, agent, row.id_number[-4:]) == [topic]
    assert wrong(hall, hall.village) == []


def test_a_new_calendar_moves_what_is_due_everywhere(hall: Hall, agent) -> None:
    topic = hall.collect(agent)
    hall.sync()
    before = due(hall.village, topic)
    assert before == due(hall.township, topic) == due(hall.hub, topic) != NO_DUE
    year = load_calendar().year(int(before[:4]))
    assert year is not None
    day = date.fromisoformat(before)
    again(hall, calendar=Calendar({year.year: replace(year, version=9, days_off=year.days_off | {day})}))
    hall.sync()
    moved = {due(place, topic) for place in (hall.village, hall.township, hall.hub)}
    assert len(moved) == 1 and moved.pop() > before
    for place in (hall.village, hall.township, hall.hub):
        assert wrong(hall, place) == []


def test_a_case_that_is_over_is_due_no_more(hall: Hall, agent) -> None:
    topic = hall.collect(agent)
    hall.sync()
    endorsed(hall, topic)
    hall.sync()
    hall.judge()
    assert due(hall.hub, topic) != NO_DUE
    desk, body = hall.desk(hall.hub), {"reason": "不符合条件", "basis": "行政许可法第三十二条"}
    hall.hub.store.write(lambda conn: desk.act(conn, REVIEWER, topic, ChangeKind.REFUSE_ACCEPTANCE, body))
    assert due(hall.hub, topic) == NO_DUE
    hall.sync()
    assert due(hall.village, topic) == NO_DUE


@pytest.mark.parametrize("damage", [sa.delete(case_term).where(case_term.c.term == "示例"), sa.delete(case_term)])
def test_fsck_sees_lost_terms_and_writes_them_anew(hall: Hall, agent, damage: sa.Delete) -> None:
    topic = hall.collect(agent)
    assert wrong(hall, hall.village) == []
    hall.village.store.write(lambda conn: conn.execute(damage))
    assert found(hall, hall.village, agent, "示例") == []
    assert wrong(hall, hall.village) == ["cases are not found by what their rows say"]
    assert wrong(hall, hall.village, mend=True) == ["cases are not found by what their rows say"]
    assert found(hall, hall.village, agent, "示例") == [topic] and wrong(hall, hall.village) == []


def test_fsck_sees_a_term_of_no_case(hall: Hall, agent) -> None:
    hall.collect(agent)
    stray = {"term": "鬼", "received": "2026-01-01", "topic": b"x" * 16}
    hall.village.store.write(lambda conn: conn.execute(sa.insert(case_term), [stray]))
    assert wrong(hall, hall.village) != []
    wrong(hall, hall.village, mend=True)
    assert wrong(hall, hall.village) == []
