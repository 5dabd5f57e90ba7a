"""One place of the county as it runs: the real store, log, projector, link, server and judging worker, on a disk and
a clock of the simulation. A `Machine` is one life of a process; a restart makes the next one on what the disk kept.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.util import LRUCache

from casework.fold import CaseState, fold
from casework.journal import Change
from hub import app as hub_app
from hub import county as hub_county
from hub import running as hub_running
from hub.metrics import HubMetrics
from node import station as node_station
from sync_protocol.ancestors import Ancestors
from sync_protocol.bell import Bell
from sync_protocol.client import Link
from sync_protocol.dialer import Dialer
from sync_protocol.errors import SyncError, TransferFailed
from sync_protocol.feeds import HUB
from sync_protocol.frontier import Tip
from sync_protocol.replica import Replica
from sync_protocol.server import Parent
from sync_protocol.store.async_store import AsyncStore
from sync_protocol.store.blob_files import BlobFiles
from sync_protocol.store.data_folder import DataFolder
from sync_protocol.store.me import load_me
from sync_protocol.store.seam import SqliteStore
from sync_protocol.transport import Transport
from tests.federation import lies
from tests.federation.judges import Judged
from tests.federation.template import EPOCH_SECONDS, REGION, folder_of
from tests.federation.torn_files import TornFiles
from tests.federation.torn_sqlite import TornDatabase
from tests.federation.virtual import Inline, MachineOff

if TYPE_CHECKING:
    from tests.federation.world import World

Outcome = Callable[[SyncError | None], Awaitable[None]]
_COMPILED: Any = LRUCache(2000)
_DIALECT: dict[str, Any] = {}
MESSAGE_TARGET_BYTES = 24 * 1024
"""Small, so that a play of a few minutes sees messages that do not hold everything."""


class _Folder(DataFolder):
    """Gives out blob files on the simulated disk."""

    disk: TornFiles

    def blobs(self) -> BlobFiles:
        return BlobFiles(self.path / "blobs", self.disk)


class Machine:
    """`key` stands for the disk: the machines of one disk share it, a replaced machine has another."""

    def __init__(self, world: World, author: int, key: object) -> None:
        self.world = world
        self.author = author
        self.key = key
        self.name = world.name_of(author)
        self.tier = world.tiers[author]
        self.rng = random.Random(world.rng.random())
        self.off = False
        self.lying = False
        self.fuse: int | None = None
        self.fuse_is_power = True
        self.stopped = asyncio.Event()
        self.heard: dict[tuple[object, bool], Machine] = {}
        """Whose disks, honest or lying, answered since the dialer last forgot what it believed, `heard_in` times."""
        self.heard_in = 0
        self.skew = self.rng.choice((0, 0, 0, 40, -300, 90_000)) if author != HUB else 0
        self.touched: dict[tuple[int, bytes], None] = {}
        self.woken: set[str] = {"blobs"}
        self.sync: SqliteStore
        self._tasks: list[asyncio.Task[Any]] = []

    def start(self) -> None:
        """Open what the disk holds and begin to work."""
        folder = folder_of(self.world.folder, self.author)
        self.folder = _Folder(folder.path, folder.key_file)
        self.database = TornDatabase(self.folder.path, self._step)
        self.folder.disk = self.files = TornFiles(
            self.folder.path / "blobs", self._step, lambda: self.off, lambda: self.database.full
        )
        self.sync = SqliteStore(self.folder.database, self.folder._key(), synchronous=self.world.synchronous)
        for engine in (self.sync._writer, self.sync._readers):
            # Statements are the same at every place and after every restart: compiled once, for one dialect.
            engine._compiled_cache, engine.dialect = _COMPILED, _DIALECT.setdefault("", engine.dialect)
        me = self.sync.read(load_me)
        assert me is not None
        if self.author == HUB:
            county = hub_county.assemble(self.folder, self.sync, me, REGION, self.rng.randbytes, self.now)
            self.replica, self.topics, self.desk = county.replica, county.topics, county.desk
        else:
            station = node_station.assemble(self.folder, self.sync, me, self.rng.randbytes, self.now)
            self.replica, self.topics, self.desk = station.replica, station.topics, station.desk
        self.replica.message_target_bytes = MESSAGE_TARGET_BYTES
        self._watch_projector()
        loop = self.world.loop
        self.store = AsyncStore(
            self.sync, pool=lambda count, name: Inline(loop, self.rng, count, self._work), end=self._end
        )
        self.bell = Bell(loop)
        self.sync.listen(self.bell.ring)
        self.sync.listen(self.woken.update)
        self.replica.blobs.sweep()
        if self.author == HUB:
            parts = hub_running.Running(county, self.store, self.bell, HubMetrics(), None, 1.0)
            self.parent: Parent = hub_app.parent_of(parts)
            self._tasks.append(loop.create_task(hub_running.judge_for_ever(parts)))
        else:
            self._start_node()

    def _start_node(self) -> None:
        make_dialer: Callable[[Replica, int], Dialer] = Dialer
        make_parent: Callable[..., Parent] = Parent
        if self.lying:
            liar = lies.Liar(self.rng, self.world.counts)
            make_dialer, make_parent = partial(lies.LyingDialer, liar), partial(lies.LyingParent, liar)
        self.dialer = make_dialer(self.replica, self.world.parents[self.author])
        transport, outcome = self._above()
        self.link = Link(transport, self.dialer, self.replica, self.store, self.bell, self.now, outcome)
        self.parent = make_parent(
            replica=lambda: self.replica,
            store=self.store,
            bell=self.bell,
            now=self.now,
            random_bytes=self.rng.randbytes,
            enrol=_nobody_enrols,
            count=lambda what, number: None,
        )
        self._tasks.append(self.world.loop.create_task(self.link.run()))

    def _above(self) -> tuple[Transport, Outcome]:
        """The way to the parent, and past it to the county."""
        world, parent = self.world, self.world.parents[self.author]
        ways = {str(above): world.cables[self.author, above].transport(self) for above in dict.fromkeys((parent, HUB))}

        async def addresses() -> list[str]:
            return list(ways)

        async def told(url: str) -> None:
            world.counts["back to the parent" if url == str(parent) else "past the parent"] += 1

        ancestors = Ancestors(list(ways), addresses, ways.__getitem__, world.loop.time, told, str(parent))
        return ancestors, ancestors.outcome

    def now(self) -> int:
        return EPOCH_SECONDS + int(self.world.loop.time()) + self.skew

    # ---- what the world looks at

    def _watch_projector(self) -> None:
        project = self.sync.projector
        assert project is not None

        def watch(conn: Connection, touched: Iterable[tuple[int, bytes]], told: Sequence[Any]) -> None:
            for home, topic in touched:
                if home:
                    self.touched[(home, topic)] = None
            project(conn, touched, told)

        self.sync.projector = watch

    def state_of(self, changes: Iterable[Change]) -> CaseState:
        """The state that this machine's program makes of the changes."""
        return fold(changes)

    def _work(self, fn: Callable[[], Any]) -> Any:
        """Blocking work of this machine: one step of the play, looked at by the judges."""
        if self.off:
            raise MachineOff
        self.world.step(self)
        try:
            result = fn()
        finally:
            if self.off:
                raise MachineOff
        try:
            self.look()
        except Judged as error:  # the product would take it for a fault of its own and go on
            self.world.fail(error)
            raise
        return result

    def look(self) -> None:
        if not self.woken and not self.touched:
            return
        self.sync.read(lambda conn: self.world.judges.look(conn, self))

    def hear(self, above: Machine) -> None:
        """An answer of this one has come."""
        if self.heard_in != self.dialer.forgotten:
            self.heard_in, self.heard = self.dialer.forgotten, {}
        self.heard[above.key, above.lying] = above

    def say_learned(self) -> None:
        """What this machine now believes of the one above: somebody was told that it keeps this.

        Believed is only what was heard since it last forgot; what several said, or a liar, is nobody's word.
        """
        if self.heard_in != self.dialer.forgotten or len(self.heard) != 1 or self.lying:
            return
        (above,) = self.heard.values()
        theirs: dict[Any, Tip] = self.dialer._theirs or {}
        whole = {blob for blob, end in self.dialer._offsets.items() if end >= self.world.length_of(blob)}
        if self.world.machine(above.author).key is above.key and not above.lying:
            self.world.judges.acknowledge(above.author, theirs, whole)

    # ---- how it ends

    def _step(self) -> None:
        """Before each write and sync of the disk; the fuse may be at its end."""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse <= 0:
                self.stop(power=self.fuse_is_power)

    def _end(self, code: int) -> Any:
        raise MachineOff

    def stop(self, *, power: bool) -> None:
        """Kill the process now, or cut the machine's power."""
        if self.off:
            return
        self.off = True
        self.stopped.set()
        self.database.cut(self.rng, power=power)
        self.lost = self.files.power_cut(self.rng) if power else 0
        self.lost += self.database.unsynced_at_cut if power else 0
        self.world.stopped(self, power=power)

    def close(self) -> None:
        """Let go of the files; after `stop` what the disk kept is put in their place."""
        was_off, self.off = self.off, True
        self.stopped.set()
        if not was_off:
            self.database.forget()
        for task in self._tasks:
            task.cancel()
        for part in (self.sync._writing.close, self.sync._writing.invalidate, self.sync.close):
            with suppress(Exception):  # a dead disk refuses the rollback and the last checkpoint too
                part()
        if was_off:
            self.database.restore()


async def _nobody_enrols(_request: bytes) -> bytes:
    raise TransferFailed("nobody enrols here")
