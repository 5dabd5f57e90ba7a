"""Going on with a fold inside one write: what was folded to judge a case need not be folded again to show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from casework.fold import CaseState
from casework.journal import Change

_Mark = tuple[str, str, str, bool]


class Folding:
    """A state, and which changes made it."""

    def __init__(self) -> None:
        self.state = CaseState()
        self._marks: list[_Mark] = []

    def take(self, change: Change, *, checked: bool = False) -> None:
        """Apply one more change; see `CaseState.apply`."""
        self.state.apply(change, checked=checked)
        self._marks.append(_mark(change))

    def begins(self, marks: Sequence[_Mark]) -> bool:
        """Whether the changes with these marks begin with those that were taken."""
        return marks[: len(self._marks)] == self._marks

    @property
    def taken(self) -> int:
        return len(self._marks)


def _mark(change: Change) -> _Mark:
    """All of a change that its log may say differently the next time."""
    return change.ref, change.standing, change.code, change.body is None


def fold_on(memory: dict[Any, Any], topic: bytes, changes: Sequence[Change]) -> Folding:
    """The fold of exactly these changes, going on from what `memory` holds of the topic where that is a part of it.

    `memory` lives as long as one write (`CaseLog.memory`).
    """
    folding: Folding | None = memory.get(("fold", topic))
    if folding is None or not folding.begins([_mark(change) for change in changes]):
        folding = memory["fold", topic] = Folding()
    for change in changes[folding.taken :]:
        folding.take(change)
    return folding
