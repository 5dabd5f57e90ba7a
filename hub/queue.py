"""The county's queue: cases that wait for somebody here, the one due first on top."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row

from casework import case_store, reference
from casework.case_log import CaseLog
from casework.case_store import PAGE_ROWS, CaseQuery
from casework.deadlines import Clock, clocks, most_urgent
from casework.fold import fold
from casework.own_rules import case_blobs
from casework.policy import Person, Role, act_for, case_scope, may_ever
from casework.service_item import ServiceItem
from casework.states import COUNTY, HOME, TABLE, TOWNSHIP, State
from casework.view_dates import case_dates
from casework.web.case_words import CLOCK_SIGNS
from casework.workdays import Calendar

QUEUE_MAX = 200
"""Clocks are computed, not stored, so a queue is folded to be sorted: this bounds the work of one page."""
_S = State
HELD_BY_COUNTY = (_S.COLLECTED, _S.FIRST_REVIEW, _S.ACCEPTED, _S.REVIEW, _S.GRANTED, _S.DENIED)
ON_THE_WAY = (_S.COLLECTED, _S.FIRST_REVIEW, _S.SUPPLEMENT_ASKED)
_NO_SIGN = ("●", "plain")


@dataclass(frozen=True, slots=True)
class QueueLine:
    """One case of the queue. clock: None when nothing runs. missing, pages: scans not here yet, scans in all."""

    topic: str
    name: str
    item_name: str
    state: str
    home_name: str
    case_no: str
    code: str
    clock: Clock | None
    sign: str
    tone: str
    missing: int
    pages: int
    trouble: str


@dataclass(frozen=True, slots=True)
class Queue:
    """`more`: how many cases of the queue are not listed."""

    lines: tuple[QueueLine, ...]
    more: int


def waiting_states(role: Role) -> tuple[str, ...]:
    """The states in which a case held by the county waits for this role, in the state table's order."""
    found = [
        state.value
        for row in TABLE
        for state in row.sources
        if state is not None and (act := act_for(row.kind)) is not None and may_ever(role, act)
    ]
    return tuple(dict.fromkeys(found))


def queue(conn: Connection, log: CaseLog, person: Person, states: tuple[str, ...], today: date) -> Queue:
    """Cases inside the person's reach that the county holds in one of these states, soonest due first."""
    if not states:
        return Queue((), 0)
    return _queue(conn, log, person, CaseQuery(states, (COUNTY,)), today)


def coming(conn: Connection, log: CaseLog, person: Person, today: date) -> Queue:
    """Cases that the county will decide and that still lie with the station or its township."""
    return _queue(conn, log, person, CaseQuery(ON_THE_WAY, (HOME, TOWNSHIP), deciding=COUNTY), today)


def _queue(conn: Connection, log: CaseLog, person: Person, query: CaseQuery, today: date) -> Queue:
    rows, total = _rows(conn, person, query)
    view = _View(conn, log, today)
    lines = sorted((view.line(row) for row in rows), key=_due)
    return Queue(tuple(lines), total - len(lines))


def _rows(conn: Connection, person: Person, query: CaseQuery) -> tuple[list[Row[Any]], int]:
    rows: list[Row[Any]] = []
    total = 0
    scope = case_scope(person)
    for page in range(QUEUE_MAX // PAGE_ROWS):
        found = case_store.find(conn, scope, replace(query, oldest_first="1", page=page))
        rows.extend(found.rows)
        total = found.total
        if not found.more:
            break
    return rows, total


def _due(line: QueueLine) -> tuple[bool, date, str]:
    due = line.clock.due if line.clock else None
    return due is None, due or date.max, line.topic


class _View:
    """Looks up what many cases share once."""

    def __init__(self, conn: Connection, log: CaseLog, today: date) -> None:
        self._conn = conn
        self._log = log
        self._today = today
        self._calendar: Calendar = reference.calendar(conn)
        self._items: dict[tuple[str, int], ServiceItem | None] = {}

    def line(self, row: Row[Any]) -> QueueLine:
        state = fold(self._log.changes(self._conn, row.home, row.topic))
        item = self._item(row.item, row.version)
        clock = most_urgent(clocks(case_dates(state), item, self._calendar, self._today)) if item else None
        sign, tone = CLOCK_SIGNS.get(clock.word, _NO_SIGN) if clock else _NO_SIGN
        blobs = case_blobs(state)
        return QueueLine(
            topic=row.topic.hex(),
            name=row.name,
            item_name=row.item_name,
            state=row.state,
            home_name=reference.region_name(self._conn, row.home_region),
            case_no=row.case_no,
            code=row.code,
            clock=clock,
            sign=sign,
            tone=tone,
            missing=sum(not self._log.holds(one) for one in blobs),
            pages=len(blobs),
            trouble=row.trouble,
        )

    def _item(self, key: str, version: int) -> ServiceItem | None:
        if (key, version) not in self._items:
            self._items[key, version] = reference.item(self._conn, key, version)
        return self._items[key, version]
