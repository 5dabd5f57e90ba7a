"""Several messages with blobs are under way at once, and an entry goes beside them, over the real HTTP."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from sync_protocol.client import Link
from sync_protocol.errors import TransferFailed
from sync_protocol.transport import Transport
from tests.sync_protocol.county import County, Place, small_county
from tests.sync_protocol.wire import link_to, serve

_LONG_BYTES = 20_000


@dataclass
class Gate:
    """Stands before a link's own transport: long messages wait in it while it is shut; some are lost."""

    inner: Transport
    shut: bool = False
    lose: int = 0
    waiting: int = 0
    long: list[int] = field(default_factory=list)
    passed: int = 0
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, path: str, data: bytes, bytes_max: int) -> bytes:
        if len(data) > _LONG_BYTES:
            self.long.append(len(data))
            self.waiting += 1
            while self.shut:
                await self.opened.wait()
            self.waiting -= 1
            if self.lose:
                self.lose -= 1
                raise TransferFailed("lost")
        self.passed += 1
        return await self.inner(path, data, bytes_max)

    def open(self) -> None:
        self.shut = False
        self.opened.set()


@pytest.fixture
def county(tmp_path) -> tuple[County, Place, Place, Place]:
    return small_county(tmp_path)


@asynccontextmanager
async def gated(village: Place, township: Place) -> AsyncIterator[tuple[Link, Gate]]:
    async with serve(township) as served, link_to(served.url, village, township) as link:
        gate = Gate(link._transport)
        link._transport = gate
        yield link, gate


def _pages(count: int) -> tuple[bytes, ...]:
    rng = random.Random(6)
    return tuple(rng.randbytes(90_000) for _ in range(count))


async def _until(done) -> None:
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 - what is waited for is no single thing
            await asyncio.sleep(0.01)


async def test_three_messages_with_blobs_are_under_way_and_a_new_entry_goes_beside_them(county) -> None:
    _, _, township, village = county
    village.open_case({"name": "a"}, pages=_pages(5))
    async with gated(village, township) as (link, gate):
        gate.shut = True
        talk = asyncio.create_task(link.say_all())
        await _until(lambda: gate.waiting == 3)
        later = village.open_case({"name": "b"})
        link._bell.ring(["home:"])
        await _until(lambda: len(township.changes(village.author, later)) == 1)
        assert gate.waiting == 3, "it did not wait for a blob"
        gate.open()
        await asyncio.wait_for(talk, 30)
        assert link.state.blobs_sent == 5 and link.state.in_step


async def test_no_byte_of_a_blob_goes_twice_while_nothing_is_lost(county) -> None:
    _, _, township, village = county
    village.open_case({"name": "a"}, pages=_pages(5))
    async with gated(village, township) as (link, _):
        await asyncio.wait_for(link.say_all(), 30)
        assert link.state.blobs_sent == 5
        assert 5 * 90_000 < link.state.bytes_up < 5 * 90_000 * 1.03


async def test_a_lane_that_fails_ends_the_others_in_peace_and_what_it_carried_goes_again(county) -> None:
    _, _, township, village = county
    topic = village.open_case({"name": "a"}, pages=_pages(5))
    async with gated(village, township) as (link, gate):
        gate.lose = 1
        with pytest.raises(TransferFailed):
            await asyncio.wait_for(link.say_all(), 30)
        assert gate.waiting == 0 and link.state.blobs_sent < 5
        await asyncio.wait_for(link.say_all(), 30)
        refs = village.changes(village.author, topic)[0].blobs
        assert all(township.replica.blobs.holds(ref.hash) for ref in refs)
        assert link.state.bytes_up < 5 * 90_000 * 1.03 + 2 * 33_000, "only what was under way went again"


async def test_an_empty_message_asks_for_the_first_nonces(county) -> None:
    _, _, township, village = county
    async with gated(village, township) as (link, gate):
        sizes: list[int] = []
        inner = gate.inner

        async def measured(path: str, data: bytes, bytes_max: int) -> bytes:
            sizes.append(len(data))
            return await inner(path, data, bytes_max)

        gate.inner = measured
        await link.exchange()
        assert sizes[0] == 89 and len(sizes) == 2, "version, author, serial, nonce and signature"
