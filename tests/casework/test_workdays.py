"""Working days over the official tables, and laws that hold for any table."""

from __future__ import annotations

import csv
from bisect import bisect_right
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgpack
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from casework import reference
from casework.tables import metadata
from casework.workdays import (
    Calendar,
    CalendarError,
    china_day,
    load_calendar,
    year_from_plain,
    year_to_plain,
)

CALENDAR = load_calendar()
DAYS = st.dates(date(2024, 6, 1), date(2029, 6, 30))


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]


@pytest.mark.parametrize(("year", "count"), [(2024, 251), (2025, 248), (2026, 248), (2027, 248), (2028, 260)])
def test_working_days_of_a_year(year: int, count: int) -> None:
    assert sum(CALENDAR.is_workday(day) for day in days_of(year)) == count


def test_2026_is_the_official_table() -> None:
    made_up = [day for day in days_of(2026) if day.weekday() >= 5 and CALENDAR.is_workday(day)]
    assert [f"{day:%m-%d}" for day in made_up] == ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]
    off = [day for day in days_of(2026) if day.weekday() < 5 and not CALENDAR.is_workday(day)]
    assert len(off) == 19
    assert not CALENDAR.is_workday(date(2026, 2, 23))
    assert CALENDAR.is_workday(date(2026, 2, 24))


def test_only_years_without_official_table_are_provisional() -> None:
    assert [CALENDAR.is_provisional(year) for year in (2023, 2024, 2025, 2026, 2027, 2030)] == [
        True,
        False,
        False,
        False,
        True,
        True,
    ]


VECTORS = [
    (date(2026, 9, 30), 20, date(2026, 11, 3), False),
    (date(2026, 11, 20), 0, date(2026, 11, 20), False),
    (date(2026, 11, 21), 5, date(2026, 11, 27), False),
    (date(2026, 2, 13), 1, date(2026, 2, 14), False),
    (date(2026, 2, 14), 1, date(2026, 2, 24), False),
    (date(2026, 12, 31), 1, date(2027, 1, 4), True),
    (date(2027, 2, 4), 1, date(2027, 2, 11), True),
    (date(2030, 5, 3), 1, date(2030, 5, 6), True),
]


@pytest.mark.parametrize(("start", "n", "due", "provisional"), VECTORS)
def test_due_day(start: date, n: int, due: date, *, provisional: bool) -> None:
    assert CALENDAR.add_workdays(start, n) == (due, provisional)


def published_workdays() -> list[date]:
    """Working days of 2024 to 2026 and the first months after, from days_off.csv alone: written down from the notices,
    for 2027 from the statutory days, because its notice was not out."""
    with (Path(__file__).parent / "days_off.csv").open(encoding="utf-8", newline="") as file:
        said = {date.fromisoformat(row["day"]): row["is"] for row in csv.DictReader(file)}
    span = (date(2024, 1, 1) + timedelta(days=n) for n in range(1_200))
    return [day for day in span if said.get(day, "off" if day.isoweekday() > 5 else "worked") == "worked"]


def test_every_due_day_of_three_years_agrees_with_the_published_dates() -> None:
    workdays = published_workdays()
    for start in (day for year in (2024, 2025, 2026) for day in days_of(year)):
        after = bisect_right(workdays, start)
        for n in range(1, 61):
            assert CALENDAR.add_workdays(start, n)[0] == workdays[after + n - 1], (start, n)


@settings(max_examples=60, deadline=None)
@given(start=DAYS, n=st.integers(1, 80))
def test_adding_lands_on_the_nth_working_day(start: date, n: int) -> None:
    due, _ = CALENDAR.add_workdays(start, n)
    assert CALENDAR.is_workday(due)
    assert CALENDAR.workdays_between(start, due) == n
    assert CALENDAR.workdays_between(due, start) == -n
    assert CALENDAR.workdays_between(start, due - timedelta(days=1)) == n - 1


@settings(max_examples=60, deadline=None)
@given(start=DAYS, m=st.integers(0, 40), n=st.integers(0, 40))
def test_adding_in_two_steps_is_adding_once(start: date, m: int, n: int) -> None:
    half, _ = CALENDAR.add_workdays(start, m)
    assert CALENDAR.add_workdays(half, n)[0] == CALENDAR.add_workdays(start, m + n)[0]


@settings(max_examples=60, deadline=None)
@given(start=DAYS, more=st.integers(0, 20), n=st.integers(0, 40))
def test_later_start_is_never_due_earlier(start: date, more: int, n: int) -> None:
    later = start + timedelta(days=more)
    assert CALENDAR.add_workdays(start, n)[0] <= CALENDAR.add_workdays(later, n)[0]


