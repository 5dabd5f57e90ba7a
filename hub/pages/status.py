"""The operations page: every station and how it stands, what waits, what is missing; and one station's page."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from casework import reference
from casework.errors import NotFound
from casework.policy import Act, may_ever
from casework.texts import N_
from casework.web import keys
from casework.web.case_reading import translator
from casework.web.link_words import reason_text
from casework.web.render import render, render_part
from casework.web.station_lists import station_list, view_of
from casework.web.station_signs import Today, look, today_at
from hub.metrics import PROGRAM_VERSION
from hub.station_lines import facts_of
from hub.station_page import station_page
from hub.stations import TIER_NAMES
from hub.status import read_status
from sync_protocol.messages import PROTOCOL_VERSION

PATH, STATIONS = "/status", "/stations"
_AUTHOR_DIGITS = 10


async def show_status(request: web.Request) -> web.Response:
    """GET /status?only=…&view=table&sort=…&find=…&page=N: see `casework.web.station_lists`."""
    return await render(request, "status.html", await _overview(request))


async def show_status_now(request: web.Request) -> web.Response:
    """GET /status/now, with the same query: what changes on that page, for a page that is open."""
    return render_part(request, "status_now.html", await _overview(request))


async def _overview(request: web.Request) -> dict[str, Any]:
    now = request.app[keys.CLOCK]()

    def read(conn: Connection) -> dict[str, Any]:
        status, today = read_status(conn), _today(conn, now)
        looks = [look(facts_of(line), today) for line in status.stations]
        return {
            "status": status,
            "list": station_list(looks, view_of(PATH, request.query)),
            "at_risk": sum(one.facts.alone for one in looks),
        }

    return await request.app[keys.STORE].read(read) | {"now": now, "query": request.query_string}


async def show_station(request: web.Request) -> web.Response:
    """GET /stations/{author}."""
    author, now = request.match_info["author"], request.app[keys.CLOCK]()
    if not author.isascii() or not author.isdigit() or len(author) > _AUTHOR_DIGITS:
        raise NotFound(N_("没有这个站点"))

    def read(conn: Connection) -> dict[str, Any]:
        page, today = station_page(conn, int(author), now), _today(conn, now)
        return {
            "page": page,
            "look": look(facts_of(page.line), today),
            "children": [look(facts_of(child), today) for child in page.children],
        }

    context = await request.app[keys.STORE].read(read)
    facts, person = context["look"].facts, request[keys.PERSON]
    return await render(
        request,
        "station.html",
        context
        | {
            "now": now,
            "tier_names": TIER_NAMES,
            "error_words": reason_text(facts.error, translator(request)) if facts.error else "",
            "may_settle": may_ever(person.role, Act.SETTLE_HELD),
            "may_invite": may_ever(person.role, Act.INVITE),
        },
    )


def _today(conn: Connection, now: int) -> Today:
    return today_at(now, reference.calendar(conn), PROGRAM_VERSION, PROTOCOL_VERSION)
