"""Blobs behind a request, piece by piece: what a cut leaves of them is kept, and nothing that was not signed for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol import body
from sync_protocol.dialer import Dialer
from sync_protocol.entries import BlobRef
from sync_protocol.envelopes import parse_reply
from sync_protocol.errors import BadSignature, NotCanonical
from sync_protocol.limits import BLOB_CHUNK_BYTES_MAX, PIECE_BYTES
from sync_protocol.messages import BlobState, Chunk, Frame, Hello, Pieces, pack_message, parse_message
from sync_protocol.server import SYNC_PATH
from sync_protocol.store import blob_store
from sync_protocol.trailing import Trail, with_trail
from tests.sync_protocol.county import Place, small_county
from tests.sync_protocol.wire import Child, Served, serve

HELLO = Hello(1, 1_790_000_000, bytes(16))


def _chunks(seed: int, *sizes: int) -> list[Chunk]:
    rng = random.Random(seed)
    return [Chunk(rng.randbytes(32), 200_000, 7 * size, rng.randbytes(size)) for size in sizes]


def _joined(parts: list[Chunk]) -> dict[tuple[bytes, int], bytes]:
    """What lies at which place, neighbours together."""
    whole: dict[tuple[bytes, int], bytes] = {}
    start, end = (b"", 0), (b"", 0)
    for part in parts:
        if (part.hash, part.offset) != end:
            start = (part.hash, part.offset)
        whole[start] = whole.get(start, b"") + part.data
        end = (part.hash, part.offset + len(part.data))
    return whole


@given(
    sizes=st.lists(st.sampled_from([1, 4_095, 4_096, 4_097, 12_288, 20_000]), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 80_000), max_size=12),
)
def test_a_trail_is_read_in_parts_of_any_size(sizes, cuts):
    chunks = _chunks(1, *sizes)
    frames, data = with_trail([HELLO, *chunks])
    trail = Trail(parse_message(pack_message(frames), trailed=True))
    assert trail.left == len(data) == sum(sizes)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    found = [part for start, end in pairwise(edges) for part in trail.feed(data[start:end])]
    assert _joined(found) == {(chunk.hash, chunk.offset): chunk.data for chunk in chunks} and trail.left == 0


def test_what_has_come_is_believed_but_for_the_last_piece():
    frames, data = with_trail([HELLO, *_chunks(2, 10_000, 5_000)])
    for length in range(0, len(data) + 1, 97):
        trail = Trail(frames)
        believed = sum(len(part.data) for part in trail.feed(data[:length]))
        assert length - PIECE_BYTES < believed <= length


def test_one_bit_anywhere_spoils_its_piece_and_no_earlier_one():
    frames, data = with_trail([HELLO, *_chunks(3, 9_000)])
    for at in range(0, len(data), 13):
        spoiled = bytearray(data)
        spoiled[at] ^= 1 << at % 8
        trail = Trail(frames)
        found: list[Chunk] = []
        with pytest.raises(BadSignature):
            found.extend(trail.feed(bytes(spoiled)))
        assert b"".join(part.data for part in found) == data[: at // PIECE_BYTES * PIECE_BYTES]


def test_questions_and_everything_else_stay_in_the_message():
    question = Chunk(bytes(32), 10, 0, b"")
    frames, data = with_trail([HELLO, question, *_chunks(4, BLOB_CHUNK_BYTES_MAX)])
    assert frames[:2] == [HELLO, question] and isinstance(frames[2], Pieces)
    assert len(data) == BLOB_CHUNK_BYTES_MAX == frames[2].size and len(frames) == 3


def test_an_answer_or_a_bundle_announces_no_pieces():
    frames, _ = with_trail([HELLO, *_chunks(5, 10)])
    with pytest.raises(NotCanonical):
        parse_message(pack_message(frames))


# --- over HTTP --------------------------------------------------------------------------------------------------


@dataclass
class Sender:
    """A village whose cases are at the township without their pages, and requests with bytes of those."""

    served: Served
    village: Place
    child: Child
    blobs: list[BlobRef]

    def offset(self, blob: BlobRef) -> int:
        """How much of it lies at the township."""
        files = self.served.place.replica.blobs
        return blob.length if files.holds(blob.hash) else files.offset(blob.hash)

    def chunk(self, blob: BlobRef, size: int) -> Chunk:
        """The next bytes of it."""
        chunk = self.village.replica.chunk(blob.hash, blob.length, self.offset(blob), size)
        assert chunk is not None
        return chunk

    async def packed(self, *frames: Frame) -> tuple[bytes, bytes]:
        """A signed request and its trail."""
        told, trail = with_trail([HELLO, *frames])
        return self.child.sign(pack_message(told), await self.child.nonce()), trail

    async def open(self, length: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection on which a request of this length is announced."""
        host, port = self.served.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"POST {SYNC_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        return reader, writer


@pytest.fixture
async def sender(tmp_path) -> AsyncIterator[Sender]:
    c, _, township, village = small_county(tmp_path)
    rng = random.Random(7)
    topics = [village.open_case({"name": name}, pages=(rng.randbytes(30_000),)) for name in "ab"]
    dialer = Dialer(village.replica, township.author)
    while not all(township.changes(village.author, topic) for topic in topics):
        c.exchange(dialer, village, township)
    blobs = [village.changes(village.author, topic)[0].blobs[0] for topic in topics]
    async with serve(township) as served, aiohttp.ClientSession() as session:
        yield Sender(served, village, Child(village, session, served.url), blobs)


