"""The queue page: what the county holds now, and what is on its way to it."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy import Connection

from casework.states import STATE_NAMES, State
from casework.web import keys
from casework.web.render import render
from casework.workdays import china_day
from hub.pages.keys import log_of
from hub.queue import HELD_BY_COUNTY, Queue, coming, queue, waiting_states


async def show_queue(request: web.Request) -> web.Response:
    """GET /queue?state=STATE or /queue?view=coming."""
    person, log, now = request[keys.PERSON], log_of(request), request.app[keys.CLOCK]()
    states = waiting_states(person.role) or HELD_BY_COUNTY
    chosen = request.query.get("state", "")
    chosen = chosen if chosen in states else ""
    on_the_way = request.query.get("view") == "coming"

    def read(conn: Connection) -> Queue:
        today = china_day(now)
        if on_the_way:
            return coming(conn, log, person, today)
        return queue(conn, log, person, (chosen,) if chosen else states, today)

    found = await request.app[keys.STORE].read(read)
    context = {
        "queue": found,
        "chosen": chosen,
        "on_the_way": on_the_way,
        "states": [(state, STATE_NAMES[State(state)]) for state in states],
    }
    return await render(request, "queue.html", context)
