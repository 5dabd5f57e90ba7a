"""A case as one line of a list at the node: its row, its custody in words, and why it is stuck if it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import case_store
from casework.desk import Desk
from casework.own_rules import resting_blobs
from casework.projector import office_of
from casework.refusals import Explanation, explain
from casework.web.custody_words import custody_text


@dataclass(frozen=True, slots=True)
class CaseLine:
    """`trouble` is None for a case that nothing holds up."""

    row: sa.Row[Any]
    custody: str
    trouble: Explanation | None


def case_lines(conn: Connection, desk: Desk, rows: Sequence[sa.Row[Any]], _: Callable[[str], str]) -> list[CaseLine]:
    return [_line(conn, desk, row, _) for row in rows]


def _line(conn: Connection, desk: Desk, row: sa.Row[Any], _: Callable[[str], str]) -> CaseLine:
    found = case_store.load(conn, desk.log, row.topic)
    said = ""
    if found is not None:
        home, state = found
        custody = desk.log.custody(conn, home, row.topic, resting_blobs(state))
        said = custody_text(custody, state, office_of(desk.log, home), _)
    return CaseLine(row, said, explain(row.trouble) if row.trouble else None)
