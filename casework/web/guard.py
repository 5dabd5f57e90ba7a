"""What stands before every page: signed in, first password changed, role allowed, form genuine and bounded.

The role is asked here. Whether the act reaches *this* case is asked where the case is known.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from casework.policy import may_ever, require
from casework.web import cookies, keys
from casework.web.forms import read_form
from casework.web.pages import Page
from casework.web.render import redirect
from casework.web.session_loading import is_machine

SIGN_IN_PATH = "/sign-in"
PASSWORD_PATH = "/password"
_SAFE_METHODS = ("GET", "HEAD")


class SignInNeeded(Exception):
    """A form was posted after its session had run out; a redirect would lose it without a word."""


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through to its page, send it to sign in, or refuse it. Raises NotAllowed, BadInput."""
    if is_machine(request) or request.match_info.http_exception is not None:
        return await handler(request)
    page = request.app[keys.PAGES].of(request)
    if not page.public and keys.ACCOUNT not in request:
        return _to_sign_in(request)
    if not page.public and request[keys.ACCOUNT].must_change and not page.before_first_password:
        return redirect(PASSWORD_PATH)
    if page.act is not None and not may_ever(request[keys.PERSON].role, page.act):
        require(request[keys.PERSON], page.act)
    if request.method in _SAFE_METHODS:
        return await handler(request)
    return await _with_form(request, handler, page)


async def _with_form(request: web.Request, handler: Handler, page: Page) -> web.StreamResponse:
    def token_ok(given: str) -> bool:
        return _from_here(request) if page.open_form else cookies.csrf_matches(request, given)

    form = await read_form(request, page.upload, token_ok, request.app[keys.SITE].spool_dir)
    request[keys.FORM] = form
    try:
        return await handler(request)
    finally:
        form.close()


def _from_here(request: web.Request) -> bool:
    """Whether the browser does not say that another site's page sent this. Under our Referrer-Policy it names no origin
    ("null") even for our own pages, so only its word on the site, or a foreign origin, speaks against it."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin", "null")
    return origin == "null" or urlsplit(origin).netloc == request.host


def _to_sign_in(request: web.Request) -> web.Response:
    if request.method not in _SAFE_METHODS:
        raise SignInNeeded
    site = request.app[keys.SITE]
    if request.path_qs == site.home:
        return redirect(SIGN_IN_PATH)
    return redirect(f"{SIGN_IN_PATH}?next={quote(request.path_qs, safe='')}")
