"""Wakes those who wait for a change: long polls, the sync loop, the judging worker. asyncio only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

EVERYTHING = "*"


class Bell:
    """`ring` from any thread; `wait` for any of some names."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[asyncio.Event, frozenset[str]] = {}

    def ring(self, names: Iterable[str]) -> None:
        rung = frozenset(names)
        if rung and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ring, rung)

    def _ring(self, names: frozenset[str]) -> None:
        for event, wanted in self._waiting.items():
            if EVERYTHING in names or EVERYTHING in wanted or names & wanted:
                event.set()

    def listen(self, names: Iterable[str]) -> Waiter:
        """Begin to listen now, so that nothing between a look and the wait is missed."""
        return Waiter(self._waiting, frozenset(names))


class Waiter:
    """Use as a context manager; `wait` returns whether one of the names was rung before the time was over."""

    def __init__(self, waiting: dict[asyncio.Event, frozenset[str]], names: frozenset[str]) -> None:
        self._waiting = waiting
        self._names = names
        self._event = asyncio.Event()

    def __enter__(self) -> Waiter:
        self._waiting[self._event] = self._names
        return self

    def __exit__(self, *exc: object) -> None:
        del self._waiting[self._event]

    def clear(self) -> None:
        self._event.clear()

    async def wait(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        return True
