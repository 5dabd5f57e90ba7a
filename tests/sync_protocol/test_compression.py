"""Streams of every size, on both sides of where their tables change."""

from __future__ import annotations

import random

import pytest

from sync_protocol.compression import Deflater, deflate, inflate
from sync_protocol.limits import KIB, MIB

LIMIT = 256 * KIB
SIZES = (0, 1, 1023, 1024, 1025, 70_000, LIMIT - 1, LIMIT, LIMIT + 1, MIB)


def text(size: int) -> bytes:
    """As compressible as what goes over the wire."""
    rng = random.Random(size)
    words = [rng.randbytes(rng.randrange(2, 20)) for _ in range(300)]
    return b"".join(rng.choice(words) for _ in range(size // 2 + 1))[:size]


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_with_tables_of_its_own_size_is_no_longer_and_reads_the_same(size: int) -> None:
    raw = text(size)
    packed = deflate(raw)
    large = Deflater(64 * MIB)
    assert inflate(packed, unpacked_bytes_max=size) == raw
    assert len(packed) <= 1.01 * len(large.write(raw) + large.close())


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_asks_its_reader_for_no_larger_window_than_it_needs(size: int) -> None:
    # RFC 8878 3.1.1.1: no single segment, no dictionary, no checksum; then the window's exponent above 10
    magic, descriptor, window = deflate(text(size))[:4], *deflate(text(size))[4:6]
    assert (magic, descriptor) == (bytes.fromhex("28b52ffd"), 0)
    assert size > LIMIT or 1 << (10 + (window >> 3)) < max(2 * size, 2048)


def test_more_than_was_said_is_compressed_all_the_same() -> None:
    raw = text(100_000)
    stream = Deflater(1_000)
    assert inflate(stream.write(raw) + stream.close(), unpacked_bytes_max=len(raw)) == raw
