"""The whole county in one process, under one seed: places, wires, people, faults, judges."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sync_protocol.errors import DiskFull
from sync_protocol.feeds import HUB
from sync_protocol.store import trust
from sync_protocol.store.blob_files import DiskFailed
from sync_protocol.store.seam import SqliteStore
from tests.federation import faults, people
from tests.federation.judges import Judged, Judges
from tests.federation.network import Cable, Weather
from tests.federation.places import Machine
from tests.federation.template import enrol, folder_of, settle, template
from tests.federation.virtual import Dice, VirtualLoop
from tests.memory_folder import memory_folder

REST_SECONDS = 6 * 3600.0
"""After faults have stopped everything must be in step within this (virtual) time."""
STEPS_MAX = 20_000
"""Three times what the longest plays take; a mutation that never comes to rest ends here."""


@dataclass
class Played:
    """What one play did: its trace's hash, steps, entries, and how often each fault and path occurred."""

    seed: int
    trace: str
    steps: int
    entries: int
    counts: Counter[str]


@dataclass
class World:
    """One play. `synchronous` is the databases' setting: anything but FULL is a mutation."""

    seed: int
    synchronous: str = "FULL"
    counts: Counter[str] = field(default_factory=Counter)
    lengths: dict[bytes, int] = field(default_factory=dict)
    steps: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.template = template()
        self.tiers = self.template.tiers
        self.parents = self._some_places()
        self.judges = Judges(counts=self.counts)
        self.pause_seconds = self.rng.choice((2.0, 4.0))
        self.shift_seconds = self.rng.choice((6.0, 9.0, 13.0))
        self._trace = hashlib.sha256()
        self._serial = 0
        self._machines: dict[int, Machine] = {}
        self.failure: Judged | None = None
        self._broken = asyncio.Event()
        self.night = False
        """Who is off stays off."""

    def _some_places(self) -> dict[int, int]:
        """The county, two to five stations, and whoever stands above them."""
        every = self.template.parents
        chosen = {HUB: 0}
        for author in self.rng.sample(sorted(every.keys() - {HUB}), self.rng.choice((2, 3, 3, 4, 5))):
            for one in (every[author], author):
                chosen[one] = every[one]
        return {author: chosen[author] for author in sorted(chosen)}

    # ---- small things asked by the others

    def machine(self, author: int) -> Machine:
        return self._machines[author]

    def machines(self) -> list[Machine]:
        return [self._machines[author] for author in sorted(self._machines)]

    def name_of(self, author: int) -> str:
        return "county" if author == HUB else f"{self.tiers[author].name.lower()} {author}"

    def cables_of(self, station: int) -> list[Cable]:
        """Its ways up."""
        return [cable for (child, _), cable in self.cables.items() if child == station]

    def length_of(self, blob: bytes) -> int:
        return self.lengths.get(blob, 2**62)

    def serial(self) -> int:
        self._serial += 1
        return self._serial

    def step(self, machine: Machine) -> None:
        self.steps += 1
        self._trace.update(b"%d %d %d;" % (self.steps, machine.author, int(self.loop.time() * 1000)))
        if self.steps > STEPS_MAX:
            error = Judged("comes to rest", f"{STEPS_MAX} steps")
            self.fail(error)
            raise error

    def entries(self) -> int:
        return len(self.judges.entries)

    # ---- the play

    def play(self) -> Played:
        """Raises Judged when a promise was broken."""
        self.folder: Path = memory_folder(f"lianban-{self.seed}-")
        self.loop = VirtualLoop()
        state = random.getstate()
        random.seed(self.seed)  # tenacity's jitter
        dice = Dice(random.Random(self.seed + 1))
        try:
            self.loop.set_exception_handler(self._note)
            self.template.copy(self.folder)
            self.loop.run_until_complete(self._run())
        finally:
            for machine in self.machines():
                machine.close()
            self._close_loop()
            dice.release()
            random.setstate(state)
            shutil.rmtree(self.folder, ignore_errors=True)
        return Played(self.seed, self._trace.hexdigest(), self.steps, self.entries(), self.counts)

    def _close_loop(self) -> None:
        self.loop.set_exception_handler(lambda loop, context: None)
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks, timeout=1.0))
        self.loop.close()

    def _note(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        if isinstance(error, Judged):
            self.fail(error)
        elif isinstance(error, Exception) and self.failure is None:
            self.failure = Judged("no surprises", f"{type(error).__name__}: {error}")
            self.failure.__cause__ = error
            self._broken.set()

    async def _run(self) -> None:
        ways = [(child, above) for child in self.parents if child != HUB for above in {self.parents[child]: 0, HUB: 0}]
        self.cables = {way: Cable(self, *way, random.Random(self.rng.random())) for way in ways}
        for author in self.parents:
            self.start(author, key=object())
        ends = self.loop.time() + self.shift_seconds
        trouble = self.loop.create_task(faults.play(self, ends))
        broken = self.loop.create_task(self._broken.wait())
        await asyncio.wait([trouble, broken], return_when=asyncio.FIRST_COMPLETED)
        self._fail_if_judged()
        broken.cancel()
        trouble.result()
        await self._rest()
        self._fail_if_judged()
        self.judges.sound(self.machines())

    def fail(self, error: Judged) -> None:
        """The first one counts; the play ends at its next look."""
        self.failure = self.failure or error
        self._broken.set()

    def _fail_if_judged(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def _rest(self) -> None:
        """Faults have stopped: wait until every place is in step, everything is judged and every scan has come."""
        for cable in self.cables.values():
            cable.set(Weather())
        deadline = self.loop.time() + REST_SECONDS
        problem: Judged | None = None
        while self.loop.time() < deadline:
            await asyncio.sleep(20.0)
            self._fail_if_judged()
            if any(machine.off for machine in self.machines()):
                continue
            try:
                self.judges.at_rest(self.machines())
            except Judged as error:
                if error.judge not in ("all equal", "all settled"):
                    raise
                problem = error
            else:
                return
        raise problem or Judged("comes to rest", "a machine stayed off")

    # ---- machines come and go

    def start(self, author: int, key: object, *, lying: bool = False) -> None:
        machine = Machine(self, author, key)
        machine.lying = lying
        machine.start()
        self._machines[author] = machine
        machine.sync.read(lambda conn: self.judges.after_restart(conn, machine))
        machine.look()
        if not lying:
            self.loop.create_task(people.work(machine, self.shift_seconds))

    def stopped(self, machine: Machine, *, power: bool) -> None:
        """A machine just stopped. A killed process resets its connections; a machine without power says nothing."""
        self.counts["power cut" if power else "process killed"] += 1
        if not power:
            for way, cable in self.cables.items():
                if machine.author in way:
                    cable.interrupt()

    def restart(self, machine: Machine, *, lying: bool = False) -> None:
        machine.close()
        if machine.lost if machine.off else 0:
            self.counts["unsynced writes lost"] += 1
        self.start(machine.author, machine.key, lying=lying)

    def replace(self, machine: Machine) -> None:
        """The machine is gone with its disk; the station gets another one and an invitation for it."""
        hub = self.machine(HUB)
        region = self._region(hub.sync, machine.author)
        try:
            station = enrol(hub.sync, hub.replica.me, region, self.tiers[machine.author], self.rng, hub.now())
        except (DiskFailed, DiskFull):
            return  # the county's machine stopped just then, or has no room
        machine.stop(power=True)
        machine.close()
        folder = folder_of(self.folder, machine.author)
        shutil.rmtree(folder.path)
        folder.key_file.unlink()
        self.judges.replaced(machine.author)
        hub.look()
        store, _ = settle(folder, station, self.rng)
        store.close()
        self.start(machine.author, key=object())

    def _region(self, hub: SqliteStore, author: int) -> str:
        station = hub.read(lambda conn: trust.topology(conn).station(author))
        assert station is not None
        return station.region


def quietly_play(seed: int) -> Played:
    """In a process of its own, whose log would hold every fault of the play."""
    logging.disable(logging.CRITICAL)
    return play(seed)


def play(seed: int) -> Played:
    """Raises Judged, with the command that plays it again."""
    try:
        return World(seed).play()
    except Judged as error:
        error.add_note(f"seed {seed}: python -m tests.federation {seed}")
        raise
