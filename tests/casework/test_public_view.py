"""What a citizen reads of each state; nothing of whose case it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from casework.clock_table import ACCEPTANCE, PROMISED, STATUTORY
from casework.deadlines import NORMAL, OVERDUE, PAUSED, Clock
from casework.fold import CaseState
from casework.public_view import _STANDS, STEPS, public_view
from casework.states import State

RUNNING = Clock(PROMISED, date(2026, 11, 2), date(2026, 11, 30), 5, "wd", provisional=False, word=NORMAL, done=False)


def test_every_state_that_a_case_can_have_is_told() -> None:
    assert set(_STANDS) == set(State) - {State.DRAFT}
    for state, stand in _STANDS.items():
        assert stand.word and stand.said and stand.next, state
        assert 1 <= stand.step <= len(STEPS)


def test_what_the_county_has_not_admitted_is_being_checked() -> None:
    assert public_view(CaseState(), ()).stand.word == "正在核对"


def test_time_that_ended_a_case_is_said_as_such() -> None:
    ended = CaseState(state=State.CLOSED, lapsed="supplement_lapsed", decided_at=5)
    assert public_view(ended, (replace(RUNNING, done=True),)) == public_view(ended, ())
    assert public_view(ended, ()).stand.word == "已终止"


@pytest.mark.parametrize(
    ("clock", "said"),
    [
        (RUNNING, "承诺期限：2026年11月30日，还有 5 个工作日"),
        (replace(RUNNING, days_left=0), "承诺期限：2026年11月30日，就在今天"),
        (replace(RUNNING, days_left=-2, word=OVERDUE), "承诺期限：2026年11月30日，已超过 2 个工作日"),
        (replace(RUNNING, unit="d", provisional=True), "承诺期限：2026年11月30日（预计），还有 5 天"),
        (replace(RUNNING, due=None, days_left=None, word=PAUSED), "承诺期限：暂停计时"),
    ],
)
def test_the_clock_that_runs_is_said_in_one_sentence(clock: Clock, said: str) -> None:
    later = replace(RUNNING, kind=STATUTORY, due=date(2027, 1, 1))
    view = public_view(CaseState(state=State.REVIEW), (later, clock) if clock.due else (clock,))
    assert view.limits == (said,)


@pytest.mark.parametrize(
    ("clocks", "early"),
    [
        ((replace(RUNNING, done=True),), "比承诺期限提前 5 个工作日作出决定"),
        ((replace(RUNNING, done=True, kind=STATUTORY),), "比法定期限提前 5 个工作日作出决定"),
        ((replace(RUNNING, done=True, kind=STATUTORY), replace(RUNNING, done=True, days_left=0)), ""),
        ((replace(RUNNING, done=True, days_left=-1),), ""),
        ((RUNNING,), ""),
        ((replace(RUNNING, done=True, kind=ACCEPTANCE),), ""),
        ((), ""),
    ],
)
def test_how_early_the_decision_came(clocks: tuple[Clock, ...], early: str) -> None:
    assert public_view(CaseState(state=State.CLOSED, decided_at=1), clocks).early == early
    assert public_view(CaseState(state=State.REVIEW), clocks).early == ""


def test_what_rests_on_something_not_ordered_says_so() -> None:
    assert public_view(CaseState(state=State.REVIEW, base=CaseState()), ()).tentative
