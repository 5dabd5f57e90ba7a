"""Ratings (好差评) for those who see to them: how satisfied people are, bad ones by due day, and what is done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection, select

from casework import accounts_store
from casework.case_tables import case_row
from casework.errors import BadInput, NotAllowed, NotFound, Problem
from casework.policy import Act, Person, case_scope
from casework.ratings import (
    ANONYMITY_LEAST,
    CHANNELS,
    GRADES,
    RECTIFY_WORKDAYS,
    STAGES,
    STEP_TEXT_MAX_CHARS,
    STEPS,
    VERDICTS,
    marks_in_words,
)
from casework.statistics import period_of
from casework.web import keys
from casework.web.case_pages import page_number
from casework.web.case_reading import TOPIC_BYTES, hex_bytes
from casework.web.forms import Form, form_of
from casework.web.i18n import N_
from casework.web.render import flash, redirect, render
from casework.workdays import china_day
from hub.pages.keys import journal_of, writing_of
from hub.rating_lists import GROUPINGS, bad_ratings, satisfaction, sees_all
from hub.ratings import IGNORED, ignored, rated_stage, rectify

PATH = "/ratings"
GROUPING_NAMES = {"station": N_("站点"), "office": N_("部门"), "item": N_("事项")}


async def show_ratings(request: web.Request) -> web.Response:
    """GET /ratings?by=GROUPING&from=DAY&to=DAY&over=1&page=N."""
    person, today = request[keys.PERSON], china_day(request.app[keys.CLOCK]())
    if case_scope(person, Act.VIEW_RATINGS) is None:
        raise NotAllowed(N_("您的账号没有部门，看不到评价；请管理员为您的账号填上部门"))
    by = request.query.get("by", "")
    by = by if by in GROUPINGS else next(iter(GROUPINGS))
    over, number = request.query.get("over") == "1", page_number(request.query.get("page", "1"))
    problems: Sequence[Problem] = ()
    first, last = date(today.year, 1, 1), today
    # The rated see whole years: by comparing periods of their choice they could tell single ratings.
    if sees_all(person) and (request.query.get("from") or request.query.get("to")):
        try:
            first, last = period_of(request.query.get("from", "")[:20], request.query.get("to", "")[:20], today)
        except BadInput as error:
            problems = error.problems

    def read(conn: Connection) -> dict[str, Any]:
        groups, whole = satisfaction(conn, person, by, first.isoformat(), last.isoformat())
        return {
            "found": bad_ratings(conn, person, today.isoformat(), number - 1, over=over),
            "groups": groups,
            "whole": whole,
            "ignored": [(IGNORED[why], count) for why, count in ignored(conn).items()] if sees_all(person) else [],
        }

    context = await request.app[keys.STORE].read(read)
    asked = {"by": by, "from": first.isoformat(), "to": last.isoformat(), "over": "1" if over else ""}
    context |= {
        "by": by,
        "over": over,
        "groupings": GROUPING_NAMES,
        "grades": GRADES,
        "sees_all": sees_all(person),
        "least": ANONYMITY_LEAST,
        "workdays": RECTIFY_WORKDAYS,
        "first": first.isoformat(),
        "last": last.isoformat(),
        "address": lambda **other: _address({**asked, **other}),
        "newer": _address({**asked, "page": str(number - 1)}) if number > 1 else "",
        "older": _address({**asked, "page": str(number + 1)}) if context["found"].more else "",
    }
    values = {"from": first.isoformat(), "to": last.isoformat()}
    return await render(request, "ratings.html", context, problems=problems, values=values)


def _address(asked: dict[str, str]) -> str:
    return f"{PATH}?" + urlencode({name: value for name, value in asked.items() if value})


async def show_rating(request: web.Request) -> web.Response:
    """GET /ratings/{topic}/{stage}: for the supervisor."""
    return await _rating_page(request, *_named(request))


async def record_step(request: web.Request) -> web.Response:
    """POST /ratings/{topic}/{stage}: step, text, verdict."""
    topic, stage = _named(request)
    form, person = form_of(request), request[keys.PERSON]
    journal, writing = journal_of(request), writing_of(request)
    step, text, verdict = form.get("step"), form.raw("text"), form.get("verdict")
    try:
        await request.app[keys.STORE].write(
            lambda conn: rectify(conn, journal, person, topic, stage, step, text, verdict, writing)
        )
    except BadInput as error:
        return await _rating_page(request, topic, stage, error.problems, form)
    flash(request, N_("已记入整改记录。"))
    return redirect(f"{PATH}/{topic.hex()}/{stage}")


def _named(request: web.Request) -> tuple[bytes, str]:
    stage = request.match_info["stage"]
    if stage not in STAGES:
        raise NotFound
    return hex_bytes(request.match_info["topic"], TOPIC_BYTES), stage


async def _rating_page(
    request: web.Request, topic: bytes, stage: str, problems: Sequence[Problem] = (), form: Form | None = None
) -> web.Response:
    person = request[keys.PERSON]
    context = await request.app[keys.STORE].read(lambda conn: _read(conn, person, topic, stage))
    today = china_day(request.app[keys.CLOCK]()).isoformat()
    one = context["one"]
    context |= {
        "overdue": not one.over and bool(one.due) and one.due < today,
        "steps": list(STEPS.items()),
        "step_names": STEPS,
        "verdicts": list(VERDICTS.items()),
        "verdict_names": VERDICTS,
        "most": STEP_TEXT_MAX_CHARS,
        "path_of_rating": f"{PATH}/{topic.hex()}/{stage}",
        "topic": topic.hex(),
    }
    values = form.values() if form is not None else None
    return await render(request, "rating.html", context, problems=problems, values=values)


def _read(conn: Connection, person: Person, topic: bytes, stage: str) -> dict[str, Any]:
    one = rated_stage(conn, person, topic, stage)
    case = conn.execute(select(case_row).where(case_row.c.topic == topic)).one_or_none()
    people = {by: accounts_store.get(conn, by) for by in {step.by for step in one.steps}}
    return {
        "one": one,
        "case": case,
        "stage_name": STAGES[stage],
        "grade_name": GRADES[one.rating.grade],
        "channel": CHANNELS.get(one.channel, one.channel),
        "marks": marks_in_words(one.rating.marks),
        "people": {by: account.display if account is not None else "" for by, account in people.items()},
    }
