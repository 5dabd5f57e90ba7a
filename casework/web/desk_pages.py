"""A desk: cases that wait, beside the one that is open, and the parts of both that the page asks for again.

Each program says where its desk is and which cases it lists; the template is `desk.html`, the script `desk.js`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from casework.case_lists import PAGE_ROWS
from casework.changes import kind_name
from casework.desk import CaseView
from casework.errors import NotFound
from casework.states import OFFICE_NAMES
from casework.story_mark import last_step, story_of
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.case_pages import page_number
from casework.web.case_panes import panes_context
from casework.web.case_reading import TOPIC_BYTES, hex_bytes, translator, view_of
from casework.web.queue_lines import Queue
from casework.web.render import moment, render, render_part


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for. number: of the list's page, from 1; topic: the case that is open, None for none."""

    path: str
    filters: Mapping[str, str]
    number: int
    topic: bytes | None

    def address(self, page: int = 0, topic: str = "") -> str:
        """The desk with this list; on its own page unless one is named."""
        return self.path + self.query(page, topic)

    def query(self, page: int = 0, topic: str = "") -> str:
        """What the address adds, with its question mark."""
        page = page or self.number
        named = {**self.filters, "page": str(page) if page > 1 else "", "case": topic}
        chosen = {name: value for name, value in named.items() if value}
        return f"?{urlencode(chosen)}" if chosen else ""


def _nothing(_request: web.Request) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class DeskPages:
    """The three pages of a desk at `path`: itself, its list alone, a case alone.

    lines: one page of its list; filters: what an address chooses of the list, checked; context: what else the template
    names.
    """

    path: str
    template: str
    lines: Callable[[Connection, web.Request, Asked], Queue]
    filters: Callable[[web.Request], Mapping[str, str]] = _nothing
    context: Callable[[web.Request], dict[str, Any]] = _nothing

    async def show(self, request: web.Request) -> web.Response:
        """GET {path}?page=N&case=TOPIC and the filters; without a case the first of the list is open."""
        asked, found = await self._list(request)
        topic = asked.topic
        if topic is None and found.lines:
            topic = bytes.fromhex(found.lines[0].topic)
        view = await _view(request, topic)
        panes = await panes_context(request, view) if view is not None else {}
        rows = _rows_context(request, asked, found, view)
        return await render(request, self.template, panes | rows | {"view": view} | self.context(request))

    async def show_rows(self, request: web.Request) -> web.Response:
        """GET {path}/rows with the parameters of the desk: the list alone, and how the open case stands now."""
        asked, found = await self._list(request)
        view = await _view(request, asked.topic)
        return render_part(request, "queue_rows.html", _rows_context(request, asked, found, view))

    async def show_case(self, request: web.Request) -> web.Response:
        """GET {path}/case/{topic}: the case alone, to stand beside the list."""
        return render_part(request, "case_panes.html", await panes_context(request, await view_of(request)))

    def _asked(self, request: web.Request) -> Asked:
        topic = request.query.get("case", "")
        try:
            named = hex_bytes(topic, TOPIC_BYTES) if topic else None
        except NotFound:
            named = None
        return Asked(self.path, self.filters(request), page_number(request.query.get("page", "1")), named)

    async def _list(self, request: web.Request) -> tuple[Asked, Queue]:
        """What is asked for, and its lines; a page that has emptied gives way to the first one."""
        store, asked = request.app[keys.STORE], self._asked(request)
        found = await store.read(lambda conn: self.lines(conn, request, asked))
        if found.lines or asked.number == 1:
            return asked, found
        first = replace(asked, number=1)
        return first, await store.read(lambda conn: self.lines(conn, request, first))


async def _view(request: web.Request, topic: bytes | None) -> CaseView | None:
    """The open case; None where there is none, or none for this person (any more)."""
    desk, person = request.app[DESK], request[keys.PERSON]
    if topic is None:
        return None
    try:
        return await request.app[keys.STORE].read(lambda conn: desk.view(conn, person, topic))
    except NotFound:
        return None


def _rows_context(request: web.Request, asked: Asked, found: Queue, view: CaseView | None) -> dict[str, Any]:
    return {
        "queue": found,
        "wanted": asked,
        "first": (asked.number - 1) * PAGE_ROWS,
        "newer": asked.address(asked.number - 1) if asked.number > 1 else "",
        "older": asked.address(asked.number + 1) if found.more else "",
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
