"""A township's first review: what waits for it beside the case that is open, with that case's pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from casework.case_lists import PAGE_ROWS, CaseQuery
from casework.changes import kind_name
from casework.desk import CaseView
from casework.errors import NotFound
from casework.states import OFFICE_NAMES, TOWNSHIP, State
from casework.story_mark import last_step, story_of
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.case_pages import page_number
from casework.web.case_panes import panes_context
from casework.web.case_reading import TOPIC_BYTES, hex_bytes, translator, view_of
from casework.web.queue_lines import Queue, QueueReader
from casework.web.render import moment, render, render_part
from casework.workdays import china_day

_STATES = (State.COLLECTED, State.FIRST_REVIEW, State.ACCEPTED, State.REVIEW, State.GRANTED, State.DENIED)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for: a page of the list, and the case that is open, None for the first of the list."""

    number: int
    topic: bytes | None
    view: str = ""

    def address(self, page: int = 0, topic: str = "") -> str:
        """The desk with this list; on its own page unless one is named."""
        return "/review" + self.query(page, topic)

    def query(self, page: int = 0, topic: str = "") -> str:
        """What the address adds, with its question mark."""
        page = page or self.number
        said = [f"page={page}"] if page > 1 else []
        said += [f"case={topic}"] if topic else []
        return f"?{'&'.join(said)}" if said else ""


async def show_review(request: web.Request) -> web.Response:
    """GET /review?page=N&case=TOPIC: cases that wait for the township, the one due first on top."""
    wanted = _asked(request)
    found = await _list(request, wanted)
    topic = wanted.topic
    if topic is None and found.lines:
        topic = bytes.fromhex(found.lines[0].topic)
    view = await _view(request, topic)
    panes = await panes_context(request, view) if view is not None else {}
    return await render(request, "review.html", panes | _rows(request, wanted, found, view) | {"view": view})


async def show_review_rows(request: web.Request) -> web.Response:
    """GET /review/rows with the parameters of /review: the list alone, and how the open case stands now."""
    wanted = _asked(request)
    found = await _list(request, wanted)
    view = await _view(request, wanted.topic)
    return render_part(request, "queue_rows.html", _rows(request, wanted, found, view))


async def show_review_case(request: web.Request) -> web.Response:
    """GET /review/case/{topic}: the case alone, to stand beside the list."""
    return render_part(request, "case_panes.html", await panes_context(request, await view_of(request)))


def _asked(request: web.Request) -> Asked:
    topic = request.query.get("case", "")
    try:
        named = hex_bytes(topic, TOPIC_BYTES) if topic else None
    except NotFound:
        named = None
    return Asked(page_number(request.query.get("page", "1")), named)


async def _list(request: web.Request, wanted: Asked) -> Queue:
    desk, person, now = request.app[DESK], request[keys.PERSON], request.app[keys.CLOCK]()
    query = CaseQuery(tuple(state.value for state in _STATES), (TOWNSHIP,), by_due="1", page=wanted.number - 1)

    def read(conn: Connection) -> Queue:
        page, reader = desk.find(conn, person, query), QueueReader(conn, desk.log, china_day(now))
        return Queue(tuple(reader.line(row) for row in page.rows), page.total, page.more)

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


def _rows(request: web.Request, wanted: Asked, found: Queue, view: CaseView | None) -> dict[str, Any]:
    return {
        "queue": found,
        "wanted": wanted,
        "first": (wanted.number - 1) * PAGE_ROWS,
        "newer": wanted.address(wanted.number - 1) if wanted.number > 1 else "",
        "older": wanted.address(wanted.number + 1) if found.more else "",
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
