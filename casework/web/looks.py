"""How a person wants to see pages: in which language, and in the large view for older eyes (工信部适老化规范).

Both are cookies of the browser, of no value to anybody else and shared by all programs of one host. Papers do not
follow the language: what is printed and signed stays Chinese.
"""

from __future__ import annotations

import gettext
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from casework import texts
from casework.web import keys
from casework.web.forms import form_of
from casework.web.i18n import LOCALE_FOLDER, load_translations
from casework.web.pages import Page
from casework.web.render import redirect, safe_next

LANGUAGE_COOKIE = "lang"
ELDER_COOKIE = "elder"
LOOK_PATH = "/look"
NAMES = {"zh-CN": "中文", "en": "English"}
"""What each language calls itself, by the tag that a page and the cookie carry."""
_YEAR_SECONDS = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Look:
    """How the page of one request is shown."""

    lang: str
    elder: bool
    catalogue: gettext.NullTranslations


_now: ContextVar[Look | None] = ContextVar("look", default=None)


class Languages:
    """The catalogues that a program has; its own language is what a browser without a cookie gets."""

    def __init__(self, own: str, folder: Path = LOCALE_FOLDER) -> None:
        self._own = own.replace("_", "-")
        tags = [tag for tag in NAMES if tag == "zh-CN" or (folder / tag).is_dir()]
        self._catalogues = {tag: load_translations(tag.replace("-", "_"), folder) for tag in {self._own, *tags}}

    def look(self, lang: str, *, elder: bool) -> Look:
        """The look for what the cookies say; a language that is not there is the program's own."""
        tag = lang if lang in self._catalogues else self._own
        return Look(tag, elder, self._catalogues[tag])

    def others(self, lang: str) -> list[tuple[str, str]]:
        """The languages to offer to who reads in `lang`: (tag, own name)."""
        return [(tag, name) for tag, name in NAMES.items() if tag in self._catalogues and tag != lang]


def translate(text: str) -> str:
    """The text in the language of the request that is being answered; as it stands where there is none."""
    look = _now.get()
    return texts.translate(text, look.catalogue.gettext) if look is not None else text


def translate_count(one: str, many: str, count: int) -> str:
    """The form of a text for a number of things, in the language of the request."""
    look = _now.get()
    return (look.catalogue if look is not None else gettext.NullTranslations()).ngettext(one, many, count)


@web.middleware
async def take_look(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read the two cookies. A connection's task answers many requests, so each of them sets its own."""
    request[keys.LOOK] = request.app[keys.LANGUAGES].look(
        request.cookies.get(LANGUAGE_COOKIE, ""), elder=request.cookies.get(ELDER_COOKIE) == "1"
    )
    _now.set(request[keys.LOOK])
    return await handler(request)


async def change_look(request: web.Request) -> web.Response:
    """POST /look: lang or elder, and next, the page to return to."""
    form, site = form_of(request), request.app[keys.SITE]
    response = redirect(safe_next(form.get("next"), site.home))
    if form.get("lang") in NAMES:
        _keep(request, response, LANGUAGE_COOKIE, form.get("lang"))
    if form.get("elder") in ("0", "1"):
        _keep(request, response, ELDER_COOKIE, form.get("elder"))
    return response


def _keep(request: web.Request, response: web.Response, name: str, value: str) -> None:
    secure = request.app[keys.SITE].tls
    response.set_cookie(name, value, path="/", max_age=_YEAR_SECONDS, httponly=True, secure=secure, samesite="Lax")


LOOK_PAGES = (Page("POST", LOOK_PATH, change_look, public=True, open_form=True),)
