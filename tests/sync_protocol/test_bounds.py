"""Bounds of limits.py: what exceeds one is refused, what meets it is taken, and nothing is allocated for a lie."""

from __future__ import annotations

import struct
import time
import tracemalloc
from dataclasses import replace

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol import canonical, limits
from sync_protocol.certificates import SignedCertificate, parse_certificate
from sync_protocol.compression import deflate, inflate
from sync_protocol.custody import Receipt, pack_receipt, parse_receipt
from sync_protocol.enrolment import parse_request
from sync_protocol.entries import BlobRef, Header, Opening, pack_header, pack_opening, parse_header, parse_opening
from sync_protocol.epochs import Grant, Start, pack_grant, parse_grant, parse_revocation
from sync_protocol.errors import BadBytes, NotCanonical, TooLarge
from sync_protocol.feeds import down
from sync_protocol.frontier import parse_vector
from sync_protocol.messages import (
    BlobState,
    Chunk,
    Fault,
    Hello,
    Pieces,
    Report,
    Want,
    frame_bytes,
    parse_frame,
    parse_frames,
    parse_message,
)
from sync_protocol.order import Run, RunException, Standing, pack_runs, parse_runs
from sync_protocol.segments import Item, parse_segment, segment_fields
from tests.vectors import golden as g

SMALL = Item(pack_header(Header(64, b"", 0, 0)), b"\xc0")
HELLO = Hello(1, 0, bytes(16))


def segment_of(*items: Item, first: int = 1) -> list[object]:
    return segment_fields(replace(g.SEGMENT, items=items, first=first))


def test_a_segment_has_at_most_32_entries():
    parse_segment(segment_of(*[SMALL] * limits.SEGMENT_ENTRIES_MAX))
    with pytest.raises(TooLarge):
        parse_segment(segment_of(*[SMALL] * (limits.SEGMENT_ENTRIES_MAX + 1)))
    with pytest.raises(NotCanonical):
        parse_segment(segment_of())


def test_a_body_and_a_payload_have_their_bounds():
    full = Item(SMALL.header, bytes(limits.BODY_BYTES_MAX))
    parse_segment(segment_of(full))
    with pytest.raises(TooLarge):
        parse_segment(segment_of(Item(SMALL.header, bytes(limits.BODY_BYTES_MAX + 1))))
    with pytest.raises(TooLarge):
        parse_segment(segment_of(full, full))


def test_numbers_end_below_2_to_32():
    parse_segment(segment_of(SMALL, first=2**32 - 1))
    for first in (0, -1, 2**32):
        with pytest.raises(NotCanonical):
            parse_segment(segment_of(SMALL, first=first))
    with pytest.raises(NotCanonical):
        parse_segment(segment_of(SMALL, SMALL, first=2**32 - 1))


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("value", [None, True, -1, 2**62, "text", b"", [], {}, [[]]])
def test_no_field_of_a_segment_takes_another_type(place, value):
    fields = segment_of(SMALL)
    fields[place] = value
    with pytest.raises(BadBytes):
        parse_segment(fields)


def test_a_header_has_its_bounds():
    fits = g.HEADERS[0]._replace(blobs=(g.HEADERS[0].blobs[0],) * limits.BLOBS_PER_ENTRY_MAX)
    assert parse_header(pack_header(fits)) == fits
    with pytest.raises(NotCanonical):
        parse_header(pack_header(fits._replace(blobs=(*fits.blobs, fits.blobs[0]))))
    with pytest.raises(TooLarge):
        parse_header(pack_header(fits._replace(rest=("x" * limits.HEADER_BYTES_MAX,))))


@pytest.mark.parametrize(
    "change",
    [
        {"type": 0},
        {"type": 2**16},
        {"topic": bytes(15)},
        {"actor": -1},
        {"actor": 2**32},
        {"time": -1},
        {"time": 2**53},
        {"quality": 256},
        {"after": (0, 0)},
        {"after": (0, 0, -1)},
        {"urgency": -1},
        {"flags": 256},
        {"flags": 1, "topic": b""},
        {"origin": (0, 0)},
        {"origin": (-1, 1)},
        {"blobs": (BlobRef(bytes(31), 1, 0),)},
        {"blobs": (BlobRef(bytes(32), 0, 0),)},
        {"blobs": (BlobRef(bytes(32), limits.BLOB_BYTES_MAX + 1, 0),)},
        {"rest": tuple(range(11))},
    ],
)
def test_no_field_of_a_header_leaves_its_range(change):
    with pytest.raises(NotCanonical):
        parse_header(pack_header(g.HEADERS[0]._replace(**change)))


