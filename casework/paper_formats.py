"""The kinds of paper that papers are drawn for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of paper: width, height (0: as long as it gets), margins, the size of plain type; stacked: too narrow for
    tables, whose rows become lines."""

    name: str
    width: float
    height: float
    margin: float
    size: float
    stacked: bool


A4 = Format("a4", 210, 297, 16, 11, stacked=False)
ROLL = Format("80", 80, 0, 4, 11, stacked=True)
"""Rolls of 80 mm, of which printers reach 72."""
FORMATS: Mapping[str, Format] = {A4.name: A4, ROLL.name: ROLL}
