"""Rows of cases for lists and searches, made anew from the fold whenever a case's changes change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import reference
from casework.case_log import CaseLog
from casework.case_tables import case_row
from casework.changes import ChangeKind, check_blobs, check_body
from casework.fold import CaseState, fold
from casework.fold_rules import RULES
from casework.journal import HELD, REFUSED, TENTATIVE, Change
from casework.policy import CaseScope
from casework.states import deciding_office
from casework.tables import storable

PAGE_ROWS = 50
_C = case_row.c


def load(conn: Connection, log: CaseLog, topic: bytes) -> tuple[int, CaseState] | None:
    """The case's home and its state as shown, or None when nothing of it is held here."""
    home = log.home_of(conn, topic)
    if home is None:
        return None
    return home, fold(log.changes(conn, home, topic))


def row_of(
    conn: Connection, log: CaseLog, home: int, topic: bytes, state: CaseState, items: reference.Items | None = None
) -> dict[str, Any]:
    """The row that says what `state` says; pure but for names looked up, of which `items` remembers some.

    While no 收件 counts, the row is named after the one that is held or was refused: its station must find it again
    by name, code and the caller's own ref.
    """
    named = state if state.state is not None else _claimed(log.changes(conn, home, topic))
    item = reference.item_once(conn, {} if items is None else items, named.item, named.version)
    row = {
        "topic": topic,
        "home": home,
        "home_region": log.region_of(conn, home),
        "item": named.item,
        "version": named.version,
        "item_name": item.name if item else named.item,
        "office": item.office if item else "",
        "state": state.state.value if state.state else "",
        "holder": state.holder,
        "deciding": deciding_office(state.course()),
        "unsettled": int(any(line.standing == TENTATIVE for line in state.timeline)),
        "trouble": _trouble(state),
        "name": str(named.applicant.get("name", "")),
        "id_number": str(named.applicant.get("id", "")),
        "code": named.code,
        "case_no": state.case_no,
        "received": named.received,
        "ref": named.ref or "",
        "changed": max((line.time for line in state.timeline), default=0),
        "accepted": state.accepted_at or 0,
    }
    return {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}


def _claimed(changes: Sequence[Change]) -> CaseState:
    """A state, never shown, with what the first readable 收件 says of the case; nothing has moved in it."""
    claim = CaseState()
    for change in changes:
        if change.kind == ChangeKind.COLLECT and not (
            check_body(change.kind, change.body) or check_blobs(change.kind, change.body, change.blobs)
        ):
            RULES[ChangeKind.COLLECT](claim, change, change.body)
            break
    return claim


def _trouble(state: CaseState) -> str:
    """The code of the newest change that is held, or refused and not followed by a settled one of its author."""
    for line in reversed(state.timeline):
        if line.standing in (HELD, REFUSED):
            return line.code
        if line.applied:
            return ""
    return ""


_MOVING = frozenset(
    ("state", "holder", "deciding", "unsettled", "trouble", "case_no", "changed", "accepted"),
)
"""Columns that change while a case goes its way; the others hardly ever do after 收件."""


def _update(columns: Iterable[str]) -> sa.Update:
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in columns}
    return sa.update(case_row).where(_C.topic == sa.bindparam("new_topic")).values(values)


_MOVE = _update(sorted(_MOVING))
_REPLACE = _update(column.name for column in case_row.c if column.name != "topic")
_ROWS_AT_ONCE = 200


def refresh(conn: Connection, log: CaseLog, home: int, states: Mapping[bytes, CaseState]) -> None:
    """Write the rows of cases of one home; what is right already is left alone."""
    topics = list(states)
    items: reference.Items = log.memory(conn).setdefault("items", {})
    new: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    replaced: list[dict[str, Any]] = []
    for at in range(0, len(topics), _ROWS_AT_ONCE):
        some = topics[at : at + _ROWS_AT_ONCE]
        known = {row.topic: row._mapping for row in conn.execute(sa.select(case_row).where(_C.topic.in_(some)))}
        for topic in some:
            values = row_of(conn, log, home, topic, states[topic], items)
            if topic not in known:
                new.append(values)
            elif changed := {name for name, value in values.items() if known[topic][name] != value}:
                row = {f"new_{name}": value for name, value in values.items()}
                (moved if changed <= _MOVING else replaced).append(row)
    for statement, rows in ((sa.insert(case_row), new), (_MOVE, moved), (_REPLACE, replaced)):
        if rows:
            conn.execute(statement, rows)


