"""An intake's pages before its materials, one thing each: shown, saved as typed, checked when somebody goes on.

The first letter typed begins the draft, not the look at a page; a page that a script saves every few seconds and one
without script end in the same rows. Who fills in a draft that another window or a colleague has is told so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from casework import reference
from casework.applicant import CITIZEN_ID_TYPE, USCC_TYPE
from casework.errors import Problem
from casework.id_facts import id_facts
from casework.service_item import ServiceItem
from casework.texts import N_
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.case_reading import hex_bytes, translator
from casework.web.forms import Form, form_of
from casework.web.intake_fields import (
    applicant_kinds,
    given_answers,
    given_applicant,
    given_form,
    given_proxy,
    input_values,
)
from casework.web.render import flash, redirect, render, render_part
from casework.workdays import china_day
from node import drafts
from node.draft_steps import (
    APPLICANT,
    CHECK,
    HOW,
    MATERIALS,
    Step,
    after,
    before,
    is_special,
    step_at,
    step_with,
)
from node.drafts import Draft, Seat, held_by, overtaken
from node.known_person import known_person
from node.pages.autosaving import Told, answer_late, answer_saved, answer_taken
from node.pages.drafting import TOPIC_BYTES, Open, draft_context, draft_problems, opened

_START_BYTES = 16
_TAB_CHARS = 32
NEXT, STAY, LEAVE, AUTO, OPEN, FILL, TAKE = "next", "stay", "leave", "auto", "open", "fill", "take"


class _Taken(Exception):
    """Somebody else fills in this draft: held_by's word, and when it was saved last."""

    def __init__(self, by: str, at: int) -> None:
        super().__init__(by)
        self.by, self.at = by, at


class _Late(Exception):
    """What was typed before a page was left came after what was sent on leaving it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a form of these pages says beside its values."""

    go: str
    step: str
    """"" for a form with the values of all pages."""
    seat: Seat
    change: bool
    """Whether it was opened from the last look, to which it goes back."""
    special: bool

    @classmethod
    def of(cls, form: Form, account: int) -> Ask:
        tab, turn = form.get("tab")[:_TAB_CHARS], form.get("turn")
        seat = Seat(account, tab, int(turn) if turn.isascii() and turn.isdigit() and len(turn) < 9 else 0)
        return cls(form.get("go"), form.get("step")[:40], seat, form.get("change") == "1", form.get("special") == "1")


async def show_first(request: web.Request) -> web.Response:
    """GET /intake/{item}: the first page; nothing is kept before something is typed."""
    key, now = request.match_info["item"], request.app[keys.CLOCK]()
    item = await request.app[keys.STORE].read(lambda conn: reference.newest_item(conn, key))
    started = request.app[keys.RANDOM](_START_BYTES).hex()
    draft = replace(_new(item, "", b"", request[keys.PERSON].account, now), started=started)
    open_ = Open(draft, item, (), frozenset(), china_day(now))
    return await _page(request, open_, open_.steps[0])


async def begin_draft(request: web.Request) -> web.Response:
    """POST /intake/{item}: as POST /drafts/{id}, for a draft begun by it. started=HEX: sent twice, begun once."""
    key, form = request.match_info["item"], form_of(request)
    desk, person, now = request.app[DESK], request[keys.PERSON], request.app[keys.CLOCK]()
    started = form.get("started")
    if started:
        hex_bytes(started, _START_BYTES)

    def write(conn: Connection) -> str:
        known = drafts.by_start(conn, started)
        if known is not None:
            return known
        item = reference.newest_item(conn, key)
        topic, case_key = desk.log.new()
        drafts.create(conn, replace(_new(item, topic.hex(), case_key, person.account, now), started=started))
        return topic.hex()

    return await _save(request, await request.app[keys.STORE].write(write))


def _new(item: ServiceItem, id_: str, key: bytes, account: int, now: int) -> Draft:
    kinds = applicant_kinds(item)
    applicant = {"kind": kinds[0][0]} if len(kinds) == 1 else {}
    return Draft(id_, key, item.key, item.version, account, now, now, applicant)


async def resume_draft(request: web.Request) -> web.Response:
    """GET /drafts/{id}: to the page at which its filling stands."""
    open_ = await opened(request)
    return redirect(_address(open_, open_.draft.step))


def _address(open_: Open, key: str) -> str:
    path = f"/drafts/{open_.draft.id}"
    return f"{path}/{key}" if key in (MATERIALS, CHECK) else f"{path}/step/{step_at(open_.steps, key).key}"


async def show_step(request: web.Request) -> web.Response:
    """GET /drafts/{id}/step/{step}?change=1&wrong=1: one page; `wrong` names at once what is wrong on it."""
    open_ = await opened(request)
    step = step_at(open_.steps, request.match_info["step"])
    wrong = _problems(open_, step) if request.query.get("wrong") else []
    return await _page(request, open_, step, wrong, change=bool(request.query.get("change")), status=200)


