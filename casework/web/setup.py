"""Putting the page layer on an application."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from casework.passwords import Passwords
from casework.web import assets, keys
from casework.web.error_pages import error_pages, log_request, secure_headers
from casework.web.guard import guard
from casework.web.looks import LOOK_PAGES, Languages, take_look, translate, translate_count
from casework.web.pages import Page, PageTable, add_pages
from casework.web.render import add_templates
from casework.web.session_loading import load_session
from casework.web.sign_in import SIGN_IN_PAGES
from casework.web.site import Hooks, Site, Store


def setup(
    app: web.Application,
    *,
    store: Store,
    site: Site,
    hooks: Hooks,
    passwords: Passwords,
    clock: Callable[[], int],
    random_bytes: Callable[[int], bytes],
) -> None:
    """Add sessions, guards, error pages, templates, static files and the sign-in pages.

    `clock` gives unix seconds. Call it before `add_pages`; middlewares added later run inside these.
    """
    app[keys.STORE], app[keys.SITE], app[keys.HOOKS] = store, site, hooks
    app[keys.PASSWORDS], app[keys.CLOCK], app[keys.RANDOM] = passwords, clock, random_bytes
    app[keys.ASSETS] = assets.Assets([*assets.OWN_FOLDERS, *site.assets])
    app[keys.PAGES] = PageTable()
    app[keys.LANGUAGES] = Languages(site.language)
    add_templates(app, site.templates, translate, translate_count)
    app.middlewares.extend((log_request, secure_headers, take_look, error_pages, load_session, guard))
    add_pages(app, [*SIGN_IN_PAGES, *LOOK_PAGES, Page("GET", assets.PREFIX + "{name}", _static, public=True)])


async def _static(request: web.Request) -> web.Response:
    return request.app[keys.ASSETS].response(request.match_info["name"])
