"""One case to be read and acted on in one window: its form and story beside its pages, with the keys of its acts.

The template part is `case_panes.html`, the script `desk.js`; a page puts both together with a list of cases beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from casework.changes import ChangeKind
from casework.desk import CaseView
from casework.story_mark import story_of
from casework.web import keys
from casework.web.action_table import offered
from casework.web.case_actions import Action
from casework.web.case_keys import CARDS, OPINIONS
from casework.web.case_reading import case_context
from casework.web.cookies import csrf_token
from casework.web.page_words import PageRow

_K = ChangeKind
ACT_KEYS: Mapping[str, tuple[ChangeKind, ...]] = {
    "A": (_K.PART_ANSWER, _K.GRANT, _K.ENDORSE, _K.ACCEPT, _K.REVIEW),
    "S": (_K.ASK_SUPPLEMENT, _K.SEND_BACK),
    "X": (_K.DENY, _K.REFUSE_ACCEPTANCE),
}
"""What each key opens: the first of these that may be done now. A 同意, S 退回补正, X 不予."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of the case beside its form. number: among all pages, from 1; place: within its material. preview, full:
    hashes in hex of what can be shown, "" while it is not here."""

    number: int
    material: str
    place: int
    page: str
    preview: str
    full: str
    pdf: bool
    where: str


def keyed(view: CaseView) -> tuple[list[tuple[str, Action]], list[Action]]:
    """The acts that have a key, with it, and the others, in the order of their buttons."""
    every = offered(view)
    by_kind = {action.kind: action for action in every}
    found = []
    for key, kinds in ACT_KEYS.items():
        action = next((by_kind[kind] for kind in kinds if kind in by_kind), None)
        if action is not None:
            found.append((key, action))
    taken = {action.kind for _, action in found}
    return found, [action for action in every if action.kind not in taken]


def sheets_of(view: CaseView, rows: Mapping[str, Sequence[PageRow]]) -> list[Sheet]:
    """Every page of the case in order; empty where this machine may only pass them on."""
    if not view.readable:
        return []
    return [
        Sheet(
            row.number,
            material.name,
            place,
            row.page,
            row.picture,
            row.opens if row.here and not row.pdf else "",
            row.pdf,
            row.where,
        )
        for material in view.state.materials
        for place, row in enumerate(rows[material.name], 1)
    ]


async def panes_context(request: web.Request, view: CaseView) -> dict[str, Any]:
    """What `case_panes.html` names, the frame of a page not counted."""
    context = await case_context(request, view)
    store, person, app = request.app[keys.STORE], request[keys.PERSON], request.app
    opinions, cards = app.get(OPINIONS), app.get(CARDS)
    with_keys, others = keyed(view)
    return context | {
        "opinions": await store.read(lambda conn: opinions(conn, view.topic)) if opinions is not None else (),
        "cards": await store.read(lambda conn: cards(conn, person, view.topic)) if cards is not None else (),
        "acts": with_keys,
        "other_acts": others,
        "sheets": sheets_of(view, context["pages"]),
        "story": story_of(view.state),
        "csrf": csrf_token(request),
        "problems": [],
        "values": {},
    }
