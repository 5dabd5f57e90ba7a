"""Cases as the lines of a queue: whose, what about, and which clock runs out when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row

from casework import reference
from casework.case_log import CaseLog
from casework.deadlines import Clock, clocks, most_urgent
from casework.fold import fold
from casework.own_rules import case_blobs
from casework.service_item import ServiceItem
from casework.view_dates import case_dates
from casework.web.case_words import CLOCK_SIGNS
from casework.workdays import Calendar

_NO_SIGN = ("●", "plain")


@dataclass(frozen=True, slots=True)
class QueueLine:
    """One case of the queue. clock: None when nothing runs. missing, pages: scans not here yet, in all. green: on the
    green channel (绿色通道)."""

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
    green: bool


@dataclass(frozen=True, slots=True)
class Queue:
    """One page of a queue; `total` as in CasePage."""

    lines: tuple[QueueLine, ...]
    total: int
    more: bool = False


class QueueReader:
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
            green=bool(state.green),
        )

    def _item(self, key: str, version: int) -> ServiceItem | None:
        if (key, version) not in self._items:
            self._items[key, version] = reference.item(self._conn, key, version)
        return self._items[key, version]
