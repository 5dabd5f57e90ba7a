from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from casework.catalogue import load_catalogue
from casework.changes import ChangeKind
from casework.deadlines import NO_DUE, clocks, due_day
from casework.fold import CaseState, fold
from casework.lapses import DEEMED_ACCEPTANCE, SUPPLEMENT_LAPSED, TOLERANCE_LAPSED, Lapse, lapse_day, next_lapse
from casework.view_dates import case_dates
from casework.workdays import load_calendar, noon_of
from tests.casework.cases import Entry, body_of, entry

K = ChangeKind
CALENDAR = load_calendar()
ITEM = next(item for item in load_catalogue() if item.receipt_effect == "authority" and item.first_review)
NOTICE = {**body_of(K.ASK_SUPPLEMENT), "until": "2026-12-18"}


def at(kind: ChangeKind, day: str, office: str = "county", body: object = None, ref: str = "") -> Entry:
    return entry(kind, office, time=noon_of(day), body=body, ref=ref or f"up:17/0/{int(kind)}")


def intake(*more: Entry) -> CaseState:
    return fold([at(K.COLLECT, "2026-11-20", "home"), *more])


def lapse(case: CaseState) -> Lapse | None:
    return next_lapse(case, ITEM, CALENDAR)


def test_a_new_case_is_accepted_by_silence_after_five_working_days() -> None:
    assert lapse(intake()) == Lapse(DEEMED_ACCEPTANCE, date(2026, 11, 20), date(2026, 11, 27), provisional=False)
    assert lapse_day(intake(), ITEM, CALENDAR) == "2026-11-27"


def test_where_the_station_is_only_the_applicants_agent_nobody_has_been_silent() -> None:
    assert next_lapse(intake(), replace(ITEM, receipt_effect="agent"), CALENDAR) is None
    assert lapse_day(intake(), replace(ITEM, receipt_effect="agent"), CALENDAR) == NO_DUE


def test_after_a_supplement_the_window_begins_anew() -> None:
    case = intake(at(K.ASK_SUPPLEMENT, "2026-11-23"), at(K.SUPPLEMENT, "2026-12-03", "home"))
    found = lapse(case)
    assert found is not None
    assert (found.since, found.due) == (date(2026, 12, 3), date(2026, 12, 10))


@pytest.mark.parametrize(
    ("steps", "rule", "due"),
    [
        ((at(K.ASK_SUPPLEMENT, "2026-11-23", body=NOTICE),), SUPPLEMENT_LAPSED, "2026-12-18"),
        ((at(K.ASK_SUPPLEMENT, "2026-11-23"),), "", ""),
        ((at(K.ENDORSE, "2026-11-23"), at(K.ACCEPT, "2026-11-24")), "", ""),
        ((at(K.ENDORSE, "2026-11-23"), at(K.ACCEPT_LACKING, "2026-11-24")), TOLERANCE_LAPSED, "2026-12-04"),
        ((at(K.WITHDRAW, "2026-11-23"),), "", ""),
    ],
)
def test_what_time_does_next(steps: tuple[Entry, ...], rule: str, due: str) -> None:
    found = lapse(intake(*steps))
    assert (found.rule, found.due.isoformat()) == (rule, due) if found else (rule, due) == ("", "")


def test_the_first_of_several_tolerated_materials_counts_and_what_came_counts_no_more() -> None:
    lacking = {"lacking": [{"name": "户口簿", "due": "2026-12-11"}, {"name": "照片", "due": "2026-12-04"}]}
    case = intake(at(K.ENDORSE, "2026-11-23"), at(K.ACCEPT_LACKING, "2026-11-24", body=lacking))
    assert lapse_day(case, ITEM, CALENDAR) == "2026-12-04"
    assert clocks(case_dates(case), ITEM, CALENDAR, date(2026, 11, 25))[0].kind == "lacking"
    for name, expected in (("照片", "2026-12-11"), ("户口簿", NO_DUE)):
        brought = {"materials": [{"name": name, "seen": True}]}
        case.apply(at(K.SUPPLEMENT, "2026-11-26", "home", brought, ref=f"up:17/0/{name}"))
        assert lapse_day(case, ITEM, CALENDAR) == expected
    assert case.still_lacking == []


def test_the_same_rule_and_day_happens_once() -> None:
    case = intake()
    found = lapse(case)
    assert found is not None
    kind, body = found.change()
    case.lapses.append(found.mark)
    assert lapse(case) is None
    case.lapses.clear()
    case.apply(Entry(kind, body, "county"))
    assert (case.lapses, case.deemed) == ([found.mark], "2026-11-27")


def test_an_applicants_last_day_stands_in_lists() -> None:
    case = intake(at(K.ASK_SUPPLEMENT, "2026-11-23", body=NOTICE))
    assert due_day(case_dates(case), ITEM, CALENDAR) == "2026-12-18"
    shown = clocks(case_dates(case), ITEM, CALENDAR, date(2026, 12, 21))
    assert [clock.text() for clock in shown][1] == "补正期限 2026-12-18 超过 1 个工作日"
