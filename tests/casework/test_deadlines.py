"""The three clocks: when they are due, what they are called, when they stand still."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from casework.catalogue import load_catalogue
from casework.clock_table import RULE_OF
from casework.deadlines import (
    DUE_TODAY,
    NEAR,
    NORMAL,
    OVERDUE,
    PAUSED,
    CaseDates,
    Clock,
    Suspension,
    acceptance_clock,
    clock_by,
    clocks,
    most_urgent,
)
from casework.service_item import Days, Mark
from casework.workdays import load_calendar

CATALOGUE = load_catalogue()
CALENDAR = load_calendar()
ELDER = CATALOGUE.get("elder_allowance")
TYPICAL = Mark("typical")


def d(text: str) -> date:
    return date.fromisoformat("2026-" + text)


def decided_by(days: Days, dates: CaseDates, today: date) -> Clock:
    return clock_by(RULE_OF["promised"], days, dates, CALENDAR, today)


ACCEPTANCE = [
    ("11-20", 5, NORMAL),
    ("11-22", 5, NORMAL),
    ("11-25", 2, NORMAL),
    ("11-26", 1, NEAR),
    ("11-27", 0, DUE_TODAY),
    ("11-28", -1, OVERDUE),
    ("11-30", -1, OVERDUE),
    ("12-01", -2, OVERDUE),
]


@pytest.mark.parametrize(("today", "left", "word"), ACCEPTANCE)
def test_five_working_days_run_from_local_intake(today: str, left: int, word: str) -> None:
    clock = acceptance_clock(CaseDates(received=d("11-20")), CALENDAR, d(today))
    assert (clock.due, clock.days_left, clock.word, clock.done) == (d("11-27"), left, word, False)


def test_supplement_stops_the_clock_and_its_answer_starts_it_anew() -> None:
    asked = CaseDates(received=d("11-02"), supplement_asked=d("11-04"))
    clock = acceptance_clock(asked, CALENDAR, d("11-20"))
    assert (clock.word, clock.due, clock.days_left) == (PAUSED, None, None)
    answered = replace(asked, supplemented=d("11-20"))
    clock = acceptance_clock(answered, CALENDAR, d("11-20"))
    assert (clock.word, clock.due) == (NORMAL, d("11-27"))


@pytest.mark.parametrize(("day", "word"), [("11-27", NORMAL), ("11-28", OVERDUE)])
def test_refusal_ends_the_acceptance_clock(day: str, word: str) -> None:
    (clock,) = clocks(CaseDates(received=d("11-20"), ended=d(day)), ELDER, CALENDAR, d("12-31"))
    assert (clock.done, clock.word) == (True, word)


def test_accepted_case_shows_promise_and_law() -> None:
    dates = CaseDates(received=d("09-28"), accepted=d("09-30"))
    shown = clocks(dates, ELDER, CALENDAR, d("10-08"))
    assert [(c.kind, c.due, c.days_left) for c in shown] == [
        ("promised", d("11-05"), 21),
        ("statutory", d("11-17"), 29),
    ]
    urgent = most_urgent(shown)
    assert urgent is not None
    assert urgent.kind == "promised"


def test_item_without_limits_shows_no_decision_clock() -> None:
    dates = CaseDates(received=d("11-02"), accepted=d("11-03"))
    assert clocks(dates, CATALOGUE.get("tekun"), CALENDAR, d("11-04")) == ()
    assert most_urgent(()) is None


@pytest.mark.parametrize(("today", "word"), [("11-20", DUE_TODAY), ("11-21", OVERDUE), ("11-23", OVERDUE)])
def test_zero_days_means_the_same_day(today: str, word: str) -> None:
    dates = CaseDates(received=d("11-20"), accepted=d("11-20"))
    clock = decided_by(Days(0, "wd", TYPICAL), dates, d(today))
    assert (clock.due, clock.word) == (d("11-20"), word)


def test_near_is_a_fifth_of_the_limit() -> None:
    dates = CaseDates(received=d("09-28"), accepted=d("09-30"))
    twenty = Days(20, "wd", TYPICAL)
    words = {day: decided_by(twenty, dates, d(day)).word for day in ("10-27", "10-28", "11-03", "11-04")}
    assert words == {"10-27": NORMAL, "10-28": NEAR, "11-03": DUE_TODAY, "11-04": OVERDUE}


def test_calendar_days_end_on_a_working_day() -> None:
    dates = CaseDates(received=d("09-20"), accepted=d("09-24"))
    clock = decided_by(Days(10, "d", TYPICAL), dates, d("10-01"))
    assert (clock.due, clock.days_left, clock.unit) == (d("10-08"), 7, "d")


def test_suspension_stops_the_clock_and_gives_its_days_back() -> None:
    dates = CaseDates(received=d("11-02"), accepted=d("11-02"), suspensions=(Suspension(d("11-04"), None),))
    ten = Days(10, "wd", TYPICAL)
    assert decided_by(ten, dates, d("11-10")).word == PAUSED
    over = replace(dates, suspensions=(Suspension(d("11-04"), d("11-11")),))
    assert decided_by(ten, over, d("11-12")).due == d("11-23")
    assert decided_by(ten, replace(over, suspensions=()), d("11-12")).due == d("11-16")


def test_an_extension_lets_the_decision_be_later_by_so_many_days_of_the_limits_own_kind() -> None:
    dates = CaseDates(received=d("11-02"), accepted=d("11-02"), extended_days=10)
    assert decided_by(Days(10, "wd", TYPICAL), dates, d("11-12")).due == d("11-30")
    assert decided_by(Days(10, "d", TYPICAL), dates, d("11-12")).due == d("11-23"), "the 22nd is a Sunday"
    paused = replace(dates, suspensions=(Suspension(d("11-04"), d("11-11")),))
    assert decided_by(Days(10, "wd", TYPICAL), paused, d("11-12")).due == d("12-07"), "both count"


@pytest.mark.parametrize("unit", ["wd", "d"])
def test_what_wrong_clocks_say_has_lasted_for_decades_is_shown_and_bounded(unit: str) -> None:
    since = Suspension(date(1970, 1, 1), date(2099, 12, 31))
    dates = CaseDates(received=d("11-02"), accepted=d("11-02"), suspensions=(since,), extended_days=10**6)
    assert d("11-02") < decided_by(Days(10, unit, TYPICAL), dates, d("11-12")).due < date(2060, 1, 1)


def test_overlapping_suspensions_give_no_day_back_twice() -> None:
    spans = (Suspension(d("11-05"), d("11-09")), Suspension(d("11-04"), d("11-11")))
    dates = CaseDates(received=d("11-02"), accepted=d("11-02"), suspensions=spans)
    assert decided_by(Days(10, "wd", TYPICAL), dates, d("11-12")).due == d("11-23")
    assert decided_by(Days(10, "d", TYPICAL), dates, d("11-12")).due == d("11-19")


@pytest.mark.parametrize(("decided", "word"), [("11-03", NORMAL), ("11-04", OVERDUE)])
def test_decision_ends_the_clock_for_good(decided: str, word: str) -> None:
    dates = CaseDates(received=d("09-30"), accepted=d("09-30"), decided=d(decided), ended=d("12-01"))
    clock = decided_by(Days(20, "wd", TYPICAL), dates, d("12-31"))
    assert (clock.done, clock.word) == (True, word)
    assert most_urgent((clock,)) is None


def test_due_day_in_a_year_without_official_table_is_provisional() -> None:
    dates = CaseDates(received=d("12-20"), accepted=d("12-21"))
    clock = decided_by(Days(20, "wd", TYPICAL), dates, d("12-22"))
    assert clock.provisional
    assert "（预估）" in clock.text()
    official = decided_by(Days(5, "wd", TYPICAL), dates, d("12-22"))
    assert not official.provisional
    assert "预估" not in official.text()


def test_words_for_lists() -> None:
    dates = CaseDates(received=d("11-02"), accepted=d("11-02"))
    ten = Days(10, "wd", TYPICAL)
    assert decided_by(ten, dates, d("11-09")).text() == "承诺期限 2026-11-16 还剩 5 个工作日"
    assert decided_by(ten, dates, d("11-18")).text() == "承诺期限 2026-11-16 超过 2 个工作日"
    assert decided_by(ten, dates, d("11-16")).text() == "承诺期限 2026-11-16 今日到期"
    paused = replace(dates, suspensions=(Suspension(d("11-04"), None),))
    assert decided_by(ten, paused, d("11-09")).text() == "承诺期限 暂停计时"
    done = replace(dates, decided=d("11-10"))
    assert decided_by(ten, done, d("11-30")).text() == "承诺期限 2026-11-16 已办理，正常"