@settings(max_examples=40, deadline=None)
@given(day=DAYS)
def test_next_workday_is_the_first(day: date) -> None:
    found = CALENDAR.next_workday(day)
    assert CALENDAR.is_workday(found)
    assert not any(CALENDAR.is_workday(day + timedelta(days=n)) for n in range((found - day).days))


def test_official_table_replaces_the_provisional_one() -> None:
    table = year_from_plain({**plain_2027(), "official": True, "version": 2, "makeup_workdays": ["2027-01-03"]})
    newer = CALENDAR.with_year(table)
    assert newer.add_workdays(date(2026, 12, 31), 1) == (date(2027, 1, 3), False)
    assert CALENDAR.add_workdays(date(2026, 12, 31), 1) == (date(2027, 1, 4), True)


def plain_2027() -> dict[str, Any]:
    table = CALENDAR.year(2027)
    assert table is not None
    return year_to_plain(table)


def test_plain_form_goes_through_msgpack_and_back() -> None:
    plain = CALENDAR.to_plain()
    assert Calendar.from_plain(msgpack.unpackb(msgpack.packb(plain))) == CALENDAR
    assert Calendar.from_plain(plain).to_plain() == plain


BAD_YEARS = {
    "no such day": ({"days_off": ["2027-02-30"]}, "2027.days_off"),
    "another year": ({"days_off": ["2026-12-31"]}, "2027.days_off"),
    "range backwards": ({"days_off": ["2027-01-03..2027-01-01"]}, "2027.days_off"),
    "range over new year": ({"days_off": ["2027-12-31..2028-01-01"]}, "2027.days_off"),
    "work on a weekday": ({"makeup_workdays": ["2027-03-01"]}, "2027.makeup_workdays"),
    "both off and work": ({"makeup_workdays": ["2027-02-06"]}, "2027.makeup_workdays"),
    "no source": ({"source": ""}, "2027.source"),
    "version": ({"version": 0}, "2027.version"),
    "unknown key": ({"holidays": []}, "2027.holidays"),
    "off is text": ({"days_off": "2027-01-01"}, "2027.days_off"),
}


@pytest.mark.parametrize(("change", "field"), BAD_YEARS.values(), ids=BAD_YEARS.keys())
def test_bad_year_names_year_field_and_remedy(change: dict[str, Any], field: str) -> None:
    with pytest.raises(CalendarError) as caught:
        year_from_plain({**plain_2027(), **change})
    assert field in [problem.field for problem in caught.value.problems]
    assert all(problem.remedy and "2027" in problem.message for problem in caught.value.problems)


@pytest.mark.parametrize("plain", [None, 3, [], {}])
def test_year_that_is_no_table(plain: object) -> None:
    with pytest.raises(CalendarError):
        year_from_plain(plain)


def test_table_from_a_newer_hub_is_read_leniently() -> None:
    assert year_from_plain({**plain_2027(), "new_fact": 1}, lenient=True) == CALENDAR.year(2027)


def test_year_twice_is_refused() -> None:
    with pytest.raises(CalendarError, match="2027 年写了两次"):
        Calendar.from_plain([plain_2027(), plain_2027()])


@pytest.mark.parametrize("text", ["", "format: 2", "a: [", "format: 1\nyears: []"])
def test_file_that_is_no_calendar(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calendar.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CalendarError):
        load_calendar(path)


@pytest.mark.parametrize("n", [-1, 5001])
def test_step_is_bounded(n: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        CALENDAR.add_workdays(date(2026, 1, 1), n)


def test_calendar_without_any_working_day_ends() -> None:
    empty = Calendar({})
    assert empty.next_workday(date(2026, 11, 21)) == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("seconds", "day"),
    [(0, date(1970, 1, 1)), (1_795_190_399, date(2026, 11, 20)), (1_795_190_400, date(2026, 11, 21))],
)
def test_day_in_china(seconds: int, day: date) -> None:
    assert china_day(seconds) == day


def test_a_table_of_a_later_program_is_kept_and_read(tmp_path):
    """`save_calendar_year` passes over keys it does not know; reading must too, or no page opens any more."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    metadata.create_all(engine)
    year = load_calendar().year(2026)
    assert year is not None
    with engine.begin() as conn:
        reference.save_calendar_year(conn, {**year_to_plain(year), "of a later program": 1})
        assert reference.calendar(conn).year(2026) == year
    engine.dispose()
