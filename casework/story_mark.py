"""What a person has read of a case before deciding on it: a mark of its story, and whether it still stands. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from casework.case_parts import TimelineItem
from casework.changes import ChangeKind
from casework.errors import BadInput, Problem
from casework.fold import CaseState
from casework.journal import HELD, REFUSED
from casework.texts import N_

_SAID_ONLY = (ChangeKind.TELL, ChangeKind.NUMBER)
"""What does not change what a decision rests on."""
_NOT_DONE = (HELD, REFUSED)
_MARK_CHARS = 16


def story_of(state: CaseState) -> str:
    """A mark that changes with everything that a decision rests on, pages apart: each step, and whether it was held or
    refused. That the county has put a step in order is nothing new to read, and comes seconds after an intake."""
    steps = "\n".join(f"{line.ref} {line.standing if line.standing in _NOT_DONE else ''}" for line in _steps(state))
    return hashlib.sha256(steps.encode()).hexdigest()[:_MARK_CHARS]


def last_step(state: CaseState) -> TimelineItem | None:
    """The newest line of the story that a decision may rest on."""
    return next(_steps(state), None)


def check_story(state: CaseState, read: str) -> None:
    """Raises BadInput where the case has moved on since it was read with this mark; "" for who decides without one."""
    if read not in ("", story_of(state)):
        what, remedy = N_("您打开以后，这件又有了新的变化，没有提交"), N_("请关闭后看最新内容，再作决定")
        raise BadInput([Problem("", what, remedy)])


def _steps(state: CaseState) -> Iterator[TimelineItem]:
    return (line for line in reversed(state.timeline) if line.kind not in _SAID_ONLY)
