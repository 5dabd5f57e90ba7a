"""Turning templates into responses, and the few filters that every page needs."""

from __future__ import annotations

import gettext
from collections.abc import Mapping, Sequence
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
from casework.web import keys
from casework.web.cookies import csrf_token
from casework.web.forms import CSRF_FIELD
from casework.web.site import NavEntry

# One time zone by law since 1949; Windows has no zone database to ask.
BEIJING = timezone(timedelta(hours=8))
FLASH = "flash"
_LAST_SECOND = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=BEIJING).timestamp())
"""Headers of entries carry any time below 2**53, and one such entry must not take a list from everybody."""


def add_templates(
    app: web.Application, loaders: Sequence[jinja2.BaseLoader], translations: gettext.NullTranslations
) -> None:
    """Set up the template environment; a program's own loaders come before the shared one."""
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
    env.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
    env.globals |= {"asset": app[keys.ASSETS].url, "csrf_name": CSRF_FIELD}
    env.filters |= {
        "moment": moment,
        "day": day,
        "field_id": field_id,
        "translated": lambda text: translate(text, translations.gettext),
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


def render_part(request: web.Request, template: str, context: Mapping[str, Any]) -> web.Response:
    """A part of a page that is open, to be put in its place: no frame, and nothing that the next page is to say."""
    return aiohttp_jinja2.render_template(template, request, dict(context))


def redirect(path: str) -> web.Response:
    """See-other after a POST, so that reloading does not post again."""
    return web.Response(status=303, headers={"Location": path})


def flash(request: web.Request, text: str, *, tone: str = "ok") -> None:
    """Say something on the next page this person sees. tone: ok, attention or error."""
    session = request.get(keys.SESSION)
    if session is not None:
        session.data.setdefault(FLASH, []).append({"tone": tone, "text": text})


def safe_next(target: str, home: str) -> str:
    """Where to go after signing in: only a path on this site, never another host or scheme."""
    parts = urlsplit(target.replace("\\", "/"))
    plain = target.isprintable() and target.startswith("/") and not parts.scheme and not parts.netloc
    return target if plain and not target.startswith(("//", "/\\")) and len(target) <= 500 else home


def moment(seconds: int) -> str:
    """Unix seconds as a Beijing date and time to the minute; what lies past 9999 is shown as its last minute."""
    return datetime.fromtimestamp(min(seconds, _LAST_SECOND), UTC).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def day(seconds: int) -> str:
    """Unix seconds as a Beijing date."""
    return moment(seconds)[:10]


def field_id(name: str) -> str:
    """The element id of a form field, as the error summary links to it."""
    return "f-" + "".join(c if c.isalnum() or c in "-_" else "-" for c in name)


async def _frame(request: web.Request) -> dict[str, Any]:
    signed_in = keys.ACCOUNT in request
    session = request.get(keys.SESSION)
    return {
        "site": request.app[keys.SITE],
        "me": request.get(keys.ACCOUNT),
        "nav": _nav(request),
        "path": request.path,
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
