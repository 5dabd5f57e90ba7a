"""The approver's desk: which cases its queue lists."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from casework.policy import Act, may_ever
from casework.states import STATE_NAMES, State
from casework.web import keys
from casework.web.desk_pages import Asked, DeskPages
from casework.web.queue_lines import Queue
from casework.workdays import china_day
from hub.pages.keys import log_of
from hub.queue import HELD_BY_COUNTY, asked, coming, queue, waiting_states

_VIEWS = ("coming", "asked")


def _states(request: web.Request) -> tuple[str, ...]:
    return waiting_states(request[keys.PERSON].role) or HELD_BY_COUNTY


def _filters(request: web.Request) -> dict[str, str]:
    """state: one of those that the person decides in; view: coming (still below), asked (opinions of departments)."""
    state, view = request.query.get("state", ""), request.query.get("view", "")
    return {"state": state if state in _states(request) else "", "view": view if view in _VIEWS else ""}


def _lines(conn: Connection, request: web.Request, wanted: Asked) -> Queue:
    person, log, today = request[keys.PERSON], log_of(request), china_day(request.app[keys.CLOCK]())
    state, view = wanted.filters["state"], wanted.filters["view"]
    if view == "asked":
        return asked(conn, log, person, today, wanted.number - 1)
    if view == "coming":
        return coming(conn, log, person, today, wanted.number - 1)
    return queue(conn, log, person, (state,) if state else _states(request), today, wanted.number - 1)


def _context(request: web.Request) -> dict[str, Any]:
    person = request[keys.PERSON]
    return {
        "answers": person.office and may_ever(person.role, Act.PART_ANSWER),
        "states": [(state, STATE_NAMES[State(state)]) for state in _states(request)],
    }


QUEUE = DeskPages("/queue", "queue.html", _lines, _filters, _context)
