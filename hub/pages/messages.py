"""How the outbox of text messages stands, and another try for what was given up. No text, no whole number."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy import Connection

from casework.errors import NotFound
from casework.message_words import masked
from casework.telling import TOLD_ABOUT
from casework.web import keys
from casework.web.case_pages import page_number
from casework.web.i18n import N_
from casework.web.render import flash, redirect, render
from hub.messages import COUNT_MAX, STATE_NAMES, WAITING, failures, outbox, send_again

_DIGITS_MAX = 15


async def show_messages(request: web.Request) -> web.Response:
    """GET /messages?page=N."""
    number = page_number(request.query.get("page", "1"))
    store = request.app[keys.STORE]
    state = await store.read(outbox)
    rows, more = await store.read(lambda conn: failures(conn, number - 1))
    context = {
        "counts": [(name, count_text(state.counts[key])) for key, name in STATE_NAMES.items()],
        "waiting": state.counts[WAITING],
        "oldest": state.oldest,
        "rows": rows,
        "about": TOLD_ABOUT,
        "masked": masked,
        "newer": f"/messages?page={number - 1}" if number > 1 else "",
        "older": f"/messages?page={number + 1}" if more else "",
    }
    return await render(request, "messages.html", context)


def count_text(count: int) -> str:
    """A count as the page shows it."""
    return str(count) if count < COUNT_MAX else f"{COUNT_MAX - 1}+"


async def try_again(request: web.Request) -> web.Response:
    """POST /messages/{id}/again."""
    text = request.match_info["id"]
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
        raise NotFound(N_("没有这条短信"))
    now = request.app[keys.CLOCK]()

    def write(conn: Connection) -> bool:
        return send_again(conn, int(text), now)

    if await request.app[keys.STORE].write(write):
        flash(request, N_("已重新排队，稍后再看结果。"))
    else:
        flash(request, N_("这条短信已经重新排队或已发出。"), tone="attention")
    return redirect("/messages")
