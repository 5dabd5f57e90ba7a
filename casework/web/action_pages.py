"""The page of one act on one case: show the form, take it, write the change; what was typed is never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from casework import reference
from casework.changes import ChangeKind
from casework.desk import CaseView
from casework.errors import BadInput, NotFound, Problem
from casework.intake import HeldMaterial, HeldPage
from casework.offers import target_of
from casework.policy import act_for, require
from casework.story_mark import check_story, story_of
from casework.web import keys
from casework.web.action_table import ACTIONS, offered
from casework.web.case_actions import (
    ASIDE,
    DEFECT_ROWS,
    Action,
    asked_subjects,
    defect_subjects,
    first_values,
    line_choices,
    shown_blobs,
)
from casework.web.case_keys import DESK
from casework.web.case_reading import case_context, translator, view_of
from casework.web.case_words import outcome_words
from casework.web.forms import Form, form_of
from casework.web.i18n import N_
from casework.web.intake_fields import applicant_kinds, given_materials, input_values, on_inputs
from casework.web.page_opening import discard, open_files, open_materials, open_result
from casework.web.procedure_actions import PART_ROWS, missing_tolerable, proposed_days
from casework.web.reason_templates import grouped, reasons_for, rows_of, still_lacking, unfilled
from casework.web.render import flash, redirect, render

_WITH_OFFICES = (ChangeKind.SPLIT, ChangeKind.REASSIGN)
_UNFILLED = N_("【】里的内容还没有写")
_FINAL = (ChangeKind.GRANT, ChangeKind.DENY, ChangeKind.REFUSE_ACCEPTANCE)
_NOT_TYPED = ("seen", "story")
_WORDING_CHARS = 4
_WITH_MATERIALS = (ChangeKind.CORRECT, ChangeKind.SUPPLEMENT)


async def show_action(request: web.Request) -> web.Response:
    """GET /cases/{topic}/do/{kind}: the form, or back to the case with the reason why not."""
    action, view = _action(request), await view_of(request)
    _require(request, action, view)
    if action.kind not in view.allowed:
        flash(request, N_("办件所处环节已变，现在不能进行这项操作。请看最新进度。"), tone="attention")
        return redirect(f"/cases/{view.topic.hex()}")
    values = _first_values(action, view) | _worded(request, action, view)
    return await _form_page(request, action, view, values=values)


async def do_action(request: web.Request) -> web.Response:
    """POST /cases/{topic}/do/{kind}."""
    action, view = _action(request), await view_of(request)
    _require(request, action, view)
    form = form_of(request)
    try:
        _check_reader(form, view)
        body = action.read(form, view)
        done = await _perform(request, action, view, form, body)
    except BadInput as error:
        problems = on_inputs(error.problems, view.item) if view.item else error.problems
        return await _form_page(request, action, view, problems=problems, values=form.values())
    _ = translator(request)
    try:
        after = await view_of(request)
    except NotFound:  # it is another department's from now on
        flash(request, done)
        return redirect(request.app[keys.SITE].home)
    then = [_(one.button) for one in offered(after)] if action.kind in _FINAL else []
    flash(request, outcome_words(after.state, action.kind, (_(done), then[:1]), _))
    return redirect(f"/cases/{view.topic.hex()}")


def _check_reader(form: Form, view: CaseView) -> None:
    """What is decided is what was read, in words that were finished. Raises BadInput."""
    check_story(view.state, form.get("story"))
    marks = unfilled({name: text for name, text in form.values().items() if name not in _NOT_TYPED})
    if marks:
        raise BadInput([Problem(name, _UNFILLED, N_("请把【】换成实际情况")) for name in marks])


def _worded(request: web.Request, action: Action, view: CaseView) -> dict[str, str]:
    """The inputs as the wording that the address names fills them; of a new list of defects, what is known."""
    text, reasons = request.query.get("wording", "")[:_WORDING_CHARS], reasons_for(action.kind, view)
    known = still_lacking(view) if action.kind is ChangeKind.ASK_SUPPLEMENT else []
    chosen = reasons[int(text)] if text.isascii() and text.isdigit() and int(text) < len(reasons) else None
    more = [chosen] if chosen is not None and chosen not in known else []
    return rows_of([*known, *more], DEFECT_ROWS)


def _action(request: web.Request) -> Action:
    action = ACTIONS.get(request.match_info["kind"])
    if action is None:
        raise NotFound(N_("没有这项操作"))
    return action


def _require(request: web.Request, action: Action, view: CaseView) -> None:
    act = act_for(action.kind)
    assert act is not None
    target = target_of(view.state, view.home_region, view.item.office if view.item else "")
    require(request[keys.PERSON], act, target)


async def _perform(request: web.Request, action: Action, view: CaseView, form: Form, body: dict[str, Any]) -> str:
    """Write the change; the sentence to say. Pages that were stored for a change that fails are removed."""
    body, materials, result = await _with_files(request, action, view, form, body)
    pages = [page for material in materials for page in material.pages] + ([result] if result else [])
    if result is not None and result.plain in {document.plain for document in view.state.results}:
        await discard(request, pages)  # a second click brings the document again
        return N_("这份文书已经上传过，没有重复上传。")
    desk, person, aside = request.app[DESK], request[keys.PERSON], body.pop(ASIDE, None) or ""
    story = form.get("story")  # once more: it may have moved on while files were opened
    try:
        await request.app[keys.STORE].write(
            lambda conn: desk.act(conn, person, view.topic, action.kind, dict(body), materials, result, aside, story)
        )
    except asyncio.CancelledError:
        raise  # the browser has gone, but what was asked for is done: the files are the change's
    except BaseException:
        await discard(request, pages)
        raise
    if materials:
        await discard(request, pages)  # those that were handed in before are named under their first name
    return action.done


async def _with_files(
    request: web.Request, action: Action, view: CaseView, form: Form, body: dict[str, Any]
) -> tuple[dict[str, Any], list[HeldMaterial], HeldPage | None]:
    if action.kind is ChangeKind.ATTACH_RESULT:
        files = form.files("file")
        if not files:
            raise BadInput([Problem("file", N_("没有选择结果文书"), N_("请选择 PDF 或图片文件"))])
        return body, [], await open_result(request, await _key(request, view), files[0], "file")
    if action.kind is ChangeKind.DELIVER:
        return await _with_receipt(request, view, form, body)
    if action.kind not in _WITH_MATERIALS or view.item is None:
        return body, [], None
    given = given_materials(form, view.item)
    held: list[HeldMaterial] = []
    if given:
        key = await _key(request, view) if any(material.files for material in given) else b""
        held = await open_materials(request, key, given)
    if action.kind is ChangeKind.SUPPLEMENT:
        body = {"form": body.get("form", {}), "note": body.get("note") or None}
    return body, held, None


async def _with_receipt(
    request: web.Request, view: CaseView, form: Form, body: dict[str, Any]
) -> tuple[dict[str, Any], list[HeldMaterial], HeldPage | None]:
    """What somebody signed on the screen, or a picture of the paper that they signed; none is allowed."""
    on_screen, on_paper = form.files("signature")[:1], form.files("file")
    files = on_screen or on_paper
    if not files:
        return body | {"signed": "paper" if form.get("on_paper") else ""}, [], None
    pages, problems = await open_files(request, await _key(request, view), files, "file")
    if not problems and len(pages) != 1:
        problems = [Problem("file", N_("送达回证只要一页"), N_("请只选择签收的那一页"))]
    if problems:
        await discard(request, pages)
        raise BadInput(problems)
    return body | {"signed": "screen" if on_screen else "paper"}, [], pages[0]


async def _key(request: web.Request, view: CaseView) -> bytes:
    desk, person = request.app[DESK], request[keys.PERSON]
    return await request.app[keys.STORE].read(lambda conn: desk.key_for(conn, person, view.topic))


def _first_values(action: Action, view: CaseView) -> dict[str, str]:
    return (
        proposed_days(action.kind, view)
        | input_values(view.state.applicant, view.state.form)
        | first_values(action, view)
    )


async def _form_page(
    request: web.Request,
    action: Action,
    view: CaseView,
    *,
    problems: Sequence[Problem] = (),
    values: Mapping[str, str],
) -> web.Response:
    context = await case_context(request, view)
    offices = await request.app[keys.STORE].read(reference.offices) if action.kind in _WITH_OFFICES else []
    context |= {
        "action": action,
        "choices": line_choices(action, view, offices),
        "offices": offices,
        "part_rows": PART_ROWS,
        "tolerable": missing_tolerable(view) if action.kind is ChangeKind.ACCEPT_LACKING else [],
        "subjects": defect_subjects(view),
        "asked": asked_subjects(view),
        "defect_rows": DEFECT_ROWS,
        "seen": shown_blobs(view),
        "story": story_of(view.state),
        "reasons": grouped(reasons_for(action.kind, view)),
        "kinds": applicant_kinds(view.item) if view.item else [],
    }
    return await render(request, "case_action.html", context, problems=problems, values=values)