async def save_draft(request: web.Request) -> web.Response:
    """POST /drafts/{id}: step, answers.*, applicant.*, household, proxy.*, green, first_asked, commitment, form.*,
    go=next|stay|leave|auto|open|fill|take, change, special, tab, turn.

    What is typed is saved in any case; `next` goes on when the page is right, and a form without `step` has the values
    of all pages. `auto` and `open` are a script's, answered as JSON; `take`: although another window had it.
    """
    return await _save(request, hex_bytes(request.match_info["id"], TOPIC_BYTES).hex())


async def _save(request: web.Request, id_: str) -> web.Response:
    form, now = form_of(request), request.app[keys.CLOCK]()
    ask = Ask.of(form, request[keys.PERSON].account)

    def write(conn: Connection) -> None:
        draft = drafts.load(conn, id_)
        by = held_by(draft, ask.seat, now) if ask.go != TAKE else ""
        if by:
            raise _Taken(by, draft.saved)
        if ask.go == AUTO and overtaken(draft, ask.seat):
            raise _Late
        stays = ask.go in (AUTO, OPEN)
        seated = draft.taken_by(ask.seat, now) if stays else draft.left_by(ask.seat, now)
        drafts.save(conn, seated if ask.go == OPEN else _filled(seated, _item(conn, draft), form, ask.step), now)

    try:
        await request.app[keys.STORE].write(write)
    except _Late:
        return answer_late()
    except _Taken as taken:
        return await _say_taken(request, await opened(request, id_), ask, taken)
    if ask.go == FILL:
        await _fill_in(request, id_)
    return await _go_on(request, await opened(request, id_), ask)


def _item(conn: Connection, draft: Draft) -> ServiceItem:
    return reference.newest_item(conn, draft.item)


def _filled(draft: Draft, item: ServiceItem, form: Form, step: str) -> Draft:
    """The draft with what the form carries; a page leaves alone what is asked on others."""
    sent = {name for name, _value in form.fields}
    areas = {name.partition(".")[0] for name in sent}
    new = replace(
        draft,
        form={**draft.form, **given_form(form, item)},
        answers={**draft.answers, **given_answers(form, item)},
        step=step or draft.step,
    )
    if "applicant" in areas:
        new = replace(new, applicant=_with_id_type(given_applicant(form)))
    if "household" in sent:
        new = replace(new, household=form.get("household"))
    if step in ("", HOW):
        commitment = form.get("commitment") == "1"
        new = replace(new, commitment=commitment, green=form.get("green"), first_asked=form.get("first_asked"))
        new = replace(new, proxy=given_proxy(form))
    return _with_birth(new, item)


def _with_id_type(applicant: dict[str, str]) -> dict[str, str]:
    """An organisation has no identity card and a person no credit code: who chose the one means the other's usual."""
    wrong = {("org", CITIZEN_ID_TYPE): USCC_TYPE, ("person", USCC_TYPE): CITIZEN_ID_TYPE}
    meant = wrong.get((applicant["kind"], applicant["id_type"]), applicant["id_type"])
    return applicant | {"id_type": meant}


def _with_birth(draft: Draft, item: ServiceItem) -> Draft:
    """The date of birth need not be typed again where the number tells it."""
    field, applicant = item.field("birth_date"), draft.applicant
    if field is None or draft.form.get(field.key) or applicant.get("id_type") != CITIZEN_ID_TYPE:
        return draft
    facts = id_facts(applicant.get("id", ""), china_day(draft.saved))
    return replace(draft, form={**draft.form, field.key: facts.born.isoformat()}) if facts else draft


async def _fill_in(request: web.Request, id_: str) -> None:
    """Take over what is known of the person, where somebody asked for it."""
    desk, person, now = request.app[DESK], request[keys.PERSON], request.app[keys.CLOCK]()

    def write(conn: Connection) -> None:
        draft = drafts.load(conn, id_)
        known = known_person(conn, desk, person, draft.applicant.get("id", ""))
        if known is not None:
            told = {"name": known.name, "phone": known.phone, "address": known.address}
            told = {key: value for key, value in told.items() if value}
            household = draft.household or known.household
            drafts.save(conn, replace(draft, applicant={**draft.applicant, **told}, household=household), now)

    await request.app[keys.STORE].write(write)


