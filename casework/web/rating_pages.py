"""Rating at the window: the clerk has a code drawn, the applicant rates with it on a tablet that needs no signing in.

The pages of the applicant show the item's name and the stage, and to nobody what was said, whoever else is signed in on
that browser.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy import Connection, select

from casework import rating_codes, reference
from casework.case_tables import case_row
from casework.desk import CaseView
from casework.errors import BadInput, Problem
from casework.offers import target_of
from casework.policy import Act, Target, may, require
from casework.qr import qr_svg
from casework.rating_codes import CODE_DIGITS, CODE_SECONDS
from casework.ratings import INTAKE, STAGES, Rating, stages_of
from casework.texts import say
from casework.web import keys
from casework.web.attempts import address_of
from casework.web.case_keys import RATINGS
from casework.web.case_reading import view_of
from casework.web.forms import form_of
from casework.web.i18n import N_
from casework.web.pages import Page, UploadLimits
from casework.web.rating_form import (
    RATING_BYTES_MAX,
    Asked,
    now_of,
    rating_of,
    rating_or_page,
    say_page,
    show_grades,
    show_marks,
)
from casework.web.render import redirect, render

PATH = "/rate"
_CODE = re.compile(rf"[0-9]{{{CODE_DIGITS}}}")
_GONE = Problem("code", N_("评价码不对，或已经过期、用过"), N_("请核对；还是不行的，请工作人员再给一个"))


@dataclass(frozen=True, slots=True)
class RatingLine:
    """A stage of a case that may be rated, and whether somebody has rated it: never what."""

    stage: str
    name: str
    given: bool


@dataclass(frozen=True, slots=True)
class _Opened:
    """wait > 0: not looked at, try again in so many seconds. asked None: no such code."""

    wait: int = 0
    asked: Asked | None = None


async def rating_lines(request: web.Request, view: CaseView) -> list[RatingLine]:
    """For the clerk's page of a case; empty where this person may not ask for ratings."""
    ratings = request.app.get(RATINGS)
    if ratings is None or not may(request[keys.PERSON], Act.ASK_RATING, _target(view)):
        return []
    given = await request.app[keys.STORE].read(lambda conn: ratings.given(conn, view.topic))
    return [RatingLine(stage, STAGES[stage], stage in given) for stage in stages_of(view.state.timeline)]


def _target(view: CaseView) -> Target:
    return target_of(view.state, view.home_region, view.item.office if view.item else "")


async def ask_rating(request: web.Request) -> web.Response:
    """POST /cases/{topic}/rating: stage. Shows a code for the applicant, once."""
    view, stage, now = await view_of(request), form_of(request).get("stage"), now_of(request)
    require(request[keys.PERSON], Act.ASK_RATING, _target(view))
    line = next((one for one in await rating_lines(request, view) if one.stage == stage), None)
    if line is None or line.given:
        what = N_("这一环节已经评价过") if line is not None else N_("这一环节现在还不能评价")
        raise BadInput([Problem("stage", what, N_("请返回办件页查看"))])
    random, site = request.app[keys.RANDOM](rating_codes.RANDOM_BYTES), request.app[keys.SITE]

    def write(conn: Connection) -> tuple[str, str]:
        known = reference.addresses(conn).get(site.author, "")
        return rating_codes.issue(conn, view.topic, stage, now, random), known

    code, known = await request.app[keys.STORE].write(write)
    address = (known or f"{'https' if site.tls else 'http'}://{request.host}").rstrip("/") + PATH
    context = {
        "code": f"{code[:3]} {code[3:]}",
        "address": address,
        "minutes": CODE_SECONDS // 60,
        "stage_name": line.name,
        "item_name": view.item.name if view.item else view.state.item,
        "path_of_case": f"/cases/{view.topic.hex()}",
        "qr": qr_svg(f"{address}/{code}") if address.isascii() else "",
    }
    return await render(request, "rating_code.html", context)


