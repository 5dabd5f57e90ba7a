"""Working days: which day counts, and which day is n working days later.

A calendar is data, one table per year, replaced when the State Council's yearly holiday notice
(国务院办公厅关于部分节假日安排的通知) appears. A year whose table is not official, or that has no table at
all (then Monday to Friday count), is provisional, and everything computed through it says so (预估). Days are
those of China, UTC+8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from casework.errors import BadInput, Problem
from casework.plain_reader import PlainReader
from casework.yaml_text import NotYaml, plain_of

BUILT_IN_CALENDAR = Path(__file__).parent / "data" / "calendar.yaml"
CALENDAR_FORMAT = 1
MAX_STEP_DAYS = 5000
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2099, 12, 31)
"""The days that a case can have: unix time begins, a 收件码 ends; a clock or a body that names another is wrong."""
_ONE_DAY = timedelta(days=1)
_SATURDAY = 5
_STEPS_REMEMBERED = 4096
"""The cases of one day share their clocks."""


class CalendarError(BadInput):
    """The calendar is not usable; every problem names the year, the field and the remedy."""


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """One year's table: days off (weekends may be listed too) and weekend days that are worked (调休).

    The keys are not «off» and «on»: YAML 1.1 reads those as booleans.
    """

    year: int
    version: int
    official: bool
    days_off: frozenset[date]
    makeup_workdays: frozenset[date]
    source: str


class Calendar:
    """The tables by year. Immutable: `with_year` gives a new calendar."""

    def __init__(self, years: Mapping[int, CalendarYear]) -> None:
        self._years = dict(years)
        self._steps: dict[tuple[date, int], date] = {}
        self._between: dict[tuple[date, date], int] = {}

    @classmethod
    def from_plain(cls, plain: Iterable[object]) -> Calendar:
        """A calendar from its years' plain form; CalendarError with all problems of the first bad year."""
        years = [year_from_plain(raw) for raw in plain]
        repeated = sorted({y.year for y in years if sum(other.year == y.year for other in years) > 1})
        if repeated:
            raise CalendarError([Problem("calendar", f"日历里 {repeated[0]} 年写了两次", "请只留一份")])
        return cls({year.year: year for year in years})

    def to_plain(self) -> list[dict[str, Any]]:
        """The plain form of all years, oldest first; `from_plain` gives back an equal calendar."""
        return [year_to_plain(self._years[year]) for year in sorted(self._years)]

    def with_year(self, table: CalendarYear) -> Calendar:
        """This calendar with one year added or replaced."""
        return Calendar({**self._years, table.year: table})

    def year(self, year: int) -> CalendarYear | None:
        """The table of a year, None when there is none."""
        return self._years.get(year)

    def is_provisional(self, year: int) -> bool:
        """Whether the year's working days may still change."""
        table = self._years.get(year)
        return table is None or not table.official

    def is_workday(self, day: date) -> bool:
        """Whether the day is a working day by its year's table, or Monday to Friday without one."""
        table = self._years.get(day.year)
        if table is not None and (day in table.days_off or day in table.makeup_workdays):
            return day in table.makeup_workdays
        return day.weekday() < _SATURDAY

    def add_workdays(self, start: date, n: int) -> tuple[date, bool]:
        """(the n-th working day after `start`, provisional); n = 0 is `start` itself.

        The day of the start is not counted (民法典第二百零一条). 0 <= n <= MAX_STEP_DAYS.
        """
        if not 0 <= n <= MAX_STEP_DAYS:
            raise ValueError(f"n = {n} is outside 0..{MAX_STEP_DAYS}")
        day = self._steps.get((start, n))
        if day is None:
            if len(self._steps) >= _STEPS_REMEMBERED:
                self._steps.clear()
            day = self._steps[start, n] = self._stepped(start, n)
        return day, self.spans_provisional(start, day)

    def _stepped(self, start: date, n: int) -> date:
        day, left = start, n
        while left > 0:
            day += _ONE_DAY
            left -= self.is_workday(day)
        return day

    def workdays_between(self, start: date, end: date) -> int:
        """Working days after `start` up to and including `end`; negative if `end` is earlier."""
        if end < start:
            return -self.workdays_between(end, start)
        known = self._between.get((start, end))
        if known is None:
            if len(self._between) >= _STEPS_REMEMBERED:
                self._between.clear()
            days = (end - start).days
            known = sum(self.is_workday(start + timedelta(days=n)) for n in range(1, days + 1))
            self._between[start, end] = known
        return known

    def next_workday(self, day: date) -> date:
        """The day itself when it is a working day, else the first one after it."""
        for _ in range(MAX_STEP_DAYS):
            if self.is_workday(day):
                return day
            day += _ONE_DAY
        raise ValueError(f"no working day within {MAX_STEP_DAYS} days")

    def spans_provisional(self, start: date, end: date) -> bool:
        """Whether any year from `start` to `end` is provisional."""
        return any(self.is_provisional(year) for year in range(start.year, end.year + 1))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calendar) and self._years == other._years

    def __hash__(self) -> int:
        return hash(frozenset(self._years.values()))


