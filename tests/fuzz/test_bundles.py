"""Bundles: spoiled on the way, with a spoiled head truly signed, with anything inside truly sealed; and taken in."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, replace
from hashlib import sha256

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from sync_protocol import canonical
from sync_protocol.bundle_import import take_bundle
from sync_protocol.bundles import BundleFile, Counts, bundle_pieces, vectors
from sync_protocol.crypto import u32
from sync_protocol.errors import BadBytes, NotYourParent, WrongReader
from sync_protocol.feeds import HUB, up
from sync_protocol.fsck import check_replica
from sync_protocol.limits import BUNDLE_HEAD_BYTES_MAX
from sync_protocol.messages import Chunk, Frame, Hello, Vector, frame_bytes, pack_message, parse_message
from sync_protocol.segments import Segment
from tests.fuzz.liar import entries, places
from tests.fuzz.objects import KINDS
from tests.fuzz.spoil import RECIPES, spoiled, spoiled_bytes, tree
from tests.fuzz.test_objects import BYTES_PER_BYTE_MAX, CALLS_PER_BYTE_MAX, FIXED_BYTES_MAX, FIXED_CALLS_MAX, spent
from tests.fuzz.test_replica import NOW, Inside, Undone, carried, genesis, rows, scene, station_lies
from tests.sync_protocol.sticks import forged
from tests.vectors import golden as g

__all__ = ["scene"]

FUZZ = settings.get_profile("fuzz")
THIRD = settings.get_profile("fuzz-third")
TENTH = settings.get_profile("fuzz-tenth")
HELLO, VECTORS = g.BUNDLE_FRAMES[0][0], list(g.BUNDLE_FRAMES[0][1:])


def opened(data: bytes) -> list[list[Frame]]:
    """All that is inside, for the county. Raises what the product says it does."""
    return list(BundleFile(io.BytesIO(data)).messages(g.ROOT.public, HUB, g.BOXES[HUB]))


def skimmed(data: bytes) -> None:
    BundleFile(io.BytesIO(data)).skim()


GOLDEN = [list(frames) for frames in g.BUNDLE_FRAMES]


@THIRD
@given(recipe=RECIPES)
def test_a_bundle_with_any_byte_spoiled_is_refused_whole(recipe):
    data = spoiled_bytes([g.BUNDLE], recipe)
    for read in (opened, skimmed):
        try:
            read(data)
            assert data == g.BUNDLE
        except (BadBytes, WrongReader):
            assert data != g.BUNDLE


def _stretched(at: int, length: int) -> bytes:
    """The bundle with another length in the place of four bytes."""
    return g.BUNDLE[:at] + u32(length) + g.BUNDLE[at + 4 :]


LENGTHS = st.sampled_from([0, 1, 127, 128, 129, 65_535, 65_553, 65_554, 2**20, 2**31 - 1, 2**31, 2**32 - 1])


@TENTH
@given(recipe=RECIPES, at=st.integers(0, len(g.BUNDLE) - 4), length=LENGTHS)
def test_reading_a_bundle_takes_memory_and_steps_in_proportion_to_its_bytes(recipe, at, length):
    for data in (spoiled_bytes([g.BUNDLE], recipe), _stretched(at, length)):
        for read in (opened, skimmed):
            peak, calls = spent(read, data, WrongReader)
            assert peak <= FIXED_BYTES_MAX + BYTES_PER_BYTE_MAX * len(data), f"{peak} bytes for {len(data)}"
            assert calls <= FIXED_CALLS_MAX + CALLS_PER_BYTE_MAX * len(data), f"{calls} calls for {len(data)}"


# --- a head that its writer truly signed --------------------------------------------------------------------------


@dataclass
class Head:
    """What `bundle_pieces` asks of a head, over any bytes."""

    raw: bytes
    deployment: bytes = g.DEPLOYMENT

    def packed(self) -> bytes:
        return u32(len(self.raw)) + self.raw


def bundle(head: Head, messages: list[bytes], counts: Counts) -> bytes:
    serial = g.SERIALS[g.VILLAGE]
    return b"".join(bundle_pieces(head, g.BUNDLE_KEY, messages, counts, g.SIGNERS[g.VILLAGE], serial))


heads: Counter[str] = Counter()


@FUZZ
@given(recipe=RECIPES)
def test_a_spoiled_head_that_is_truly_signed_is_another_good_one_or_refused(recipe):
    raw = spoiled(KINDS["bundle's head"].samples, recipe)
    assume(len(raw) <= BUNDLE_HEAD_BYTES_MAX)  # longer ones are refused unread, see above
    data = bundle(Head(raw), list(g.BUNDLE_MESSAGES), Counts(3, 3, 1, len(g.SMALL_BLOB)))
    try:
        found = opened(data)
    except (BadBytes, WrongReader) as error:
        heads[error.code] += 1
        return
    head = BundleFile(io.BytesIO(data)).head
    heads["read"] += 1
    assert found == GOLDEN and head.packed() == Head(raw).packed()
    # Nothing else is in a reader's hands to spoil: each of these the seal or a certificate holds fast.
    assert replace(head, time=g.BUNDLE_HEAD.time) == g.BUNDLE_HEAD


def test_heads_of_all_kinds_were_met():
    if not heads:
        test_a_spoiled_head_that_is_truly_signed_is_another_good_one_or_refused()
    assert {"read", "not_canonical", "bad_signature", "wrong_reader"} <= set(heads), heads


# --- contents that its writer truly sealed -------------------------------------------------------------------------

BLOB = g.SMALL_BLOB
WHOLE = Chunk(g.SMALL_BLOB_HASH, len(BLOB), 0, BLOB)
HALF = len(BLOB) // 2
FIRST, SECOND = replace(WHOLE, data=BLOB[:HALF]), replace(WHOLE, offset=HALF, data=BLOB[HALF:])
TINY = Chunk(sha256(b"x").digest(), 1, 0, b"x")
ODD: list[list[Frame]] = [
    [frame] for frame in (
        HELLO, *VECTORS, replace(WHOLE, data=b""), replace(WHOLE, hash=bytes(32)), replace(WHOLE, length=len(BLOB) + 1),
        *g.FRAMES,
    )
]  # fmt: skip
ODD_RUNS = [[replace(FIRST, offset=1), SECOND], [FIRST, WHOLE], [FIRST, TINY, SECOND], [SECOND, FIRST]]
GOOD_RUNS = st.lists(st.sampled_from([[WHOLE], [FIRST, SECOND], [TINY]]), max_size=3).map(
    lambda runs: [chunk for run in runs for chunk in run]
)


@st.composite
def contents(draw: st.DrawFn) -> list[bytes]:
    """Messages as the specification has them, mostly with one frame more, less, moved or spoiled, or cut otherwise."""
    frames = [frame_bytes(one) for one in [*([g.SEGMENT] * draw(st.integers(0, 2))), *draw(GOOD_RUNS)]]
    first = [frame_bytes(one) for one in VECTORS]
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        some = draw(st.sampled_from([frames, frames, frames, first]))
        at = draw(st.integers(0, len(some)))
        match draw(st.integers(0, 3)):
            case 0:
                some[at:at] = map(frame_bytes, draw(st.one_of(st.sampled_from(ODD), st.sampled_from(ODD_RUNS))))
            case 1:
                del some[at : at + 1]
            case 2:
                name = draw(st.sampled_from(["Segment", "Chunk", "Vector"]))
                data = spoiled(KINDS[name].samples, draw(RECIPES))
                some.insert(at, u32(len(data)) + data)
            case 3:
                some.insert(0, some.pop()) if some else None
    messages = [first]
    while frames:
        count = draw(st.integers(1, 3))
        messages.append(frames[:count])
        del frames[:count]
    packed = [g.stored(b"".join([frame_bytes(HELLO), *message])) for message in messages]
    if draw(st.sampled_from([False] * 9 + [True])):
        at = draw(st.integers(0, len(packed) - 1))
        packed[at] = spoiled_bytes([packed[at]], draw(RECIPES))
    return packed if draw(st.sampled_from([True] * 9 + [False])) else packed[1:]


def counted(messages: list[bytes]) -> Counts | None:
    """How many of everything, by section 17.2 said once more; None where it forbids something."""
    try:
        frames = [parse_message(message) for message in messages]
    except BadBytes:
        return None
    if not frames or [type(frame) for frame in frames[0]] != [Hello, Vector, Vector]:
        return None
    rest = [frame for message in frames[1:] for frame in message[1:]]
    segments = 0
    while segments < len(rest) and isinstance(rest[segments], Segment):
        segments += 1
    found = Counts(len(frames), sum(len(one.items) for one in rest[:segments]))
    chunks = rest[segments:]
    while chunks:
        head, data = chunks[0], b""
        while chunks and isinstance(head, Chunk) and len(data) < head.length:
            chunk = chunks.pop(0)
            place = isinstance(chunk, Chunk) and (chunk.hash, chunk.length, chunk.offset)
            if place != (head.hash, head.length, len(data)) or not chunk.data:
                return None
            data += chunk.data
        if not isinstance(head, Chunk) or (len(data), sha256(data).digest()) != (head.length, head.hash):
            return None
        found = replace(found, blobs=found.blobs + 1, blob_bytes=found.blob_bytes + head.length)
    return found


def guessed(messages: list[bytes]) -> Counts:
    """What a reader would count that forbids nothing: so that it is not the counts that give a wrong order away."""
    found = Counts(len(messages))
    for message in messages:
        try:
            frames = parse_message(message)
        except BadBytes:
            continue
        last = [one for one in frames if isinstance(one, Chunk) and one.offset + len(one.data) >= one.length]
        found.entries += sum(len(one.items) for one in frames if isinstance(one, Segment))
        found.blobs += len(last)
        found.blob_bytes += sum(one.length for one in last)
    return found


insides: Counter[str] = Counter()


@THIRD
@given(messages=contents(), off=st.sampled_from([0] * 9 + [1]), which=st.integers(0, 3))
def test_what_is_sealed_inside_is_read_if_and_only_if_the_specification_allows_it(messages, off, which):
    right = counted(messages)
    told = (right or guessed(messages)).fields()
    told[which] += off
    data = bundle(Head(g.BUNDLE_HEAD.packed()[4:]), messages, Counts(*told))
    try:
        found = opened(data)
    except BadBytes:
        insides["refused"] += 1
        assert right is None or off
        return
    insides["read"] += 1
    assert right is not None and not off
    assert found == [parse_message(message) for message in messages] and len(vectors(found[0])) == 2


def test_insides_of_both_kinds_were_met():
    if not insides:
        test_what_is_sealed_inside_is_read_if_and_only_if_the_specification_allows_it()
    assert insides["read"] > 10 and insides["refused"] > 10, insides


# --- taken in at the county ------------------------------------------------------------------------------------------


def test_a_liars_bundle_is_taken_whole_or_leaves_no_trace(scene):
    hub, village, seen = scene.hub, scene.village, Counter()
    feed, liar = up(village.author), scene.liar(village)
    tip, start = scene.tip(hub, feed), genesis(hub.me.deployment, feed)

    @TENTH
    @given(
        made=st.lists(st.tuples(places(tip, start), entries(station_lies(scene), 3)), min_size=1, max_size=2),
        chunks=GOOD_RUNS,
        recipe=st.one_of(st.just(b"\0"), RECIPES),
    )
    def run(made, chunks, recipe):
        segments = carried([liar.segment(feed, *place, items) for place, items in made])
        messages = [pack_message([HELLO, Vector({}), Vector({})])]
        messages += [pack_message([HELLO, one]) for one in (*segments, *chunks)]
        data = spoiled_bytes([forged(village, messages, counted(messages))], recipe)

        def work(conn: Connection) -> None:
            before = rows(conn)
            try:
                done = take_bundle(Inside(conn), hub.replica, io.BytesIO(data), NOW, lambda what, length: None)
            except (BadBytes, WrongReader, NotYourParent):
                assert before == rows(conn)
                seen["refused"] += 1
                raise Undone from None
            seen.update(fault.code for fault in done.refused)
            seen["taken"] += done.new_entries
            assert done.left == done.blobs and done.entries == sum(len(one.items) for one in segments)
            assert check_replica(conn, hub.me, hub.replica.blobs).wrong == []
            raise Undone

        with pytest.raises(Undone):
            hub.store.write(work)

    run()
    assert {"refused", "taken", "gap", "not_canonical"} <= set(seen), seen


def test_a_bundle_is_canonical_in_its_golden_form():
    """What the two oracles above rest on."""
    assert opened(g.BUNDLE) == GOLDEN and counted(list(g.BUNDLE_MESSAGES)) == Counts(3, 3, 1, len(BLOB))
    assert tree(canonical.unpack(g.BUNDLE_HEAD.packed()[4:], bytes_max=9_999)) == KINDS["bundle's head"].samples[0]
