"""Whole messages: rows of spoiled frames, and compressed streams that lie about what they hold (RFC 8878)."""

from __future__ import annotations

import struct
import tracemalloc
from collections import Counter
from contextlib import suppress

import pytest
from backports.zstd import ZstdDecompressor, ZstdError
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_protocol import compression
from sync_protocol.compression import deflate, inflate
from sync_protocol.errors import BadBytes
from sync_protocol.limits import FAULTS_MAX, FRAME_BYTES_MAX, FRAMES_PER_MESSAGE_MAX, KIB, ZSTD_WINDOW_LOG_MAX
from sync_protocol.messages import Fault, Frame, Hello, frame_bytes, pack_message, parse_frames, parse_message
from tests.fuzz.objects import KINDS
from tests.fuzz.spoil import RECIPES, spoiled, spoiled_bytes

FUZZ = settings.get_profile("fuzz")
TENTH = settings.get_profile("fuzz-tenth")
FRAME_KINDS = ("Hello", "Vector", "Segment", "Want", "Chunk", "Blob state", "Fault", "Pieces", "Report")
HELLO = frame_bytes(Hello(1, 0, bytes(16)))
LENGTHS = st.sampled_from([None, None, None, 0, 1, FRAME_BYTES_MAX, FRAME_BYTES_MAX + 1, 2**31, 2**32 - 1])


@st.composite
def rows(draw: st.DrawFn) -> bytes:
    """A Hello, then frames: spoiled, cut, of a length that lies, again and again."""
    parts = [] if draw(st.integers(0, 9)) == 9 else [HELLO]
    for name in draw(st.lists(st.sampled_from(FRAME_KINDS), max_size=3)):
        packed = spoiled(KINDS[name].samples, draw(RECIPES))
        lie = draw(LENGTHS)
        frame = struct.pack(">I", len(packed) if lie is None else lie) + packed
        times = draw(st.sampled_from([1, 1, 1, 2, FAULTS_MAX + 1]))
        parts.append(frame * (times if len(frame) < 999 else 1))
    return b"".join(parts)


@FUZZ
@given(row=rows(), recipe=RECIPES)
def test_a_row_of_spoiled_frames_is_read_whole_or_refused(row, recipe):
    raw = spoiled_bytes([row], recipe) if recipe[0] > 200 else row
    try:
        frames = parse_message(deflate(raw), trailed=True)
    except BadBytes:
        return
    assert isinstance(frames[0], Hello) and len(frames) <= FRAMES_PER_MESSAGE_MAX
    assert sum(isinstance(frame, Fault) for frame in frames) <= FAULTS_MAX
    assert b"".join(map(frame_bytes, frames)) == raw
    if len(frames) < 99:
        assert parse_message(pack_message(frames), trailed=True) == frames


def test_a_spoiled_stream_is_read_or_refused():
    whole = deflate(HELLO + frame_bytes(Fault("gap", b"", "x" * 200)))
    seen: Counter[str] = Counter()

    @FUZZ
    @given(recipe=RECIPES)
    def run(recipe: bytes) -> None:
        data = spoiled_bytes([whole, HELLO], recipe)
        try:
            frames = parse_message(data)
        except BadBytes:
            seen["refused"] += 1
        else:
            assert isinstance(frames[0], Hello)
            seen["read"] += 1

    run()
    assert seen["read"] > 10 and seen["refused"] > 10, seen


@FUZZ
@given(recipe=RECIPES)
def test_frames_are_read_in_turn_until_the_first_bad_one(recipe):
    raw = spoiled_bytes([HELLO * 3], recipe)
    read: list[Frame] = []
    with suppress(BadBytes):
        read.extend(parse_frames(raw))
    assert raw.startswith(b"".join(map(frame_bytes, read)))


# --- streams --------------------------------------------------------------------------------------------------------

