"""Withdrawal requests are granted by rule: the holder's program answers each one, no person in between."""

from __future__ import annotations

from typing import Any

from casework.changes import ChangeKind
from casework.fold import CaseState
from casework.states import acts_for, row_for

GRANTED_REASON = "应申请人要求撤回"
TOO_LATE_REASON = "已作出决定，不能撤回"

Answer = tuple[ChangeKind, dict[str, Any]]


def answer_requests(state: CaseState, my_office: str, home_tier: str) -> list[Answer]:
    """Return the changes (kind, body) that our program writes now; empty if we are not the holder.

    The first open request withdraws an undecided case and so settles the others; once there is a decision
    each request is declined.
    """
    if not acts_for(my_office, state.holder, home_tier):
        return []
    if row_for(ChangeKind.WITHDRAW, state.state) is not None:
        return [(ChangeKind.WITHDRAW, _answer(ref, GRANTED_REASON)) for ref in state.open_requests[:1]]
    return [(ChangeKind.DECLINE_REQUEST, _answer(ref, TOO_LATE_REASON)) for ref in state.open_requests]


def _answer(ref: str, reason: str) -> dict[str, Any]:
    return {"request": ref, "reason": reason}
