"""«现在要原件»: whoever waits for a scan has it sent before all others."""

from __future__ import annotations

from aiohttp import web

from casework.web import keys
from casework.web.case_files import HASH_BYTES
from casework.web.case_keys import DESK
from casework.web.case_reading import hex_bytes, translator, view_of
from casework.web.forms import form_of
from casework.web.i18n import N_
from casework.web.page_words import may_ask
from casework.web.render import flash, redirect

EVERY_PAGE = "all"


async def ask_for_pages(request: web.Request) -> web.Response:
    """POST /cases/{topic}/ask: page=HASH, or page=all for every page that is not here yet."""
    view, chosen = await view_of(request), form_of(request).get("page")
    wanted = [page for page in view.missing_pages if page not in view.asked]
    if chosen != EVERY_PAGE:
        one = hex_bytes(chosen, HASH_BYTES)
        wanted = [page for page in wanted if page == one]
    back = redirect(f"/cases/{view.topic.hex()}")
    if not may_ask(view) or not wanted:
        flash(request, N_("这一页已经到了，或者已经催要过，没有重复催要。"))
        return back
    desk, person = request.app[DESK], request[keys.PERSON]
    await request.app[keys.STORE].write(lambda conn: desk.ask(conn, person, view.topic, wanted))
    _ = translator(request)
    flash(request, _("已催要 {n} 页原件。下次联网时先传，到了就在这里显示。").format(n=len(wanted)))
    return back
