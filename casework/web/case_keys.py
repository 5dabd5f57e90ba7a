"""Typed keys under which a program hands its desk and its workshop to the case pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from aiohttp import web
from sqlalchemy import Connection

from casework.desk import Desk
from casework.policy import Person
from casework.ratings import Rating

T = TypeVar("T")


class OffLoop(Protocol):
    """Runs blocking work (opening, sealing and reading files) off the event loop.

    Opening a hostile file may take two minutes: give it few threads of its own, not the database's.
    """

    def __call__(self, fn: Callable[[], T], /) -> Awaitable[T]: ...


class Ratings(Protocol):
    """Where the ratings of this place go, and of which stages of a case somebody has rated: never what."""

    def given(self, conn: Connection, topic: bytes) -> frozenset[str]: ...
    def give(self, conn: Connection, topic: bytes, stage: str, rating: Rating, now: int) -> None: ...


DESK: web.AppKey[Desk] = web.AppKey("desk")
OFF_LOOP: web.AppKey[OffLoop] = web.AppKey("off_loop")
SPOOL: web.AppKey[Path] = web.AppKey("spool")
"""A folder for files while they are being opened; what lies there after a crash may be deleted."""

OPINIONS: web.AppKey[Callable[[Connection, bytes], Sequence[Any]]] = web.AppKey("opinions")
"""What the county's people have said of a case among themselves; nothing of it leaves the county."""

CARDS: web.AppKey[Callable[[Connection, Person, bytes], Sequence[Any]]] = web.AppKey("cards")
"""The cards of a case that a person may see, where the program has any: nothing of them leaves the county."""

RATINGS: web.AppKey[Ratings] = web.AppKey("ratings")
