"""Intake, page by page: choose an item, fill in, bring materials. Everything is kept as typed, right or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from aiohttp import web
from sqlalchemy import Connection

from casework import case_store, reference
from casework.applicant import ID_TYPES, USCC_TYPE
from casework.desk import Desk
from casework.errors import BadInput, NotFound, Problem
from casework.identity import compact_number
from casework.intake import checked
from casework.policy import Person, case_scope
from casework.scenario import Requirements, all_answers, asked, requirements
from casework.service_item import ServiceItem
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.case_reading import hex_bytes
from casework.web.forms import Form, form_of
from casework.web.i18n import N_
from casework.web.intake_fields import (
    applicant_kinds,
    given_answers,
    given_applicant,
    given_form,
    given_proxy,
    input_values,
    on_inputs,
)
from casework.web.render import flash, redirect, render
from casework.web.scan_landing import landed
from casework.workdays import china_day
from node import drafts
from node.drafts import Draft
from node.pages.material_rows import authorisations, material_rows

TOPIC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Open:
    """A draft with its item as it is now, open cases of the same person for the same item, and today (China)."""

    draft: Draft
    item: ServiceItem
    same: Sequence[sa.Row[Any]]
    linked: frozenset[bytes]
    day: date

    @property
    def person(self) -> dict[str, str]:
        """The applicant with the number as it will be stored, for what follows from it."""
        return {**self.draft.applicant, "id": compact_number(self.draft.applicant.get("id", ""))}

    @property
    def answers(self) -> dict[str, str | int]:
        """Answers as typed, and the facts that need not be asked."""
        return all_answers(self.item, self.draft.answers, self.person, self.day)

    @property
    def needs(self) -> Requirements:
        """What this applicant has to bring, as far as the questions are answered."""
        return requirements(self.item, self.answers, commitment=self.draft.commitment)


async def opened(request: web.Request) -> Open:
    """The draft that the address names. Raises NotFound."""
    id_ = hex_bytes(request.match_info["id"], TOPIC_BYTES).hex()
    person = request[keys.PERSON]
    day = china_day(request.app[keys.CLOCK]())
    return await request.app[keys.STORE].read(lambda conn: _open(conn, person, id_, day))


def _open(conn: Connection, person: Person, id_: str, day: date) -> Open:
    draft = drafts.load(conn, id_)
    number = compact_number(draft.applicant.get("id", ""))
    same = case_store.same_person(conn, number, draft.item) if number else []
    scope = case_scope(person)
    prefix = scope.region_prefix if scope else "-"
    linked = frozenset(bytes(row.topic) for row in same if row.home_region.startswith(prefix))
    return Open(draft, reference.newest_item(conn, draft.item), same, linked, day)


def draft_problems(open_: Open) -> list[Problem]:
    """Everything that keeps the draft from being handed in, under the names of the inputs."""
    try:
        checked(open_.item, open_.draft.intake(), day=open_.day, complete=True)
    except BadInput as error:
        return on_inputs(error.problems, open_.item)
    return []


def draft_context(open_: Open) -> dict[str, Any]:
    draft, needs = open_.draft, open_.needs
    return {
        "questions": asked(open_.item, open_.person, open_.day),
        "rows": material_rows(open_.item, needs, draft.materials, commitment=draft.commitment, proxy=bool(draft.proxy)),
        "authorisations": [(name, name) for name in authorisations(open_.item)],
        "proxy_types": [pair for pair in ID_TYPES.items() if pair[0] != USCC_TYPE],
        "draft": open_.draft,
        "item": open_.item,
        "same": open_.same,
        "linked": open_.linked,
        "newer_item": open_.item.version != open_.draft.version,
        "kinds": applicant_kinds(open_.item),
        "id_types": list(ID_TYPES.items()),
        "path_of_draft": f"/drafts/{open_.draft.id}",
    }


async def choose_item(request: web.Request) -> web.StreamResponse:
    """GET /intake?q=TEXT."""
    scan = await landed(request, request.query.get("q", ""))
    if scan is not None:
        return scan
    q = request.query.get("q", "").strip()[:100]
    items = await request.app[keys.STORE].read(reference.items)
    found = [item for item in items if q.casefold() in item.name.casefold() or q.casefold() in item.key]
    return await render(request, "intake.html", {"items": found, "all": len(items), "q": q}, values={"q": q})


async def start_draft(request: web.Request) -> web.Response:
    """POST /intake: item. Creates the draft."""
    key, person, now = form_of(request).get("item"), request[keys.PERSON], request.app[keys.CLOCK]()
    desk: Desk = request.app[DESK]

    def write(conn: Connection) -> str:
        item = reference.newest_item(conn, key)
        topic, case_key = desk.log.new()
        kind = applicant_kinds(item)
        applicant = {"kind": kind[0][0]} if len(kind) == 1 else {}
        drafts.create(conn, Draft(topic.hex(), case_key, item.key, item.version, person.account, now, now, applicant))
        return topic.hex()

    try:
        return redirect(f"/drafts/{await request.app[keys.STORE].write(write)}")
    except NotFound as error:
        raise BadInput([Problem("item", str(error))]) from None


async def list_drafts(request: web.Request) -> web.Response:
    """GET /drafts."""

    def read(conn: Connection) -> tuple[list[Draft], dict[str, str]]:
        return drafts.newest(conn), {item.key: item.name for item in reference.items(conn)}

    found, names = await request.app[keys.STORE].read(read)
    return await render(request, "drafts.html", {"drafts": found, "names": names, "most": drafts.LIST_ROWS})


async def show_draft(request: web.Request) -> web.Response:
    """GET /drafts/{id}: scenario questions first, then applicant, form, household, who acts and how."""
    open_ = await opened(request)
    return await _details(request, open_)


async def _details(request: web.Request, open_: Open, problems: Sequence[Problem] = ()) -> web.Response:
    draft = open_.draft
    values = input_values({"id_type": "111"} | dict(draft.applicant), draft.form, draft.household)
    values |= {f"answers.{key}": value for key, value in draft.answers.items()}
    values |= {f"proxy.{key}": value for key, value in ({"id_type": "111"} | dict(draft.proxy)).items()}
    values |= {"green": draft.green, "first_asked": draft.first_asked}
    return await render(request, "draft.html", draft_context(open_), problems=problems, values=values)


async def save_draft(request: web.Request) -> web.Response:
    """POST /drafts/{id}: answers.*, applicant.*, form.*, household, proxy.*, green, first_asked, commitment,
    go=next|stay. Saved in any case; `next` needs it right."""
    open_, form, now = await opened(request), form_of(request), request.app[keys.CLOCK]()

    def write(conn: Connection) -> None:
        drafts.save(conn, _filled(drafts.load(conn, open_.draft.id), open_.item, form), now)

    await request.app[keys.STORE].write(write)
    open_ = await opened(request)
    if form.get("go") == "stay":
        flash(request, N_("草稿已保存在本机。"))
        return redirect(f"/drafts/{open_.draft.id}")
    problems = [problem for problem in draft_problems(open_) if not problem.field.startswith("materials")]
    if problems:
        return await _details(request, open_, problems)
    return redirect(f"/drafts/{open_.draft.id}/materials")


def _filled(draft: Draft, item: ServiceItem, form: Form) -> Draft:
    values = given_form(form, item)
    household = form.get("household")
    return replace(
        draft,
        applicant=given_applicant(form),
        form={**draft.form, **values},
        household=household,
        answers={**draft.answers, **given_answers(form, item)},
        commitment=form.get("commitment") == "1",
        green=form.get("green").strip(),
        first_asked=form.get("first_asked").strip(),
        proxy=given_proxy(form),
    )
