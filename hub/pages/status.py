"""The status page: stations, what waits, what is missing, what runs here."""

from __future__ import annotations

from aiohttp import web

from casework.web import keys
from casework.web.render import render
from hub.stations import TIER_NAMES
from hub.status import read_status


async def show_status(request: web.Request) -> web.Response:
    """GET /status."""
    status = await request.app[keys.STORE].read(read_status)
    now = request.app[keys.CLOCK]()
    context = {"status": status, "now": now, "tier_names": TIER_NAMES}
    return await render(request, "status.html", context)
