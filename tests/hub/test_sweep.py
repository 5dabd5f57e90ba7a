"""What time alone causes: written once, by the day of the limit, and never against honest work."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from casework.case_tables import case_row
from casework.changes import ChangeKind
from casework.fold import CaseState, fold
from casework.policy import Role
from casework.states import State
from casework.view_dates import case_dates
from casework.workdays import china_day, load_calendar
from hub.sweep import AT_ONCE, Place, lapsed_cases, let_time_act
from tests.hub.hall import Hall
from tests.sync_protocol.county import VILLAGE

K = ChangeKind
DAY = 86_400
CALENDAR = load_calendar()


@pytest.fixture
def agent(hall: Hall):
    account = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    return account


@pytest.fixture
def case(hall: Hall, agent) -> bytes:
    topic = hall.collect(agent)
    hall.sync()
    hall.judge()
    return topic


def sweep(hall: Hall) -> int:
    today = china_day(hall.now())
    homes, going_on = hall.hub.store.read(lambda conn: lapsed_cases(conn, today, Place()))
    assert going_on is None
    log = hall.topics(hall.hub)
    return sum(
        hall.hub.store.write(
            lambda conn, home=home, cases=cases: let_time_act(
                conn, hall.hub.replica.journal, log, hall.desk(hall.hub), home, cases, hall.now()
            )
        )
        for home, cases in homes.items()
    )


def until(hall: Hall, day: date) -> None:
    hall.county.clock.now += max((day - china_day(hall.now())).days, 0) * DAY


def state(hall: Hall, topic: bytes, place: Any = None) -> CaseState:
    return fold(hall.changes(place or hall.hub, topic))


def window(hall: Hall, topic: bytes) -> date:
    return CALENDAR.add_workdays(case_dates(state(hall, topic)).received, 5)[0]


def kinds(hall: Hall, topic: bytes) -> Counter[int]:
    return Counter(change.kind for change in hall.changes(hall.hub, topic))


def brought(hall: Hall) -> None:
    hall.sync()
    hall.judge()


def test_silence_past_five_working_days_accepts_from_the_day_of_intake(hall: Hall, case: bytes) -> None:
    """行政许可法第三十二条; 办件编号 and clocks follow, and the village reads it."""
    last = window(hall, case)
    until(hall, last)
    assert sweep(hall) == 0, "the last day itself is still open"
    until(hall, last + timedelta(days=1))
    assert sweep(hall) == 1
    now = state(hall, case)
    dates = case_dates(now)
    assert (now.state, now.deemed, dates.accepted) == (State.ACCEPTED, last.isoformat(), dates.received)
    assert now.case_no
    hall.sync()
    assert state(hall, case, hall.village).to_plain() == now.to_plain()


@pytest.mark.parametrize("days_late", [1, 3, 17, 40])
def test_it_is_the_same_whenever_the_county_comes_to_it_and_once(hall: Hall, case: bytes, days_late: int) -> None:
    last = window(hall, case)
    until(hall, last + timedelta(days=days_late))
    assert sweep(hall) == 1
    assert sweep(hall) == 0
    written = [change.body for change in hall.changes(hall.hub, case) if change.kind == K.DEEM_ACCEPTED]
    assert written == [{"since": case_dates(state(hall, case)).received.isoformat(), "due": last.isoformat()}]
    until(hall, last + timedelta(days=days_late + 30))
    assert sweep(hall) == 0


def test_what_came_meanwhile_is_ordered_first(hall: Hall, case: bytes) -> None:
    """The township asked in time; its notice lies at the county, unjudged, when the sweep looks."""
    hall.township.write(hall.village.author, case, K.ASK_SUPPLEMENT, {"defects": [{"subject": "照片", "what": "重拍"}]})
    last = window(hall, case)
    hall.sync()
    until(hall, last + timedelta(days=2))
    assert sweep(hall) == 0
    assert state(hall, case).state is State.SUPPLEMENT_ASKED


def test_a_notice_that_was_given_in_time_sets_the_deemed_acceptance_aside(hall: Hall, case: bytes) -> None:
    """The township was cut off for weeks; nobody refuses what it did in good faith."""
    last = window(hall, case)
    hall.township.write(hall.village.author, case, K.ASK_SUPPLEMENT, {"defects": [{"subject": "照片", "what": "重拍"}]})
    until(hall, last + timedelta(days=12))
    assert sweep(hall) == 1
    assert state(hall, case).state is State.ACCEPTED
    brought(hall)
    now = state(hall, case)
    assert (now.state, now.deemed, now.accepted_at) == (State.SUPPLEMENT_ASKED, "", None)
    hall.sync()
    hall.village.write(hall.village.author, case, K.SUPPLEMENT, {"materials": []})
    brought(hall)
    now = state(hall, case)
    assert now.state is State.COLLECTED
    again = CALENDAR.add_workdays(china_day(hall.now()), 5)[0]
    until(hall, again + timedelta(days=1))
    assert sweep(hall) == 1, "a new window, a new day"
    assert state(hall, case).lapses == [f"deemed_acceptance:{last}", f"deemed_acceptance:{again}"]


def test_a_first_review_that_comes_late_still_counts(hall: Hall, case: bytes) -> None:
    last = window(hall, case)
    hall.township.write(hall.village.author, case, K.ENDORSE, {"opinion": "情况属实"})
    until(hall, last + timedelta(days=3))
    sweep(hall)
    brought(hall)
    now = state(hall, case)
    assert (now.state, now.opinion, now.deemed) == (State.ACCEPTED, "情况属实", last.isoformat())
    assert all(line.standing == "ordered" for line in now.timeline)


def asked(hall: Hall, case: bytes, last_day: str) -> None:
    body = {"defects": [{"subject": "照片", "what": "重拍"}], "until": last_day}
    hall.township.write(hall.village.author, case, K.ASK_SUPPLEMENT, body)
    brought(hall)


def test_a_supplement_that_never_comes_ends_the_case_and_one_that_was_under_way_revives_it(
    hall: Hall, case: bytes
) -> None:
    last = china_day(hall.now()) + timedelta(days=20)
    asked(hall, case, last.isoformat())
    hall.sync()
    hall.village.write(hall.village.author, case, K.SUPPLEMENT, {"materials": []})  # and the link is gone
    until(hall, last)
    assert sweep(hall) == 0
    until(hall, last + timedelta(days=1))
    assert sweep(hall) == 1
    ended = state(hall, case)
    assert (ended.state, ended.close_result, ended.holder) == (State.CLOSED, "supplement_lapsed", "home")
    brought(hall)
    now = state(hall, case)
    assert (now.state, now.close_result, now.closed_at) == (State.COLLECTED, "", None)
    assert case_dates(now).ended is None


def test_a_notice_without_a_last_day_never_lapses(hall: Hall, case: bytes) -> None:
    hall.township.write(hall.village.author, case, K.ASK_SUPPLEMENT, {"defects": [{"subject": "照片", "what": "重拍"}]})
    brought(hall)
    until(hall, china_day(hall.now()) + timedelta(days=30))
    assert sweep(hall) == 0


def test_a_tolerated_material_that_never_comes_ends_the_case(hall: Hall, case: bytes) -> None:
    hall.township.write(hall.village.author, case, K.ENDORSE, {"opinion": "属实"})
    brought(hall)
    last = china_day(hall.now()) + timedelta(days=9)
    body = {"lacking": [{"name": "户口簿", "due": last.isoformat()}], "case_no": "X-1"}
    hall.hub.write(hall.village.author, case, K.ACCEPT_LACKING, body)
    until(hall, last + timedelta(days=1))
    assert sweep(hall) == 1
    assert (state(hall, case).state, state(hall, case).lapsed) == (State.CLOSED, "tolerance_lapsed")


def test_a_village_clock_that_is_a_year_off_starts_nothing(hall: Hall, agent) -> None:
    """A person looks at it: the day of intake and the day on which the county received it do not go together."""
    right = hall.county.clock.now
    hall.county.clock.now = right - 365 * DAY
    topic = hall.collect(agent)
    hall.county.clock.now = right
    brought(hall)
    assert state(hall, topic).state is State.COLLECTED
    assert sweep(hall) == 0
    assert state(hall, topic).state is State.COLLECTED


def test_a_year_without_an_official_calendar_starts_nothing(hall: Hall, agent) -> None:
    hall.county.clock.now = 1_890_000_000  # 2029
    topic = hall.collect(agent)
    brought(hall)
    until(hall, china_day(hall.now()) + timedelta(days=30))
    assert sweep(hall) == 0
    assert state(hall, topic).state is State.COLLECTED


def test_a_look_goes_on_behind_what_it_has_seen(hall: Hall, case: bytes) -> None:
    """More cases than one look takes, none of which time can do anything to, keep nothing from the ones behind."""

    def fill(conn: sa.Connection) -> None:
        row = dict(conn.execute(sa.select(case_row)).mappings().one())
        rows = [{**row, "topic": b"%016d" % n, "lapse_day": "2001-01-01"} for n in range(AT_ONCE)]
        conn.execute(sa.insert(case_row), rows)

    hall.hub.store.write(fill)
    until(hall, window(hall, case) + timedelta(days=1))
    today = china_day(hall.now())
    first, place = hall.hub.store.read(lambda conn: lapsed_cases(conn, today, Place()))
    assert place is not None and case not in first[hall.village.author]
    rest, end = hall.hub.store.read(lambda conn: lapsed_cases(conn, today, place))
    assert rest == {hall.village.author: [case]} and end is None
