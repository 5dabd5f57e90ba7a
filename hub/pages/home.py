"""The first page after signing in: what waits for this person."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from sqlalchemy import Connection

from casework import case_lists
from casework.case_lists import count_text
from casework.case_log import CaseLog
from casework.deadlines import DUE_TODAY, NEAR
from casework.policy import Act, Person, case_scope, may_ever
from casework.states import STATE_NAMES, State
from casework.web import keys
from casework.web.queue_lines import Queue
from casework.web.render import render
from casework.workdays import china_day
from hub.card_lists import count_open
from hub.held import count_held
from hub.pages.keys import log_of
from hub.queue import asked, overdue, queue, waiting_states
from hub.status import Status, read_status

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class _Home:
    queue: Queue
    asked: int | None
    overdue: int
    counts: list[tuple[str, str]]
    held: int | None
    cards: int | None
    status: Status | None


async def show_home(request: web.Request) -> web.Response:
    """GET /."""
    person, log, now = request[keys.PERSON], log_of(request), request.app[keys.CLOCK]()
    home = await request.app[keys.STORE].read(lambda conn: _read(conn, log, person, now))
    context = {
        "home": home,
        "lines": home.queue.lines[:_SHOWN],
        "waiting": home.queue.total,
        "overdue": home.overdue,
        "due_today": _count(home.queue, DUE_TODAY),
        "near": _count(home.queue, NEAR),
        "missing": sum(line.missing > 0 for line in home.queue.lines),
        "has_queue": bool(waiting_states(person.role)),
    }
    return await render(request, "hub_home.html", context)


def _count(queue: Queue, word: str) -> int:
    return sum(line.clock is not None and line.clock.word == word for line in queue.lines)


def _read(conn: Connection, log: CaseLog, person: Person, now: int) -> _Home:
    counts = case_lists.count_by_state(conn, case_scope(person)) if may_ever(person.role, Act.LIST_CASES) else {}
    answers = bool(person.office) and may_ever(person.role, Act.PART_ANSWER)
    return _Home(
        queue=queue(conn, log, person, waiting_states(person.role), china_day(now)),
        asked=asked(conn, log, person, china_day(now)).total if answers else None,
        overdue=overdue(conn, person, waiting_states(person.role), china_day(now)),
        counts=[(STATE_NAMES[state], count_text(counts[state])) for state in State if counts.get(state)],
        held=count_held(conn, log, person) if may_ever(person.role, Act.SETTLE_HELD) else None,
        cards=count_open(conn, person) if may_ever(person.role, Act.VIEW_CARDS) else None,
        status=read_status(conn) if may_ever(person.role, Act.VIEW_STATUS) else None,
    )