def test_a_trailing_default_does_not_travel():
    for fields in ([64, b"", 0, 0, 0], [64, b"", 0, 0, 1, [0, 0, 0]], [64, b"", 0, 0, 0, [0, 0, 0], [], 0, 0, None]):
        with pytest.raises(NotCanonical):
            parse_header(canonical.pack(fields))
    later = parse_header(canonical.pack([64, b"", 0, 0, 0, [0, 0, 0], [], 0, 0, None, "of a later version"]))
    assert later.rest == ("of a later version",)


def test_own_records_have_their_bounds():
    run = Run(0, 0, 1, 1)
    parse_runs(pack_runs([run] * limits.RUNS_PER_RECORD_MAX))
    held = tuple(RunException(n, Standing.HELD, "awaits") for n in range(1, limits.RUN_EXCEPTIONS_MAX + 2))
    parse_runs(pack_runs([Run(0, 0, 1, 400, held[:-1])]))
    parse_runs(pack_runs([Run(0, 0, 1, 4095), run]))
    for bad in (
        [run] * (limits.RUNS_PER_RECORD_MAX + 1),
        [Run(0, 0, 1, 400, held)],
        [Run(0, 0, 1, 4097)],
        [Run(0, 0, 1, 4096), run],
        [],
    ):
        with pytest.raises(BadBytes):
            parse_runs(pack_runs(bad))
    pairs = tuple((1, n % 64) for n in range(limits.RECEIPT_BLOBS_MAX))
    parse_receipt(pack_receipt(Receipt(0, 1, pairs)))
    with pytest.raises(TooLarge):
        parse_receipt(pack_receipt(Receipt(0, 1, (*pairs, (1, 0)))))
    starts = tuple((down(2, home), Start(0, 1, bytes(32))) for home in range(3, 4 + limits.GRANT_HEADS_MAX))
    parse_grant(pack_grant(Grant(2, 1, 4, starts[:-1])))
    with pytest.raises(TooLarge):
        parse_grant(pack_grant(Grant(2, 1, 4, starts)))
    wraps = ((1, b"w"),) * limits.OPENING_WRAPS_MAX
    parse_opening(pack_opening(Opening(bytes(16), wraps, b"")))
    with pytest.raises(BadBytes):
        parse_opening(pack_opening(Opening(bytes(16), (*wraps, (1, b"w")), b"")))


@pytest.mark.parametrize(
    "runs",
    [
        [Run(2, 0, 1, 1)],
        [Run(0, -1, 1, 1)],
        [Run(0, 0, 0, 1)],
        [Run(0, 0, 2, 1)],
        [Run(0, 0, 1, 2**32)],
        [Run(0, 0, 1, 3, (RunException(4, Standing.HELD, "awaits"),))],
        [Run(0, 0, 1, 3, (RunException(2, Standing.ADMITTED, "awaits"),))],
        [Run(0, 0, 1, 3, (RunException(2, Standing.HELD, ""),))],
        [Run(0, 0, 1, 3, (RunException(2, Standing.HELD, "a"), RunException(2, Standing.HELD, "a")))],
        [Run(0, 0, 1, 3, (RunException(3, Standing.HELD, "a"), RunException(2, Standing.HELD, "a")))],
    ],
)
def test_impossible_order_records(runs):
    with pytest.raises(BadBytes):
        parse_runs(pack_runs(runs))


def test_a_vector_is_bounded_and_in_order():
    items = [[down(2, home).packed(), 0, 1, bytes(32)] for home in range(3, 4 + limits.VECTOR_BRANCHES_MAX)]
    assert len(parse_vector(items[:-1])) == limits.VECTOR_BRANCHES_MAX
    with pytest.raises(TooLarge):
        parse_vector(items)
    for bad in ([items[1], items[0]], [items[0], items[0]]):
        with pytest.raises(NotCanonical):
            parse_vector(bad)


