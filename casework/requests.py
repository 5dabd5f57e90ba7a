"""Withdrawal requests are granted by rule: the holder's program answers each one, no person in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from casework.changes import ChangeKind
from casework.fold import CaseState
from casework.journal import REFUSED, Change
from casework.states import acts_for, row_for
from casework.texts import N_

GRANTED_REASON = N_("应申请人要求撤回")
TOO_LATE_REASON = N_("已作出决定，不能撤回")

TRIES = 2
"""The county may refuse an answer because a decision overtook it; the second one knows that decision."""

Answer = tuple[ChangeKind, dict[str, Any]]
_ANSWERS = (ChangeKind.WITHDRAW, ChangeKind.DECLINE_REQUEST)


def answered(changes: Iterable[Change], author: int) -> set[str]:
    """Requests that this station does not answer: an answer stands or is held, or TRIES of its own were refused.

    What was refused to others does not count: nobody can keep a station from answering. An open request stays in
    sight of the people who hold the case.
    """
    standing: set[str] = set()
    refused: Counter[str] = Counter()
    for change in changes:
        request = change.body.get("request") if isinstance(change.body, dict) else None
        if change.kind not in _ANSWERS or not isinstance(request, str):
            continue
        if change.standing != REFUSED:
            standing.add(request)
        elif change.author == author:
            refused[request] += 1
    return standing | {request for request, tries in refused.items() if tries >= TRIES}


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