MAGIC = bytes.fromhex("28b52ffd")
CAP = 64 * KIB
BLOCKS = st.one_of(
    st.binary(max_size=20).map(lambda data: (0, len(data), data)),
    st.tuples(
        st.just(1), st.sampled_from([0, 1, 1_000, 65_536, 131_072, 2**21 - 1]), st.binary(min_size=1, max_size=1)
    ),
    st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 5, 131_072, 2**21 - 1]), st.binary(max_size=9)),
    st.binary(max_size=30).map(lambda data: (2, len(data), data)),
)
SIZES = st.sampled_from([0, 1, 3, 255, 256, CAP, CAP + 1, 2**31, 2**40, 2**60, 2**63, 2**64 - 1])


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Frames by the grammar: any flags, window, dictionary, claimed size, blocks; skippable ones; several of them."""
    parts = []
    for _ in range(draw(st.sampled_from([1, 1, 1, 1, 2, 3]))):
        match draw(st.integers(0, 9)):
            case 0:
                size = draw(st.sampled_from([0, 1, 9, 2**32 - 1]))
                skipped = struct.pack("<II", 0x184D2A50 + draw(st.integers(0, 15)), size)
                parts.append(skipped + draw(st.binary(max_size=9)))
            case 1:
                parts.append(deflate(bytes(draw(st.sampled_from([0, 1, CAP - 1, CAP, CAP + 1, 4 * CAP])))))
            case _:
                parts.append(_frame(draw))
    return b"".join(parts) + draw(st.sampled_from([b"", b"", b"", b"\0", MAGIC]))


def _frame(draw: st.DrawFn) -> bytes:
    size_flag, single = draw(st.integers(0, 3)), draw(st.booleans())
    dictionary, rest = draw(st.sampled_from([0, 0, 0, 0, 1, 2, 3])), draw(st.sampled_from([0, 0, 0, 0, 4, 8, 16]))
    descriptor = size_flag << 6 | single << 5 | rest | dictionary
    window = b"" if single else bytes([draw(st.sampled_from([0, 0x30, 0x68, 0x6F, 0x70, 0xA0, 0xFF]))])
    width = (1 if single else 0, 2, 4, 8)[size_flag]
    claimed = (draw(SIZES) % 2 ** (8 * width)).to_bytes(width, "little")
    head = MAGIC + bytes([descriptor]) + window + bytes((0, 1, 2, 4)[dictionary]) + claimed
    blocks = draw(st.lists(BLOCKS, min_size=1, max_size=3))
    times = draw(st.sampled_from([1, 1, 1, 40, 3_000]))
    body = b"".join(_block(kind, size, data) for kind, size, data in blocks[:-1]) * times
    kind, size, data = blocks[-1]
    return head + body + _block(kind, size, data, last=draw(st.sampled_from([True, True, True, False])))


def _block(kind: int, size: int, data: bytes, *, last: bool = False) -> bytes:
    return struct.pack("<I", size << 3 | kind << 1 | last)[:3] + data


class Counted:
    """The library's decompressor, counting how often it is asked."""

    calls = 0

    def __init__(self, **options: object) -> None:
        self._stream = ZstdDecompressor(**options)  # type: ignore[arg-type]

    def decompress(self, *arguments: object, **options: object) -> bytes:
        Counted.calls += 1
        return self._stream.decompress(*arguments, **options)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


seen: Counter[str] = Counter()


@FUZZ
@given(data=streams())
def test_a_lying_stream_is_unpacked_within_its_cap_or_refused(data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compression, "ZstdDecompressor", Counted)
        Counted.calls = 0
        try:
            plain = inflate(data, unpacked_bytes_max=CAP)
        except BadBytes:
            plain = None
    assert Counted.calls <= CAP // (64 * KIB) + 2 + len(data) // 100
    seen["read" if plain is not None else "refused"] += 1
    if plain is not None:
        assert len(plain) <= CAP
        assert plain == one_frame(data)


def test_the_streams_above_were_of_both_kinds():
    if not seen:
        test_a_lying_stream_is_unpacked_within_its_cap_or_refused()
    assert seen["read"] > 10 and seen["refused"] > 10, seen


def one_frame(data: bytes) -> bytes | None:
    """What the library makes of the data at one go, None unless they are one ordinary frame and nothing else."""
    stream = ZstdDecompressor()
    try:
        plain = stream.decompress(data)
    except ZstdError:
        return None
    return plain if stream.eof and not stream.unused_data and data.startswith(MAGIC) else None


@TENTH
@given(data=streams())
def test_a_bomb_takes_the_room_of_its_cap(data):
    tracemalloc.start()
    try:
        inflate(data, unpacked_bytes_max=CAP)
    except BadBytes:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak <= 4 * CAP + 64 * KIB


def test_the_window_that_is_claimed_is_not_allocated():
    """A window above the bound is refused from the frame's head, whatever follows."""
    for exponent in range(32):
        window = MAGIC + b"\x00" + bytes([exponent << 3]) + _block(0, 1, b"a", last=True)
        if 10 + exponent <= ZSTD_WINDOW_LOG_MAX:
            assert inflate(window, unpacked_bytes_max=9) == b"a"
        else:
            with pytest.raises(BadBytes):
                inflate(window, unpacked_bytes_max=9)