def test_frames_have_their_bounds():
    blobs = tuple((bytes(32), 0) for _ in range(limits.WANTS_MAX))
    largest = Chunk(bytes(32), limits.BLOB_BYTES_MAX, 0, bytes(64 * 1024))
    for frame in (
        Want(blobs),
        BlobState(blobs),
        largest,
        Pieces(bytes(32), 5_000, 1, 4_097, bytes(32)),
        Report(bytes(256), bytes(64), 2**53 - 1, 1 - 2**53),
    ):
        assert parse_frame(frame_bytes(frame)[4:]) == frame
    for frame in (
        Want((*blobs, blobs[0])),
        BlobState((*blobs, blobs[0])),
        Want(((bytes(32), -1),)),
        BlobState(((bytes(32), -2),)),
        Chunk(bytes(32), limits.BLOB_BYTES_MAX, 0, bytes(64 * 1024 + 1)),
        Chunk(bytes(32), limits.BLOB_BYTES_MAX + 1, 0, b""),
        Chunk(bytes(32), 10, 5, bytes(6)),
        Chunk(bytes(32), 10, 11, b""),
        Fault("x" * 65, b"", ""),
        Fault("x", b"", "x" * 257),
        Fault("x", b"12345678", ""),
        Pieces(bytes(32), limits.BLOB_BYTES_MAX, 0, 64 * 1024 + 1, bytes(17 * 16)),
        Pieces(bytes(32), 10, 5, 6, bytes(16)),
        Report(bytes(257), bytes(64), 0, 0),
        Report(b"", bytes(63), 0, 0),
        Report(b"", bytes(64), -1, 0),
        Report(b"", bytes(64), 0, 2**53),
        Pieces(bytes(32), 10, 10, 0, b""),
        Pieces(bytes(32), 10, -1, 5, bytes(16)),
        Pieces(bytes(31), 10, 0, 5, bytes(16)),
        Pieces(bytes(32), 5_000, 0, 4_097, bytes(16)),
        Pieces(bytes(32), 5_000, 0, 4_096, bytes(32)),
        Hello(0, 0, bytes(16)),
        Hello(1, 0, bytes(15)),
        Hello(1, 0, bytes(16), 0, 3601),
    ):
        with pytest.raises(BadBytes):
            parse_frame(frame_bytes(frame)[4:])


@pytest.mark.parametrize("kind", [0, 9, 63, 255, -1, 2**40])
def test_unknown_frames_are_refused(kind):
    with pytest.raises(NotCanonical):
        parse_frame(canonical.pack([kind, 1, 2]))


@pytest.mark.parametrize("value", [[], None, {}, 1, ["1"], [True, 1, 0, bytes(16), 0, 0], [1], [1, 1, 0, bytes(16), 0]])
def test_what_is_no_frame(value):
    with pytest.raises(NotCanonical):
        parse_frame(canonical.pack(value))


def test_a_length_that_lies_allocates_nothing():
    hello = frame_bytes(HELLO)
    tracemalloc.start()
    try:
        for length in (limits.FRAME_BYTES_MAX + 1, 2**31, 2**32 - 1):
            with pytest.raises(TooLarge):
                list(parse_frames(hello + struct.pack(">I", length)))
        with pytest.raises(NotCanonical):
            list(parse_frames(hello + struct.pack(">I", limits.FRAME_BYTES_MAX) + b"\x91"))
        for text in ("ddffffffff", "dfffffffff", "c6ffffffff", "dbffffffff", "c9ffffffff01"):
            with pytest.raises(NotCanonical):
                canonical.unpack(bytes.fromhex(text), bytes_max=100)
        assert tracemalloc.get_traced_memory()[1] < 512 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("head", ["dd0000ffff", "df0000ffff", "dcffff", "deffff"])
def test_heads_inside_one_another_allocate_nothing(head):
    """Each makes the decoder hold room for 65,535 items, a thousand of them 80 MB."""
    data = bytes.fromhex(head) * 1000
    data += b"\xc0" * (limits.FRAME_BYTES_MAX - len(data))
    tracemalloc.start()
    try:
        with pytest.raises(NotCanonical):
            parse_frame(data)
        assert tracemalloc.get_traced_memory()[1] < 512 * 1024
    finally:
        tracemalloc.stop()


