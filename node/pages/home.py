"""The first page of the day: what is to do here, what is on its way, and how the line stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from casework import reference
from casework.case_lists import COUNT_MAX, CaseQuery, count_text
from casework.deadlines import NO_DUE
from casework.desk import Desk
from casework.policy import Act, Person, case_scope, may_ever
from casework.states import COUNTY, HOME, TOWNSHIP, State
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.case_reading import translator
from casework.web.i18n import N_
from casework.web.render import render
from casework.workdays import Calendar, china_day
from node import drafts
from node.item_use import taken_in
from node.near_window import near_window
from node.pages.case_lines import CaseLine, case_lines
from node.pages.choosing import UNFINISHED_SHOWN, unfinished
from node.pages.page_keys import SYNC_STATUS
from node.pages.telling import waiting
from node.sync_status import sync_text

SHOWN_ROWS = 6
TASKS_SHOWN = 6


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
class Task:
    """One thing to do now. tone: bad, warn or info; what it is, and the label and address of how it is done."""

    tone: str
    mark: str
    text: str
    label: str
    address: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a section lists. With `empty` it stands there even when there is nothing in it, and says so."""

    key: str
    title: str
    empty: str
    query: CaseQuery
    link: str
    label: str = ""
    """What is done about each of its cases, and under which address of the case."""
    act: str = ""


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
    N_("补正"),
    "/do/supplement",
)
ANSWERS = Plan(
    "answers",
    N_("待送达"),
    N_("没有要送达的结果。"),
    CaseQuery(_ANSWERED, (HOME,), oldest_first="1"),
    "/cases?group=answered",
    N_("送达"),
    "/do/deliver",
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
    if plan.label:
        lines = [line.doing(translate(plan.label), plan.act) for line in lines]
    return Section(plan.key, plan.title, plan.empty, lines, page.total, plan.link)


def first_tasks(
    sections: Sequence[Section], to_tell: int, today: date, calendar: Calendar, _: Callable[[str], str]
) -> list[Task]:
    """What to do first: what was refused, then what the county asks for by its day, then what applicants wait for."""
    by_key = {section.key: section for section in sections}
    tasks = [_trouble_task(line, _) for line in _lines_of(by_key, TROUBLE)]
    asked = sorted(_lines_of(by_key, SUPPLEMENT), key=lambda line: str(line.row.lapse_day))
    tasks += [_supplement_task(line, today, calendar, _) for line in asked]
    tasks += [
        Task("info", _("送达"), _("{who}：结果已到，请送达").format(who=_who(line)), _("送达"), line.path + ANSWERS.act)
        for line in _lines_of(by_key, ANSWERS)
    ]
    if to_tell:
        said = _("有 {n} 件要告知申请人：补材料、结果或约定的时间，请打电话或上门").format(n=count_text(to_tell))
        tasks.append(Task("info", _("告知"), said, _("去告知"), "/tell"))
    return tasks[:TASKS_SHOWN]


def _lines_of(by_key: Mapping[str, Section], plan: Plan) -> list[CaseLine]:
    return by_key[plan.key].lines if plan.key in by_key else []


def _who(line: CaseLine) -> str:
    return f"{line.row.name} {line.row.item_name}".strip()


def _trouble_task(line: CaseLine, _: Callable[[str], str]) -> Task:
    said = line.trouble
    text = f"{_who(line)}{_('：')}{_(said.text) if said else ''}"
    return Task("bad", _("被退回"), text, _("去处理"), line.path)


def _supplement_task(line: CaseLine, today: date, calendar: Calendar, _: Callable[[str], str]) -> Task:
    """By its last day, where the county has set one."""
    last = str(line.row.lapse_day)
    if last == NO_DUE:
        said, tone = _("{who}：要求补正").format(who=_who(line)), "warn"
    else:
        left = calendar.workdays_between(today, date.fromisoformat(last))
        tone = "bad" if left < 1 else "warn"
        said = _("{who}：要求补正，{day} 前补齐（还有 {n} 个工作日）").format(who=_who(line), day=last, n=max(0, left))
    return Task(tone, _("补正"), said, _("去补正"), line.path + SUPPLEMENT.act)


def _tallies(conn: Connection, desk: Desk, today: date) -> tuple[int, int]:
    """Cases that this station has taken in today and this month, each to COUNT_MAX."""
    region = desk.log.region_of(conn, desk.log.author)
    days = (today.isoformat(), today.replace(day=1).isoformat())
    return taken_in(conn, region, days[0], COUNT_MAX), taken_in(conn, region, days[1], COUNT_MAX)


async def show_home(request: web.Request) -> web.Response:
    """GET /."""
    desk, person, _ = request.app[DESK], request[keys.PERSON], translator(request)
    collects = may_ever(person.role, Act.COLLECT)

    now = request.app[keys.CLOCK]()

    def warned(conn: Connection) -> Sequence[Any]:
        return near_window(conn, case_scope(person), reference.calendar(conn), china_day(now))

    def read(conn: Connection) -> dict[str, Any]:
        listed = [section(conn, desk, person, plan, _) for plan in plans_for(person)]
        to_tell = waiting(conn, desk) if may_ever(person.role, Act.DELIVER) else 0
        mine = drafts.of_account(conn, person.account, UNFINISHED_SHOWN) if collects else []
        return {
            "sections": [one for one in listed if one.total or one.empty],
            "tasks": first_tasks(listed, to_tell, china_day(now), reference.calendar(conn), _),
            "unfinished": unfinished(conn, mine),
            "draft_count": drafts.count(conn) if collects else 0,
            "taken": _tallies(conn, desk, china_day(now)) if collects else None,
            "new_here": not any(one.total for one in listed) and not mine,
        }

    context = await request.app[keys.STORE].read(read)
    near = await request.app[keys.STORE].read(warned)
    status = await request.app[SYNC_STATUS]()
    context |= {
        "near": near,
        "today": china_day(now).isoformat(),
        "may_carry": may_ever(person.role, Act.COURIER),
        "collects": collects,
        "sync_words": sync_text(status, request.app[keys.CLOCK](), _),
    }
    return await render(request, "home.html", context)
