"""Held entries: the list, one entry in words, and settling it."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web
from sqlalchemy import Connection

from casework.errors import BadInput, Problem
from casework.refusals import explain
from casework.texts import N_
from casework.web import keys
from casework.web.forms import Form, form_of
from casework.web.render import flash, redirect, render
from hub.held import NOTE_MAX_CHARS, REASONS, Choice, EntryKey, held_line, list_held, settle
from hub.judge import judge_one_home
from hub.pages.keys import COUNTY, journal_of, log_of, writing_of


async def show_list(request: web.Request) -> web.Response:
    """GET /held."""
    person, log = request[keys.PERSON], log_of(request)
    lines = await request.app[keys.STORE].read(lambda conn: list_held(conn, log, person))
    context = {
        "for_person": [line for line in lines if not line.why_waits],
        "waiting": [line for line in lines if line.why_waits],
    }
    return await render(request, "held_list.html", context)


async def show_entry(request: web.Request) -> web.Response:
    """GET /held/{entry}; entry is home-slot-epoch-number."""
    return await _entry_page(request, EntryKey.parse(request.match_info["entry"]))


async def settle_entry(request: web.Request) -> web.Response:
    """POST /held/{entry}: verdict "admit" or "refuse", code (of a refusal), note."""
    key, form = EntryKey.parse(request.match_info["entry"]), form_of(request)
    log, journal, person, writing = log_of(request), journal_of(request), request[keys.PERSON], writing_of(request)
    desk, now = request.app[COUNTY].desk, request.app[keys.CLOCK]()

    def judge_again(conn: Connection, home: int, topic: bytes) -> None:
        judge_one_home(conn, journal, log, desk, home, now, [topic])

    try:
        choice = _choice(form)

        def write(conn: Connection) -> None:
            settle(conn, log, journal, person, key, choice, writing, judge_again)

        await request.app[keys.STORE].write(write)
    except BadInput as error:
        return await _entry_page(request, key, error.problems, form)
    flash(request, N_("已放行，内容已生效。") if choice.admit else N_("已退回，收件站点会看到退回原因。"))
    return redirect("/held")


def _choice(form: Form) -> Choice:
    verdict = form.get("verdict")
    if verdict not in ("admit", "refuse"):
        raise BadInput([Problem("verdict", N_("没有选择放行还是退回"), N_("请选择一项"))])
    return Choice(verdict == "admit", form.get("note"), "" if verdict == "admit" else form.get("code"))


async def _entry_page(
    request: web.Request, key: EntryKey, problems: Sequence[Problem] = (), form: Form | None = None
) -> web.Response:
    person, log = request[keys.PERSON], log_of(request)
    line = await request.app[keys.STORE].read(lambda conn: held_line(conn, log, person, key))
    reasons = [(code.value, explain(code).text) for code in REASONS]
    context = {"line": line, "reasons": reasons, "note_max": NOTE_MAX_CHARS}
    return await render(
        request, "held_entry.html", context, problems=problems, values=form.values() if form is not None else None
    )
