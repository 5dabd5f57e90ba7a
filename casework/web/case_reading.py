"""What every page about one case reads: the view, and the words for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from casework import accounts_store, reference
from casework.applicant import ID_TYPES
from casework.case_needs import lacking_of, needs_of
from casework.case_parts import SIGNED_ON
from casework.change_choices import ESCALATION_OUTCOMES, PART_OUTCOMES, SPECIAL_PROCEDURES
from casework.changes import ChangeKind
from casework.clock_table import ACCEPTANCE
from casework.deadlines import DUE_TODAY, NEAR, OVERDUE
from casework.desk import CaseView
from casework.errors import BadInput, NotFound
from casework.fold import CaseState
from casework.intake_code import parse
from casework.lapses import LAPSE_NAMES
from casework.scenario import all_answers
from casework.states import COUNTY, OFFICE_NAMES, STATE_NAMES
from casework.texts import N_
from casework.web import keys
from casework.web.action_table import offered
from casework.web.case_keys import DESK
from casework.web.case_words import (
    applicant_rows,
    clock_rows,
    close_result_name,
    delivery_name,
    extra_rows,
    form_rows,
    timeline_rows,
    troubles,
)
from casework.web.custody_words import custody_words
from casework.web.how_words import answer_rows, how_rows, trust_words, way_rows
from casework.web.page_words import away, page_rows
from casework.web.trail_words import trail

TOPIC_BYTES = 16
_AFTERWARDS = frozenset((ChangeKind.ISSUE, ChangeKind.VERIFY_COMMITMENT, ChangeKind.ARCHIVE, ChangeKind.TELL))
"""Who has only these left to do needs no full number any more."""
AT_COUNTY = 2


def topic_of(request: web.Request) -> bytes:
    """The case that the address names. Raises NotFound."""
    return hex_bytes(request.match_info["topic"], TOPIC_BYTES)


def hex_bytes(text: str, length: int) -> bytes:
    """Raises NotFound for what is no address of ours."""
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != length or value.hex() != text:
        raise NotFound(N_("没有这个地址"))
    return value


async def view_of(request: web.Request) -> CaseView:
    """The case as the signed-in person sees it. Raises NotFound."""
    desk, person, topic = request.app[DESK], request[keys.PERSON], topic_of(request)
    return await request.app[keys.STORE].read(lambda conn: desk.view(conn, person, topic))


def translator(request: web.Request) -> Callable[[str], str]:
    """What gettext says in the language of this request; it may be called in any thread."""
    return request[keys.LOOK].catalogue.gettext


async def case_context(request: web.Request, view: CaseView) -> dict[str, Any]:
    """Everything that the case templates name."""
    stations, people = await request.app[keys.STORE].read(lambda conn: _names(request, conn, view.state))
    _ = translator(request)
    state = view.state
    return {
        "view": view,
        "case": state,
        "path_of_case": f"/cases/{view.topic.hex()}",
        "state_name": _(STATE_NAMES[state.state]) if state.state else _("内容未能读出"),
        "holder": _(OFFICE_NAMES[state.holder]) if state.holder in OFFICE_NAMES else state.holder,
        "code": pretty_code(state.code),
        "custody": custody_words(view.custody, state, view.office, _),
        "clocks": clock_rows(view.clocks),
        "reckoned_here": view.office != COUNTY
        and any(clock.word == OVERDUE and not clock.done for clock in view.clocks),
        "unsent": view.office != COUNTY and window_unsent(view),
        "applicant": applicant_rows(state.applicant, "full" if set(view.allowed) - _AFTERWARDS else "masked", _),
        "form": form_rows(view.item, state.form),
        **_how(view, _),
        "extra": extra_rows(state.extra),
        "pages": page_rows(view, _),
        "away": away(view, request.app[keys.CLOCK](), _),
        "trail": trail(view, _),
        "timeline": timeline_rows(state, stations, people, _),
        "troubles": troubles(state),
        "actions": offered(view),
        "procedure_names": SPECIAL_PROCEDURES,
        "names": {"outcomes": PART_OUTCOMES, "escalations": ESCALATION_OUTCOMES, "lapses": LAPSE_NAMES},
        "close_result": close_result_name(state.close_result),
        "signed_how": SIGNED_ON.get(state.delivery.signed, state.delivery.signed) if state.delivery else "",
        "delivered_how": delivery_name(state.delivery.how) if state.delivery else "",
        "id_types": list(ID_TYPES.items()),
    }


def _how(view: CaseView, _: Callable[[str], str]) -> dict[str, Any]:
    """How the application came about, and what of its materials is still to come."""
    state, item = view.state, view.item
    reveal = "full" if set(view.allowed) - {ChangeKind.TELL} else "masked"
    said = how_rows(state, reveal, _)
    if item is None or state.state is None:
        return {"situation": answer_rows(item, state.answers, _), "how": said, "to_come": (), "trust": {}}
    needs = needs_of(item, state)
    answers = all_answers(item, state.answers, state.applicant, date.fromisoformat(state.received))
    return {
        "situation": answer_rows(item, answers, _) + way_rows(needs, _),
        "how": said,
        "to_come": () if state.lacking else lacking_of(item, state),  # once accepted, the notice says it
        "trust": trust_words(item, state.materials, _),
    }


def _names(request: web.Request, conn: Connection, state: CaseState) -> tuple[dict[int, str], dict[int, str]]:
    """Stations by number, and staff by number as far as this place may show them.

    The county's names stay at the county (受审分离): elsewhere nobody learns who reviews or approves.
    """
    log = request.app[DESK].log
    at_county = request.app[keys.SITE].tier == COUNTY
    stations = {a: reference.region_name(conn, log.region_of(conn, a)) for a in {x.author for x in state.timeline}}
    people = {}
    for actor in {line.actor for line in state.timeline if at_county or line.office != COUNTY}:
        account = accounts_store.get(conn, actor)
        if account is not None:
            people[actor] = account.display
    return stations, people


def window_unsent(view: CaseView) -> bool:
    """Whether the window for acceptance is nearly over, or over, and the county has not signed for the case."""
    late = (NEAR, DUE_TODAY, OVERDUE)
    running = (clock for clock in view.clocks if clock.kind == ACCEPTANCE and not clock.done)
    return view.custody.tier < AT_COUNTY and any(clock.word in late for clock in running)


def pretty_code(code: str) -> str:
    """The intake code in groups; as it is when a stranger made it up."""
    try:
        return parse(code).pretty()
    except BadInput:
        return code
