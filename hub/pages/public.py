"""The page that a citizen opens with the QR code of a slip: no signing in, no script, nobody's name.

What is asked for never reaches a log: the route is logged, not the path. A code that nobody has and one that is no
code at all get the same answer after the same look-up.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp_jinja2
from aiohttp import web
from sqlalchemy import Connection

from casework import case_store, reference
from casework.case_log import CaseLog
from casework.deadlines import clocks
from casework.hall import Hall, hall
from casework.public_code import CODE_BYTES, code_bytes, code_text
from casework.public_view import STEPS, PublicView, public_view
from casework.view_dates import case_dates
from casework.web import keys
from casework.web.attempts import address_of
from casework.web.limiter import Limiter, household
from casework.web.render import look_words
from casework.workdays import china_day
from hub.pages.keys import log_of
from hub.ratings import rating_offer
from sync_protocol.store.peers import contact

_CSS = (Path(__file__).parent.parent / "templates" / "public.css").read_text(encoding="utf-8")
_CSS_HASH = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
_ASKS, _SECONDS_EACH = 60, 1.0
_MISSES, _SECONDS_A_MISS = 20, 30.0


class Limits:
    """How often one household may ask, and how often for what is not there."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.asks = Limiter(_ASKS, _SECONDS_EACH, now)
        self.misses = Limiter(_MISSES, _SECONDS_A_MISS, now)


LIMITS: web.AppKey[Limits] = web.AppKey("public_limits")


@dataclass(frozen=True, slots=True)
class PublicCase:
    """What the page shows. station: where it was taken in; office: who decides, "" where that is not known. heard:
    when that station was last heard (unix seconds, 0 for never). may_rate: whether a stage is over and not rated."""

    view: PublicView
    station: str
    office: str
    heard: int
    may_rate: bool


def public_case(conn: Connection, log: CaseLog, code: bytes, now: int) -> PublicCase | None:
    """The case that a code stands for, None where there is none."""
    topic = case_store.by_public_code(conn, code)
    found = case_store.load(conn, log, topic) if topic is not None else None
    if topic is None or found is None:
        return None
    home, state = found
    item = reference.item(conn, state.item, state.version)
    today, calendar = china_day(now), reference.calendar(conn)
    shown = clocks(case_dates(state), item, calendar, today) if item and state.state else ()
    return PublicCase(
        public_view(state, shown),
        reference.region_name(conn, log.region_of(conn, home)),
        state.office or (item.office if item else ""),
        contact(conn, home)[0],
        bool(rating_offer(conn, log, topic, now)),
    )


def asked_code(text: str) -> bytes:
    """What a path asks for. What is no code becomes one that nobody has, so that it is looked up all the same."""
    return code_bytes(text) or hashlib.sha256(text.encode("utf-8", "replace")).digest()[:CODE_BYTES]


def household_of(request: web.Request) -> str:
    return household(address_of(request))


def too_many(request: web.Request) -> web.Response | None:
    """The answer to who asks too often, whatever is asked for; None to who may ask."""
    limits, who = request.app[LIMITS], household_of(request)
    if limits.misses.empty(who):
        return _page(request, 429, wait=limits.misses.wait())
    if not limits.asks.allow(who):
        return _page(request, 429, wait=limits.asks.wait())
    return None


async def show_public(request: web.Request) -> web.Response:
    """GET /q/{code}."""
    refusal = too_many(request)
    if refusal is not None:
        return refusal
    code, log, now = asked_code(request.match_info["code"]), log_of(request), request.app[keys.CLOCK]()

    def read(conn: Connection) -> tuple[PublicCase | None, Hall]:
        return public_case(conn, log, code, now), hall(conn)

    case, said = await request.app[keys.STORE].read(read)
    if case is None:
        return not_there(request, said)
    return _page(request, 200, case=case, said=said, code=code_text(code))


async def ask_code(request: web.Request) -> web.Response:
    """GET /q?code=TEXT: for whoever has the paper and no camera; on to the page of what was typed."""
    if "code" in request.query:
        typed = "".join(request.query["code"].split()).replace("-", "")
        raise web.HTTPSeeOther(f"/q/{typed if code_bytes(typed) else '-'}")
    return _page(request, 200, said=await request.app[keys.STORE].read(hall))


def not_there(request: web.Request, said: Hall) -> web.Response:
    """The one answer to every code that is not there."""
    request.app[LIMITS].misses.allow(household_of(request))
    return _page(request, 404, said=said, missing=True)


def _page(
    request: web.Request,
    status: int,
    *,
    case: PublicCase | None = None,
    said: Hall | None = None,
    missing: bool = False,
    wait: int = 0,
    code: str = "",
) -> web.Response:
    now = request.app[keys.CLOCK]()
    context: dict[str, object] = {"case": case, "hall": said or Hall(), "missing": missing, "wait": wait, "now": now}
    context |= {"code": code, "css": _CSS, "steps": STEPS, "site": request.app[keys.SITE]}
    response = aiohttp_jinja2.render_template("public.html", request, look_words(request) | context, status=status)
    response.headers.update(_HEADERS)
    if wait:
        response.headers["Retry-After"] = str(wait)
    response.enable_compression()
    return response
