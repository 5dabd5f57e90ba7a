"""The form with which an applicant rates: first one of five grades, all alike; then, if they like, marks and words.

Each step is a plain page with large buttons and works without script. Nothing is chosen beforehand, and no grade ever
stands in an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from casework.errors import BadInput, Problem
from casework.ratings import GRADES, STAGES, WORDS_MAX_CHARS, Rating, grade_of, marks_of, read_rating
from casework.texts import N_
from casework.web import keys
from casework.web.forms import Form, form_of
from casework.web.render import render

SEND = "send"
RATING_BYTES_MAX = 16 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """What is rated: the address of the form, the item's name and the stage; nothing else of the case. token: whether
    the form carries the visitor's."""

    action: str
    item_name: str
    stage: str
    token: bool = True


async def show_grades(request: web.Request, asked: Asked, problems: Sequence[Problem] = ()) -> web.Response:
    """The five grades."""
    return await render(request, "rate_grades.html", _context(asked) | {"grades": GRADES}, problems=problems)


async def show_marks(
    request: web.Request, asked: Asked, grade: int, problems: Sequence[Problem] = (), *, renew: bool = False
) -> web.Response:
    """What may be said beside the grade. renew: the code is gone, and the form asks for another."""
    form = form_of(request)
    context = _context(asked) | {
        "grade": grade,
        "grade_name": GRADES[grade],
        "marks": list(marks_of(grade).items()),
        "chosen": form.all("marks"),
        "most": WORDS_MAX_CHARS,
        "renew": renew,
    }
    values = {"words": form.raw("words")}
    return await render(request, "rate_marks.html", context, problems=problems, values=values)


async def rating_or_page(request: web.Request, asked: Asked) -> Rating | web.Response:
    """What was sent, once it is whole; else the page that comes next."""
    form = form_of(request)
    grade = grade_of(form.get("grade"))
    if grade is None:
        return await show_grades(request, asked, [Problem("grade", N_("没有选择满意程度"), N_("请从五个选项中选一个"))])
    if form.get("go") != SEND:
        return await show_marks(request, asked, grade)
    try:
        return rating_of(form)
    except BadInput as error:
        return await show_marks(request, asked, grade, error.problems)


def rating_of(form: Form) -> Rating:
    """Raises BadInput."""
    return read_rating(form.get("grade"), form.all("marks"), form.raw("words"))


async def say_page(request: web.Request, title: str, text: str, *, status: int = 200) -> web.Response:
    """A page of two sentences."""
    return await render(request, "rate_said.html", {"title": title, "text": text}, status=status)


def now_of(request: web.Request) -> int:
    """Unix seconds."""
    return request.app[keys.CLOCK]()


def _context(asked: Asked) -> dict[str, object]:
    return {"asked": asked, "stage_name": STAGES[asked.stage]}
