"""Checking a password against the stored throttle.

An attempt counts as failed before it is looked at and is taken back when it succeeds: so many attempts at
once cannot slip past the count, and a restart in the middle forgives nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from sqlalchemy import Connection

from casework import accounts_store
from casework.accounts import ADDRESS_THROTTLE, LOGIN_THROTTLE, Account, wait_seconds
from casework.web import keys

# Of a random password that was thrown away: an unknown name takes as long as a known one.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=1$bndrCxWz4scE/AZIBRrBJQ$mDeiCnFVLsXIeIOVhPYuiWrhfmHsiGM0NMwkH4wTWl8"


@dataclass(frozen=True, slots=True)
class Attempt:
    """wait > 0: not looked at, try again in so many seconds. account None: wrong name or password."""

    wait: int = 0
    account: Account | None = None


@dataclass(frozen=True, slots=True)
class _Begun:
    wait: int
    failures: tuple[int, ...] = ()
    account: Account | None = None


async def check_password(request: web.Request, login: str, password: str) -> Attempt:
    """Look at one attempt from this request's address."""
    store, now = request.app[keys.STORE], request.app[keys.CLOCK]()
    by_login, by_address = accounts_store.login_key(login), accounts_store.address_key(address_of(request))
    begun = await store.write(lambda connection: _begin(connection, login, by_login, by_address, now))
    if begun.wait:
        return Attempt(wait=begun.wait)
    stored = begun.account.hash if begun.account else _NOBODY
    right = await request.app[keys.PASSWORDS].verify(password, stored)
    if not right or begun.account is None:
        return Attempt()

    def take_back(connection: Connection) -> None:
        accounts_store.forget_failures(connection, key=by_login, ids=begun.failures)

    await store.write(take_back)
    return Attempt(account=begun.account)


def address_of(request: web.Request) -> str:
    """The browser's address; a proxy's word is taken only from the proxies the site trusts."""
    peer = request.remote or ""
    if peer in request.app[keys.SITE].trusted_proxies:
        forwarded = request.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip()
        return forwarded or peer
    return peer


def _begin(connection: Connection, login: str, by_login: str, by_address: str, now: int) -> _Begun:
    accounts_store.one_at_a_time(connection, by_login, by_address)
    rules = ((by_login, LOGIN_THROTTLE), (by_address, ADDRESS_THROTTLE))
    wait = max(
        wait_seconds(accounts_store.failures_since(connection, key, now - rule.window_seconds), now, rule)
        for key, rule in rules
    )
    if wait:
        return _Begun(wait)
    oldest = now - max(rule.window_seconds for _, rule in rules)
    accounts_store.drop_failures_before(connection, oldest)
    failures = tuple(accounts_store.record_failure(connection, key, now) for key, _ in rules)
    return _Begun(0, failures, accounts_store.find_by_login(connection, login))
