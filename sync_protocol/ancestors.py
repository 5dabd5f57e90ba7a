"""Which of a station's ancestors it talks to: the nearest that answers, its parent first (SPEC section 8).

A machine in a township hall may be dead for a week; its villages then reach the county directly, and go back when it
answers again. Nothing of the exchange depends on who answers: both sides compare what they hold.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from sync_protocol.errors import DiskFull, SyncError, TransferFailed
from sync_protocol.limits import KIB
from sync_protocol.server import SYNC_PATH
from sync_protocol.transport import Transport

PATIENCE, PATIENCE_SECONDS = 3, 30.0
"""Failures in a row, and for how long at least, before the next ancestor is tried; of one that has never answered
since it was chosen, one."""
_LOOK_BACK_SECONDS = (30.0, 900.0)
"""How long after the parent failed it is asked again for the first time, and at most later on."""


class Ancestors:
    """A Transport to one ancestor at a time.

    `known` are their URLs in order, `addresses` asks for them anew after a failure, `first` is where to begin; `told`
    hears the URL that answers, when it is another one than before; `clock` gives seconds that never go back.
    """

    def __init__(
        self,
        known: Sequence[str],
        addresses: Callable[[], Awaitable[Sequence[str]]],
        carrier: Callable[[str], Transport],
        clock: Callable[[], float],
        told: Callable[[str], Awaitable[None]],
        first: str,
    ) -> None:
        self._addresses = addresses
        self._carrier = carrier
        self._clock = clock
        self._told = told
        self._answered = first
        self._known = known
        self._failures = 0
        self._pause = _LOOK_BACK_SECONDS[0]
        self._look_back = 0.0
        self._failing_since = 0.0
        self._spoke_to = first
        self.url = first
        """Where the next request goes."""

    async def __call__(self, path: str, data: bytes, bytes_max: int) -> bytes:
        """Raises SyncError; TransferFailed also when the parent answers again and the next request goes to it."""
        if not self.at_parent and self._clock() >= self._look_back:
            await self._ask_parent()
        return await self._carrier(self.url)(path, data, bytes_max)

    @property
    def at_parent(self) -> bool:
        return self.url == self._known[0]

    async def outcome(self, error: SyncError | None) -> bool:
        """How an exchange ended, signatures and all: whom to talk to next, and whether it is the same one."""
        await self._choose(error)
        same, self._spoke_to = self.url == self._spoke_to, self.url
        return same

    async def _choose(self, error: SyncError | None) -> None:
        if error is None:
            self._failures = 0
            if self.at_parent:
                self._pause = _LOOK_BACK_SECONDS[0]
            if self.url != self._answered:
                self._answered = self.url
                await self._told(self.url)
            return
        if isinstance(error, DiskFull):
            return  # this place's own trouble: another ancestor would not help
        if self._failures <= 0:
            self._failing_since = self._clock()
        self._failures += 1
        self._known = list(await self._addresses()) or self._known
        if self.url not in self._known:
            self._go(self._known[0])
        elif self._failures >= (PATIENCE if self.url == self._answered else 1) and self._is_silent(error):
            self._go(self._known[(self._known.index(self.url) + 1) % len(self._known)])

    def _is_silent(self, error: SyncError) -> bool:
        """Whether it refuses, never answered, or nobody was reached for longer than a few short tries take."""
        patient = self.url == self._answered and isinstance(error, TransferFailed)
        return not patient or self._clock() - self._failing_since >= PATIENCE_SECONDS

    def _go(self, url: str) -> None:
        self.url, self._failures = url, 0
        if not self.at_parent:
            self._look_back = self._clock() + self._pause

    async def _ask_parent(self) -> None:
        """Any word of the program there means that it is back: it refuses an empty request."""
        parent = self._known[0]
        self._pause = min(2 * self._pause, _LOOK_BACK_SECONDS[1])
        self._look_back = self._clock() + self._pause
        try:
            await self._carrier(parent)(SYNC_PATH, b"", KIB)
        except TransferFailed:
            return
        except SyncError:
            self._go(parent)
            self._failures = -1  # the one that is raised here is not the parent's
            raise TransferFailed("the parent answers again") from None
