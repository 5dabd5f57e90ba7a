"""The dates of a case that its clocks run by, taken from its state. Pure."""

from __future__ import annotations

from datetime import date

from casework.deadlines import CaseDates, Suspension
from casework.fold import CaseState
from casework.states import State
from casework.workdays import china_day, possible_day

_ENDS = (State.REFUSED_ACCEPTANCE, State.WITHDRAWN, State.CLOSED)


def case_dates(state: CaseState) -> CaseDates:
    """Days of China; the intake's own day if it is well-formed, else the day the entry was written."""
    asked = state.supplement
    answered = asked.answered_at if asked else None
    lacking = state.still_lacking
    ends = [state.entered[end.value] for end in _ENDS if end.value in state.entered]
    return CaseDates(
        received=_received(state),
        supplement_asked=china_day(asked.asked_at) if asked else None,
        supplemented=china_day(answered) if answered is not None else None,
        accepted=_day(state.accepted_at),
        decided=_day(state.decided_at),
        ended=china_day(min(ends)) if ends else None,
        suspensions=tuple(Suspension(china_day(one.since), _day(one.until)) for one in state.procedures),
        extended_days=state.extension.days if state.extension else 0,
        supplement_until=_last_day(asked.until) if asked and asked.until else None,
        lacking_since=_day(state.accepted_at) if lacking else None,
        lacking_until=_last_day(min(one.due for one in lacking)) if lacking else None,
    )


def _day(seconds: int | None) -> date | None:
    return china_day(seconds) if seconds is not None else None


def _last_day(text: str) -> date:
    return possible_day(date.fromisoformat(text))


def _received(state: CaseState) -> date:
    try:
        return possible_day(date.fromisoformat(state.received))
    except ValueError:
        return china_day(state.collected_at or 0)
