"""What a one-page guide holds. Names of buttons and links stand in 「」, exactly as on the pages."""

from __future__ import annotations

from dataclasses import dataclass

from casework.policy import Role


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done in a day, and how. Both zh-CN source strings."""

    title: str
    how: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """What may happen, and what to do then. Both zh-CN source strings."""

    when: str
    do: str


@dataclass(frozen=True, slots=True)
class Guide:
    """The page of one role: what it is for, its day, its troubles, its keys, and whom to call."""

    role: Role
    purpose: str
    day: tuple[Step, ...]
    troubles: tuple[Trouble, ...]
    call: tuple[str, ...]
    keys: tuple[tuple[str, str], ...] = ()
