"""A slip's QR code typed by a scanner into a search box leads to its case."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy import Connection

from casework import case_store
from casework.errors import NotFound
from casework.scan_text import Scan, scanned
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.i18n import N_
from casework.web.render import flash, redirect

_NOT_HERE = N_(
    "扫到了一张回执，但本机没有这个办件，或它不在您的查看范围内。刚收的件要等收件站点联网上报；也可以在“核验”页核对这张回执。"
)


async def landed(request: web.Request, text: str) -> web.StreamResponse | None:
    """Where a scan leads: the case, or the same list with a word about it; None for what is no scan."""
    scan = scanned(text)
    if scan is None:
        return None
    topic = await request.app[keys.STORE].read(lambda conn: _visible(conn, request, scan))
    if topic is not None:
        return redirect(f"/cases/{topic.hex()}")
    flash(request, _NOT_HERE, tone="attention")
    return redirect(request.path)


def _visible(conn: Connection, request: web.Request, scan: Scan) -> bytes | None:
    topic = case_store.by_public_code(conn, scan.code)
    if topic is None:
        return None
    try:
        request.app[DESK].view(conn, request[keys.PERSON], topic)
    except NotFound:
        return None
    return topic
