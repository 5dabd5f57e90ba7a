"""After a cut the first message already carries what is not in doubt, and asks about the rest."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from sync_protocol.dialer import Dialer
from sync_protocol.errors import TransferFailed
from sync_protocol.messages import Chunk, Vector
from sync_protocol.transport import Transport
from sync_protocol.under_way import Sent
from tests.sync_protocol.county import County, Place, small_county
from tests.sync_protocol.test_blobs_down import ask
from tests.sync_protocol.wire import link_to, serve

Four = tuple[County, Place, Place, Place]


@pytest.fixture
def county(tmp_path) -> Four:
    return small_county(tmp_path)


def _dialer_with_pages(county: Four, count: int) -> Dialer:
    c, _, township, village = county
    rng = random.Random(9)
    village.open_case({"name": "a"}, pages=tuple(rng.randbytes(50_000) for _ in range(count)))
    dialer = Dialer(village.replica, township.author)
    for _ in range(2):
        c.exchange(dialer, village, township)
    return dialer


def _compose(county: Four, dialer: Dialer) -> Sent:
    c, _, _, village = county
    return village.store.read(lambda conn: dialer.compose(conn, c.clock.now, 0))


def test_other_blobs_go_on_at_once_and_what_arrived_unanswered_goes_once(county: Four) -> None:
    c, _, township, village = county
    dialer = _dialer_with_pages(county, 3)
    sent, _lost_answer = ask(c, dialer, village, township)
    assert dialer.cut(sent, unsent=False)
    dialer.drop(sent)
    first = _compose(county, dialer)
    assert not any(isinstance(frame, Vector) for frame in first.frames)
    assert first.asks_after() == sent.blob_ends().keys()
    assert first.blob_ends() and not first.blob_ends().keys() & first.asks_after()
    dialer.drop(first)
    ends: dict[bytes, int] = dict(sent.blob_ends())
    for _ in range(12):
        message = _compose(county, dialer)
        for frame in message.frames:
            if isinstance(frame, Chunk) and frame.data:
                assert frame.offset == ends.get(frame.hash, 0), "a byte was sent twice, or left out"
                ends[frame.hash] = frame.offset + len(frame.data)
        dialer.drop(message)
        c.exchange(dialer, village, township)
    assert list(ends.values()) == [50_000 + _sealing(village, next(iter(ends)))] * 3
    assert all(township.replica.blobs.holds(hash_) for hash_ in ends)


def _sealing(village: Place, hash_: bytes) -> int:
    return village.replica.blobs.path(hash_).stat().st_size - 50_000


def test_tries_that_reach_nobody_put_nothing_in_doubt_and_shrink_messages_once(county: Four) -> None:
    dialer = _dialer_with_pages(county, 6)
    sizes = []
    for _ in range(5):
        sent = _compose(county, dialer)
        assert not sent.asks_after()
        sizes.append(dialer._size.bytes)
        assert dialer.cut(sent, unsent=True)
        dialer.drop(sent)
    assert sizes[0] > sizes[1] == sizes[4] > 0


def test_of_messages_that_one_cut_ended_all_are_in_doubt_and_one_is_told(county: Four) -> None:
    dialer = _dialer_with_pages(county, 3)
    one, other = _compose(county, dialer), _compose(county, dialer)
    assert [dialer.cut(sent, unsent=False) for sent in (one, other)] == [True, False]
    for sent in (one, other):
        dialer.drop(sent)
    assert _compose(county, dialer).asks_after() == one.blob_ends().keys() | other.blob_ends().keys()


def test_what_was_believed_of_one_parent_does_not_count_for_another(county: Four) -> None:
    _, hub, township, _ = county
    dialer = _dialer_with_pages(county, 1)
    dialer.speaks_to(township.author)
    assert _compose(county, dialer).reached is not None
    dialer.speaks_to(hub.author)
    assert isinstance(_compose(county, dialer).frames[1], Vector)


@dataclass
class Outage:
    """Stands before a link's own transport; while it is down nobody is reached."""

    inner: Transport
    down: bool = False
    tries: int = 0
    sizes: list[int] = field(default_factory=list)

    async def __call__(self, path: str, data: bytes, bytes_max: int) -> bytes:
        if self.down:
            self.tries += 1
            raise TransferFailed("down", unsent=True)
        self.sizes.append(len(data))
        return await self.inner(path, data, bytes_max)


async def test_the_first_request_after_an_outage_carries_blobs_with_a_nonce_from_before_it(county: Four) -> None:
    _, _, township, village = county
    async with serve(township) as served, link_to(served.url, village, township) as link:
        link._transport = outage = Outage(link._transport)
        await link.say_all()
        village.open_case({"name": "a"}, pages=tuple(random.Random(n).randbytes(120_000) for n in range(5)))
        while not await link._store.read(link._dialer.has_blobs_only):
            await link.exchange()
        outage.down = True
        talk = asyncio.create_task(link.say_all())
        while outage.tries < 12:  # noqa: ASYNC110 - what is waited for is no single thing
            await asyncio.sleep(0.01)
        outage.sizes.clear()
        outage.down = False
        await asyncio.wait_for(talk, 30)
        assert min(outage.sizes[:3]) > 8_000, "each lane has a blob to carry"
        assert served.counts["refused:bad_nonce"] == 1


async def test_a_metered_link_rests_between_questions_but_says_what_is_new_at_once(county: Four) -> None:
    _, _, township, village = county
    rests: list[float] = []

    async def rest() -> float:
        rests.append(60.0)
        return rests[-1]

    async with serve(township) as served, link_to(served.url, village, township) as link:
        running = asyncio.create_task(link.run(rest))
        try:
            async with asyncio.timeout(20):
                while not rests:  # noqa: ASYNC110 - what is waited for is no event
                    await asyncio.sleep(0.01)
                before = link.state.requests
                await asyncio.sleep(0.3)
                assert link.state.requests == before, "no poll is held"
                topic = village.open_case({"name": "b"})
                link._bell.ring(["home:"])
                while len(rests) < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert len(township.changes(village.author, topic)) == 1
        finally:
            running.cancel()
        assert served.counts["refused:bad_nonce"] == 1


def test_what_the_parent_only_claims_to_hold_is_asked_after_and_sent(county: Four) -> None:
    """It says that it has the blob, and never signs for it: a lie, or a disk that lost it."""
    c, _, township, village = county
    dialer = _dialer_with_pages(county, 1)
    sent = _compose(county, dialer)
    (hash_,) = sent.blob_ends()
    dialer._offsets[hash_] = 2**26
    dialer.drop(sent)
    assert not village.store.read(dialer.has_news)
    dialer.retry_refused()
    assert village.store.read(dialer.has_news)
    question = _compose(county, dialer)
    assert question.asks_after() == {hash_} and not question.blob_ends()
    dialer.drop(question)
    for _ in range(4):
        c.exchange(dialer, village, township)
    assert township.replica.blobs.holds(hash_)
    dialer.retry_refused()
    assert not village.store.read(dialer.has_news), "it has signed: there is nothing to ask"
