"""Rows of cases for lists and searches, made anew from the fold whenever a case's changes change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import facts_store, reference
from casework.case_lists import asked_offices
from casework.case_log import CaseLog
from casework.case_tables import case_row, case_term
from casework.changes import ChangeKind, check_blobs, check_body
from casework.deadlines import NO_DUE, due_day
from casework.fold import CaseState, fold
from casework.fold_rules import RULES
from casework.journal import HELD, REFUSED, TENTATIVE, Change
from casework.lapses import lapse_day
from casework.public_code import code_digest
from casework.search_terms import terms_of
from casework.states import deciding_office
from casework.tables import storable
from casework.telling import tell_column
from casework.view_dates import case_dates

_C, _T = case_row.c, case_term.c


def load(conn: Connection, log: CaseLog, topic: bytes) -> tuple[int, CaseState] | None:
    """The case's home and its state as shown, or None when nothing of it is held here."""
    home = log.home_of(conn, topic)
    if home is None:
        return None
    return home, fold(log.changes(conn, home, topic))


def row_of(
    conn: Connection,
    log: CaseLog,
    home: int,
    topic: bytes,
    state: CaseState,
    known: reference.Once,
    public: bytes = b"",
) -> dict[str, Any]:
    """The row that says what `state` says; pure but for the reference data. `public`: the digest of its public code
    where the row had it, because the key of a case is slow to open.

    While no 收件 counts, the row is named after the one that is held or was refused: its station must find it again
    by name, code and the caller's own ref.
    """
    named = state if state.state is not None else _claimed(log.changes(conn, home, topic))
    item = known.item(conn, named.item, named.version)
    row = {
        "topic": topic,
        "home": home,
        "home_region": log.region_of(conn, home),
        "item": named.item,
        "version": named.version,
        "item_name": item.name if item else named.item,
        "office": state.office or (item.office if item else ""),
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
        "changed": max((line.time for line in state.timeline if line.kind != ChangeKind.TELL), default=0),
        "accepted": state.accepted_at or 0,
        "due": due_day(case_dates(state), item, known.calendar(conn)) if item and state.state else NO_DUE,
        "lapse_day": lapse_day(state, item, known.calendar(conn)) if item else NO_DUE,
        "asked": asked_offices(part.office for part in state.open_parts),
        "public": public or _public(conn, log, home, topic),
        "tell": tell_column(state),
    }
    return {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}


def _public(conn: Connection, log: CaseLog, home: int, topic: bytes) -> bytes:
    code = log.public_code(conn, home, topic)
    return b"" if code is None else code_digest(code)


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
    (
        "state",
        "holder",
        "deciding",
        "unsettled",
        "trouble",
        "case_no",
        "changed",
        "accepted",
        "due",
        "lapse_day",
        "asked",
        "tell",
    ),
)
"""Columns that change while a case goes its way; the others hardly ever do after 收件."""


def _update(columns: Iterable[str]) -> sa.Update:
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in columns}
    return sa.update(case_row).where(_C.topic == sa.bindparam("new_topic")).values(values)


def _insert(table: sa.Table) -> sa.Insert:
    return sa.insert(table).values({column.name: sa.bindparam(column.name) for column in table.c})


_NEW = _insert(case_row)
_MOVE = _update(sorted(_MOVING))
_REPLACE = _update(column.name for column in case_row.c if column.name != "topic")
_KNOWN = sa.select(case_row).where(_C.topic.in_(sa.bindparam("topics", expanding=True)))
_ROWS_AT_ONCE = 200


def refresh(conn: Connection, log: CaseLog, home: int, states: Mapping[bytes, CaseState]) -> None:
    """Write the rows of cases of one home; what is right already is left alone."""
    topics = list(states)
    reference_data = reference.once(log.memory(conn))
    new: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    replaced: list[dict[str, Any]] = []
    terms = _Terms()
    for at in range(0, len(topics), _ROWS_AT_ONCE):
        some = topics[at : at + _ROWS_AT_ONCE]
        known = {row.topic: row._mapping for row in conn.execute(_KNOWN, {"topics": some})}
        for topic in some:
            public = known[topic]["public"] if topic in known and states[topic].state is not None else b""
            values = row_of(conn, log, home, topic, states[topic], reference_data, public)
            if topic not in known:
                new.append(values)
                terms.move({}, values)
            elif changed := {name for name, value in values.items() if known[topic][name] != value}:
                row = {f"new_{name}": value for name, value in values.items()}
                (moved if changed <= _MOVING else replaced).append(row)
                if not changed.isdisjoint(_FOUND_BY):
                    terms.move(dict(known[topic]), values)
        if facts_store.kept_by(log):
            some_states = {topic: states[topic] for topic in some}
            facts_store.refresh(conn, log, some_states, log.region_of(conn, home), reference_data)
    for statement, rows in ((_NEW, new), (_MOVE, moved), (_REPLACE, replaced)):
        if rows:
            log.run_many(conn, statement, rows)
    terms.write(partial(log.run_many, conn))


