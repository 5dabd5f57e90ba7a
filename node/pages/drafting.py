"""A draft and its materials: what is there, what is wrong with it, its pages. Everything is kept, right or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from aiohttp import web
from sqlalchemy import Connection

from casework import case_store, reference
from casework.applicant import ID_TYPES, USCC_TYPE
from casework.errors import BadInput, Problem
from casework.identity import compact_number
from casework.intake import checked
from casework.policy import Person, case_scope
from casework.scenario import Requirements, all_answers, asked, requirements
from casework.service_item import ServiceItem
from casework.web import keys
from casework.web.case_reading import hex_bytes
from casework.web.intake_fields import (
    applicant_kinds,
    on_inputs,
)
from casework.workdays import china_day
from node import drafts
from node.draft_steps import CHECK, HOW, MATERIALS, TITLES, Step, is_special, steps_of
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
    def steps(self) -> list[Step]:
        """The pages before the materials."""
        return steps_of(self.item, self.person, self.day)

    @property
    def needs(self) -> Requirements:
        """What this applicant has to bring, as far as the questions are answered."""
        return requirements(self.item, self.answers, commitment=self.draft.commitment)


async def opened(request: web.Request, id_: str = "") -> Open:
    """The draft with this id, or that the address names. Raises NotFound."""
    id_ = id_ or hex_bytes(request.match_info["id"], TOPIC_BYTES).hex()
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
        "path_of_draft": f"/drafts/{open_.draft.id}" if open_.draft.id else f"/intake/{open_.item.key}",
        "parts": _parts(open_),
    }


def _parts(open_: Open) -> list[tuple[str, str, str]]:
    """The parts of the way: key, title, and the address of the first page, "" before there is a draft."""
    path, special = f"/drafts/{open_.draft.id}", is_special(open_.draft)
    found = [(step.part, f"{path}/step/{step.key}") for step in open_.steps if step.place[0] == 1]
    found = [pair for pair in found if pair[0] != HOW or special]
    found += [(MATERIALS, f"{path}/materials"), (CHECK, f"{path}/check")]
    return [(part, TITLES[part], address if open_.draft.id else "") for part, address in found]
