"""Amounts as a person reads them. Pure; `_` translates."""

from __future__ import annotations

from collections.abc import Callable

_K = 1000


def size_text(size: int, _: Callable[[str], str] = str) -> str:
    """Bytes with two or three digits that say something."""
    if size < _K:
        return _("{n} 字节").format(n=size)
    for power, unit in ((1, "KB"), (2, "MB")):
        if size < _K ** (power + 1):
            return f"{_digits(size / _K**power)} {unit}"
    return f"{_digits(size / _K**3)} GB"


def _digits(number: float) -> str:
    return f"{number:.1f}" if number < 10 else f"{number:.0f}"
