"""The first page of the day: what is to do here, what is on its way, and how the line stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from casework import reference
from casework.case_lists import CaseQuery
from casework.desk import Desk
from casework.policy import Act, Person, case_scope, may_ever
from casework.states import COUNTY, HOME, TOWNSHIP, State
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.case_reading import translator
from casework.web.i18n import N_
from casework.web.render import render
from casework.workdays import china_day
from node import drafts
from node.near_window import near_window
from node.pages.case_lines import CaseLine, case_lines
from node.pages.page_keys import SYNC_STATUS
from node.pages.telling import waiting
from node.sync_status import sync_text

SHOWN_ROWS = 6


@dataclass(frozen=True, slots=True)
class Section:
    """One list of the home page: its first lines, how many there are, where the rest is."""

    key: str
    title: str
    empty: str
    lines: list[CaseLine]
    total: int
    link: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a section lists. With `empty` it stands there even when there is nothing in it, and says so."""

    key: str
    title: str
    empty: str
    query: CaseQuery
    link: str


_UNDECIDED = tuple(state.value for state in (State.COLLECTED, State.FIRST_REVIEW, State.ACCEPTED, State.REVIEW))
_OPEN = (*_UNDECIDED, State.GRANTED.value, State.DENIED.value)
_ANSWERED = (State.CLOSED.value, State.REFUSED_ACCEPTANCE.value)
_ASKED = (State.SUPPLEMENT_ASKED.value,)

SUPPLEMENT = Plan(
    "supplement",
    N_("待补正"),
    N_("没有要补正的办件。"),
    CaseQuery(_ASKED, (HOME,), oldest_first="1"),
    "/cases?group=supplement",
)
ANSWERS = Plan(
    "answers",
    N_("待送达"),
    N_("没有要送达的结果。"),
    CaseQuery(_ANSWERED, (HOME,), oldest_first="1"),
    "/cases?group=answered",
)
DECIDE_HERE = Plan("decide", N_("待本站办理"), "", CaseQuery(_OPEN, (HOME,), oldest_first="1"), "/cases?holder=home")
REVIEW = Plan(
    "review",
    N_("待本级办理"),
    N_("没有等待本级办理的办件。"),
    CaseQuery(_OPEN, (TOWNSHIP,), oldest_first="1"),
    "/review",
)
TROUBLE = Plan("trouble", N_("有问题"), N_("没有出问题的办件。"), CaseQuery(trouble="1"), "/cases?group=trouble")
SENT = Plan(
    "sent",
    N_("等待上级办理"),
    N_("没有等待上级办理的办件。"),
    CaseQuery(_OPEN, (TOWNSHIP, COUNTY)),
    "/cases?group=work",
)


def plans_for(person: Person) -> list[Plan]:
    """The sections that this person works from, in the order in which work comes."""
    if not may_ever(person.role, Act.LIST_CASES):
        return []
    collects = may_ever(person.role, Act.COLLECT)
    reviews = may_ever(person.role, Act.ENDORSE)
    first = [SUPPLEMENT, ANSWERS, DECIDE_HERE] if collects else []
    return [*first, *([REVIEW] if reviews else []), TROUBLE, *([SENT] if collects else [])]


def section(conn: Connection, desk: Desk, person: Person, plan: Plan, translate: Callable[[str], str]) -> Section:
    page = desk.find(conn, person, plan.query)
    lines = case_lines(conn, desk, page.rows[:SHOWN_ROWS], translate)
    return Section(plan.key, plan.title, plan.empty, lines, page.total, plan.link)


async def show_home(request: web.Request) -> web.Response:
    """GET /."""
    desk, person, _ = request.app[DESK], request[keys.PERSON], translator(request)
    collects = may_ever(person.role, Act.COLLECT)

    now = request.app[keys.CLOCK]()

    def warned(conn: Connection) -> Sequence[Any]:
        return near_window(conn, case_scope(person), reference.calendar(conn), china_day(now))

    def read(conn: Connection) -> tuple[list[Section], list[drafts.Draft], int, int]:
        listed = [section(conn, desk, person, plan, _) for plan in plans_for(person)]
        to_tell = waiting(conn, desk) if may_ever(person.role, Act.DELIVER) else 0
        return listed, (drafts.newest(conn, SHOWN_ROWS) if collects else []), drafts.count(conn), to_tell

    listed, recent, count, to_tell = await request.app[keys.STORE].read(read)
    near = await request.app[keys.STORE].read(warned)
    status = await request.app[SYNC_STATUS]()
    context = {
        "near": near,
        "today": china_day(now).isoformat(),
        "may_carry": may_ever(person.role, Act.COURIER),
        "sections": [one for one in listed if one.total or one.empty],
        "drafts": recent,
        "draft_count": count,
        "collects": collects,
        "to_tell": to_tell,
        "sync_words": sync_text(status, request.app[keys.CLOCK](), _),
        "new_here": not any(one.total for one in listed) and not recent,
    }
    return await render(request, "home.html", context)