async def _until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 - what is waited for is no single thing
            await asyncio.sleep(0.01)


async def test_what_came_before_a_cut_lies_there_while_the_sender_has_not_even_noticed(sender: Sender) -> None:
    one, other = sender.blobs
    request, trail = await sender.packed(sender.chunk(one, 30_000), sender.chunk(other, 20_000))
    _, writer = await sender.open(len(request) + len(trail))
    writer.write(request + trail[:40_000])
    await _until(lambda: sender.offset(other) == 2 * PIECE_BYTES)
    assert sender.offset(one) == 30_000
    writer.close()
    left = [sender.chunk(blob, 30_000) for blob in sender.blobs]
    request, trail = await sender.packed(*left)
    assert (await sender.child.post(request + trail))[0] == 200
    assert all(sender.served.place.replica.blobs.holds(blob.hash) for blob in sender.blobs)


async def test_a_blob_that_came_whole_before_a_cut_is_signed_for(sender: Sender) -> None:
    one, other = sender.blobs
    request, trail = await sender.packed(sender.chunk(one, 65_536), sender.chunk(other, 65_536))
    _, writer = await sender.open(len(request) + len(trail))
    writer.write(request + trail[: one.length])
    await _until(lambda: sender.offset(one) == one.length)
    writer.write(trail[one.length : one.length + PIECE_BYTES])
    await _until(lambda: sender.offset(other) == PIECE_BYTES)
    writer.close()
    place, names = sender.served.place, [one.hash, other.hash]
    await _until(lambda: place.store.read(lambda conn: blob_store.signed_for(conn, place.author, names)) == {one.hash})
    assert not place.replica.blobs.holds(other.hash)


@pytest.mark.parametrize("at", [0, 5_000, -1])
async def test_a_spoiled_piece_is_refused_and_those_before_it_are_kept(sender: Sender, at: int) -> None:
    blob = sender.blobs[0]
    request, trail = await sender.packed(sender.chunk(blob, 20_000))
    spoiled = bytearray(trail)
    spoiled[at] ^= 1
    status, code, _ = await sender.child.refused(request + bytes(spoiled))
    assert (status, code) == (403, "bad_signature")
    assert sender.offset(blob) == at % len(trail) // PIECE_BYTES * PIECE_BYTES
    request, trail = await sender.packed(sender.chunk(blob, 65_536))
    assert (await sender.child.post(request + trail))[0] == 200


@pytest.mark.parametrize(("cut", "more"), [(1, b""), (9_999, b""), (0, b"x")])
async def test_a_trail_is_as_long_as_it_says(sender: Sender, cut: int, more: bytes) -> None:
    request, trail = await sender.packed(sender.chunk(sender.blobs[0], 10_000))
    status, code, _ = await sender.child.refused(request + trail[: len(trail) - cut] + more)
    assert (status, code) == (400, "not_canonical")


async def test_the_answer_says_how_far_every_blob_is_however_its_bytes_came(sender: Sender) -> None:
    one, other = sender.blobs
    request, trail = await sender.packed(sender.chunk(one, 9_000), sender.chunk(other, 8_000))

    async def in_two_parts() -> AsyncIterator[bytes]:
        yield request + trail[:9_000]
        await _until(lambda: sender.offset(one) == 9_000)
        yield trail[9_000:]

    status, reply = await sender.child.post(in_two_parts())  # type: ignore[arg-type]
    [state] = [frame for frame in parse_message(parse_reply(reply).payload) if isinstance(frame, BlobState)]
    assert status == 200 and dict(state.blobs) == {one.hash: 9_000, other.hash: 8_000}


async def test_bytes_of_a_blob_that_no_entry_names_are_not_kept(sender: Sender) -> None:
    rng, (one, _) = random.Random(8), sender.blobs
    stranger = Chunk(rng.randbytes(32), 20_000, 0, rng.randbytes(20_000))
    wrong = sender.chunk(one, 9_000)
    request, trail = await sender.packed(stranger, replace(wrong, length=wrong.length + 1))
    assert (await sender.child.post(request + trail))[0] == 200
    files = sender.served.place.replica.blobs
    assert (files.offset(stranger.hash), files.offset(one.hash)) == (0, 0)


async def test_a_trail_that_stands_still_is_cut_off_and_one_that_is_slow_is_not(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "_IDLE_SECONDS", 0.5)
    request, trail = await sender.packed(sender.chunk(sender.blobs[0], 20_000))
    reader, writer = await sender.open(len(request) + len(trail))
    writer.write(request)
    for at in range(0, len(trail), 2_000):
        await asyncio.sleep(0.1)
        writer.write(trail[at : at + 2_000])
    assert b" 200 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    request, trail = await sender.packed(sender.chunk(sender.blobs[0], 5_000))
    reader, writer = await sender.open(len(request) + len(trail))
    writer.write(request + trail[:4_500])
    assert b" 409 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()
