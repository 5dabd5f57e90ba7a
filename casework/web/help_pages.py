"""The guides for staff: one page a role, short enough to print and pin to the wall."""

from __future__ import annotations

import re
from collections.abc import Callable

from aiohttp import web

from casework.errors import NotFound
from casework.policy import ROLE_NAMES, Role
from casework.texts import N_
from casework.web import keys
from casework.web.case_reading import translator
from casework.web.guides import GUIDES
from casework.web.pages import Page
from casework.web.render import render

_BUTTON = re.compile("「([^「」]+)」")


async def show_own(request: web.Request) -> web.Response:
    """GET /help: the guide of the signed-in person's role."""
    return await _show(request, request[keys.PERSON].role)


async def show_role(request: web.Request) -> web.Response:
    """GET /help/{role}."""
    try:
        return await _show(request, Role(request.match_info["role"]))
    except ValueError:
        raise NotFound(N_("没有这一份指南")) from None


def with_buttons(text: str, gettext: Callable[[str], str]) -> str:
    """A guide's text in another language. What stands in 「」 is a name on a page and is said as that page says it."""
    opening, closing = gettext(N_("「")), gettext(N_("」"))
    return _BUTTON.sub(lambda found: f"{opening}{gettext(found[1])}{closing}", gettext(text))


async def _show(request: web.Request, role: Role) -> web.Response:
    _ = translator(request)
    context = {
        "guide": GUIDES[role],
        "name": ROLE_NAMES[role],
        "own": role is request[keys.PERSON].role,
        "others": [(one.value, ROLE_NAMES[one]) for one in GUIDES if one is not role],
        "told": lambda text: with_buttons(text, _),
    }
    return await render(request, "help.html", context)


HELP_PAGES = (Page("GET", "/help", show_own), Page("GET", "/help/{role}", show_role))
