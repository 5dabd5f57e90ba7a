"""The approver's desk: the queue beside the case that is open, and the parts of both that the page asks for again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from casework.case_lists import PAGE_ROWS
from casework.changes import kind_name
from casework.desk import CaseView
from casework.errors import NotFound
from casework.policy import Act, may_ever
from casework.states import OFFICE_NAMES, STATE_NAMES, State
from casework.story_mark import last_step, story_of
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.case_pages import page_number
from casework.web.case_panes import panes_context
from casework.web.case_reading import TOPIC_BYTES, hex_bytes, translator, view_of
from casework.web.queue_lines import Queue
from casework.web.render import moment, render, render_part
from casework.workdays import china_day
from hub.pages.keys import log_of
from hub.queue import HELD_BY_COUNTY, asked, coming, queue, waiting_states

_VIEWS = ("coming", "asked")


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the queue an address asks for. topic: the case that is open, None for none."""

    state: str
    view: str
    number: int
    topic: bytes | None

    def address(self, page: int = 0, topic: str = "") -> str:
        """The desk with this list; on its own page unless one is named."""
        return "/queue" + self.query(page, topic)

    def query(self, page: int = 0, topic: str = "") -> str:
        """What the address adds, with its question mark."""
        page = page or self.number
        named = {"state": self.state, "view": self.view, "page": str(page) if page > 1 else "", "case": topic}
        chosen = {name: value for name, value in named.items() if value}
        return f"?{urlencode(chosen)}" if chosen else ""


async def show_queue(request: web.Request) -> web.Response:
    """GET /queue?state=STATE&view=coming|asked&page=N&case=TOPIC; without a case the first of the list is open."""
    wanted = _asked(request)
    found = await _list(request, wanted)
    topic = wanted.topic
    if topic is None and found.lines:
        topic = bytes.fromhex(found.lines[0].topic)
    view = await _view(request, topic)
    panes = await panes_context(request, view) if view is not None else {}
    return await render(request, "queue.html", panes | _rows_context(request, wanted, found, view) | {"view": view})


async def show_rows(request: web.Request) -> web.Response:
    """GET /queue/rows with the parameters of /queue: the list alone, and how the open case stands now."""
    wanted = _asked(request)
    found = await _list(request, wanted)
    view = await _view(request, wanted.topic)
    return render_part(request, "queue_rows.html", _rows_context(request, wanted, found, view))


async def show_case(request: web.Request) -> web.Response:
    """GET /queue/case/{topic}: the case alone, to stand beside the list."""
    return render_part(request, "case_panes.html", await panes_context(request, await view_of(request)))


def _asked(request: web.Request) -> Asked:
    query, states = request.query, waiting_states(request[keys.PERSON].role) or HELD_BY_COUNTY
    state, view, topic = query.get("state", ""), query.get("view", ""), query.get("case", "")
    try:
        named = hex_bytes(topic, TOPIC_BYTES) if topic else None
    except NotFound:
        named = None
    number = page_number(query.get("page", "1"))
    return Asked(state if state in states else "", view if view in _VIEWS else "", number, named)


async def _list(request: web.Request, wanted: Asked) -> Queue:
    person, log, now = request[keys.PERSON], log_of(request), request.app[keys.CLOCK]()
    states = waiting_states(person.role) or HELD_BY_COUNTY

    def read(conn: Connection) -> Queue:
        today = china_day(now)
        if wanted.view == "asked":
            return asked(conn, log, person, today, wanted.number - 1)
        if wanted.view == "coming":
            return coming(conn, log, person, today, wanted.number - 1)
        return queue(conn, log, person, (wanted.state,) if wanted.state else states, today, wanted.number - 1)

    return await request.app[keys.STORE].read(read)


async def _view(request: web.Request, topic: bytes | None) -> CaseView | None:
    """The open case; None where there is none, or none for this person (any more)."""
    desk, person = request.app[DESK], request[keys.PERSON]
    if topic is None:
        return None
    try:
        return await request.app[keys.STORE].read(lambda conn: desk.view(conn, person, topic))
    except NotFound:
        return None


def _rows_context(request: web.Request, wanted: Asked, found: Queue, view: CaseView | None) -> dict[str, Any]:
    person = request[keys.PERSON]
    states = waiting_states(person.role) or HELD_BY_COUNTY
    return {
        "queue": found,
        "wanted": wanted,
        "answers": person.office and may_ever(person.role, Act.PART_ANSWER),
        "first": (wanted.number - 1) * PAGE_ROWS,
        "newer": wanted.address(wanted.number - 1) if wanted.number > 1 else "",
        "older": wanted.address(wanted.number + 1) if found.more else "",
        "states": [(state, STATE_NAMES[State(state)]) for state in states],
        "open": _open(request, view) if view is not None else None,
    }


def _open(request: web.Request, view: CaseView) -> Mapping[str, str]:
    """How the open case stands: marks that change with its story and its pages, and its newest step in words."""
    step, _ = last_step(view.state), translator(request)
    said = ""
    if step is not None:
        office = _(OFFICE_NAMES[step.office]) if step.office in OFFICE_NAMES else step.office
        said = _("{what}（{who}，{at}）").format(what=_(kind_name(step.kind)), who=office, at=moment(step.time))
    return {"topic": view.topic.hex(), "story": story_of(view.state), "away": str(len(view.missing)), "step": said}
