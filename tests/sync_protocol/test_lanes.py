"""Several messages with blobs are under way at once, and an entry goes beside them, over the real HTTP."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from sync_protocol.client import Link
from sync_protocol.errors import NotYourParent, TransferFailed
from sync_protocol.transport import Transport
from tests.sync_protocol.county import County, Place, small_county
from tests.sync_protocol.wire import link_to, serve

_LONG_BYTES = 10_000


@dataclass
class Gate:
    """Stands before a link's own transport: long messages wait in it while it is shut; some are lost."""

    inner: Transport
    shut: bool = False
    lose: int = 0
    refuse: int = 0
    waiting: int = 0
    long: list[int] = field(default_factory=list)
    passed: int = 0
    parked: list[asyncio.Future[None]] = field(default_factory=list)

    async def __call__(self, path: str, data: bytes, bytes_max: int) -> bytes:
        if len(data) > _LONG_BYTES:
            self.long.append(len(data))
            self.waiting += 1
            try:
                while self.shut:
                    self.parked.append(asyncio.get_running_loop().create_future())
                    await self.parked[-1]
            finally:
                self.waiting -= 1
            if self.refuse:
                self.refuse -= 1
                raise NotYourParent("refused")
            if self.lose:
                self.lose -= 1
                raise TransferFailed("lost")
        self.passed += 1
        return await self.inner(path, data, bytes_max)

    def open(self) -> None:
        self.shut = False
        while self.parked:
            self.parked.pop().set_result(None)

    def lose_one(self) -> None:
        """One that waits is cut off, and the others do not notice."""
        self.parked.pop().set_exception(TransferFailed("lost"))


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


async def test_a_lane_that_was_cut_goes_on_by_itself_and_only_what_it_carried_goes_again(county) -> None:
    _, _, township, village = county
    topic = village.open_case({"name": "a"}, pages=_pages(5))
    async with gated(village, township) as (link, gate):
        gate.lose = 1
        await asyncio.wait_for(link.say_all(), 30)
        assert gate.waiting == 0 and link.state.blobs_sent == 5
        refs = village.changes(village.author, topic)[0].blobs
        assert all(township.replica.blobs.holds(ref.hash) for ref in refs)
        assert link.state.bytes_up < 5 * 90_000 * 1.03 + 2 * 33_000, "only what was under way went again"


async def test_a_lane_waits_for_no_other_that_has_not_noticed_the_cut(county) -> None:
    _, _, township, village = county
    village.open_case({"name": "a"}, pages=_pages(8))
    async with gated(village, township) as (link, gate):
        gate.shut = True
        talk = asyncio.create_task(link.say_all())
        await _until(lambda: gate.waiting == 3)
        gate.lose_one()
        await _until(lambda: len(gate.long) == 3 + 1)
        assert gate.waiting == 3, "two have not noticed, and one goes on"
        gate.open()
        await asyncio.wait_for(talk, 30)
        assert link.state.blobs_sent == 8


async def test_lanes_give_up_when_nobody_was_heard_for_two_minutes(county) -> None:
    _, _, township, village = county
    village.open_case({"name": "a"}, pages=_pages(5))
    async with gated(village, township) as (link, gate):
        gate.shut = True
        talk = asyncio.create_task(link.say_all())
        await _until(lambda: gate.waiting == 3)
        link._heard -= 121
        gate.lose = 3
        gate.open()
        with pytest.raises(TransferFailed):
            await asyncio.wait_for(talk, 30)
        assert gate.lose == 0 and gate.waiting == 0, "all have ended"


async def test_a_refusal_ends_all_lanes_at_once(county) -> None:
    _, _, township, village = county
    village.open_case({"name": "a"}, pages=_pages(5))
    async with gated(village, township) as (link, gate):
        gate.shut = True
        talk = asyncio.create_task(link.say_all())
        await _until(lambda: gate.waiting == 3)
        gate.refuse = 1
        gate.open()
        with pytest.raises(NotYourParent):
            await asyncio.wait_for(talk, 30)
        assert gate.waiting == 0 and len(gate.long) == 3, "the others ended in peace, and no message followed"


async def test_lanes_that_have_no_nonce_ask_once_for_all(county) -> None:
    _, _, township, village = county
    village.open_case({"name": "a"}, pages=_pages(3))
    async with serve(township) as served, link_to(served.url, village, township) as link:
        while not await link._store.read(link._dialer.has_blobs_only):
            await link.exchange()
        link._nonces.clear()
        before = served.counts["refused:bad_nonce"]
        await link.say_all()
        assert served.counts["refused:bad_nonce"] == before + 1


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
        assert sizes[0] == 93 and len(sizes) == 2, "version, author, serial, nonce, signature and length"
