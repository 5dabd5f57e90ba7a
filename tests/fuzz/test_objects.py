"""Each object of the wire, spoiled: what is read is the one encoding of its value, all else is BadBytes."""

from __future__ import annotations

import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_protocol import canonical
from sync_protocol.errors import BadBytes, SyncError
from sync_protocol.feeds import FeedId
from sync_protocol.messages import BlobState, Chunk, Fault, Hello, Pieces, Report, Vector, Want
from sync_protocol.segments import Segment
from tests.fuzz.objects import FEEDS, KINDS
from tests.fuzz.shapes import FITS
from tests.fuzz.spoil import RECIPES, encode, spoiled, spoiled_bytes

FUZZ = settings.get_profile("fuzz")
TENTH = settings.get_profile("fuzz-tenth")

BYTES_PER_BYTE_MAX = 400
"""Two copies of an empty map of one byte, and their places in two lists: Python's price, not the sender's choice."""
CALLS_PER_BYTE_MAX = 40
FIXED_BYTES_MAX, FIXED_CALLS_MAX = 512 * 1024, 4_000
"""The packer alone starts with 256 KiB."""


_FRAMES = {Hello: "Hello", Vector: "Vector", Segment: "Segment", Want: "Want", Chunk: "Chunk", BlobState: "Blob state"}
_FRAMES |= {Fault: "Fault", Pieces: "Pieces", Report: "Report"}
"""A frame says itself what it is: with another first byte it may be a good one of another kind."""


@pytest.mark.parametrize("name", KINDS)
def test_a_spoiled_object_is_refused_or_is_another_good_one(name):
    kind = KINDS[name]
    seen: Counter[str] = Counter()

    @FUZZ
    @given(recipe=RECIPES)
    def run(recipe: bytes) -> None:
        data = spoiled(kind.samples, recipe)
        try:
            value = kind.parse(data)
        except BadBytes:
            seen["refused"] += 1
            return
        seen["read"] += 1
        assert len(data) <= kind.bytes_max and FITS[_FRAMES.get(type(value), name)](value), value
        assert kind.pack is None or kind.pack(value) == data

    run()
    assert seen["read"] > 10 and seen["refused"] > 10, seen


@pytest.mark.parametrize("name", KINDS)
def test_reading_takes_memory_and_steps_in_proportion_to_the_bytes(name):
    kind = KINDS[name]

    @TENTH
    @given(recipe=RECIPES)
    def run(recipe: bytes) -> None:
        data = spoiled(kind.samples, recipe)
        peak, calls = spent(kind.parse, data)
        assert peak <= FIXED_BYTES_MAX + BYTES_PER_BYTE_MAX * len(data), f"{peak} bytes for {len(data)}"
        assert calls <= FIXED_CALLS_MAX + CALLS_PER_BYTE_MAX * len(data), f"{calls} calls for {len(data)} bytes"

    run()


BOMBS = (b"\x91", b"\xdd\x00\x00\xff\xff", b"\xde\xff\xff")


@pytest.mark.parametrize("name", ["any value", "header", "enrolment", "Segment"])
def test_heads_inside_one_another_take_no_more(name):
    """Each bomb in the place of the object and of its last fields, alone and filled up to the object's bound."""
    kind = KINDS[name]
    whole = encode(kind.samples[0])
    for bomb in BOMBS:
        for start in (b"", whole[: len(whole) * 2 // 3]):
            data = (start + bomb * 1_100)[: kind.bytes_max]
            for filled in (data, data + b"\xc0" * (kind.bytes_max - len(data))):
                assert spent(kind.parse, filled)[0] <= FIXED_BYTES_MAX + BYTES_PER_BYTE_MAX * 6_000, bomb


def spent(parse: Callable[[bytes], object], data: bytes, *refusals: type[SyncError]) -> tuple[int, int]:
    """Peak of allocated bytes, and number of calls, while the data are read or refused: with BadBytes, or as named."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    tracemalloc.start()
    sys.setprofile(count)
    try:
        parse(data)
    except (BadBytes, *refusals):
        pass
    finally:
        sys.setprofile(None)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak, calls


def test_what_is_longer_than_its_bound_is_not_decoded():
    for kind in KINDS.values():
        for data in (b"\xc0" * (kind.bytes_max + 1), b"\x91" * (kind.bytes_max + 1)):
            calls = spent(kind.parse, data)[1]
            with pytest.raises(BadBytes):
                kind.parse(data)
            assert calls < 50


@pytest.mark.parametrize("bytes_max", [64, 49_152, 131_072])
@FUZZ
@given(data=st.binary(max_size=200))
def test_bytes_of_any_kind_are_one_value_or_none(bytes_max, data):
    try:
        value = canonical.unpack(data, bytes_max=bytes_max)
    except BadBytes:
        return
    assert canonical.pack(value) == data and len(data) <= bytes_max


@FUZZ
@given(recipe=RECIPES)
def test_nine_bytes_are_one_feed_or_none(recipe):
    data = spoiled_bytes(FEEDS, recipe)
    try:
        feed = FeedId.parse(data)
    except BadBytes:
        return
    assert feed.packed() == data and str(feed)
