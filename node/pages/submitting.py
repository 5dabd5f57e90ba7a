"""The last look at an intake, handing it in, and throwing a draft away."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web
from sqlalchemy import Connection

from casework.errors import BadInput, NotFound, Problem
from casework.identity import mask_id
from casework.intake_code import parse
from casework.standing_papers import paper_list
from casework.texts import say
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.case_reading import hex_bytes, translator
from casework.web.case_words import applicant_rows, form_rows
from casework.web.how_words import answer_rows, how_rows, way_rows
from casework.web.i18n import N_
from casework.web.intake_fields import on_inputs
from casework.web.page_opening import discard
from casework.web.render import flash, redirect, render
from node import drafts
from node.pages.drafting import TOPIC_BYTES, Open, draft_context, draft_problems, opened


async def show_check(request: web.Request) -> web.Response:
    """GET /drafts/{id}/check: what will be handed in, with what is still wrong."""
    open_ = await opened(request)
    return await _check_page(request, open_, [*draft_problems(open_), *_lost_pages(request, open_)], status=200)


async def _check_page(
    request: web.Request, open_: Open, problems: Sequence[Problem], *, status: int | None = None
) -> web.Response:
    draft, _ = open_.draft, translator(request)
    context = draft_context(open_) | {
        "applicant": applicant_rows(draft.applicant, "full", _),
        "situation": answer_rows(open_.item, open_.answers, _) + way_rows(open_.needs, _),
        "how": how_rows(draft, "full", _),
        "form": form_rows(open_.item, open_.draft.form),
        "mask_id": mask_id,
    }
    return await render(request, "draft_check.html", context, problems=problems, status=status)


async def submit_draft(request: web.Request) -> web.Response:
    """POST /drafts/{id}/submit: the intake is written and the draft gone, in one transaction."""
    id_ = hex_bytes(request.match_info["id"], TOPIC_BYTES).hex()
    try:
        open_ = await opened(request)
    except NotFound:
        await _code(request, id_)  # a second click: raises NotFound again unless the draft became this case
        return redirect(f"/cases/{id_}")
    if lost := _lost_pages(request, open_):
        return await _check_page(request, open_, lost)
    try:
        await _submit(request, open_)
    except BadInput as error:
        return await _check_page(request, open_, on_inputs(error.problems, open_.item))
    await discard(request, open_.draft.stored)  # those that were handed in before are named under their first name
    code = await _code(request, id_)
    _ = translator(request)
    flash(request, _("已收件，收件码 {code}。现在可以打印回执；内容会自动上报。").format(code=code))
    return redirect(f"/cases/{id_}")


async def _submit(request: web.Request, open_: Open) -> None:
    desk, person, id_ = request.app[DESK], request[keys.PERSON], open_.draft.id

    def write(conn: Connection) -> None:
        draft = drafts.load(conn, id_)
        desk.collect(conn, person, draft.topic, draft.key, draft.intake(), draft.item)
        drafts.remove(conn, id_)

    await request.app[keys.STORE].write(write)


async def _code(request: web.Request, id_: str) -> str:
    desk, person = request.app[DESK], request[keys.PERSON]
    view = await request.app[keys.STORE].read(lambda conn: desk.view(conn, person, bytes.fromhex(id_)))
    return parse(view.state.code).pretty()


def _lost_pages(request: web.Request, open_: Open) -> list[Problem]:
    """Pages whose file is gone (a restored database, a cleaned disk): never hand in what nobody holds."""
    log = request.app[DESK].log
    return [
        Problem(
            f"materials.{index}", say("「{name}」有扫描件在本机已找不到", name=rule.name), N_("请移去后重新扫描上传")
        )
        for index, rule in enumerate(paper_list(open_.item))
        if rule.name in open_.draft.materials
        and not all(log.holds(one) for page in open_.draft.materials[rule.name].pages for one in page.hashes)
    ]


async def discard_draft(request: web.Request) -> web.Response:
    """POST /drafts/{id}/discard: the row first, then its files; a crash in between leaves only unnamed files."""
    open_ = await opened(request)
    await request.app[keys.STORE].write(lambda conn: drafts.remove(conn, open_.draft.id))
    await discard(request, open_.draft.stored)
    flash(request, N_("草稿和其中的扫描件已删除。"))
    return redirect("/drafts")
