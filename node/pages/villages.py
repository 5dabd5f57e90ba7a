"""The stations below a township: a grid, and a page for each."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from casework.errors import NotFound
from casework.policy import Act, may_ever
from casework.texts import N_
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.case_reading import translator
from casework.web.link_words import reason_text
from casework.web.render import render, render_part
from casework.web.station_lists import station_list, view_of
from casework.web.station_signs import look
from node.pages.case_lines import case_lines
from node.village_lines import today, village_page, villages

PATH = "/villages"
_AUTHOR_DIGITS = 10


async def show_villages(request: web.Request) -> web.Response:
    """GET /villages?only=…&view=table&sort=…&find=…: see `casework.web.station_lists`."""
    return await render(request, "villages.html", await _overview(request))


async def show_villages_now(request: web.Request) -> web.Response:
    """GET /villages/now, with the same query: what changes on that page, for a page that is open."""
    return render_part(request, "villages_now.html", await _overview(request))


async def _overview(request: web.Request) -> dict[str, Any]:
    me, now = request.app[DESK].log.author, request.app[keys.CLOCK]()

    def read(conn: Connection) -> dict[str, Any]:
        against = today(conn, now)
        looks = [look(facts, against) for facts in villages(conn, me, now)]
        return {
            "list": station_list(looks, view_of(PATH, request.query)),
            "at_risk": sum(one.facts.alone for one in looks),
            "near": sum(one.facts.near for one in looks),
        }

    found = await request.app[keys.STORE].read(read)
    return found | {"now": now, "query": request.query_string} | _rights(request)


async def show_village(request: web.Request) -> web.Response:
    """GET /villages/{author}."""
    author, now = request.match_info["author"], request.app[keys.CLOCK]()
    desk, _ = request.app[DESK], translator(request)
    if not author.isascii() or not author.isdigit() or len(author) > _AUTHOR_DIGITS:
        raise NotFound(N_("没有这个站点"))

    def read(conn: Connection) -> dict[str, Any]:
        page = village_page(conn, desk.log.author, int(author), now)
        return {
            "page": page,
            "look": look(page.facts, today(conn, now)),
            "troubled": case_lines(conn, desk, page.troubled, _),
            "newest": case_lines(conn, desk, page.newest, _),
        }

    context = await request.app[keys.STORE].read(read)
    error = context["look"].facts.error
    words = {"now": now, "error_words": reason_text(error, _) if error else ""}
    return await render(request, "village.html", context | words | _rights(request))


def _rights(request: web.Request) -> dict[str, Any]:
    role = request[keys.PERSON].role
    return {"may_carry": may_ever(role, Act.COURIER), "may_list": may_ever(role, Act.LIST_CASES)}
