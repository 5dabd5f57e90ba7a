"""A township's first review: which cases wait for it, the one due first on top."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy import Connection

from casework.case_lists import CaseQuery
from casework.states import TOWNSHIP, State
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.desk_pages import Asked, DeskPages
from casework.web.queue_lines import Queue, QueueReader
from casework.workdays import china_day

_STATES = (State.COLLECTED, State.FIRST_REVIEW, State.ACCEPTED, State.REVIEW, State.GRANTED, State.DENIED)


def _lines(conn: Connection, request: web.Request, asked: Asked) -> Queue:
    desk, person, today = request.app[DESK], request[keys.PERSON], china_day(request.app[keys.CLOCK]())
    query = CaseQuery(tuple(state.value for state in _STATES), (TOWNSHIP,), by_due="1", page=asked.number - 1)
    page, reader = desk.find(conn, person, query), QueueReader(conn, desk.log, today)
    return Queue(tuple(reader.line(row) for row in page.rows), page.total, page.more)


REVIEW = DeskPages("/review", "review.html", _lines)
