"""The way through an intake, one thing a page: situation, applicant, who acts, form, materials, check. Pure.

A page is one question or one short group; what few applicants need (somebody acts for them, 绿色通道, 告知承诺) is
passed over unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import TypeVar

from casework.scenario import asked
from casework.service_item import FormField, Question, ServiceItem
from casework.texts import N_
from node.drafts import Draft

QUESTIONS_A_PAGE, FIELDS_A_PAGE = 3, 5
SITUATION, APPLICANT, HOW, FORM, MATERIALS, CHECK = "situation", "applicant", "how", "form", "materials", "check"
TITLES: Mapping[str, str] = {
    SITUATION: N_("情形"),
    APPLICANT: N_("申请人"),
    HOW: N_("代办和承诺"),
    FORM: N_("表单"),
    MATERIALS: N_("材料"),
    CHECK: N_("核对提交"),
}
_HOW = ("proxy", "green", "first_asked", "commitment")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """One page: its key in addresses, of which part it is, the questions or form fields that it asks."""

    key: str
    part: str
    questions: tuple[Question, ...] = ()
    fields: tuple[FormField, ...] = ()
    place: tuple[int, int] = (1, 1)
    """Which of the part's pages it is, of how many."""

    def asks(self, name: str) -> bool:
        """Whether the input with this name stands on the page."""
        area, _, key = name.partition(".")
        match self.part:
            case "situation":
                return area == "answers" and any(key == question.key for question in self.questions)
            case "applicant":
                return area in ("applicant", "household")
            case "how":
                return area in _HOW
            case _:
                return area == "form" and any(key == field.key for field in self.fields)


def steps_of(item: ServiceItem, person: Mapping[str, str], day: date) -> list[Step]:
    """All pages before the materials. person: the applicant as far as known, for what need not be asked."""
    questions = _pages(asked(item, person, day), QUESTIONS_A_PAGE)
    fields = _pages(item.form, FIELDS_A_PAGE)
    return [
        *(Step(_key(SITUATION, n), SITUATION, q, place=(n + 1, len(questions))) for n, q in enumerate(questions)),
        Step(APPLICANT, APPLICANT),
        Step(HOW, HOW),
        *(Step(_key(FORM, n), FORM, fields=f, place=(n + 1, len(fields))) for n, f in enumerate(fields)),
    ]


def _pages(all_: Sequence[T], most: int) -> list[tuple[T, ...]]:
    """In order, on as few pages as there have to be, none much fuller than the others."""
    size = ceil(len(all_) / ceil(len(all_) / most)) if all_ else 1
    return [tuple(all_[at : at + size]) for at in range(0, len(all_), size)]


def _key(part: str, n: int) -> str:
    return part if n == 0 else f"{part}-{n + 1}"


def is_special(draft: Draft) -> bool:
    """Whether something of the page that is passed over is filled in."""
    return bool(draft.proxy or draft.green or draft.first_asked or draft.commitment)


def step_at(steps: Sequence[Step], key: str) -> Step:
    """The page with this key; the first where the item has none such (any more)."""
    return next((step for step in steps if step.key == key), steps[0])


def after(steps: Sequence[Step], key: str, *, special: bool) -> str:
    """The key of the page that follows."""
    keys = [step.key for step in steps if step.key != HOW or special or key == HOW]
    at = keys.index(key) + 1 if key in keys else len(keys)
    return keys[at] if at < len(keys) else MATERIALS


def before(steps: Sequence[Step], key: str, *, special: bool) -> str:
    """The key of the page that comes before, "" for the first."""
    keys = [step.key for step in steps if step.key != HOW or special or key == HOW]
    at = keys.index(key) if key in keys else len(keys)
    return keys[at - 1] if at else ""


def step_with(steps: Sequence[Step], name: str) -> Step | None:
    """The page on which the input with this name stands."""
    return next((step for step in steps if step.asks(name)), None)