def china_day(seconds: int) -> date:
    """The calendar day in China (UTC+8, no summer time) at a unix time, bounded as in `possible_day`."""
    days = (seconds + _CHINA_SECONDS) // _DAY_SECONDS
    return date.fromordinal(_EPOCH + min(max(days, FIRST_DAY.toordinal() - _EPOCH), LAST_DAY.toordinal() - _EPOCH))


_CHINA_SECONDS, _DAY_SECONDS, _EPOCH = 8 * 3600, 24 * 3600, date(1970, 1, 1).toordinal()


def noon_of(day: str) -> int:
    """Unix seconds of a day's noon in China; `day` is YYYY-MM-DD, bounded as in `possible_day`."""
    days = possible_day(date.fromisoformat(day)).toordinal() - _EPOCH
    return days * _DAY_SECONDS + _DAY_SECONDS // 2 - _CHINA_SECONDS


def possible_day(day: date) -> date:
    """The nearest of the days that a case can have: strangers write any year, and clocks count day by day."""
    return min(max(day, FIRST_DAY), LAST_DAY)


def year_to_plain(table: CalendarYear) -> dict[str, Any]:
    """The plain form of one year, days as sorted YYYY-MM-DD; travels as one entry."""
    return {
        "year": table.year,
        "version": table.version,
        "official": table.official,
        "days_off": [day.isoformat() for day in sorted(table.days_off)],
        "makeup_workdays": [day.isoformat() for day in sorted(table.makeup_workdays)],
        "source": table.source,
    }


def year_from_plain(plain: object, *, lenient: bool = False) -> CalendarYear:
    """A checked table; days may be YYYY-MM-DD or ranges YYYY-MM-DD..YYYY-MM-DD. CalendarError otherwise.

    lenient, for tables that came from the hub: keys that this program does not know are passed over.
    """
    problems: list[Problem] = []
    number = plain.get("year") if isinstance(plain, dict) else None
    r = PlainReader(plain, f"日历 {number}", "", problems, lenient=lenient)
    year = r.whole("year", 1949, 2999) or 0
    table = CalendarYear(
        year=year,
        version=r.whole("version", 1, 2**31) or 0,
        official=r.flag("official"),
        days_off=_days("days_off", year, r),
        makeup_workdays=_days("makeup_workdays", year, r),
        source=r.text("source", most=300),
    )
    r.done()
    if table.days_off & table.makeup_workdays:
        r.fault("makeup_workdays", "有的日子既放假又上班", "请从 days_off 或 makeup_workdays 里删去")
    if any(day.weekday() < _SATURDAY for day in table.makeup_workdays):
        r.fault("makeup_workdays", "调休上班日应当是周六或周日", "请核对日期")
    if problems:
        raise CalendarError(problems)
    return table


def _days(key: str, year: int, r: PlainReader) -> frozenset[date]:
    days: set[date] = set()
    for text in r.texts(key, most=22, items=366):
        try:
            first, _, last = text.partition("..")
            start, end = date.fromisoformat(first), date.fromisoformat(last or first)
        except ValueError:
            r.fault(key, f"「{text}」不是日期", "请写 2026-01-01 或 2026-01-01..2026-01-03，并加引号")
            continue
        if start > end or {start.year, end.year} != {year}:
            r.fault(key, f"「{text}」不在 {year} 年或前后颠倒", "请改正")
            continue
        days |= {start + timedelta(days=n) for n in range((end - start).days + 1)}
    return frozenset(days)


def load_calendar(path: Path = BUILT_IN_CALENDAR) -> Calendar:
    """Reads a calendar YAML file (format: 1, years: [...]); CalendarError says what is wrong."""
    try:
        root = plain_of(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, NotYaml) as error:
        raise CalendarError([Problem("calendar", f"日历文件读不出来：{error}", "请检查路径和写法")]) from error
    years = root.get("years") if isinstance(root, dict) and root.get("format") == CALENDAR_FORMAT else None
    if not isinstance(years, list) or not years:
        raise CalendarError([Problem("calendar", "日历文件的 format 或 years 不对", "请写 format: 1 和 years")])
    return Calendar.from_plain(years)
