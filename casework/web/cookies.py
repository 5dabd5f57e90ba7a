"""The two cookies: the session of a signed-in person, and the visitor mark that guards the sign-in form.

Under TLS both carry the __Host- prefix and Secure, so no other host, path or plain page can set them.
"""

from __future__ import annotations

import hashlib
import hmac

from aiohttp import web

from casework.session_store import TOKEN_BYTES, Session
from casework.web import keys
from casework.web.site import Site

VISITOR_BYTES = 16


def session_cookie(site: Site) -> str:
    """The name of the session cookie of this program."""
    return _name(site, "session")


def visitor_cookie(site: Site) -> str:
    """The name of the cookie that an anonymous visitor's form is tied to."""
    return _name(site, "visitor")


def set_session(response: web.StreamResponse, site: Site, token: str) -> None:
    """Give the browser its session; it lasts until the browser or the session ends."""
    name = session_cookie(site)
    # Lax, not Strict: a link in a chat window to a case must not look signed out.
    response.set_cookie(name, token, path="/", httponly=True, secure=site.tls, samesite="Lax")


def clear_session(response: web.StreamResponse, site: Site) -> None:
    """Take the session cookie away."""
    response.del_cookie(session_cookie(site), path="/", httponly=True, secure=site.tls, samesite="Lax")


def set_visitor(response: web.StreamResponse, site: Site, mark: str) -> None:
    """Give an anonymous browser its mark."""
    name = visitor_cookie(site)
    response.set_cookie(name, mark, path="/", httponly=True, secure=site.tls, samesite="Strict")


def new_token(request: web.Request) -> str:
    """A fresh 256-bit token as hex."""
    return request.app[keys.RANDOM](TOKEN_BYTES).hex()


def csrf_token(request: web.Request) -> str:
    """The token that the forms of this request's page carry: the session's, else one made from the mark."""
    session: Session | None = request.get(keys.SESSION)
    if session is not None:
        return session.csrf
    mark = request.get(keys.VISITOR) or ""
    return hashlib.sha256(b"lianban visitor form\0" + mark.encode()).hexdigest() if mark else ""


def csrf_matches(request: web.Request, given: str) -> bool:
    """Compare in constant time. A browser that sent neither cookie has a mark nobody can know yet."""
    wanted = csrf_token(request)
    return wanted != "" and hmac.compare_digest(wanted.encode(), given.encode())


def _name(site: Site, kind: str) -> str:
    return f"{'__Host-' if site.tls else ''}lianban-{site.key}-{kind}"
