"""Tells open pages that something has changed, so that they ask anew; what changed they learn by asking, with their
person's own rights. One task listens for all, and no listener costs the database anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sync_protocol.bell import EVERYTHING, Bell

PAUSE_SECONDS = 1.0
"""At most one word so often: a morning's exchanges come in hundreds."""
LISTENERS_MAX = 500
LISTENERS_OF_ONE = 6
"""Windows of one person; a browser opens no more at a time to one place."""
_IDLE_SECONDS = 3600.0


class TooManyListeners(Exception):
    """The page is to ask now and then instead."""


class Listener:
    """Hears of changes since it last did."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.closed = False

    def tell(self) -> None:
        self._event.set()

    def close(self) -> None:
        self.closed = True
        self._event.set()

    async def changed(self, seconds: float) -> bool:
        """Whether something changed before the time was over; also True once closed."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        if not self.closed:
            self._event.clear()
        return True


class Watch:
    """`run` is the one task; `listen` is for each open page."""

    def __init__(self, bell: Bell, pause: float = PAUSE_SECONDS, most: int = LISTENERS_MAX) -> None:
        self._bell = bell
        self._pause = pause
        self._most = most
        self._listeners: dict[Listener, int] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._listeners)

    @asynccontextmanager
    async def listen(self, account: int) -> AsyncIterator[Listener]:
        """For one page of a person. Raises TooManyListeners."""
        of_one = sum(owner == account for owner in self._listeners.values())
        if self._closed or len(self) >= self._most or of_one >= LISTENERS_OF_ONE:
            raise TooManyListeners
        listener = Listener()
        self._listeners[listener] = account
        try:
            yield listener
        finally:
            self._listeners.pop(listener, None)

    async def run(self) -> None:
        """Pass the store's wake-ups on, until cancelled."""
        with self._bell.listen([EVERYTHING]) as waiter:
            while True:
                if await waiter.wait(_IDLE_SECONDS):
                    waiter.clear()
                    self._tell_all()
                    await asyncio.sleep(self._pause)

    def _tell_all(self) -> None:
        for listener in list(self._listeners):
            listener.tell()

    def close(self) -> None:
        """Let every page go; none comes after."""
        self._closed = True
        for listener in list(self._listeners):
            listener.close()
