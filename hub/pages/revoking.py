"""The page on which an approver revokes the certificate of a result."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web
from sqlalchemy import Connection

from casework.errors import BadInput, NotAllowed, Problem
from casework.revoked_results import REASON_CHARS_MAX
from casework.texts import N_
from casework.web import keys
from casework.web.case_reading import topic_of, view_of
from casework.web.forms import form_of
from casework.web.render import flash, redirect, render
from casework.web.result_standing import result_standing
from hub.pages.keys import COUNTY, journal_of, writing_of
from hub.revoking import revoke_result


async def show_revoke(request: web.Request) -> web.Response:
    """GET /cases/{topic}/revoke."""
    return await _page(request)


async def revoke(request: web.Request) -> web.Response:
    """POST /cases/{topic}/revoke: reason."""
    topic, form, person = topic_of(request), form_of(request), request[keys.PERSON]
    journal, writing, desk = journal_of(request), writing_of(request), request.app[COUNTY].desk

    def run(conn: Connection) -> None:
        revoke_result(conn, journal, desk, person, topic, form.raw("reason"), writing)

    try:
        await request.app[keys.STORE].write(run)
    except BadInput as error:
        return await _page(request, error.problems, form.values())
    flash(request, N_("结果凭证已撤销，将下发到所有站点。"))
    return redirect(f"/cases/{topic.hex()}")


async def _page(
    request: web.Request, problems: Sequence[Problem] = (), values: dict[str, str] | None = None
) -> web.Response:
    view, person, tier = await view_of(request), request[keys.PERSON], request.app[keys.SITE].tier
    context = await request.app[keys.STORE].read(lambda conn: result_standing(conn, person, view, tier))
    if not (context["may_revoke"] or problems):
        raise NotAllowed(N_("这一件没有可由您撤销的结果凭证"))
    context |= {"view": view, "path_of_case": f"/cases/{view.topic.hex()}", "most": REASON_CHARS_MAX}
    return await render(request, "revoke_result.html", context, problems=problems, values=values)