async def _go_on(request: web.Request, open_: Open, ask: Ask) -> web.Response:
    step = step_at(open_.steps, ask.step or open_.draft.step)
    match ask.go:
        case "auto" | "open":
            return answer_saved(open_.draft, step.key, await _told(request, open_, step))
        case "stay":
            flash(request, N_("草稿已保存在本机。"))
            return redirect(f"/drafts/{open_.draft.id}")
        case "leave":
            flash(request, N_("草稿已保存在本机，可以随时接着办。"))
            return redirect("/drafts")
        case "fill" | "take":
            return redirect(_address(open_, step.key))
    wrong = _problems(open_, step if ask.step else None)
    if wrong:
        shown = step if ask.step else step_with(open_.steps, wrong[0].field) or step
        mine = [problem for problem in wrong if shown.asks(problem.field)] or wrong
        return await _page(request, open_, shown, mine, change=ask.change, special=ask.special)
    following = CHECK if ask.change else MATERIALS
    if ask.step and not ask.change:
        following = after(open_.steps, step.key, special=ask.special or is_special(open_.draft))
    where = _address(open_, following)
    if following == MATERIALS and (earlier := _problems(open_, None)):
        first = step_with(open_.steps, earlier[0].field) or step
        following, where = first.key, f"{_address(open_, first.key)}?wrong=1"
    await note_step(request, open_.draft.id, following)
    return redirect(where)


async def note_step(request: web.Request, id_: str, key: str) -> None:
    """Where the filling of a draft stands from now on."""
    now = request.app[keys.CLOCK]()

    def write(conn: Connection) -> None:
        draft = drafts.load(conn, id_)
        if draft.step != key:
            drafts.save(conn, replace(draft, step=key), now)

    await request.app[keys.STORE].write(write)


def _problems(open_: Open, step: Step | None) -> list[Problem]:
    """What is wrong on one page, or with None on any before the materials."""
    found = [problem for problem in draft_problems(open_) if not problem.field.startswith("materials")]
    return [problem for problem in found if step is None or step.asks(problem.field)]


async def _told(request: web.Request, open_: Open, step: Step) -> Told:
    """What a page that is open is to be told about what has just been saved."""
    html = ""
    if step.part == APPLICANT:
        html = render_part(request, "draft_person.html", await _person(request, open_)).text or ""
    typed = {name for name, value in form_of(request).fields if value.strip()}
    wrong = [problem for problem in _problems(open_, step) if problem.field in typed]
    return Told(wrong, html, translator(request))


async def _say_taken(request: web.Request, open_: Open, ask: Ask, taken: _Taken) -> web.Response:
    """The page as typed, with who has the draft; a button there takes it over."""
    if ask.go in (AUTO, OPEN):
        return answer_taken(taken.by, taken.at)
    form = form_of(request)
    typed = replace(open_, draft=_filled(open_.draft, open_.item, form, ask.step))
    step = step_at(open_.steps, ask.step)
    return await _page(request, typed, step, change=ask.change, special=ask.special, taken=taken, status=409)


async def _page(
    request: web.Request,
    open_: Open,
    step: Step,
    problems: Sequence[Problem] = (),
    *,
    change: bool = False,
    special: bool = False,
    taken: _Taken | None = None,
    status: int | None = None,
) -> web.Response:
    draft = open_.draft
    special = special or is_special(draft)
    back = before(open_.steps, step.key, special=special)
    context = draft_context(open_) | await _person(request, open_)
    context |= {
        "step": step,
        "change": change,
        "special": special,
        "taken": taken,
        "back": _address(open_, CHECK if change else back) if draft.id and (back or change) else "/intake",
    }
    return await render(request, "draft_step.html", context, problems=problems, values=_values(open_), status=status)


def _values(open_: Open) -> dict[str, str]:
    draft = open_.draft
    values = input_values({"id_type": _usual_id_type(draft)} | dict(draft.applicant), draft.form, draft.household)
    values |= {f"answers.{key}": value for key, value in draft.answers.items()}
    values |= {f"proxy.{key}": value for key, value in ({"id_type": CITIZEN_ID_TYPE} | dict(draft.proxy)).items()}
    return values | {"green": draft.green, "first_asked": draft.first_asked}


def _usual_id_type(draft: Draft) -> str:
    return USCC_TYPE if draft.applicant.get("kind") == "org" else CITIZEN_ID_TYPE


async def _person(request: web.Request, open_: Open) -> dict[str, Any]:
    """What the number tells, and whether its holder is known here under a name that is not filled in yet."""
    desk, person, draft = request.app[DESK], request[keys.PERSON], open_.draft
    number, is_citizen = draft.applicant.get("id", ""), draft.applicant.get("id_type") == CITIZEN_ID_TYPE

    def read(conn: Connection) -> tuple[str, Any]:
        facts = id_facts(number, open_.day) if is_citizen else None
        county = reference.region_name(conn, facts.county.ljust(12, "0")) if facts else ""
        known = known_person(conn, desk, person, number) if number else None
        return ("" if county.isdigit() else county), known

    county, known = await request.app[keys.STORE].read(read)
    news = known is not None and (known.name, known.phone) != (
        draft.applicant.get("name", ""),
        draft.applicant.get("phone", ""),
    )
    facts = id_facts(number, open_.day) if is_citizen else None
    return {"facts": facts, "county": county, "known": known if news else None}
