"""Where a case has been, and who did what on which day: the story that supervision reads. Pure.

A day is the writer's, but no later than the one on which the county had received the entry: nobody writes today what
was read yesterday, whatever a station's clock says. One that is longer ago than `far_days` is not believed either: a
person is asked about it (clock_behind), and until then nobody is late by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from casework.changes import ChangeKind, known_kind
from casework.fold import CaseState
from casework.journal import ORDERED
from casework.states import State, holder_of, next_state, resume_after, row_for
from casework.workdays import china_day

Receipts = Mapping[str, int]
"""Entry (its ref) -> when the county received it, unix s by the hub's clock; what is missing bounds nothing."""


class Deed(NamedTuple):
    """One change that counted: by which office and account, on which day, with what free text."""

    kind: ChangeKind
    office: str
    actor: int
    day: date
    note: str


class Stay(NamedTuple):
    """The case in one state, held by one office, from a day to a day (None: it is there now)."""

    state: State
    holder: str
    since: date
    until: date | None


def believed(day: date, ref: str, receipts: Receipts, far_days: int) -> date:
    """The day that is said of an entry, as far as it can be believed."""
    came = china_day(receipts[ref]) if ref in receipts else day
    return came if day > came or (came - day).days > far_days else day


def deeds(state: CaseState, receipts: Receipts, far_days: int) -> tuple[Deed, ...]:
    """What counted in the case, in its order; what is not ordered is left out."""
    found = []
    for line in state.timeline:
        kind = known_kind(line.kind)
        if kind is not None and line.applied and line.standing == ORDERED:
            day = believed(china_day(line.time), line.ref, receipts, far_days)
            found.append(Deed(kind, line.office, line.actor, day, line.note))
    return tuple(found)


def stays(state: CaseState, done: tuple[Deed, ...]) -> tuple[Stay, ...]:
    """The states of the case one after the other, each as long as it lasted; none lasts less than nothing."""
    course, found = state.course(), list[Stay]()
    at: State | None = None
    resume: State | None = None
    for deed in done:
        row = row_for(deed.kind, at)
        if row is None:
            continue
        new = next_state(row, at, resume)
        if new is at:
            continue
        resume = resume_after(deed.kind, at, new, resume)
        day = max(deed.day, found[-1].since) if found else deed.day
        if found:
            found[-1] = found[-1]._replace(until=day)
        found.append(Stay(new, holder_of(new, course), day, None))
        at = new
    return tuple(found)
