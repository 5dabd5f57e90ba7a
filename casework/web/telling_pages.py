"""What a person at the window says to an applicant: the words on a page, and the note that it was said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from aiohttp import web

from casework.changes import ChangeKind
from casework.errors import BadInput
from casework.fold import CaseState
from casework.telling import APPOINTMENT, MESSAGE, TOLD_ABOUT, TOLD_BY, Speaker, Telling, due_tellings, words
from casework.texts import joined, say
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.case_reading import topic_of
from casework.web.forms import form_of
from casework.web.i18n import N_
from casework.web.render import flash, redirect
from casework.workdays import Calendar, china_day

TITLES = {
    "supplement": N_("请申请人补材料"),
    "result": N_("结果出来了，请申请人来领"),
    "appointment": N_("约申请人来办"),
}
WAYS = {"phone": N_("已打电话"), "visit": N_("已上门"), "other": N_("用其他方式说了")}
"""A message is the county's own program's to note."""


@dataclass(frozen=True, slots=True)
class TellingBox:
    """One telling as a page shows it. waited: working days since; passed: an appointment's day is over."""

    telling: Telling
    title: str
    lines: tuple[str, ...]
    waited: int
    passed: bool


@dataclass(frozen=True, slots=True)
class Callee:
    """Whom to call: the applicant, or who acts for them."""

    name: str
    phone: str
    proxy: bool = False


def boxes(
    state: CaseState,
    item: str,
    speaker: Speaker,
    calendar: Calendar,
    today: date,
    translate: Callable[[str], str],
) -> list[TellingBox]:
    """What is to be told of a case, ready to read out."""
    return [
        TellingBox(
            one,
            TITLES[one.about],
            words(state, one, item, speaker, translate),
            calendar.workdays_between(china_day(one.since), today),
            one.about == APPOINTMENT and one.day < today.isoformat(),
        )
        for one in due_tellings(state)
    ]


def callees(state: CaseState) -> list[Callee]:
    """Who can be called, with the whole number: whoever tells must be able to dial it."""
    both = [(state.applicant, False), (state.proxy, True)]
    return [Callee(str(one.get("name", "")), str(one.get("phone", "")), proxy) for one, proxy in both if one]


def told_rows(state: CaseState) -> list[dict[str, Any]]:
    """What was said or sent already, for the case's page."""
    return [
        {"about": TOLD_ABOUT.get(one.about, one.about), "how": TOLD_BY.get(one.how, one.how), "time": one.time}
        | {"sent": one.how == MESSAGE and not one.done, "note": one.note}
        for one in state.told
        if one.of
    ]


async def tell_applicant(request: web.Request) -> web.Response:
    """POST /cases/{topic}/tell: about, of, how, note; from=list goes back to the list."""
    topic, form = topic_of(request), form_of(request)
    body = {"about": form.get("about"), "of": form.get("of"), "how": form.get("how"), "done": True}
    body["note"] = form.get("note") or None
    back = "/tell" if form.get("from") == "list" else f"/cases/{topic.hex()}"
    desk, person = request.app[DESK], request[keys.PERSON]
    try:
        if body["how"] not in WAYS or not body["of"]:
            raise BadInput([])
        await request.app[keys.STORE].write(lambda conn: desk.act(conn, person, topic, ChangeKind.TELL, dict(body)))
    except BadInput as error:
        said = joined(
            N_("；"),
            (
                say("{message}（{remedy}）", message=one.message, remedy=one.remedy) if one.remedy else one.message
                for one in error.problems
            ),
        )
        flash(request, said or N_("没有登记：请点击清单里的按钮。"), tone="attention")
        return redirect(back)
    flash(request, N_("已登记，这件事不再列在清单里。"))
    return redirect(back)
