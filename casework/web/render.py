"""Turning templates into responses, and the few filters that every page needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

import aiohttp_jinja2
import jinja2
from aiohttp import web

from casework.case_lists import count_text
from casework.errors import Problem
from casework.policy import may_ever
from casework.texts import translate
from casework.web import govuk, keys
from casework.web.cookies import csrf_token
from casework.web.forms import CSRF_FIELD
from casework.web.site import NavEntry

# One time zone by law since 1949; Windows has no zone database to ask.
BEIJING = timezone(timedelta(hours=8))
FLASH = "flash"
HELP_PATH = "/help"
_LAST_SECOND = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=BEIJING).timestamp())
"""Headers of entries carry any time below 2**53, and clocks differ by as much: one such station must not take a list
from everybody."""


def add_templates(
    app: web.Application,
    loaders: Sequence[jinja2.BaseLoader],
    gettext: Callable[[str], str],
    ngettext: Callable[[str, str, int], str],
) -> None:
    """Set up the template environment; a program's own loaders come before the shared one.

    The two translators speak the language of the request that is being answered.
    """
    shared = jinja2.PackageLoader("casework.web")
    env = aiohttp_jinja2.setup(
        app,
        loader=jinja2.ChoiceLoader([*loaders, shared]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    env.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    env.globals |= {"asset": app[keys.ASSETS].url, "csrf_name": CSRF_FIELD} | govuk.parts()
    env.filters |= {
        "moment": moment,
        "day": day,
        "field_id": field_id,
        "translated": _filter(gettext),
        "counted": count_text,
    }


async def render(
    request: web.Request,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    problems: Sequence[Problem] = (),
    values: Mapping[str, str] | None = None,
    status: int | None = None,
) -> web.Response:
    """The page. With problems it says so at the top, fills the fields from `values`, and is a 422."""
    page = await _frame(request)
    page |= {"problems": list(problems), "values": values or {}} | dict(context or {})
    if status is None:
        status = 422 if problems else 200
    return aiohttp_jinja2.render_template(template, request, page, status=status)


def _filter(gettext: Callable[[str], str]) -> Callable[[Any, str], str]:
    # With the context asked for, jinja does not work out a constant text once and for all languages.
    return jinja2.pass_context(lambda _context, text: translate(text, gettext))


def render_part(request: web.Request, template: str, context: Mapping[str, Any]) -> web.Response:
    """A part of a page that is open, to be put in its place: no frame, and nothing that the next page is to say."""
    return aiohttp_jinja2.render_template(template, request, look_words(request) | dict(context))


def wants_part(request: web.Request) -> bool:
    """Whether a script of the open page asks, and wants no more than the part that it is about to renew."""
    return request.headers.get("HX-Request") == "true"


def redirect(path: str) -> web.Response:
    """See-other after a POST, so that reloading does not post again."""
    return web.Response(status=303, headers={"Location": path})


def flash(request: web.Request, text: str, *, tone: str = "ok") -> None:
    """Say something on the next page this person sees. tone: ok, attention or error."""
    session = request.get(keys.SESSION)
    if session is not None:
        # Said now, in the language of now: the session keeps words, not what they were made of.
        spoken = translate(text, request[keys.LOOK].catalogue.gettext)
        session.data.setdefault(FLASH, []).append({"tone": tone, "text": spoken})


def safe_next(target: str, home: str) -> str:
    """Where to go after signing in: only a path on this site, never another host or scheme."""
    try:
        parts = urlsplit(target.replace("\\", "/"))
    except ValueError:  # "//[" begins an address that never ends
        return home
    plain = target.isprintable() and target.startswith("/") and not parts.scheme and not parts.netloc
    return target if plain and not target.startswith(("//", "/\\")) and len(target) <= 500 else home


def moment(seconds: int) -> str:
    """Unix seconds as a Beijing date and time to the minute; before 1970 and past 9999 the first and last minute."""
    known = max(0, min(seconds, _LAST_SECOND))
    return datetime.fromtimestamp(known, UTC).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def day(seconds: int) -> str:
    """Unix seconds as a Beijing date."""
    return moment(seconds)[:10]


def field_id(name: str) -> str:
    """The element id of a form field, as the error summary links to it."""
    return "f-" + "".join(c if c.isalnum() or c in "-_" else "-" for c in name)


def look_words(request: web.Request) -> dict[str, Any]:
    """What every template may ask of the look: `lang`, `elder`, and the other languages there are."""
    look = request[keys.LOOK]
    return {"lang": look.lang, "elder": look.elder, "languages": request.app[keys.LANGUAGES].others(look.lang)}


async def _frame(request: web.Request) -> dict[str, Any]:
    signed_in = keys.ACCOUNT in request
    session = request.get(keys.SESSION)
    return look_words(request) | {
        "site": request.app[keys.SITE],
        "me": request.get(keys.ACCOUNT),
        "nav": _nav(request),
        "path": request.path,
        "here": request.path_qs if request.method in ("GET", "HEAD") else "",
        "help_path": HELP_PATH if request.app[keys.PAGES].has("GET", HELP_PATH) else "",
        "csrf": csrf_token(request),
        "said": session.data.pop(FLASH, []) if session is not None else [],
        "sync_bar": await request.app[keys.HOOKS].sync_bar(request) if signed_in else None,
    }


def _nav(request: web.Request) -> list[NavEntry]:
    account = request.get(keys.ACCOUNT)
    if account is None or account.must_change:
        return []
    role = request[keys.PERSON].role
    return [entry for entry in request.app[keys.SITE].nav if entry.act is None or may_ever(role, entry.act)]
