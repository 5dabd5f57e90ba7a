"""Who is asking: the session cookie becomes SESSION, ACCOUNT and PERSON on the request."""

from __future__ import annotations

import copy

from aiohttp import web
from aiohttp.typedefs import Handler
from sqlalchemy import Connection

from casework import accounts_store, session_store
from casework.accounts import Account, person_of
from casework.policy import Person
from casework.session_store import Session
from casework.web import cookies, keys

# One write a minute at most for a person who clicks around.
SEEN_STEP_SECONDS = 60
UNATTENDED = "Lianban-Unattended"
"""A header with which a script says that nobody asked for what it fetches."""


def is_machine(request: web.Request) -> bool:
    """Whether the request belongs to another program, which has its own ways to prove who it is."""
    return request.path.startswith(request.app[keys.SITE].machine_paths)


@web.middleware
async def load_session(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Put the signed-in person on the request, and the visitor's mark if there is nobody."""
    if is_machine(request):
        return await handler(request)
    found = await _find(request)
    if found is not None:
        request[keys.SESSION], request[keys.ACCOUNT], request[keys.PERSON] = found
    before = copy.deepcopy(found[0].data) if found is not None else {}
    response = await handler(request) if found is not None else await _as_visitor(request, handler)
    # Signing in or changing the password has put another session on the request.
    if (session := request.get(keys.SESSION)) is not None:
        await _save(request, session, before)
    return response


async def _find(request: web.Request) -> tuple[Session, Account, Person] | None:
    token = _cookie(request, cookies.session_cookie(request.app[keys.SITE]))
    if not token:
        return None
    now, site = request.app[keys.CLOCK](), request.app[keys.SITE]

    def look(connection: Connection) -> tuple[Session, Account, Person] | None:
        session = session_store.get_session(connection, token, now, site.limits)
        account = accounts_store.get(connection, session.account) if session else None
        person = person_of(account) if account else None
        if session is None or account is None or person is None or account.locked:
            return None
        return (session, account, person) if site.author in (0, account.author) else None

    return await request.app[keys.STORE].read(look)


def _cookie(request: web.Request, name: str) -> str:
    """The cookie's value; "" for one that is not ours: bytes that are no text cannot even be hashed."""
    value = request.cookies.get(name, "")
    return value if value.isascii() else ""


async def _as_visitor(request: web.Request, handler: Handler) -> web.StreamResponse:
    site = request.app[keys.SITE]
    known = _cookie(request, cookies.visitor_cookie(site))
    request[keys.VISITOR] = known or request.app[keys.RANDOM](cookies.VISITOR_BYTES).hex()
    response = await handler(request)
    # After signing in the page is the person's, and a static file is everybody's.
    if not known and keys.SESSION not in request and "Cache-Control" not in response.headers:
        cookies.set_visitor(response, site, request[keys.VISITOR])
    return response


async def _save(request: web.Request, session: Session, before: dict[str, object]) -> None:
    now = request.app[keys.CLOCK]()
    unattended = request.app[keys.PAGES].of(request).polled or UNATTENDED in request.headers
    seen = not unattended and now - session.last_seen >= SEEN_STEP_SECONDS
    if not seen and session.data == before:
        return
    if seen:
        session.last_seen = now
    await request.app[keys.STORE].write(lambda connection: session_store.save_session(connection, session))