def write_row(conn: Connection, values: dict[str, Any]) -> None:
    """Put a row in the place of the one that the case has, or make its first."""
    if conn.execute(sa.update(case_row).where(_C.topic == values["topic"]).values(**values)).rowcount == 0:
        conn.execute(sa.insert(case_row).values(**values))


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """What a list shows. `states` and `holder` narrow it; `text` is a name, a number or a code; `page` from 0."""

    states: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    deciding: str = ""
    text: str = ""
    trouble: str = ""
    oldest_first: str = ""
    page: int = 0


@dataclass(frozen=True, slots=True)
class CasePage:
    """One page of rows, and whether another follows."""

    rows: Sequence[sa.Row[Any]]
    more: bool
    total: int


def find(conn: Connection, scope: CaseScope | None, query: CaseQuery) -> CasePage:
    """Cases inside a person's scope, newest change first (or oldest first)."""
    if scope is None:
        return CasePage([], more=False, total=0)
    where = sa.and_(*_conditions(scope, query))
    order = (_C.changed, _C.topic) if query.oldest_first else (_C.changed.desc(), _C.topic)
    rows = conn.execute(
        sa.select(case_row).where(where).order_by(*order).limit(PAGE_ROWS + 1).offset(query.page * PAGE_ROWS)
    ).all()
    total = conn.execute(sa.select(sa.func.count()).select_from(case_row).where(where)).scalar_one()
    return CasePage(rows[:PAGE_ROWS], more=len(rows) > PAGE_ROWS, total=total)


def _conditions(scope: CaseScope, query: CaseQuery) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [_C.home_region.startswith(scope.region_prefix, autoescape=True)]
    if scope.office is not None:
        found.append(_C.office == scope.office)
    if query.states:
        found.append(_C.state.in_(query.states))
    if query.holders:
        found.append(_C.holder.in_(query.holders))
    if query.deciding:
        found.append(_C.deciding == query.deciding)
    if query.trouble:
        found.append(_C.trouble != "")
    text = storable(query.text).strip()
    if text:
        squeezed = text.replace("-", "").upper()
        found.append(
            sa.or_(
                _C.name.icontains(text, autoescape=True),
                _C.code == squeezed,
                _C.case_no == text,
                _C.id_number == squeezed,
                _C.item_name.icontains(text, autoescape=True),
            )
        )
    return found


def count_by_state(conn: Connection, scope: CaseScope | None) -> dict[str, int]:
    if scope is None:
        return {}
    where = sa.and_(*_conditions(scope, CaseQuery()))
    rows = conn.execute(sa.select(_C.state, sa.func.count().label("count")).where(where).group_by(_C.state))
    return {row.state: int(row[1]) for row in rows}


def same_person(conn: Connection, id_number: str, item: str) -> list[sa.Row[Any]]:
    """Open cases of the same person for the same item, newest first: a warning at the window, no bar."""
    over = ("withdrawn", "refused_acceptance", "delivered", "")
    return list(
        conn.execute(
            sa.select(case_row)
            .where(_C.id_number == id_number, _C.item == item, _C.state.not_in(over), _C.id_number != "")
            .order_by(_C.changed.desc())
            .limit(5)
        )
    )


def by_ref(conn: Connection, home: int, ref: str) -> bytes | None:
    """The case that a caller's own key stands for."""
    return conn.execute(sa.select(_C.topic).where(_C.home == home, _C.ref == storable(ref)).limit(1)).scalar()
