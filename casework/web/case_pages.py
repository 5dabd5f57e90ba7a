"""The pages about cases, the same at a village, a township and the county: list, case, papers, files, acts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from casework.case_lists import PAGE_ROWS, CaseQuery, count_text
from casework.changes import ChangeKind
from casework.desk import CaseView
from casework.errors import NotFound
from casework.identity import mask_id
from casework.policy import Act
from casework.states import COUNTY, HOME, OFFICE_NAMES, TOWNSHIP, State
from casework.telling_lists import speaker
from casework.web import keys
from casework.web.action_pages import do_action, show_action
from casework.web.asking import ask_for_pages
from casework.web.case_files import HASH_BYTES, show_file
from casework.web.case_keys import CARDS, DESK, OPINIONS
from casework.web.case_reading import case_context, hex_bytes, translator, view_of
from casework.web.i18n import N_
from casework.web.page_opening import PAGE_UPLOADS
from casework.web.pages import Page
from casework.web.paper_pages import PAPER_PAGES
from casework.web.rating_pages import RATING_PAGES, rating_lines
from casework.web.render import render, render_part, wants_part
from casework.web.result_standing import result_standing
from casework.web.scan_landing import landed
from casework.web.telling_pages import WAYS, boxes, callees, tell_applicant, told_rows
from casework.web.viewer import show_sheet

GROUPS: Mapping[str, tuple[str, tuple[State, ...]]] = {
    "new": (N_("待受理"), (State.COLLECTED, State.FIRST_REVIEW)),
    "supplement": (N_("待补正"), (State.SUPPLEMENT_ASKED,)),
    "work": (N_("办理中"), (State.ACCEPTED, State.REVIEW, State.GRANTED, State.DENIED)),
    "answered": (N_("待送达"), (State.CLOSED, State.REFUSED_ACCEPTANCE)),
    "over": (N_("已结束"), (State.DELIVERED, State.WITHDRAWN, State.ARCHIVED)),
}
HOLDERS = {HOME: OFFICE_NAMES[HOME], TOWNSHIP: OFFICE_NAMES[TOWNSHIP], COUNTY: OFFICE_NAMES[COUNTY]}
TROUBLE = "trouble"
_PAGES_MAX = 10_000
_QUERY_CHARS = 200
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


async def list_cases(request: web.Request) -> web.StreamResponse:
    """GET /cases?q=TEXT&group=GROUP&holder=OFFICE&month=YYYY-MM&page=N."""
    scan = await landed(request, request.query.get("q", ""))
    if scan is not None:
        return scan
    q = request.query.get("q", "").strip()[:_QUERY_CHARS]
    group, holder = request.query.get("group", ""), request.query.get("holder", "")
    month = request.query.get("month", "")
    month = month if _MONTH.fullmatch(month) else ""
    number = page_number(request.query.get("page", "1"))
    query = CaseQuery(
        states=tuple(state.value for state in GROUPS[group][1]) if group in GROUPS else (),
        holders=(holder,) if holder in HOLDERS else (),
        trouble="1" if group == TROUBLE else "",
        text=q,
        month=month,
        page=number - 1,
    )
    desk, person = request.app[DESK], request[keys.PERSON]

    def read(conn: Connection) -> tuple[Any, dict[str, int], int]:
        wrong = desk.find(conn, person, CaseQuery(trouble="1")).total
        return desk.find(conn, person, query), desk.counts(conn, person), wrong

    found, counts, wrong = await request.app[keys.STORE].read(read)
    chosen = {"q": q, "group": group, "holder": holder, "month": month}
    context = {
        **chosen,
        "found": found,
        "groups": _groups(counts, wrong),
        "newer": _address(chosen, number - 1) if number > 1 else "",
        "older": _address(chosen, number + 1) if found.more else "",
        "first": (number - 1) * PAGE_ROWS,
        "mask_id": mask_id,
        "address": lambda name: _address(chosen | {"group": name}, 1),
    }
    if wants_part(request):
        return render_part(request, "cases_found.html", context)
    return await render(request, "cases.html", context | {"holders": HOLDERS}, values=chosen)


def _groups(counts: Mapping[str, int], wrong: int) -> list[tuple[str, str, str]]:
    """Key, name and number of cases of each group."""
    rows = [("", N_("全部"), sum(counts.values()))]
    rows += [(key, name, sum(counts.get(s.value, 0) for s in states)) for key, (name, states) in GROUPS.items()]
    return [(key, name, count_text(count)) for key, name, count in [*rows, (TROUBLE, N_("有问题"), wrong)]]


def page_number(text: str) -> int:
    """Which page an address asks for, from 1; the first where it names none."""
    return min(int(text), _PAGES_MAX) if text.isascii() and text.isdigit() and 0 < len(text) < 6 and int(text) else 1


def _address(chosen: Mapping[str, str], page: int) -> str:
    query = {name: value for name, value in chosen.items() if value} | ({"page": str(page)} if page > 1 else {})
    return "/cases" + (f"?{urlencode(query)}" if query else "")


async def show_case(request: web.Request) -> web.Response:
    """GET /cases/{topic}."""
    view = await view_of(request)
    context = await case_context(request, view)
    cards, person = request.app.get(CARDS), request[keys.PERSON]
    store = request.app[keys.STORE]
    opinions = request.app.get(OPINIONS)
    context["opinions"] = await store.read(lambda conn: opinions(conn, view.topic)) if opinions is not None else ()
    context["cards"] = await store.read(lambda conn: cards(conn, person, view.topic)) if cards is not None else ()
    context |= await store.read(lambda conn: _telling(conn, view, translator(request)))
    tier = request.app[keys.SITE].tier
    context |= await store.read(lambda conn: result_standing(conn, person, view, tier))
    context["ratings"] = await rating_lines(request, view)
    return await render(request, "case.html", context)


def _telling(conn: Connection, view: CaseView, _: Callable[[str], str]) -> dict[str, Any]:
    """What the applicant is to be told, ready to read out where they are told it."""
    name = view.item.name if view.item else view.state.item
    said = boxes(view.state, name, speaker(conn, view.home_name), view.calendar, view.today, _)
    return {
        "tellings": said,
        "tells_here": view.office == HOME,
        "callees": callees(view.state),
        "ways": list(WAYS.items()),
        "told": told_rows(view.state),
    }


async def show_result(request: web.Request) -> web.Response:
    """GET /cases/{topic}/result/{hash}: one result document, to print."""
    view = await view_of(request)
    hash_ = hex_bytes(request.match_info["hash"], HASH_BYTES)
    document = next((one for one in view.state.results if one.blob == hash_), None)
    if document is None:
        raise NotFound(N_("该办件没有这份结果文书"))
    context = await case_context(request, view)
    return await render(
        request, "result.html", context | {"document": document, "deliverable": ChangeKind.DELIVER in view.allowed}
    )


CASE_PAGES = [
    Page("GET", "/cases", list_cases, act=Act.LIST_CASES),
    Page("GET", "/cases/{topic}", show_case, act=Act.VIEW_CASE),
    *PAPER_PAGES,
    Page("GET", "/cases/{topic}/result/{hash}", show_result, act=Act.VIEW_CASE),
    Page("GET", "/cases/{topic}/file/{hash}", show_file, act=Act.VIEW_CASE),
    Page("GET", "/cases/{topic}/view/{number}", show_sheet, act=Act.VIEW_CASE),
    Page("POST", "/cases/{topic}/ask", ask_for_pages, act=Act.VIEW_CASE),
    Page("POST", "/cases/{topic}/tell", tell_applicant, act=Act.TELL),
    Page("GET", "/cases/{topic}/do/{kind}", show_action, act=Act.VIEW_CASE),
    Page("POST", "/cases/{topic}/do/{kind}", do_action, act=Act.VIEW_CASE, upload=PAGE_UPLOADS),
    *RATING_PAGES,
]