@given(value=st.lists(st.binary(max_size=9) | st.integers(0, 2**40), min_size=17, max_size=19), depth=st.integers(0, 9))
def test_long_arrays_nest_as_deep_as_short_ones(value, depth):
    nested: object = value
    for _ in range(depth):
        nested = [nested] * 17 if depth < 3 else [*([b""] * 16), nested]
    data = msgpack.packb(nested)
    if depth + 1 > limits.DEPTH_MAX:
        with pytest.raises(NotCanonical):
            canonical.unpack(data, bytes_max=len(data))
    else:
        assert canonical.unpack(data, bytes_max=len(data)) == nested


def test_too_many_bytes_are_not_even_decoded():
    for parse in (parse_header, parse_runs, parse_receipt, parse_grant, parse_revocation, parse_opening, parse_request):
        with pytest.raises(TooLarge):
            parse(b"\xc0" * (64 * 1024))
    for parse in (SignedCertificate.parse, parse_certificate):
        with pytest.raises(TooLarge):
            parse(b"\xc0" * (limits.CERTIFICATE_BYTES_MAX + 1))
    with pytest.raises(TooLarge):
        parse_message(bytes(limits.MESSAGE_BYTES_MAX + 1))


def test_a_message_begins_with_hello_and_has_few_faults():
    fault = frame_bytes(Fault("gap", b"", ""))
    hello = frame_bytes(HELLO)
    assert len(parse_message(deflate(hello + fault * limits.FAULTS_MAX))) == limits.FAULTS_MAX + 1
    with pytest.raises(TooLarge):
        parse_message(deflate(hello + fault * (limits.FAULTS_MAX + 1)))
    for raw in (b"", fault, fault + hello):
        with pytest.raises(NotCanonical):
            parse_message(deflate(raw))