async def show_code(request: web.Request) -> web.Response:
    """GET /rate."""
    return await render(request, "rate_code.html")


async def take_code(request: web.Request) -> web.Response:
    """POST /rate: code."""
    code = _code(form_of(request).get("code"))
    opened = await _open(request, code)
    if opened.asked is None:
        return await _no_code(request, opened)
    return redirect(f"{PATH}/{code}")


async def show_rating(request: web.Request) -> web.Response:
    """GET /rate/{code}."""
    opened = await _open(request, _code(request.match_info["code"]))
    return await _no_code(request, opened) if opened.asked is None else await show_grades(request, opened.asked)


async def do_rating(request: web.Request) -> web.Response:
    """POST /rate/{code}: grade, then marks, words and go=send; code: another one, for a first that is gone."""
    form = form_of(request)
    code = _code(form.get("code") or request.match_info["code"])
    opened = await _open(request, code)
    if opened.asked is None:
        return await _no_code(request, opened)
    answer = await rating_or_page(request, opened.asked)
    if isinstance(answer, web.Response):
        return answer
    if not await _give(request, code, answer):
        return await _no_code(request, _Opened())
    return redirect("/rated")


async def show_thanks(request: web.Request) -> web.Response:
    """GET /rated."""
    return await say_page(request, N_("谢谢您的评价"), N_("评价已直接交给县级，被评价的人看不到是谁评的、怎么评的。"))


def _code(text: str) -> str:
    """The digits typed, full-width ones and spaces too; "" for what is no code."""
    digits = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text[:40]))
    return digits if _CODE.fullmatch(digits) else ""


async def _open(request: web.Request, code: str) -> _Opened:
    address, now = address_of(request), now_of(request)

    def look(conn: Connection) -> _Opened:
        if wait := rating_codes.wait_of(conn, address, now):
            return _Opened(wait)
        found = rating_codes.find(conn, code, now)
        if found is None:
            rating_codes.note_failure(conn, address, now)
            return _Opened()
        topic, stage = found
        name = conn.execute(select(case_row.c.item_name).where(case_row.c.topic == topic)).scalar() or ""
        return _Opened(0, Asked(f"{PATH}/{code}", name, stage))

    return await request.app[keys.STORE].write(look) if code else _Opened()


async def _give(request: web.Request, code: str, rating: Rating) -> bool:
    """Use the code up and hand the rating on, both or neither."""
    ratings, now = request.app[RATINGS], now_of(request)

    def write(conn: Connection) -> bool:
        found = rating_codes.use(conn, code, now)
        if found is not None:
            ratings.give(conn, *found, rating, now)
        return found is not None

    return await request.app[keys.STORE].write(write)


async def _no_code(request: web.Request, opened: _Opened) -> web.Response:
    """Ask for a code again; with what was chosen and written, if something was."""
    problem = _GONE
    if opened.wait:
        problem = Problem("code", N_("输错的次数过多"), say("请过 {wait} 秒再试", wait=opened.wait))
    status = 429 if opened.wait else 422
    form = request.get(keys.FORM)
    if form is not None and form.get("grade"):
        try:
            grade = rating_of(form).grade
        except BadInput:
            grade = 0
        if grade:
            return await show_marks(request, Asked(request.path, "", INTAKE), grade, [problem], renew=True)
    response = await render(request, "rate_code.html", problems=[problem], status=status)
    if opened.wait:
        response.headers["Retry-After"] = str(opened.wait)
    return response


_SMALL = UploadLimits(total_bytes=RATING_BYTES_MAX)
RATING_PAGES = (
    Page("POST", "/cases/{topic}/rating", ask_rating, act=Act.ASK_RATING),
    Page("GET", PATH, show_code, public=True),
    Page("POST", PATH, take_code, public=True, upload=_SMALL),
    Page("GET", PATH + "/{code}", show_rating, public=True),
    Page("POST", PATH + "/{code}", do_rating, public=True, upload=_SMALL),
    Page("GET", "/rated", show_thanks, public=True),
)
