"""Whose applicants a station has still to tell something, the longest waiting first, and by whom that is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_lists import COUNT_MAX
from casework.case_tables import case_row
from casework.hall import hall
from casework.telling import Speaker

TELL_ROWS = 20
"""Of each the whole text is shown, so that a page has fewer than a list of cases."""
_C = case_row.c
_EMPTY: sa.ColumnElement[str] = sa.literal_column("''")
"""As in the index, which is there for these rows alone."""


@dataclass(frozen=True, slots=True)
class ToTell:
    """One page of rows, and whether another follows."""

    rows: Sequence[sa.Row[Any]]
    more: bool


def to_tell(conn: Connection, home: int, page: int = 0) -> ToTell:
    """The cases of a home with something to tell, those first in which nothing has happened for longest."""
    some = sa.select(_C.topic).where(_C.home == home, _C.tell != _EMPTY).order_by(_C.changed, _C.topic)
    rows = conn.execute(some.limit(TELL_ROWS + 1).offset(page * TELL_ROWS)).all()
    return ToTell(rows[:TELL_ROWS], len(rows) > TELL_ROWS)


def count_to_tell(conn: Connection, home: int) -> int:
    """How many there are, to COUNT_MAX and no further."""
    # In the order of the index: without it SQLite may as well count through all cases of the home.
    some = sa.select(_C.topic).where(_C.home == home, _C.tell != _EMPTY).order_by(_C.changed, _C.topic)
    return int(conn.execute(sa.select(sa.func.count()).select_from(some.limit(COUNT_MAX).subquery())).scalar_one())


def speaker(conn: Connection, station: str) -> Speaker:
    """Who speaks for a station, with what the county has said of its hall."""
    said = hall(conn)
    return Speaker(station, said.name, said.phone)
