"""The queue page: what the county holds now, and what is on its way to it."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from casework.case_lists import PAGE_ROWS
from casework.policy import Act, may_ever
from casework.states import STATE_NAMES, State
from casework.web import keys
from casework.web.case_pages import page_number
from casework.web.render import render
from casework.workdays import china_day
from hub.pages.keys import log_of
from hub.queue import HELD_BY_COUNTY, Queue, asked, coming, queue, waiting_states


async def show_queue(request: web.Request) -> web.Response:
    """GET /queue?state=STATE&page=N or /queue?view=coming|asked&page=N."""
    person, log, now = request[keys.PERSON], log_of(request), request.app[keys.CLOCK]()
    states = waiting_states(person.role) or HELD_BY_COUNTY
    chosen = request.query.get("state", "")
    chosen = chosen if chosen in states else ""
    view = request.query.get("view", "")
    view = view if view in ("coming", "asked") else ""
    number = page_number(request.query.get("page", "1"))

    def read(conn: Connection) -> Queue:
        today = china_day(now)
        if view == "asked":
            return asked(conn, log, person, today, number - 1)
        if view == "coming":
            return coming(conn, log, person, today, number - 1)
        return queue(conn, log, person, (chosen,) if chosen else states, today, number - 1)

    found = await request.app[keys.STORE].read(read)
    address = partial(_address, {"state": chosen, "view": view})
    context = {
        "queue": found,
        "chosen": chosen,
        "view": view,
        "answers": person.office and may_ever(person.role, Act.PART_ANSWER),
        "first": (number - 1) * PAGE_ROWS,
        "newer": address(number - 1) if number > 1 else "",
        "older": address(number + 1) if found.more else "",
        "states": [(state, STATE_NAMES[State(state)]) for state in states],
    }
    return await render(request, "queue.html", context)


def _address(chosen: dict[str, str], page: int) -> str:
    named = {name: value for name, value in chosen.items() if value} | ({"page": str(page)} if page > 1 else {})
    return "/queue" + (f"?{urlencode(named)}" if named else "")
