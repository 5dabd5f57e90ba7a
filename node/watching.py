"""How this station stands, looked at while it works: what is kept, how far the transfer is, what the link carries."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from node.keeping import Count, Kept, kept
from node.transfer import Backlog, Transfer
from sync_protocol.client import LinkState
from sync_protocol.dialer import Dialer
from sync_protocol.errors import SyncError
from sync_protocol.server import StoreLike
from sync_protocol.store.me import get, put

GOODPUT = "goodput"
"""What was measured last, kept over a restart."""
_LOOK_EVERY_SECONDS = 1.0
_LOOK_SHARE = 0.05
"""Looking takes at most so much of the time, however much there is to count."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Goodput in bytes a second, 0 while it was not measured; `at` in unix seconds."""

    up: float = 0.0
    down: float = 0.0
    at: int = 0


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that the status page and command say of this machine's work."""

    kept: Kept
    transfer: Transfer | None
    goodput: Measured


class Watch:
    """`clock` gives seconds that never go back, `now` unix seconds."""

    def __init__(
        self,
        store: StoreLike,
        author: int,
        link: Callable[[], LinkState],
        dialer: Dialer,
        clock: Callable[[], float],
        now: Callable[[], int],
    ) -> None:
        self._store = store
        self._author = author
        self._link = link
        self._dialer = dialer
        self._clock = clock
        self._now = now
        self._backlog = Backlog()
        self._before = Measured()
        self._seen: Situation | None = None
        self._look_again = 0.0

    async def begin(self) -> None:
        """Read what was measured before the restart."""
        self._before = await self._store.read(last_measured)

    async def look(self) -> Situation:
        """How it stands, as of a second ago or, where there is much to count, a little longer."""
        if self._seen is None or self._clock() >= self._look_again:
            began, offsets = self._clock(), self._dialer.offsets
            found = await self._store.read(lambda conn: kept(conn, self._author, offsets))
            rate = 0.0 if self._link().error else self.measured().up
            transfer = self._backlog.look(found.waiting.pages, found.bytes_left, rate)
            self._seen, ended = Situation(found, transfer, self.measured()), self._clock()
            self._look_again = ended + max(_LOOK_EVERY_SECONDS, (ended - began) / _LOOK_SHARE)
        return self._seen

    async def heard(self, outcome: Callable[[SyncError | None], Awaitable[bool]], error: SyncError | None) -> bool:
        """An exchange ended: tell `outcome`, whose word this returns, and look, so that progress counts from its
        beginning."""
        same_station = await outcome(error)
        await self.look()
        return same_station

    def measured(self) -> Measured:
        state, before = self._link(), self._before
        if not state.goodput_up and not state.goodput_down:
            return before
        return Measured(state.goodput_up or before.up, state.goodput_down or before.down, state.last_contact)

    async def remember(self) -> None:
        """For the next start."""
        measured = self.measured()
        if measured != self._before:
            packed = json.dumps(asdict(measured)).encode()
            await self._store.write(lambda conn: put(conn, GOODPUT, packed))


def last_measured(conn: Connection) -> Measured:
    """What was measured before this program started."""
    packed = get(conn, GOODPUT)
    return Measured(**json.loads(packed)) if packed else Measured()


def report(situation: Situation) -> dict[str, Any]:
    """The keys of `status --json`, see docs/commands.md."""
    found, transfer, measured = situation.kept, situation.transfer, situation.goodput
    return {
        "saved": {"cases": found.saved.cases, "pages": found.saved.pages},
        "waiting": asdict(found.waiting) | {"blobs": found.blobs_left, "bytes": found.bytes_left},
        "only_here": asdict(found.alone) | {"drafts": found.drafts, "draft_pages": found.draft_pages},
        "coming": {"blobs": found.coming, "bytes": found.coming_bytes},
        "goodput": asdict(measured) if measured.at else None,
        "transfer": asdict(transfer) | {"seconds_left": transfer.seconds_left} if transfer else None,
    }


def situation_from(plain: dict[str, Any]) -> Situation:
    """Inverse of `dataclasses.asdict`."""
    found = plain["kept"]
    counts = {name: Count(**found[name]) for name in ("saved", "waiting", "alone")}
    transfer = Transfer(**plain["transfer"]) if plain["transfer"] else None
    return Situation(Kept(**(found | counts)), transfer, Measured(**plain["goodput"]))
