"""A case as one line of a list at the node: its row, its custody in words, why it is stuck if it is, what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import case_store
from casework.case_log import Custody
from casework.desk import Desk
from casework.own_rules import resting_blobs
from casework.projector import office_of
from casework.refusals import Explanation, explain
from casework.web.custody_words import custody_text
from node.waiting_words import NextStep


@dataclass(frozen=True, slots=True)
class CaseLine:
    """`trouble` is None for a case that nothing holds up; `step` is what to do about it where the list says so."""

    row: sa.Row[Any]
    custody: str
    trouble: Explanation | None
    held: Custody | None = None
    step: NextStep | None = None

    @property
    def path(self) -> str:
        return f"/cases/{self.row.topic.hex()}"

    def doing(self, label: str, address: str, why: str = "") -> CaseLine:
        """The line with one thing to do; the address follows the case's own."""
        return replace(self, step=NextStep(why, label, self.path + address))


def case_lines(conn: Connection, desk: Desk, rows: Sequence[sa.Row[Any]], _: Callable[[str], str]) -> list[CaseLine]:
    return [_line(conn, desk, row, _) for row in rows]


def _line(conn: Connection, desk: Desk, row: sa.Row[Any], _: Callable[[str], str]) -> CaseLine:
    found = case_store.load(conn, desk.log, row.topic)
    said, custody = "", None
    if found is not None:
        home, state = found
        custody = desk.log.custody(conn, home, row.topic, resting_blobs(state))
        said = custody_text(custody, state, office_of(desk.log, home), _)
    return CaseLine(row, said, explain(row.trouble) if row.trouble else None, custody)
