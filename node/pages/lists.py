"""What is still on its way up, and how this station stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from casework import reference
from casework.case_tables import calendar_year
from casework.changes import ChangeKind
from casework.desk import Desk
from casework.policy import Act, case_scope, may_ever
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.case_reading import translator
from casework.web.render import render, render_part
from node import outgoing
from node.keeping_words import words
from node.pages.case_lines import CaseLine, case_lines
from node.pages.page_keys import SITUATION, SYNC_STATUS
from node.sync_status import headline, remedy_text, sync_bar, sync_text
from node.waiting_words import Waiting, next_step


async def show_outbox(request: web.Request) -> web.Response:
    """GET /outbox: every case that is not settled yet, each with how far it is and why."""
    desk, person, _ = request.app[DESK], request[keys.PERSON], translator(request)

    def read(conn: Connection) -> list[CaseLine]:
        rows = outgoing.outgoing(conn, case_scope(person), desk.log.author)
        return case_lines(conn, desk, rows, _)

    lines = await request.app[keys.STORE].read(read)
    status, now = await request.app[SYNC_STATUS](), request.app[keys.CLOCK]()
    may_carry = may_ever(person.role, Act.COURIER)

    def told(line: CaseLine) -> CaseLine:
        waiting = Waiting(line.row.trouble, line.held, line.row.changed, line.path)
        step = next_step(waiting, status, now, may_carry=may_carry, _=_)
        return replace(line, step=step, trouble=None)  # the step says the trouble

    lines = [told(line) for line in lines]
    context = {
        "lines": lines,
        "stuck": sum(1 for line in lines if line.row.trouble),
        "most": outgoing.OUTBOX_ROWS,
        "sync_words": sync_text(status, now, _),
        "may_carry": may_carry,
    }
    return await render(request, "outbox.html", context)


async def show_status(request: web.Request) -> web.Response:
    """GET /status: the line to the parent, what is safe, who this station is, and how old what it works by is."""
    desk = request.app[DESK]
    station = await request.app[keys.STORE].read(lambda conn: _station(conn, desk))
    return await render(request, "status.html", await _now(request) | {"station": station})


async def show_status_now(request: web.Request) -> web.Response:
    """GET /status/now: what changes on that page, for a page that is open."""
    return render_part(request, "status_now.html", await _now(request))


async def _now(request: web.Request) -> dict[str, Any]:
    _, now = translator(request), request.app[keys.CLOCK]()
    status, situation = await request.app[SYNC_STATUS](), await request.app[SITUATION]()
    return {
        "status": status,
        "headline": headline(status, _),
        "tone": sync_bar(status, now).tone,
        "remedy": remedy_text(status, now, _),
        "kept": words(situation, status, now, _),
        "may_carry": may_ever(request[keys.PERSON].role, Act.COURIER),
        "at": now,
    }


def _station(conn: Connection, desk: Desk) -> dict[str, Any]:
    author = desk.log.author
    region = desk.log.region_of(conn, author)
    kinds = (int(ChangeKind.CATALOGUE_ITEM), int(ChangeKind.CALENDAR_YEAR))
    came = outgoing.reference_times(conn, kinds)
    calendar = reference.calendar(conn)
    years = [row.year for row in conn.execute(calendar_year.select().order_by(calendar_year.c.year))]
    return {
        "author": author,
        "region": region,
        "name": reference.region_name(conn, region),
        "tier": desk.log.tier_of(conn, author),
        "items": len(reference.items(conn)),
        "unread_items": outgoing.unread_items(conn),
        "items_at": came.get(kinds[0], 0),
        "calendar_at": came.get(kinds[1], 0),
        "years": [(year, calendar.is_provisional(year)) for year in years],
    }
