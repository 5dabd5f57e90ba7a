"""YAML that people write, as plain values: one error whatever the library raises over it."""

from __future__ import annotations

from typing import Any

import yaml

_RAISED = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError, RecursionError)
"""Beside its own errors PyYAML lets through what its constructors meet: 2026-13-45, 0b_, !!bool x, deep nesting."""


class NotYaml(ValueError):
    """The text is not YAML of values that can be stored; the message names the fault."""


def plain_of(text: str) -> Any:
    """The value that the text stands for. Raises NotYaml."""
    try:
        value = yaml.safe_load(text)
    except _RAISED as error:
        raise NotYaml(f"{type(error).__name__}: {error}"[:500]) from error
    _refuse_half_characters(value)
    return value


def _refuse_half_characters(value: object) -> None:
    """A half of a surrogate pair, written as an escape, is text in Python and nowhere else."""
    waiting: list[object] = [value]
    known: set[int] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if any("\ud800" <= char <= "\udfff" for char in one):
                raise NotYaml("half of a surrogate pair")
        elif isinstance(one, dict | list) and id(one) not in known:
            known.add(id(one))
            waiting.extend([*one, *one.values()] if isinstance(one, dict) else one)
