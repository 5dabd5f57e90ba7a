"""The wires between the places. What travels are the bytes of signed requests and replies."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sync_protocol.body import HeldBody
from sync_protocol.errors import SyncError, TransferFailed
from sync_protocol.server import refusal_bytes, status_of
from sync_protocol.transport import Transport, peer_error

if TYPE_CHECKING:
    from tests.federation.places import Machine
    from tests.federation.world import World

SILENCE_SECONDS = 180.0
"""After this a program gives up on an answer that does not come."""


@dataclass
class Weather:
    """Chances per message, and what is shut."""

    drop_request: float = 0.0
    drop_reply: float = 0.0
    repeat: float = 0.0
    truncate: float = 0.0
    flip: float = 0.0
    old_reply: float = 0.0
    slow: float = 0.0
    one_way: bool = False
    down: bool = False
    silent: bool = False
    """Down in such a way that nobody is told."""


@dataclass
class Cable:
    """Between a station and its parent, or the county past its parent."""

    world: World
    child: int
    parent: int
    rng: random.Random
    weather: Weather = field(default_factory=Weather)
    _last_reply: tuple[int, bytes] | None = None
    _cut: asyncio.Event = field(default_factory=asyncio.Event)

    def set(self, weather: Weather) -> None:
        self.weather = weather
        if weather.down:
            self.interrupt()

    def interrupt(self) -> None:
        """What is under way is lost."""
        self._cut.set()
        self._cut = asyncio.Event()

    def transport(self, machine: Machine) -> Transport:
        async def carry(path: str, data: bytes, bytes_max: int) -> bytes:
            return await self._carry(machine, path, data)

        return carry

    async def _carry(self, machine: Machine, path: str, data: bytes) -> bytes:
        if machine.off:
            await asyncio.Event().wait()
        machine.say_learned()
        self.world.step(machine)
        weather, rng = self.weather, self.rng
        if weather.down:
            self.world.counts["link down"] += 1
            await asyncio.sleep(SILENCE_SECONDS if weather.silent else rng.choice((0.2, 10.0)))
            raise TransferFailed("the link is down")
        await asyncio.sleep(rng.expovariate(1 / (2.0 if rng.random() < weather.slow else 0.05)))
        if self._chance(weather.drop_request, "request dropped"):
            await asyncio.sleep(rng.choice((3.0, SILENCE_SECONDS)))
            raise TransferFailed("no answer")
        cut = self._cut
        parent = self.world.machine(self.parent)
        answer = self.world.loop.create_task(self._served(path, self._mangled(data)))
        if self._chance(weather.repeat, "request repeated"):
            self.world.loop.create_task(self._later(path, data))
        ended = self.world.loop.create_task(cut.wait())
        await asyncio.wait([answer, ended], timeout=SILENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not answer.done():
            self.world.counts["cut under way"] += 1
            raise TransferFailed("cut")
        if weather.one_way:
            self.world.counts["one-way cut"] += 1
            raise TransferFailed("no answer")
        status, body = answer.result()
        await asyncio.sleep(rng.expovariate(1 / (2.0 if rng.random() < weather.slow else 0.05)))
        if self._chance(weather.drop_reply, "reply dropped") or self._cut is not cut:
            raise TransferFailed("no answer")
        old, self._last_reply = self._last_reply, (status, body)
        if old is not None and self._chance(weather.old_reply, "older reply came first"):
            status, body = old
        if machine.off:
            await asyncio.Event().wait()
        self.world.step(machine)
        body = self._mangled(body)
        if status != 200:
            error = peer_error(status, body)
            self.world.counts[f"refused: {error.code}"] += 1
            raise error
        machine.hear(parent)
        return body

    async def _later(self, path: str, data: bytes) -> None:
        await asyncio.sleep(self.rng.expovariate(0.5))
        await self._served(path, data)

    async def _served(self, path: str, data: bytes) -> tuple[int, bytes]:
        parent = self.world.machine(self.parent)
        if parent.off:
            await asyncio.sleep(self.rng.choice((0.1, 5.0)))
            return 503, b""
        self.world.step(parent)
        try:
            reply = await parent.parent.exchange(path, HeldBody(data))
        except SyncError as error:
            return status_of(type(error)), refusal_bytes(error)
        if parent.off:
            await asyncio.Event().wait()
        return 200, reply

    def _chance(self, chance: float, name: str) -> bool:
        if self.rng.random() >= chance:
            return False
        self.world.counts[name] += 1
        return True

    def _mangled(self, data: bytes) -> bytes:
        if data and self._chance(self.weather.truncate, "truncated"):
            return data[: self.rng.randrange(len(data))]
        if data and self._chance(self.weather.flip, "bit flipped"):
            at = self.rng.randrange(len(data))
            return data[:at] + bytes([data[at] ^ (1 << self.rng.randrange(8))]) + data[at + 1 :]
        return data
