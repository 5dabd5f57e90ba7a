"""The hub's parts while it runs, and its worker: what stations bring is judged as it comes, and time acts.

Made by `app.py`, which alone has threads, sockets and the clock.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import InternalError, OperationalError, SQLAlchemyError

from casework.errors import BadInput
from casework.workdays import china_day
from hub.cards import issue_cards
from hub.county import County
from hub.judge import KNOWN_BY_NOW, judge_arrived, judge_one_home, unsettled_homes
from hub.metrics import HubMetrics
from hub.sweep import Place, lapsed_cases, let_time_act
from sync_protocol.bell import Bell
from sync_protocol.errors import BadBytes, NotYet
from sync_protocol.journal import Writing
from sync_protocol.judging import has_waiting
from sync_protocol.server import Followed
from sync_protocol.store import memory
from sync_protocol.store.async_store import AsyncStore, ending_on_disk_failure
from sync_protocol.store.seam import StoreUnavailable, touched

T = TypeVar("T")
_log = logging.getLogger("lianban.hub")
_LOOK_AGAIN_SECONDS = 60.0
_DATABASE_AWAY_SECONDS = 1.0
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BadBytes,
    BadInput,
    LookupError,
    NotYet,
    RecursionError,
    SQLAlchemyError,
    TypeError,
    ValueError,
)
"""What a fault of the rules can raise. A database or a disk that fails is none of them."""


@dataclass(slots=True)
class Running:
    """The hub's parts while it runs. `waiting` maps a home to the loop time until which its upload goes on."""

    county: County
    store: AsyncStore
    bell: Bell
    metrics: HubMetrics
    offload: ThreadPoolExecutor
    settle_seconds: float
    waiting: dict[int, float] = field(default_factory=dict)
    spool: Path | None = None
    """Where uploads lie until they are opened; None when no pages are served."""
    carrying: ThreadPoolExecutor | None = None
    """One thread for bundles: they may take minutes, and nobody else waits for them."""

    async def off_loop(self, fn: Callable[[], T]) -> T:
        """Blocking work (opening and sealing files) in a bounded pool of its own."""
        return await asyncio.get_running_loop().run_in_executor(self.offload, fn)

    async def carry(self, fn: Callable[[], T]) -> T:
        """Work on a bundle."""
        return await asyncio.get_running_loop().run_in_executor(self.carrying, ending_on_disk_failure, fn)

    def arrived(self, homes: Iterable[int], more: bool) -> None:  # noqa: FBT001
        """Entries of these homes came; judge at once, or wait for the rest that was announced."""
        until = asyncio.get_running_loop().time() + (self.settle_seconds if more else 0.0)
        for home in homes:
            self.waiting[home] = until
        self.bell.ring(["judge"])

    def follow(self, conn: Connection, homes: Sequence[int], more: bool) -> Followed:  # noqa: FBT001
        """Judge what a message has brought in the write that takes it in. What cannot be done is left to the worker."""
        if not homes:
            return Followed(homes)
        county, judged, arrived = self.county, 0, touched(conn)
        try:
            with conn.begin_nested():
                judged = len(
                    judge_arrived(
                        conn,
                        county.replica.journal,
                        county.topics,
                        county.desk,
                        {home: arrived.get(home, ()) for home in homes},
                        county.desk.now(),
                        last=not more,
                    ).topics
                )
        except (OperationalError, InternalError):
            raise
        except _FAULTS:  # must not keep entries from being taken in
            _log.exception("judging waits for the worker", extra={"homes": list(homes)})
            memory.begin(conn)
        return Followed([home for home in homes if has_waiting(conn, home)], judged)

    def followed(self, followed: Followed, more: bool) -> None:  # noqa: FBT001 - the server's callback
        """After the commit."""
        self.metrics.judged.inc(followed.topics)
        if followed.homes:
            self.arrived(followed.homes, more)

    async def judge(self, home: int, again: Collection[str] = ()) -> None:
        """Judge one home now, batch by batch, so that other writes find their turn in between."""
        county = self.county
        journal = county.replica.journal
        while True:
            judged = await self.store.write(
                lambda conn: judge_one_home(
                    conn, journal, county.topics, county.desk, home, county.desk.now(), (), again
                )
            )
            self.metrics.judged.inc(len(judged.topics))
            if not judged.topics:
                return

    def _time_acts(self, conn: Connection, home: int, cases: Sequence[bytes]) -> int:
        county = self.county
        return let_time_act(conn, county.replica.journal, county.topics, county.desk, home, cases, county.desk.now())

    async def let_time_act(self) -> None:
        """Write what time alone has caused since the last look, one home at a time; then supervise."""
        county = self.county
        place: Place | None = Place()
        today = china_day(county.desk.now())
        while place is not None:
            homes, place = await self.store.read(partial(lapsed_cases, today=today, after=place))
            for home, cases in homes.items():
                await self.store.write(partial(self._time_acts, home=home, cases=cases))
        await self.issue_cards()

    async def issue_cards(self) -> None:
        """Supervise what has changed, or whose day has come, in writes of their own."""
        county, at = self.county, self.county.desk.now()
        issue = partial(
            issue_cards,
            journal=county.replica.journal,
            today=china_day(at),
            writing=Writing(0, at, 1),
            rules=county.rules,
        )
        while await self.store.write(issue):
            pass


async def judge_for_ever(parts: Running) -> None:
    """The county's worker: judge each home as its entries come; after a start or a database that was away, whatever
    was left.
    """
    while True:
        try:
            await _judge_while_reachable(parts)
        except StoreUnavailable as error:
            _log.warning("judging waits for the database", extra={"reason": str(error)})
            await asyncio.sleep(_DATABASE_AWAY_SECONDS)


async def _judge_while_reachable(parts: Running) -> None:
    """Raises StoreUnavailable."""
    loop = asyncio.get_running_loop()
    looked = 0.0
    while True:
        if loop.time() - looked > _LOOK_AGAIN_SECONDS or not looked:
            # Also finds what a child left behind that went away in the middle, and what is understood by now.
            for home in await parts.store.read(unsettled_homes):
                await parts.judge(home, KNOWN_BY_NOW)
            await parts.let_time_act()
            looked = loop.time()
        with parts.bell.listen(["judge"]) as waiter:
            ready = [home for home, until in parts.waiting.items() if until <= loop.time()]
            for home in ready:
                del parts.waiting[home]
            # Each home is judged in writes of its own; what several write at the same time shares its commits.
            await asyncio.gather(*(parts.judge(home) for home in ready))
            left = [until - loop.time() for until in parts.waiting.values()]
            if not ready:
                await waiter.wait(max(0.05, min([60.0, *left])))
