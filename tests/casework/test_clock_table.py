"""The rows by which clocks run: they name what there is, and what they say is what happens."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date

import pytest

from casework.catalogue import load_catalogue
from casework.clock_table import CLOCKS, MOMENTS, RULE_OF, ClockRule, Fixed, Halt, LastDay, OfItem, page
from casework.deadlines import PAUSED, CaseDates, Suspension, clock_by, clocks
from casework.service_item import ServiceItem
from casework.workdays import load_calendar

CALENDAR = load_calendar()
ELDER = load_catalogue().get("elder_allowance")
TEN = Fixed(10, "wd")
BUSY = CaseDates(
    received=date(2026, 11, 2),
    accepted=date(2026, 11, 2),
    suspensions=(Suspension(date(2026, 11, 4), date(2026, 11, 11)),),
    extended_days=3,
)


def test_rows_name_dates_of_a_case_and_limits_of_an_item() -> None:
    dates, limits = {field.name for field in fields(CaseDates)}, {field.name for field in fields(ServiceItem)}
    assert set(MOMENTS) <= dates
    for rule in CLOCKS:
        assert {*rule.starts, *rule.stops, *rule.gone} <= set(MOMENTS), rule.kind
        assert not isinstance(rule.limit, OfItem) or rule.limit.field in limits
        assert not isinstance(rule.limit, LastDay) or rule.limit.field in dates


def test_rows_are_of_different_clocks_and_cite_laws_in_force() -> None:
    assert len({rule.kind for rule in CLOCKS}) == len({rule.label for rule in CLOCKS}) == len(CLOCKS)
    for rule in CLOCKS:
        assert rule.laws and all(law.name and law.articles for law in rule.laws)
        assert all(date.fromisoformat(law.since) < date(2026, 1, 1) for law in rule.laws if law.since)
        assert rule.label in page() and rule.silent in page()


def test_every_clock_that_is_shown_has_its_row() -> None:
    day = date(2026, 11, 12)
    asked = replace(BUSY, accepted=None, supplement_asked=day, supplement_until=date(2026, 11, 30))
    lacking = replace(BUSY, lacking_since=day, lacking_until=date(2026, 11, 30))
    shown = [*clocks(asked, ELDER, CALENDAR, day), *clocks(lacking, ELDER, CALENDAR, day)]
    assert [clock.kind for clock in shown] == ["acceptance", "supplement", "lacking", "promised", "statutory"]
    assert [clock.label for clock in shown] == ["受理期限", "补正期限", "容缺期限", "承诺期限", "法定期限"]
    assert {clock.kind for clock in shown} == set(RULE_OF)


@pytest.mark.parametrize("gone", ["supplemented", "decided", "ended"])
def test_what_came_or_is_over_has_no_clock_of_the_applicant(gone: str) -> None:
    day = date(2026, 11, 12)
    asked = replace(BUSY, accepted=None, supplement_asked=day, supplement_until=date(2026, 11, 30))
    assert "supplement" not in [clock.kind for clock in clocks(replace(asked, **{gone: day}), ELDER, CALENDAR, day)]
    assert "supplement" not in [c.kind for c in clocks(replace(asked, supplement_until=None), ELDER, CALENDAR, day)]


PROMISED = RULE_OF["promised"]


@pytest.mark.parametrize(
    ("rule", "due"),
    [
        (PROMISED, "11-26"),
        (replace(PROMISED, extendable=False), "11-23"),
        (replace(PROMISED, halt=Halt.SUPPLEMENT), "11-19"),
        (replace(PROMISED, starts=("decided", "received")), "11-26"),
    ],
)
def test_what_a_row_says_is_what_happens(rule: ClockRule, due: str) -> None:
    assert clock_by(rule, TEN, BUSY, CALENDAR, date(2026, 11, 12)).due == date.fromisoformat(f"2026-{due}")


def test_a_row_says_what_halts_and_what_ends() -> None:
    asked = replace(BUSY, supplement_asked=date(2026, 11, 12))
    day = date(2026, 11, 13)
    assert clock_by(replace(PROMISED, halt=Halt.SUPPLEMENT), TEN, asked, CALENDAR, day).word == PAUSED
    assert clock_by(PROMISED, TEN, asked, CALENDAR, day).word != PAUSED
    assert not clock_by(PROMISED, TEN, BUSY, CALENDAR, day).done
    assert clock_by(replace(PROMISED, stops=("accepted",)), TEN, BUSY, CALENDAR, day).done


def test_the_page_shows_each_limit_and_law() -> None:
    rows = {line.split(" | ")[1]: line for line in page().splitlines() if line.count(" | ") > 5}
    assert "| 5 | 工作日 | 补正告知后停止" in rows["acceptance"] and "第三十二条" in rows["acceptance"]
    assert "`promised_days`" in rows["promised"] and "最多 10 日" in rows["promised"]
    assert "第四十二条" in rows["statutory"] and "第四十五条" in rows["statutory"]
