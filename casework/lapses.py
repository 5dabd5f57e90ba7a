"""What time alone does to a case when nobody acts: acceptance by silence, a supplement or a tolerated material that
never came. Pure; the county's program writes it, and a station that is cut off reckons the same for itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from casework.changes import ChangeKind
from casework.deadlines import NO_DUE, acceptance_clock
from casework.fold import CaseState
from casework.service_item import ServiceItem
from casework.states import State
from casework.texts import N_
from casework.view_dates import case_dates
from casework.workdays import Calendar

DEEMED_ACCEPTANCE = "deemed_acceptance"
SUPPLEMENT_LAPSED = "supplement_lapsed"
TOLERANCE_LAPSED = "tolerance_lapsed"
LAPSE_NAMES = {
    DEEMED_ACCEPTANCE: N_("视为受理"),
    SUPPLEMENT_LAPSED: N_("补正不来办结"),
    TOLERANCE_LAPSED: N_("容缺逾期终止"),
}
RECEIPT_DAYS_MAX = 60
"""A case whose day of intake lies further from the day on which the county received it has a wrong clock, or a story
that a person must look at: time does nothing to it. Stations are made for a month without a link."""


@dataclass(frozen=True, slots=True)
class Lapse:
    """What happens when `due` has passed without an act. since: the day from which the limit ran. provisional: a year
    without an official calendar is in it; such a day only warns.
    """

    rule: str
    since: date
    due: date
    provisional: bool

    @property
    def mark(self) -> str:
        """What makes it one and the same, whenever it is written: the rule and the day."""
        return f"{self.rule}:{self.due.isoformat()}"

    def change(self) -> tuple[ChangeKind, dict[str, Any]]:
        """The change that says it has happened."""
        if self.rule == DEEMED_ACCEPTANCE:
            return ChangeKind.DEEM_ACCEPTED, {"since": self.since.isoformat(), "due": self.due.isoformat()}
        return ChangeKind.LAPSE, {"rule": self.rule, "due": self.due.isoformat()}


def next_lapse(state: CaseState, item: ServiceItem, calendar: Calendar) -> Lapse | None:
    """What time will do next to a case, or None. Each rule and day happens once.

    Silence accepts only what the authority has received (行政许可法第三十二条): where the station is the applicant's
    agent, the authority has been silent about nothing yet. A notice without a last day never lapses.
    """
    found = _next(state, item, calendar)
    return None if found is None or found.mark in state.lapses else found


def _next(state: CaseState, item: ServiceItem, calendar: Calendar) -> Lapse | None:
    dates = case_dates(state)
    match state.state:
        case State.COLLECTED | State.FIRST_REVIEW if item.receipt_effect == "authority":
            clock = acceptance_clock(dates, calendar, dates.received)
            assert clock.due is not None
            return Lapse(DEEMED_ACCEPTANCE, clock.start, clock.due, clock.provisional)
        case State.SUPPLEMENT_ASKED:
            return _at(SUPPLEMENT_LAPSED, dates.supplement_asked, dates.supplement_until, calendar)
        case State.ACCEPTED | State.REVIEW:
            return _at(TOLERANCE_LAPSED, dates.lacking_since, dates.lacking_until, calendar)
        case _:
            return None


def _at(rule: str, since: date | None, due: date | None, calendar: Calendar) -> Lapse | None:
    if since is None or due is None:
        return None
    return Lapse(rule, since, due, calendar.is_provisional(due.year))


def lapse_day(state: CaseState, item: ServiceItem, calendar: Calendar) -> str:
    """YYYY-MM-DD whose end lets time act, as lists sort by it; NO_DUE where it never does."""
    found = next_lapse(state, item, calendar)
    return found.due.isoformat() if found is not None and not found.provisional else NO_DUE
