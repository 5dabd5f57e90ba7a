"""The clocks of a case, computed for display from its dates, its item, the calendar and today; never stored.

They run by the table in casework.clock_table. Three clocks run for offices, by 行政许可法 (other kinds of items follow
their own rules but counties copy these):
- acceptance: five working days from the local intake to accept, refuse or give the one-time supplement notice
  (第三十二条); silent past them, the application counts as accepted from the day the papers were received;
- promised: the office's own promise (承诺办结时限), from acceptance;
- statutory: the legal limit (第四十二条), from acceptance.
And two that run for the applicant: the last day to answer a notice of defects, and the last day for a material that
was tolerated to follow (容缺受理); whoever set them wrote the day down.
Days are working days (第八十二条) unless the item counts calendar days. Time spent in hearings, tests, expert
review and the like does not count (第四十五条): such suspensions push the due date back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from casework.clock_table import (
    ACCEPTANCE,
    CLOCKS,
    NEAR_DAYS,
    NEAR_PERCENT,
    PROMISED,
    RULE_OF,
    ClockRule,
    Fixed,
    Halt,
    LastDay,
    OfItem,
)
from casework.service_item import Days, ServiceItem
from casework.texts import N_, say
from casework.workdays import MAX_STEP_DAYS, Calendar

NORMAL, NEAR, DUE_TODAY, OVERDUE, PAUSED = N_("正常"), N_("临期"), N_("今日到期"), N_("超期"), N_("暂停计时")


@dataclass(frozen=True, slots=True)
class Suspension:
    """A special procedure that stops the clock; until is None while it goes on."""

    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class CaseDates:
    """What happened when, in days of China.

    received: local intake. supplement_asked, supplemented: the latest one-time notice and its
    answer (None while the notice is open).
    supplement_until: the last day for an answer, lacking_since, lacking_until: since when a tolerated material is
    awaited, and the first of the last days.
    extended_days: by how many the head of the organ let the decision be later, in the unit of the limit (第四十二条).
    accepted; decided: granted or denied. ended: refused acceptance, withdrawn or closed, whatever came first.
    """

    received: date
    supplement_asked: date | None = None
    supplemented: date | None = None
    accepted: date | None = None
    decided: date | None = None
    ended: date | None = None
    suspensions: tuple[Suspension, ...] = ()
    extended_days: int = 0
    supplement_until: date | None = None
    lacking_since: date | None = None
    lacking_until: date | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock as shown. days_left counts in `unit` (wd or d), negative when overdue; None while paused.

    done: the clock no longer runs; then word says whether it ended in time. provisional: show 预估.
    """

    kind: str
    start: date
    due: date | None
    days_left: int | None
    unit: str
    provisional: bool
    word: str
    done: bool

    @property
    def label(self) -> str:
        """The clock's name on pages."""
        return RULE_OF[self.kind].label

    def text(self) -> str:
        """One phrase for lists: 承诺期限 2026-11-03（预估）还剩 3 个工作日."""
        if self.due is None or self.days_left is None:
            return say("{clock} {word}", clock=self.label, word=self.word)
        known = N_("{clock} {day}（预估）") if self.provisional else "{clock} {day}"
        due = say(known, clock=self.label, day=self.due.isoformat())
        if self.done or self.days_left == 0:
            return say(N_("{due} 已办理，{word}") if self.done else "{due} {word}", due=due, word=self.word)
        over, left = N_("{due} 超过 {n} 个工作日"), N_("{due} 还剩 {n} 个工作日")
        if self.unit != "wd":
            over, left = N_("{due} 超过 {n} 天"), N_("{due} 还剩 {n} 天")
        return say(over if self.days_left < 0 else left, due=due, n=abs(self.days_left))


def clocks(dates: CaseDates, item: ServiceItem, calendar: Calendar, today: date) -> tuple[Clock, ...]:
    """The clocks that apply now: those that have started, are not gone and have a limit."""
    begun = [rule for rule in CLOCKS if _first(dates, rule.starts) and not _first(dates, rule.gone)]
    shown = [_shown(rule, dates, item, calendar, today) for rule in begun]
    return tuple(clock for clock in shown if clock is not None)


def _shown(rule: ClockRule, dates: CaseDates, item: ServiceItem, calendar: Calendar, today: date) -> Clock | None:
    match rule.limit:
        case Fixed():
            return clock_by(rule, rule.limit, dates, calendar, today)
        case OfItem(field):
            days: Days | None = getattr(item, field)
            return None if days is None else clock_by(rule, days, dates, calendar, today)
        case LastDay(field):
            due: date | None = getattr(dates, field)
            return None if due is None else _until(rule, due, dates, calendar, today)


def _first(dates: CaseDates, moments: tuple[str, ...]) -> date | None:
    """The first of these that is known."""
    days: list[date | None] = [getattr(dates, moment) for moment in moments]
    return next((day for day in days if day is not None), None)


def _until(rule: ClockRule, due: date, dates: CaseDates, calendar: Calendar, today: date) -> Clock:
    """One whose last day somebody wrote down; it is shown in working days."""
    start = _first(dates, rule.starts)
    assert start is not None, "a clock that has not started"
    shown = Clock(rule.kind, start, due, 0, "wd", calendar.spans_provisional(start, due), NORMAL, done=False)
    return _judged(shown, calendar.workdays_between(start, due), calendar, today)


