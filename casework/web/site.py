"""What a program tells the page layer about itself, and what the page layer asks of the program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from aiohttp import web
from jinja2 import BaseLoader
from sqlalchemy import Connection

from casework.accounts import Account
from casework.policy import Act
from casework.session_store import SessionLimits

T = TypeVar("T")


class Store(Protocol):
    """The program's database. `fn` may run again after a conflict, so its only effect is the database."""

    async def read(self, fn: Callable[[Connection], T]) -> T: ...

    async def write(self, fn: Callable[[Connection], T]) -> T: ...


@dataclass(frozen=True, slots=True)
class NavEntry:
    """A link in the header, shown to those who may do `act` (None: everybody who is signed in)."""

    label: str
    path: str
    act: Act | None = None


@dataclass(frozen=True, slots=True)
class SyncBar:
    """The line under the header on how far this place is in step. tone: ok, busy, offline or attention."""

    tone: str
    text: str
    detail: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """Names, limits and places of one program's pages.

    `key` tells the cookies of several programs on one host apart (cookies ignore ports), e.g. "n17".
    `tier` is "village", "township" or "county". `templates` and `assets` go before the shared ones.
    `machine_paths` are path prefixes that belong to other programs, not to browsers: no session, no CSRF.
    """

    key: str
    name: str
    station: str
    tier: str
    tls: bool = False
    nav: tuple[NavEntry, ...] = ()
    machine_paths: tuple[str, ...] = ()
    trusted_proxies: frozenset[str] = frozenset()
    limits: SessionLimits = field(default_factory=SessionLimits)
    language: str = "zh_CN"
    home: str = "/"
    author: int = 0
    """Only this station's own staff may sign in; 0 in tests of the page layer alone."""
    help_line: str = ""
    spool_dir: Path | None = None
    templates: tuple[BaseLoader, ...] = ()
    assets: tuple[Path, ...] = ()


async def _no_sync_bar(_request: web.Request) -> SyncBar | None:
    return None


async def _ignore_sign_in(_account: Account, _address: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Hooks:
    """Calls into the program. `password_change` must store the new hash (`set_local_password`) and log it."""

    password_change: Callable[[Account, str], Awaitable[None]]
    signed_in: Callable[[Account, str], Awaitable[None]] = field(default=_ignore_sign_in)
    sync_bar: Callable[[web.Request], Awaitable[SyncBar | None]] = field(default=_no_sync_bar)
