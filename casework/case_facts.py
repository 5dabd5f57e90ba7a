"""The few facts of a case that figures rest on. Pure.

Terms are those of GB/T 39046-2020 (收件、受理、办结、承诺办结时限、法定办结时限). Only what the hub has ordered counts.
Days are those of China; working days (行政许可法第八十二条) are counted by casework.deadlines and no second time here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from casework.change_choices import LAPSE_RULES
from casework.clock_table import ACCEPTANCE, PROMISED, RULE_OF, STATUTORY
from casework.deadlines import (
    NO_DUE,
    OVERDUE,
    CaseDates,
    Clock,
    clock_by,
    clocks,
    limit_workdays,
    most_urgent,
    workdays_used,
)
from casework.fold import CaseState
from casework.service_item import Days, ServiceItem
from casework.states import State
from casework.view_dates import case_dates
from casework.workdays import Calendar, china_day

EARLY, ON_DAY, LATE = "early", "on_day", "late"
OPEN = ""
CLOSED, REFUSED, WITHDRAWN = State.CLOSED.value, State.REFUSED_ACCEPTANCE.value, State.WITHDRAWN.value
OUTCOMES = (CLOSED, REFUSED, WITHDRAWN)
NOTHING_DONE = frozenset(("returned", "voided", "deleted", *LAPSE_RULES))
"""Close results of cases in which nothing was decided that could be early or late: 退回、作废、删除、到期终止."""
_OFFICE_CLOCKS = (ACCEPTANCE, PROMISED, STATUTORY)


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What of one case counts. Days are YYYY-MM-DD or "".

    received: the day of the local intake. ended: the day of 办结, 不予受理 or 撤回, and `outcome` which of them; OPEN
    while the case is open. decision: "granted", "denied" or "". due: by when the office must act, accept or decide, by
    the clock that runs out first (casework.deadlines); while only the applicant is awaited, by no day.

    The rest is said of a case that was decided and closed, and not as NOTHING_DONE. used: working days from acceptance
    to the decision (第四十二条; 制证 and 送达 after it have a limit of their own, 第四十四条), without suspensions
    (第四十五条). promised, statutory: the item's limits as published, in working days of this case; None where the item
    has none. promise, statute: EARLY, ON_DAY or LATE against that limit, with extension and suspensions given back; ""
    where there is none. extended: days by which the head of the organ extended. provisional: 1 if a year without an
    official table was reckoned through. reckoned_to: the last day that was.
    """

    home_region: str
    item: str
    office: str
    received: str
    accepted: str
    ended: str
    outcome: str
    close_result: str
    decision: str
    due: str
    used: int | None = None
    promised: int | None = None
    statutory: int | None = None
    promise: str = ""
    statute: str = ""
    extended: int = 0
    provisional: int = 0
    reckoned_to: str = ""


def facts_of(state: CaseState, home_region: str, item: ServiceItem | None, calendar: Calendar) -> CaseFacts | None:
    """What counts of a case; None while nothing of it is ordered, and when it was erased. `item`: its own version."""
    known = state.base or state
    if known.state is None:
        return None
    dates = case_dates(known)
    ends = [end for end in OUTCOMES if end in known.entered]
    outcome = min(ends, key=known.entered.__getitem__, default=OPEN)
    facts = CaseFacts(
        home_region=home_region,
        item=known.item,
        office=known.office or (item.office if item else ""),
        received=dates.received.isoformat(),
        accepted=dates.accepted.isoformat() if dates.accepted else "",
        ended=china_day(known.entered[outcome]).isoformat() if outcome else "",
        outcome=outcome,
        close_result=known.close_result,
        decision=known.decision,
        due=_due(dates, item, calendar) if item else NO_DUE,
    )
    if item is None or outcome != CLOSED or known.close_result in NOTHING_DONE:
        return facts
    return _timed(facts, dates, item, calendar)


def _due(dates: CaseDates, item: ServiceItem, calendar: Calendar) -> str:
    running = clocks(dates, item, calendar, dates.received)
    urgent = most_urgent(tuple(clock for clock in running if clock.kind in _OFFICE_CLOCKS))
    return urgent.due.isoformat() if urgent is not None and urgent.due is not None else NO_DUE


def _timed(facts: CaseFacts, dates: CaseDates, item: ServiceItem, calendar: Calendar) -> CaseFacts:
    accepted, decided = dates.accepted, dates.decided
    if accepted is None or decided is None:
        return facts
    promise = _clock(PROMISED, item.promised_days, dates, calendar)
    statute = _clock(STATUTORY, item.legal_days, dates, calendar)
    last = max([decided, *(clock.due for clock in (promise, statute) if clock and clock.due)])
    return replace(
        facts,
        used=workdays_used(dates, accepted, calendar, decided),
        promised=_workdays(item.promised_days, accepted, calendar),
        statutory=_workdays(item.legal_days, accepted, calendar),
        promise=_against(promise),
        statute=_against(statute),
        extended=dates.extended_days,
        provisional=int(calendar.spans_provisional(min(accepted, decided), last)),
        reckoned_to=last.isoformat(),
    )


def _clock(kind: str, days: Days | None, dates: CaseDates, calendar: Calendar) -> Clock | None:
    if days is None or dates.accepted is None or dates.decided is None:
        return None
    return clock_by(RULE_OF[kind], days, dates, calendar, dates.decided)


def _workdays(days: Days | None, accepted: date, calendar: Calendar) -> int | None:
    return limit_workdays(days, accepted, calendar) if days is not None else None


def _against(clock: Clock | None) -> str:
    if clock is None:
        return ""
    if clock.word == OVERDUE:
        return LATE
    return ON_DAY if clock.days_left == 0 else EARLY
