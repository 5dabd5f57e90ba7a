"""The clocks of a case, computed for display from its dates, its item, the calendar and today; never stored.

Three clocks run for offices, by 行政许可法 (other kinds of items follow their own rules but counties copy these):
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

from casework.service_item import Days, ServiceItem
from casework.workdays import MAX_STEP_DAYS, Calendar

ACCEPTANCE_WORKDAYS = 5
# «Near»: at most one day left, or at most a fifth of the limit.
NEAR_DAYS = 1
NEAR_PERCENT = 20
NORMAL, NEAR, DUE_TODAY, OVERDUE, PAUSED = "正常", "临期", "今日到期", "超期", "暂停计时"
ACCEPTANCE, PROMISED, STATUTORY = "acceptance", "promised", "statutory"
SUPPLEMENT, LACKING = "supplement", "lacking"
LABELS = {
    ACCEPTANCE: "受理期限",
    SUPPLEMENT: "补正期限",
    LACKING: "容缺期限",
    PROMISED: "承诺期限",
    STATUTORY: "法定期限",
}


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
        return LABELS[self.kind]

    def text(self) -> str:
        """One phrase for lists: 承诺期限 2026-11-03（预估）还剩 3 个工作日."""
        if self.due is None or self.days_left is None:
            return f"{self.label} {self.word}"
        due = f"{self.label} {self.due.isoformat()}{'（预估）' if self.provisional else ''}"
        unit = "个工作日" if self.unit == "wd" else "天"
        if self.done or self.days_left == 0:
            return f"{due} {'已办理，' if self.done else ''}{self.word}"
        return f"{due} {'超过' if self.days_left < 0 else '还剩'} {abs(self.days_left)} {unit}"


def clocks(dates: CaseDates, item: ServiceItem, calendar: Calendar, today: date) -> tuple[Clock, ...]:
    """The clocks that apply now: acceptance until it is done, then those limits that the item has."""
    if dates.accepted is None:
        return (acceptance_clock(dates, calendar, today), *_applicants_clocks(dates, calendar, today))
    limits = ((PROMISED, item.promised_days), (STATUTORY, item.legal_days))
    shown = (decision_clock(k, days, dates, dates.accepted, calendar, today) for k, days in limits if days is not None)
    return (*_applicants_clocks(dates, calendar, today), *shown)


def _applicants_clocks(dates: CaseDates, calendar: Calendar, today: date) -> tuple[Clock, ...]:
    """Those that are open: what came, or what is over, needs no clock."""
    if dates.decided is not None or dates.ended is not None:
        return ()
    asked = dates.supplement_asked if dates.supplemented is None else None
    open_days = ((SUPPLEMENT, asked, dates.supplement_until), (LACKING, dates.lacking_since, dates.lacking_until))
    return tuple(
        _judged(
            Clock(kind, since, due, 0, "wd", calendar.spans_provisional(since, due), NORMAL, done=False),
            calendar.workdays_between(since, due),
            calendar,
            today,
        )
        for kind, since, due in open_days
        if since is not None and due is not None
    )


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
    stopped = dates.accepted or dates.ended
    if dates.supplement_asked is not None and dates.supplemented is None and stopped is None:
        return _paused(ACCEPTANCE, dates.received, "wd")
    start = dates.supplemented or dates.received
    due, provisional = calendar.add_workdays(start, ACCEPTANCE_WORKDAYS)
    shown = Clock(ACCEPTANCE, start, due, 0, "wd", provisional, NORMAL, done=stopped is not None)
    return _judged(shown, ACCEPTANCE_WORKDAYS, calendar, stopped or today)


def decision_clock(kind: str, days: Days, dates: CaseDates, accepted: date, calendar: Calendar, today: date) -> Clock:
    """The clock from acceptance for a limit in working or calendar days; 0 days means the same day. What wrong clocks
    say has lasted for decades counts MAX_STEP_DAYS.

    Calendar days that end on a day off end on the next working day (民法典第二百零三条).
    """
    stopped = dates.decided or dates.ended
    if stopped is None and any(pause.until is None for pause in dates.suspensions):
        return _paused(kind, accepted, days.unit)
    pauses = _merged(dates.suspensions, stopped or today)
    total = days.n + dates.extended_days
    if days.unit == "wd":
        lost = sum(calendar.workdays_between(since, until) for since, until in pauses)
        due, _ = calendar.add_workdays(accepted, min(total + lost, MAX_STEP_DAYS))
    else:
        lost = sum((until - since).days for since, until in pauses)
        due = accepted + timedelta(days=min(total + lost, MAX_STEP_DAYS))
        due = calendar.next_workday(due) if due != accepted else due
    provisional = calendar.spans_provisional(accepted, due)
    shown = Clock(kind, accepted, due, 0, days.unit, provisional, NORMAL, done=stopped is not None)
    return _judged(shown, total, calendar, stopped or today)


def _paused(kind: str, start: date, unit: str) -> Clock:
    return Clock(kind, start, None, None, unit, provisional=False, word=PAUSED, done=False)


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
