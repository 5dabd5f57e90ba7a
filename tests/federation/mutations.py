"""Faults built into the product on purpose. Each must be caught, by a judge that says which promise it broke.

A mutation is a context manager that exchanges product functions and puts them back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection

from casework.fold import fold
from casework.journal import Change
from hub import running as hub_running
from sync_protocol import judging
from sync_protocol.dialer import Dialer
from sync_protocol.errors import BadSignature
from sync_protocol.feeds import HUB
from sync_protocol.segments import Segment
from sync_protocol.server import Followed
from sync_protocol.store import acceptance, blob_files, effects
from sync_protocol.store.async_store import AsyncStore
from tests.federation import places

Mutation = Callable[[], AbstractContextManager[object]]


class _TakenBack(Exception):
    """Ends a rehearsal, so that nothing of it stays."""


@contextmanager
def acknowledge_before_commit() -> Iterator[None]:
    """Work is answered from a rehearsal; the commit follows two seconds later."""
    honest = AsyncStore.write

    async def write(self: AsyncStore, fn: Callable[[Connection], Any]) -> Any:
        said: list[Any] = []

        def rehearse(conn: Connection) -> None:
            said.append(fn(conn))
            raise _TakenBack

        try:
            await honest(self, rehearse)
        except _TakenBack:
            asyncio.get_running_loop().create_task(_later(honest(self, fn)))
        return said[0]

    with patch.object(AsyncStore, "write", write):
        yield


async def _later(commit: Awaitable[Any]) -> None:
    await asyncio.sleep(2.0)
    with suppress(Exception):
        await commit


@contextmanager
def skip_the_chain_check() -> Iterator[None]:
    """Whatever continues a feed's numbers is taken, whoever signed whatever head."""
    with patch.object(acceptance, "check_signature", lambda *args: None):
        yield


@contextmanager
def judge_without_the_homes_lock() -> Iterator[None]:
    """What is decided over a snapshot is written down in a later transaction."""
    honest = judging._write

    def judge(parts: hub_running.Running, home: int, again: Iterable[str] = ()) -> Any:
        return _judge_in_two(honest, parts, home, tuple(again))

    def follow(self: hub_running.Running, conn: Connection, homes: Sequence[int], more: bool) -> Followed:
        return Followed(homes)

    with patch.object(hub_running.Running, "judge", judge), patch.object(hub_running.Running, "follow", follow):
        yield


async def _judge_in_two(
    write: Callable[..., None], parts: hub_running.Running, home: int, again: tuple[str, ...]
) -> None:
    kept: list[tuple[Any, ...]] = []

    def rehearse(conn: Connection) -> None:
        with patch.object(judging, "_write", lambda conn, *rest: (kept.append(rest), write(conn, *rest))):
            desk, topics = parts.county.desk, parts.county.topics
            hub_running.judge_one_home(conn, parts.county.replica.journal, topics, desk, home, desk.now(), (), again)
        raise _TakenBack

    try:
        await parts.store.write(rehearse)
    except _TakenBack:
        pass
    await asyncio.sleep(1.0)
    for rest in kept:
        await parts.store.write(lambda conn, rest=rest: write(conn, *rest))


@contextmanager
def ignore_after() -> Iterator[None]:
    """Entries are judged as they come, whether or not what their author had seen was judged."""
    with patch.object(judging, "unready", lambda *args: False):
        yield


@contextmanager
def let_the_fold_judge() -> Iterator[None]:
    """The fold leaves out what came in late: it judges again, by what this machine knows."""

    def refold(self: places.Machine, changes: Iterable[Change]) -> Any:
        return fold(c for c in changes if getattr(c, "received", 0) - c.time < 3)

    with patch.object(places.Machine, "state_of", refold):
        yield


@contextmanager
def accept_an_unsigned_prefix() -> Iterator[None]:
    """Of a segment that was cut on the way the part that came is kept."""
    honest = acceptance.Stretch.verify

    def verify(self: acceptance.Stretch, segment: Segment) -> None:
        try:
            honest(self, segment)
        except BadSignature:
            with patch.object(acceptance, "check_signature", lambda *args: None):
                honest(self, segment)

    with patch.object(acceptance.Stretch, "verify", verify):
        yield


@contextmanager
def trust_a_relay_for_custody() -> Iterator[None]:
    """What the parent says it holds is written down as if the county had signed for it."""
    honest = Dialer.absorb_states

    def absorb(self: Dialer, conn: Connection, sent: Any, frames: Sequence[Any], *rest: Any) -> None:
        honest(self, conn, sent, frames, *rest)
        for hash_ in sent.blob_ends():
            if self._offsets.get(hash_, 0) > 0:
                effects._add_blob_receipt(conn, HUB, hash_)

    with patch.object(Dialer, "absorb_states", absorb):
        yield


@contextmanager
def forget_to_sync() -> Iterator[None]:
    """Commits do not wait for the disk."""
    honest = places.SqliteStore

    def store(*args: Any, **options: Any) -> Any:
        return honest(*args, **{**options, "synchronous": "NORMAL"})

    with patch.object(places, "SqliteStore", store):
        yield


@contextmanager
def name_a_scan_before_it_lasts() -> Iterator[None]:
    """Scans are said to be stored without waiting for the disk."""
    with patch.object(blob_files.BlobFiles, "_settle", _settle_without_sync):
        yield


def _settle_without_sync(self: Any, source: Any, hash_: bytes) -> None:
    target = self.path(hash_)
    target.parent.mkdir(exist_ok=True)
    self._disk.rename(source, target)


MUTATIONS: dict[str, Mutation] = {
    "acknowledge before commit": acknowledge_before_commit,
    "skip the chain check": skip_the_chain_check,
    "judge without the home's lock": judge_without_the_homes_lock,
    "ignore after": ignore_after,
    "let the fold judge": let_the_fold_judge,
    "accept an unsigned prefix": accept_an_unsigned_prefix,
    "trust a relay's acknowledgement for custody": trust_a_relay_for_custody,
    "commits do not wait for the disk": forget_to_sync,
    "a scan's name does not wait for the disk": name_a_scan_before_it_lasts,
}
