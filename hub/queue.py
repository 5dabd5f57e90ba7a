"""The county's queue: cases that wait for somebody here, the one due first on top."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from casework import case_lists
from casework.case_lists import CaseQuery
from casework.case_log import CaseLog
from casework.changes import ChangeKind
from casework.policy import Act, CaseScope, Person, Role, act_for, case_scope, may_ever
from casework.states import BEHIND_TIME, COUNTY, HOME, TABLE, TOWNSHIP, Move, State
from casework.web.queue_lines import Queue, QueueReader

_S = State
HELD_BY_COUNTY = (_S.COLLECTED, _S.FIRST_REVIEW, _S.ACCEPTED, _S.REVIEW, _S.GRANTED, _S.DENIED)
ON_THE_WAY = (_S.COLLECTED, _S.FIRST_REVIEW, _S.SUPPLEMENT_ASKED)
_NOT_WAITED_FOR = (ChangeKind.SEND_BACK, ChangeKind.ARCHIVE)


def waiting_states(role: Role) -> tuple[str, ...]:
    """The states in which a case held by the county waits for this role to move it, in the state table's order."""
    found = [
        state.value
        for row in TABLE
        for state in row.sources
        if row.target is not Move.STAY
        and row.route not in BEHIND_TIME
        and row.kind not in _NOT_WAITED_FOR
        and state is not None
        and (act := act_for(row.kind)) is not None
        and may_ever(role, act)
    ]
    return tuple(dict.fromkeys(found))


def queue(conn: Connection, log: CaseLog, person: Person, states: tuple[str, ...], today: date, page: int = 0) -> Queue:
    """Cases inside the person's reach that the county holds in one of these states, soonest due first."""
    if not states:
        return Queue((), 0)
    return _queue(conn, log, case_scope(person), CaseQuery(states, (COUNTY,), by_due="1", page=page), today)


def coming(conn: Connection, log: CaseLog, person: Person, today: date, page: int = 0) -> Queue:
    """Cases that the county will decide and that still lie with the station or its township."""
    query = CaseQuery(ON_THE_WAY, (HOME, TOWNSHIP), deciding=COUNTY, by_due="1", page=page)
    return _queue(conn, log, case_scope(person), query, today)


def asked(conn: Connection, log: CaseLog, person: Person, today: date, page: int = 0) -> Queue:
    """Cases of other departments that wait for an answer of this person's (并联审批), soonest due first."""
    scope = case_scope(person)
    if scope is None or not person.office or not may_ever(person.role, Act.PART_ANSWER):
        return Queue((), 0)
    wide = replace(scope, office=None)
    return _queue(conn, log, wide, CaseQuery(asked=person.office, page=page), today)


def overdue(conn: Connection, person: Person, states: tuple[str, ...], today: date) -> int:
    """How many cases of the person's queue are past their day, to COUNT_MAX and no further."""
    if not states:
        return 0
    query = CaseQuery(states, (COUNTY,), due_before=today.isoformat())
    return case_lists.find(conn, case_scope(person), query).total


def _queue(conn: Connection, log: CaseLog, scope: CaseScope | None, query: CaseQuery, today: date) -> Queue:
    found = case_lists.find(conn, scope, query)
    view = QueueReader(conn, log, today)
    return Queue(tuple(view.line(row) for row in found.rows), found.total, found.more)