def test_a_message_of_a_million_tiny_frames_is_refused_early():
    tiny = frame_bytes(Want(()))
    bomb = deflate(frame_bytes(HELLO) + tiny * (15 * limits.MIB // len(tiny)))
    assert len(bomb) < 4096
    began = time.perf_counter()
    with pytest.raises(TooLarge):
        parse_message(bomb)
    assert time.perf_counter() - began < 2


# --- streams that lie -------------------------------------------------------------------------------------------

MAGIC = bytes.fromhex("28b52ffd")


def raw_block(data: bytes, *, last: bool = True) -> bytes:
    return struct.pack("<I", len(data) << 3 | last)[:3] + data


def rle_block(byte: bytes, count: int, *, last: bool = False) -> bytes:
    return struct.pack("<I", count << 3 | 1 << 1 | last)[:3] + byte


def claiming(size: int, *blocks: bytes) -> bytes:
    """A frame with an 8-byte content size and an 8 MiB window (RFC 8878, section 3.1.1)."""
    return MAGIC + b"\xc0\x68" + struct.pack("<Q", size) + b"".join(blocks)


def test_the_stream_maker_of_these_tests_is_right():
    assert inflate(claiming(3, raw_block(b"abc")), unpacked_bytes_max=3) == b"abc"
    assert inflate(claiming(4, rle_block(b"a", 4, last=True)), unpacked_bytes_max=4) == b"aaaa"


LIES = {
    "claims too little": claiming(1, raw_block(b"abc")),
    "claims too much": claiming(4, raw_block(b"abc")),
    "claims an exabyte": claiming(2**60, raw_block(b"abc")),
    "single segment of an exabyte": MAGIC + b"\xe0" + struct.pack("<Q", 2**60) + raw_block(b"abc"),
    "window of 16 MiB": MAGIC + b"\x00\x70" + raw_block(b"abc"),
    "window of 3.75 TiB": MAGIC + b"\x00\xff" + raw_block(b"abc"),
    "two frames": deflate(b"a") + deflate(b"b"),
    "an empty frame more": deflate(b"a") + deflate(b""),
    "bytes after it": deflate(b"a") + b"\x00",
    "a skippable frame before it": b"\x50\x2a\x4d\x18\x01\x00\x00\x00x" + deflate(b"a"),
    "a skippable frame after it": deflate(b"a") + b"\x50\x2a\x4d\x18\x01\x00\x00\x00x",
    "nothing but a skippable frame": b"\x50\x2a\x4d\x18\x01\x00\x00\x00x",
    "a dictionary": MAGIC + b"\x01\x68\x07" + raw_block(b"abc"),
    "reserved bit": MAGIC + b"\x08\x68" + raw_block(b"abc"),
    "reserved block": MAGIC + b"\x00\x68" + b"\x07\x00\x00",
    "no last block": MAGIC + b"\x00\x68" + raw_block(b"abc", last=False),
    "not zstd": b"\x1f\x8b" + bytes(100),
    "nothing": b"",
}


@pytest.mark.parametrize("name", LIES)
def test_streams_that_lie_are_refused(name):
    with pytest.raises(BadBytes):
        inflate(LIES[name], unpacked_bytes_max=1000)


def test_a_bomb_is_cut_off_at_the_cap():
    blocks = rle_block(b"a", 128 * 1024) * 16_000  # 2 GiB in 64 kB
    tracemalloc.start()
    began = time.perf_counter()
    try:
        for bomb in (claiming(2**31, blocks), MAGIC + b"\x00\x68" + blocks):
            with pytest.raises(TooLarge):
                inflate(bomb, unpacked_bytes_max=limits.MIB)
        assert tracemalloc.get_traced_memory()[1] < 3 * limits.MIB
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - began < 2


def test_the_cap_is_exact():
    assert len(inflate(deflate(bytes(1000)), unpacked_bytes_max=1000)) == 1000
    with pytest.raises(TooLarge):
        inflate(deflate(bytes(1001)), unpacked_bytes_max=1000)


# --- anything at all --------------------------------------------------------------------------------------------

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(value=PLAIN)
def test_values_come_back_as_they_were(value):
    try:
        data = canonical.pack(value)
    except NotCanonical:
        return
    assert canonical.unpack(data, bytes_max=len(data)) == value


@given(left=PLAIN, right=PLAIN)
def test_different_values_have_different_bytes(left, right):
    try:
        same = canonical.pack(left) == canonical.pack(right)
    except NotCanonical:
        return
    if same:
        assert repr(canonical.unpack(canonical.pack(left), bytes_max=10**6)) == repr(
            canonical.unpack(canonical.pack(right), bytes_max=10**6)
        )


@pytest.mark.parametrize(
    "value", [1.0, float("nan"), "\ud800", {"\ud800": 1}, {1: 1}, {b"a": 1}, {1, 2}, 2**63, object()]
)
def test_what_has_no_canonical_form_is_not_written(value):
    for wrapped in (value, [value], {"a": value}):
        with pytest.raises(NotCanonical):
            canonical.pack(wrapped)


@pytest.mark.parametrize(
    "value",
    [
        [3, 2**31, 4, []],
        [3, 0, 4, []],
        [0, 1, 4, []],
        [3, 1, 2**32, []],
        [3, 1, 4, [[down(2, 5).packed(), 0, 1, bytes(32)], [down(2, 4).packed(), 0, 1, bytes(32)]]],
        [3, 1, 4, [[down(2, 5).packed(), 0, 1, bytes(32)], [down(2, 5).packed(), 0, 1, bytes(32)]]],
        [3, 1, 4, [[down(2, 5).packed(), 0, 0, bytes(32)]]],
    ],
)
def test_impossible_grants(value):
    with pytest.raises(NotCanonical):
        parse_grant(canonical.pack(value))


@pytest.mark.parametrize(
    "value",
    [
        [-3, 4, "", []],
        [3, -4, "", []],
        [3, 4, "x" * 201, []],
        [3, 4, "", [[down(2, 5).packed(), 0, -1]]],
        [3, 4, "", [[down(2, 5).packed(), 0, 2**32]]],
        [3, 4, "", [[down(2, 5).packed(), 0, 1], [down(2, 4).packed(), 0, 1]]],
    ],
)
def test_impossible_revocations(value):
    with pytest.raises(NotCanonical):
        parse_revocation(canonical.pack(value))