def refresh_due(conn: Connection, log: CaseLog, year: int) -> None:
    """Reckon anew, because a year's calendar has changed, for all cases with a clock that runs; and at the county for
    those that are over and are counted by it."""
    _refresh_all(conn, log, sa.select(_C.home, _C.topic).where(_C.due != NO_DUE))
    if facts_store.kept_by(log):
        _refresh_all(conn, log, facts_store.reckoned_in(year))


def _refresh_all(conn: Connection, log: CaseLog, cases: sa.Select[Any]) -> None:
    query, after = cases.where(_C.topic > sa.bindparam("after")).order_by(_C.topic).limit(_ROWS_AT_ONCE), b""
    while rows := conn.execute(query, {"after": after}).all():
        by_home: dict[int, list[bytes]] = {}
        for row in rows:
            by_home.setdefault(row.home, []).append(row.topic)
        log.lock(conn, by_home)  # else a row could be written as its case was before another hub process moved it
        for home, topics in by_home.items():
            changes = log.changes_of(conn, home, topics)
            refresh(conn, log, home, {topic: fold(changes[topic]) for topic in topics})
        after = rows[-1].topic


def write_row(conn: Connection, values: Mapping[str, Any]) -> None:
    """Put a row in the place of the one that the case has, or make its first."""
    if conn.execute(sa.update(case_row).where(_C.topic == values["topic"]).values(**values)).rowcount == 0:
        conn.execute(sa.insert(case_row).values(**values))


def write_terms(conn: Connection) -> None:
    """Make anew by what cases are found, from all their rows."""
    conn.execute(sa.delete(case_term))
    after = b""
    query = sa.select(case_row).where(_C.topic > sa.bindparam("after")).order_by(_C.topic).limit(_ROWS_AT_ONCE)
    while rows := conn.execute(query, {"after": after}).all():
        terms = _Terms()
        for row in rows:
            terms.move({}, row._asdict())
        terms.write(conn.execute)
        after = rows[-1].topic


_FOUND_BY = frozenset(("name", "id_number", "code", "case_no", "received"))


def terms_of_row(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of `case_term` that belong to a row of `case_row`."""
    for term in sorted(terms_of(row["name"], (row["id_number"], row["code"], row["case_no"]))):
        yield {"term": term, "received": row["received"], "topic": row["topic"]}


class _Terms:
    """What is to be written so that cases are found by what their rows say now."""

    _INSERT = _insert(case_term)
    _DELETE = sa.delete(case_term).where(
        _T.term == sa.bindparam("old_term"),
        _T.received == sa.bindparam("old_received"),
        _T.topic == sa.bindparam("old_topic"),
    )

    def __init__(self) -> None:
        self._new: list[dict[str, Any]] = []
        self._gone: list[dict[str, Any]] = []

    def move(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        """From the row a case had, empty where it had none, to the one it has."""
        old = list(terms_of_row(before)) if before else []
        new = list(terms_of_row(now))
        self._gone += [{f"old_{name}": value for name, value in row.items()} for row in old if row not in new]
        self._new += [row for row in new if row not in old]

    def write(self, run: Callable[[Any, list[dict[str, Any]]], object]) -> None:
        for statement, rows in ((self._DELETE, self._gone), (self._INSERT, self._new)):
            if rows:
                run(statement, rows)


def same_person(conn: Connection, id_number: str, item: str) -> list[sa.Row[Any]]:
    """Open cases of the same person for the same item, newest first: a warning at the window, no bar."""
    over = ("withdrawn", "refused_acceptance", "delivered", "archived", "")
    return list(
        conn.execute(
            sa.select(case_row)
            .where(_C.id_number == id_number, _C.item == item, _C.state.not_in(over), _C.id_number != "")
            .order_by(_C.changed.desc())
            .limit(5)
        )
    )


def by_public_code(conn: Connection, code: bytes) -> bytes | None:
    """The case that 16 bytes from a slip stand for, where it is known here."""
    return conn.execute(_BY_PUBLIC, {"public": code_digest(code)}).scalar()


_BY_PUBLIC = sa.select(_C.topic).where(_C.public == sa.bindparam("public")).limit(1)


def by_ref(conn: Connection, home: int, ref: str) -> bytes | None:
    """The case that a caller's own key stands for."""
    return conn.execute(sa.select(_C.topic).where(_C.home == home, _C.ref == storable(ref)).limit(1)).scalar()
