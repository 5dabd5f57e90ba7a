"""Whom this station has to call or to visit, about what, and what to say."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from sqlalchemy import Connection

from casework import case_store, reference
from casework.desk import Desk
from casework.telling_lists import count_to_tell, speaker, to_tell
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.case_pages import page_number
from casework.web.case_reading import translator
from casework.web.render import render
from casework.web.telling_pages import WAYS, Callee, TellingBox, boxes, callees
from casework.workdays import china_day


@dataclass(frozen=True, slots=True)
class ToldCase:
    """A case on the list: its address, its item, whom to call and what to say."""

    path: str
    item: str
    callees: list[Callee]
    boxes: list[TellingBox]


async def show_tell(request: web.Request) -> web.Response:
    """GET /tell?page=N."""
    desk, _, now = request.app[DESK], translator(request), request.app[keys.CLOCK]()
    number = page_number(request.query.get("page", "1"))

    def read(conn: Connection) -> tuple[list[ToldCase], bool, int]:
        found = to_tell(conn, desk.log.author, number - 1)
        region = desk.log.region_of(conn, desk.log.author)
        by, calendar = speaker(conn, reference.region_name(conn, region)), reference.calendar(conn)
        told = []
        for row in found.rows:
            loaded = case_store.load(conn, desk.log, row.topic)
            assert loaded is not None
            state, item = loaded[1], reference.item(conn, loaded[1].item, loaded[1].version)
            name = item.name if item else state.item
            said = boxes(state, name, by, calendar, china_day(now), _)
            told.append(ToldCase(f"/cases/{row.topic.hex()}", name, callees(state), said))
        return told, found.more, count_to_tell(conn, desk.log.author)

    cases, more, count = await request.app[keys.STORE].read(read)
    context = {
        "cases": cases,
        "count": count,
        "ways": list(WAYS.items()),
        "newer": f"/tell?page={number - 1}" if number > 1 else "",
        "older": f"/tell?page={number + 1}" if more else "",
    }
    return await render(request, "tell.html", context)


def waiting(conn: Connection, desk: Desk) -> int:
    """How many of this station's cases have something to tell."""
    return count_to_tell(conn, desk.log.author)