def most_urgent(shown: tuple[Clock, ...]) -> Clock | None:
    """The running clock that is due first, else a paused one, else None."""
    running = [clock for clock in shown if not clock.done]
    return min(running, key=lambda clock: (clock.due is None, clock.due or clock.start), default=None)


NO_DUE = "9999-12-31"
"""In a row of a list: no clock runs, or it is paused; so such a case stands last."""


def due_day(dates: CaseDates, item: ServiceItem, calendar: Calendar) -> str:
    """YYYY-MM-DD by which somebody must act next, as lists sort by it. It follows from the case alone: what depends on
    today, such as how long a pause has lasted, is due at no day yet."""
    urgent = most_urgent(clocks(dates, item, calendar, dates.received))
    return urgent.due.isoformat() if urgent is not None and urgent.due is not None else NO_DUE


def acceptance_clock(dates: CaseDates, calendar: Calendar, today: date) -> Clock:
    """Five working days from intake, or from the answered supplement (第三十二条); paused between."""
    rule = RULE_OF[ACCEPTANCE]
    assert isinstance(rule.limit, Fixed)
    return clock_by(rule, rule.limit, dates, calendar, today)


def clock_by(rule: ClockRule, limit: Fixed | Days, dates: CaseDates, calendar: Calendar, today: date) -> Clock:
    """One that has started, for a limit in working or calendar days; 0 days means the same day. What wrong clocks
    say has lasted for decades counts MAX_STEP_DAYS.

    Calendar days that end on a day off end on the next working day (民法典第二百零三条).
    """
    start, stopped = _first(dates, rule.starts), _first(dates, rule.stops)
    assert start is not None, "a clock that has not started"
    if stopped is None and _halted(rule, dates):
        return Clock(rule.kind, start, None, None, limit.unit, provisional=False, word=PAUSED, done=False)
    lost = _lost(dates, limit.unit, calendar, stopped or today) if rule.halt is Halt.SPECIAL else 0
    total = limit.n + (dates.extended_days if rule.extendable else 0)
    if limit.unit == "wd":
        due, _ = calendar.add_workdays(start, min(total + lost, MAX_STEP_DAYS))
    else:
        due = start + timedelta(days=min(total + lost, MAX_STEP_DAYS))
        due = calendar.next_workday(due) if due != start else due
    provisional = calendar.spans_provisional(start, due)
    shown = Clock(rule.kind, start, due, 0, limit.unit, provisional, NORMAL, done=stopped is not None)
    return _judged(shown, total, calendar, stopped or today)


def _halted(rule: ClockRule, dates: CaseDates) -> bool:
    match rule.halt:
        case Halt.SUPPLEMENT:
            return dates.supplement_asked is not None and dates.supplemented is None
        case Halt.SPECIAL:
            return any(pause.until is None for pause in dates.suspensions)
        case Halt.NOTHING:
            return False


def workdays_used(dates: CaseDates, accepted: date, calendar: Calendar, until: date) -> int:
    """Working days from acceptance to `until`, without those of suspensions (第四十五条); never below 0."""
    return max(calendar.workdays_between(accepted, until) - _lost(dates, "wd", calendar, until), 0)


def limit_workdays(days: Days, accepted: date, calendar: Calendar) -> int:
    """How many working days a limit gives a case that was accepted on this day: its own, or those that lie within its
    calendar days."""
    if days.unit == "wd":
        return days.n
    dates = CaseDates(received=accepted, accepted=accepted)
    clock = clock_by(RULE_OF[PROMISED], days, dates, calendar, accepted)
    assert clock.due is not None
    return calendar.workdays_between(accepted, clock.due)


def _lost(dates: CaseDates, unit: str, calendar: Calendar, now: date) -> int:
    """Days that do not count, working or calendar days; a suspension that goes on lasts up to `now`."""
    pauses = _merged(dates.suspensions, now)
    if unit == "wd":
        return sum(calendar.workdays_between(since, until) for since, until in pauses)
    return sum((until - since).days for since, until in pauses)


def _judged(clock: Clock, total: int, calendar: Calendar, at: date) -> Clock:
    """The clock with days_left and word as of `at`: today, or the day on which it stopped."""
    assert clock.due is not None
    left = calendar.workdays_between(at, clock.due) if clock.unit == "wd" else (clock.due - at).days
    if at > clock.due:
        # Over a weekend no working day has passed yet, but the limit has.
        return replace(clock, days_left=min(left, -1), word=OVERDUE)
    if clock.done:
        return replace(clock, days_left=left, word=NORMAL)
    if at == clock.due:
        return replace(clock, days_left=0, word=DUE_TODAY)
    word = NEAR if left <= max(NEAR_DAYS, total * NEAR_PERCENT // 100) else NORMAL
    return replace(clock, days_left=left, word=word)


def _merged(suspensions: tuple[Suspension, ...], now: date) -> list[tuple[date, date]]:
    """Suspensions as disjoint spans in order, open ones up to `now`: no day is given back twice."""
    spans: list[tuple[date, date]] = []
    for since, until in sorted((pause.since, pause.until or now) for pause in suspensions):
        if spans and since <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(until, spans[-1][1]))
        elif since < until:
            spans.append((since, until))
    return spans
