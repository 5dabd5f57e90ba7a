"""What a page's script is answered when it saves: JSON, so that the page stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from casework.errors import Problem
from casework.texts import translate
from casework.web.render import field_id, moment
from node.drafts import Draft


@dataclass(frozen=True, slots=True)
class Told:
    """About what was saved: what is wrong with values that are there, and the part of the page on the person."""

    wrong: Sequence[Problem]
    person: str
    translate: Callable[[str], str]


def answer_saved(draft: Draft, step: str, told: Told) -> web.Response:
    """{path, step, turn, saved: HH:MM, person: HTML, wrong: [{id, text}]}."""
    wrong = [{"id": field_id(one.field), "text": translate(one.text(), told.translate)} for one in told.wrong]
    said = {"path": f"/drafts/{draft.id}", "step": step, "turn": draft.turn, "saved": moment(draft.saved)[-5:]}
    return web.json_response(said | {"person": told.person, "wrong": wrong})


def answer_late() -> web.Response:
    """{late: true}: the page was left already, with newer words than these; nothing was saved, nothing is lost."""
    return web.json_response({"late": True})


def answer_taken(by: str, at: int) -> web.Response:
    """409: {by, saved: HH:MM}; nothing was saved."""
    return web.json_response({"by": by, "saved": moment(at)[-5:]}, status=409)
