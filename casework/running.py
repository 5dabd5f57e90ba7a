"""A limit that ran, looked at as of every day: when it was near and when it was past, by what was done until then.

`casework.deadlines` says how a clock stands today. Supervision has to say how it stood on any day: a pause or an
extension that came later must not unsay that the limit was past before. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from casework.clock_table import PROMISED, RULE_OF, Fixed
from casework.deadlines import CaseDates, Suspension, clock_by
from casework.workdays import MAX_STEP_DAYS, Calendar

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Run:
    """A limit of `days` (unit wd or d) from `start`; ended: the day on which what it is for was done, None while open.

    longer: (day, days) by which it was lengthened on that day.
    """

    start: date
    days: int
    unit: str
    ended: date | None
    pauses: tuple[Suspension, ...] = ()
    longer: tuple[tuple[date, int], ...] = ()


class Span(NamedTuple):
    """Days from `since` on; until is the day on which it ended, and still belongs to it; None while it goes on.

    due: the last day of the limit; first_due: what it was when this began, where it was moved since.
    """

    since: date
    until: date | None
    due: date
    first_due: date | None = None

    @property
    def told(self) -> date:
        """The last day that could be told when this began; what moves it later changes no word that was said."""
        return self.first_due or self.due


def near(run: Run, calendar: Calendar, least: int, percent: int) -> list[Span]:
    """When at most `least` days, or `percent` of the limit, were left, the last day of the limit included; never for a
    limit that has no more than `least` days: it would be near from its beginning."""
    found = []
    for span, total in _stretches(run, calendar) if run.days > least else ():
        begin = _days_before(span.due, max(least, total * percent // 100), run.unit, calendar)
        over = span.due + _ONE_DAY
        found.append(Span(max(span.since, begin), over if span.until is None else min(span.until, over), span.due))
    return _joined(found)


def past(run: Run, calendar: Calendar) -> list[Span]:
    """When the limit had been passed."""
    spans = [span for span, _ in _stretches(run, calendar)]
    return _joined([Span(max(span.since, span.due + _ONE_DAY), span.until, span.due) for span in spans])


def used_up(run: Run, calendar: Calendar) -> list[Span]:
    """When the limit had been used, or was about to be at the end of the day; of one that ends on the day on which it
    begins, when it was past."""
    if run.days == 0:
        return past(run, calendar)
    return _joined([Span(max(span.since, span.due), span.until, span.due) for span, _ in _stretches(run, calendar)])


def _stretches(run: Run, calendar: Calendar) -> Iterator[tuple[Span, int]]:
    """The times in which nothing moved the due day, each with that day and the limit then in force."""
    turns = {run.start, *(day for day, _ in run.longer)}
    turns |= {day for pause in run.pauses for day in (pause.since, pause.until) if day is not None}
    days = sorted(day for day in turns if run.start <= day and (run.ended is None or day <= run.ended))
    for index, day in enumerate(days):
        if any(pause.since <= day and (pause.until is None or day < pause.until) for pause in run.pauses):
            continue
        total = min(run.days + sum(more for at, more in run.longer if at <= day), MAX_STEP_DAYS)
        until = days[index + 1] if index + 1 < len(days) else run.ended
        yield Span(day, until, _due(run, total, day, calendar)), total


def _due(run: Run, total: int, day: date, calendar: Calendar) -> date:
    over = tuple(pause for pause in run.pauses if pause.until is not None and pause.until <= day)
    dates = CaseDates(run.start, accepted=run.start, suspensions=over)
    clock = clock_by(RULE_OF[PROMISED], Fixed(total, run.unit), dates, calendar, day)
    assert clock.due is not None, "no pause goes on"
    return clock.due


def _days_before(due: date, left: int, unit: str, calendar: Calendar) -> date:
    """The first day on which no more than `left` days remained."""
    if unit != "wd":
        return due - timedelta(days=left)
    day = due
    while left >= 0:
        left -= calendar.is_workday(day)
        if left >= 0:
            day -= _ONE_DAY
    return day


def _joined(spans: list[Span]) -> list[Span]:
    """Those that are any days at all; one that goes on where another ended is one with it."""
    found: list[Span] = []
    for span in spans:
        if span.until is not None and span.until < span.since:
            continue
        if found and found[-1].until == span.since:
            found[-1] = Span(found[-1].since, span.until, span.due, found[-1].told)
        else:
            found.append(span)
    return found
