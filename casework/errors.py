"""Errors that pages and commands show to people: what is wrong, where, and what to do next.

NotAllowed, NotFound and BadInput are the whole tree; anything else that reaches a page is our own fault.
Messages are zh-CN source strings; the page layer sends them through gettext.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from casework.texts import N_, joined, say


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in what somebody gave us: the field's key, what is wrong, and the remedy."""

    field: str
    message: str
    remedy: str = ""

    def text(self) -> str:
        return say("{message}。{remedy}", message=self.message, remedy=self.remedy) if self.remedy else self.message


TOO_LARGE = N_("这一次提交的内容太多，一条记录放不下")
TOO_LARGE_REMEDY = N_("请缩短文字，或把页数多的材料分几次提交")


class CaseworkError(Exception):
    """Base of everything a person can be told about."""


class BadInput(CaseworkError):
    """The input has one or more problems; nothing was saved and nothing that was saved is lost."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(joined(N_("；"), (p.text() for p in problems)))
        self.problems = tuple(problems)


class NotAllowed(CaseworkError):
    """The signed-in person, role or office may not do this; the message says who may."""


class NotFound(CaseworkError):
    """No such thing, or not visible to the one who asks."""
