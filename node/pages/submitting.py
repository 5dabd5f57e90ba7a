"""The last look at an intake, handing it in, and throwing a draft away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aiohttp import web
from sqlalchemy import Connection

from casework.errors import BadInput, NotFound, Problem
from casework.intake_code import parse
from casework.standing_papers import paper_list
from casework.texts import say
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.case_reading import hex_bytes, translator, view_of
from casework.web.case_words import applicant_rows, form_rows
from casework.web.forms import form_of
from casework.web.how_words import answer_rows, how_rows, way_rows
from casework.web.i18n import N_
from casework.web.intake_fields import on_inputs
from casework.web.page_opening import discard
from casework.web.render import flash, redirect, render
from node import drafts
from node.draft_steps import CHECK, Step, step_with
from node.drafts import Draft
from node.pages.drafting import TOPIC_BYTES, Open, draft_context, draft_problems, opened
from node.pages.filling import note_step


async def show_check(request: web.Request) -> web.Response:
    """GET /drafts/{id}/check: what will be handed in, with what is still wrong."""
    open_ = await opened(request)
    if open_.draft.step != CHECK:
        await note_step(request, open_.draft.id, CHECK)
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
        "forms": [step for step in open_.steps if step.fields],
        "situations": [step for step in open_.steps if step.questions],
        "form_rows": lambda step: form_rows(replace(open_.item, form=step.fields), _of(step, open_.draft.form)),
        "where": {problem.field: _where(open_, problem.field) for problem in problems},
    }
    return await render(request, "draft_check.html", context, problems=problems, status=status)


def _of(step: Step, form: Mapping[str, str]) -> dict[str, str]:
    return {field.key: form[field.key] for field in step.fields if field.key in form}


def _where(open_: Open, name: str) -> str:
    """The address of the page on which the input with this name stands."""
    path = f"/drafts/{open_.draft.id}"
    if name.startswith("materials"):
        return f"{path}/materials"
    step = step_with(open_.steps, name) or open_.steps[0]
    return f"{path}/step/{step.key}?change=1&wrong=1"


async def submit_draft(request: web.Request) -> web.Response:
    """POST /drafts/{id}/submit: the intake is written and the draft gone, in one transaction. turn: which save of the
    draft was looked at; what was changed since is looked at first."""
    id_ = hex_bytes(request.match_info["id"], TOPIC_BYTES).hex()
    try:
        open_ = await opened(request)
    except NotFound:
        await _must_be_case(request, id_)  # a second click: raises NotFound again unless the draft became this case
        return redirect(f"/cases/{id_}/taken")
    if lost := _lost_pages(request, open_):
        return await _check_page(request, open_, lost)
    try:
        handed_in = await _submit(request, open_.draft.id)
    except _Changed:
        flash(request, N_("您核对的时候，这份草稿又有了改动，没有提交。请再核对一遍最新的内容。"), tone="attention")
        return redirect(f"/drafts/{id_}/check")
    except BadInput as error:
        return await _check_page(request, open_, on_inputs(error.problems, open_.item))
    await discard(request, handed_in.stored)  # those that were handed in before are named under their first name
    return redirect(f"/cases/{id_}/taken")


async def show_taken(request: web.Request) -> web.Response:
    """GET /cases/{topic}/taken: it is taken in, under this number; the slip to print and what comes next."""
    view = await view_of(request)
    context = {"view": view, "case": view.state, "code": parse(view.state.code).pretty()}
    context["path_of_case"] = f"/cases/{view.topic.hex()}"
    return await render(request, "taken.html", context)


class _Changed(Exception):
    """The draft is no longer what was looked at."""


async def _submit(request: web.Request, id_: str) -> Draft:
    """The draft as it was handed in."""
    desk, person, seen = request.app[DESK], request[keys.PERSON], form_of(request).get("turn")

    def write(conn: Connection) -> Draft:
        draft = drafts.load(conn, id_)
        if seen not in ("", str(draft.turn)):
            raise _Changed
        desk.collect(conn, person, draft.topic, draft.key, draft.intake(), draft.item)
        drafts.remove(conn, id_)
        return draft

    return await request.app[keys.STORE].write(write)


async def _must_be_case(request: web.Request, id_: str) -> None:
    """Raises NotFound unless this person may open the case."""
    desk, person = request.app[DESK], request[keys.PERSON]
    await request.app[keys.STORE].read(lambda conn: desk.view(conn, person, bytes.fromhex(id_)))


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
    id_ = hex_bytes(request.match_info["id"], TOPIC_BYTES).hex()

    def write(conn: Connection) -> Draft:
        draft = drafts.load(conn, id_)
        drafts.remove(conn, id_)
        return draft

    gone = await request.app[keys.STORE].write(write)
    await discard(request, gone.stored)
    flash(request, N_("草稿和其中的扫描件已删除。"))
    return redirect("/drafts")
