"""Messages of an exchange: one compressed stream of length-prefixed frames (SPEC section 8). Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sync_protocol import canonical
from sync_protocol.compression import Deflater, inflate
from sync_protocol.crypto import HASH_BYTES, SIGNATURE_BYTES
from sync_protocol.errors import NotCanonical, TooLarge
from sync_protocol.feeds import FEED_BYTES
from sync_protocol.frontier import DIGEST_BYTES, Branch, Tip, parse_vector, vector_fields
from sync_protocol.limits import (
    BLOB_BYTES_MAX,
    BLOB_CHUNK_BYTES_MAX,
    FAULTS_MAX,
    FRAME_BYTES_MAX,
    FRAMES_PER_MESSAGE_MAX,
    INT_MAX,
    MESSAGE_BYTES_MAX,
    MESSAGE_UNPACKED_BYTES_MAX,
    PIECE_BYTES,
    PIECE_DIGEST_BYTES,
    REPORT_BYTES_MAX,
    REPORTS_PER_MESSAGE_MAX,
    WANTS_MAX,
)
from sync_protocol.segments import Segment, parse_segment, segment_fields


class FrameKind(IntEnum):
    HELLO = 1
    VECTOR = 2
    SEGMENT = 3
    WANT = 4
    CHUNK = 5
    BLOB_STATE = 6
    FAULT = 7
    PIECES = 8
    REPORT = 9


class HelloFlag(IntEnum):
    MORE = 1
    """There is more to send; ask again at once."""
    SEND_VECTOR = 2
    """Your digest means nothing to me: send your vector."""


LITTLE_SHIFT, LITTLE_MAX = 2, 3
LITTLE_MASK = LITTLE_MAX << LITTLE_SHIFT
"""Two bits of a Hello's flags: by how many halvings the sender wants the scans of the answer to be fewer (SPEC 8.2)."""


@dataclass(frozen=True, slots=True)
class Hello:
    """First frame of every message: protocol version, sender's unix seconds, the digest of the sender's claim,
    flags, and for how many seconds the asker will wait for news."""

    version: int
    time: int
    digest: bytes
    flags: int = 0
    wait_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Want:
    """Blobs wanted, each from an offset in bytes."""

    blobs: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of a blob from `offset`; `length` is the whole blob's."""

    hash: bytes
    length: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Pieces:
    """A chunk of `size` bytes that follow behind a request's payload; `digests` of its pieces stand one after another
    (SPEC section 8.3)."""

    hash: bytes
    length: int
    offset: int
    size: int
    digests: bytes


@dataclass(frozen=True, slots=True)
class BlobState:
    """How far the sender holds blobs: (hash, offset); offset -1 means it has never heard of the blob."""

    blobs: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why part of the other side's message was not taken: a code of errors.py and the feed it concerns, if one."""

    code: str
    feed: bytes
    detail: str


@dataclass(frozen=True, slots=True)
class Vector:
    """The sender's frontier over the feeds both may hold."""

    frontier: dict[Branch, Tip]


@dataclass(frozen=True, slots=True)
class Report:
    """A station's signed report (section 19); how many seconds ago its author was heard by who passes it on, and that
    clock's lead over the passer's in seconds: both 0 for the sender's own."""

    packed: bytes
    signature: bytes
    ago: int
    skew: int


Frame = Hello | Vector | Segment | Want | Chunk | BlobState | Fault | Pieces | Report

PROTOCOL_VERSION = 1
_LENGTH = struct.Struct(">I")


def frame_bytes(frame: Frame) -> bytes:
    """One frame: its length (4 bytes) and its canonical array."""
    packed = canonical.pack(_fields(frame))
    assert len(packed) <= FRAME_BYTES_MAX
    return _LENGTH.pack(len(packed)) + packed


def _fields(frame: Frame) -> list[Any]:
    match frame:
        case Hello():
            return [FrameKind.HELLO.value, frame.version, frame.time, frame.digest, frame.flags, frame.wait_seconds]
        case Vector():
            return [FrameKind.VECTOR.value, vector_fields(frame.frontier)]
        case Segment():
            return [FrameKind.SEGMENT.value, *segment_fields(frame)]
        case Want():
            return [FrameKind.WANT.value, [list(pair) for pair in frame.blobs]]
        case Chunk():
            return [FrameKind.CHUNK.value, frame.hash, frame.length, frame.offset, frame.data]
        case BlobState():
            return [FrameKind.BLOB_STATE.value, [list(pair) for pair in frame.blobs]]
        case Fault():
            return [FrameKind.FAULT.value, frame.code, frame.feed, frame.detail]
        case Pieces():
            return [FrameKind.PIECES.value, frame.hash, frame.length, frame.offset, frame.size, frame.digests]
        case Report():
            return [FrameKind.REPORT.value, frame.packed, frame.signature, frame.ago, frame.skew]


def pack_message(frames: Iterable[Frame]) -> bytes:
    """The frames as one zstd stream, flushed after each segment so that a cut stream is of use so far."""
    frames = list(frames)
    packed = [frame_bytes(frame) for frame in frames]
    stream = Deflater(sum(map(len, packed)))
    parts: list[bytes] = []
    for frame, raw in zip(frames, packed, strict=True):
        parts.append(stream.write(raw))
        if isinstance(frame, Segment):
            parts.append(stream.flush())
    parts.append(stream.close())
    return b"".join(parts)


def parse_message(data: bytes, *, trailed: bool = False) -> list[Frame]:
    """Raises BadBytes; at least a Hello stands in front. Only what is `trailed` may announce pieces."""
    if len(data) > MESSAGE_BYTES_MAX:
        raise TooLarge("message")
    frames = list(parse_frames(inflate(data, unpacked_bytes_max=MESSAGE_UNPACKED_BYTES_MAX)))
    if not frames or not isinstance(frames[0], Hello):
        raise NotCanonical("a message begins with Hello")
    if sum(isinstance(frame, Fault) for frame in frames) > FAULTS_MAX:
        raise TooLarge("faults")
    if sum(isinstance(frame, Report) for frame in frames) > REPORTS_PER_MESSAGE_MAX:
        raise TooLarge("reports")
    if not trailed and any(isinstance(frame, Pieces) for frame in frames):
        raise NotCanonical("pieces that nothing follows")
    return frames


def parse_frames(raw: bytes) -> Iterator[Frame]:
    """The frames of an unpacked stream. Raises BadBytes at the first one that is not whole and canonical."""
    at = count = 0
    while at < len(raw):
        count += 1
        if count > FRAMES_PER_MESSAGE_MAX:
            raise TooLarge("frames")
        if at + _LENGTH.size > len(raw):
            raise NotCanonical("frame length is cut")
        (length,) = _LENGTH.unpack_from(raw, at)
        at += _LENGTH.size
        if length > FRAME_BYTES_MAX:
            raise TooLarge("frame")
        if at + length > len(raw):
            raise NotCanonical("frame is cut")
        yield parse_frame(raw[at : at + length])
        at += length


def parse_frame(packed: bytes) -> Frame:
    """One frame from its canonical array. Raises BadBytes."""
    fields = canonical.unpack(packed, bytes_max=FRAME_BYTES_MAX)
    if not isinstance(fields, list) or not fields or type(fields[0]) is not int:
        raise NotCanonical("frame")
    kind, rest = fields[0], fields[1:]
    if kind == FrameKind.SEGMENT:
        return parse_segment(rest)
    parser = _PARSERS.get(kind)
    if parser is None:
        raise NotCanonical("unknown frame")
    length, build = parser
    if len(rest) != length:
        raise NotCanonical("frame fields")
    frame: Frame = build(*rest)
    return frame


def _whole(value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise NotCanonical("frame number")
    return value


def _bytes(value: Any, length: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != length:
        raise NotCanonical("frame bytes")
    return value


def _hello(version: Any, time: Any, digest: Any, flags: Any, wait: Any) -> Hello:
    return Hello(
        _whole(version, 1, 255),
        _whole(time, 0, INT_MAX),
        _bytes(digest, DIGEST_BYTES),
        _whole(flags, 0, 255),
        _whole(wait, 0, 3600),
    )


def _vector(fields: Any) -> Vector:
    return Vector(parse_vector(fields))


def _pairs(value: Any, low: int) -> tuple[tuple[bytes, int], ...]:
    if not isinstance(value, list):
        raise NotCanonical("blob list")
    if len(value) > WANTS_MAX:
        raise TooLarge("blob list")
    if any(not isinstance(item, list) or len(item) != 2 for item in value):
        raise NotCanonical("blob list")
    return tuple((_bytes(item[0], HASH_BYTES), _whole(item[1], low, BLOB_BYTES_MAX)) for item in value)


def _want(value: Any) -> Want:
    return Want(_pairs(value, 0))


def _blob_state(value: Any) -> BlobState:
    return BlobState(_pairs(value, -1))


def _chunk(hash_: Any, length: Any, offset: Any, data: Any) -> Chunk:
    if not isinstance(data, bytes) or len(data) > BLOB_CHUNK_BYTES_MAX:
        raise TooLarge("chunk")
    whole = _whole(length, 1, BLOB_BYTES_MAX)
    start = _whole(offset, 0, whole)
    if start + len(data) > whole:
        raise NotCanonical("chunk reaches past its blob")
    return Chunk(_bytes(hash_, HASH_BYTES), whole, start, data)


def _pieces(hash_: Any, length: Any, offset: Any, size: Any, digests: Any) -> Pieces:
    whole = _whole(length, 1, BLOB_BYTES_MAX)
    start = _whole(offset, 0, whole)
    count = -(-_whole(size, 1, min(BLOB_CHUNK_BYTES_MAX, whole - start)) // PIECE_BYTES)
    return Pieces(_bytes(hash_, HASH_BYTES), whole, start, size, _bytes(digests, count * PIECE_DIGEST_BYTES))


def _report(packed: Any, signature: Any, ago: Any, skew: Any) -> Report:
    if not isinstance(packed, bytes) or len(packed) > REPORT_BYTES_MAX:
        raise TooLarge("report")
    signed = _bytes(signature, SIGNATURE_BYTES)
    return Report(packed, signed, _whole(ago, 0, INT_MAX), _whole(skew, -INT_MAX, INT_MAX))


def _fault(code: Any, feed: Any, detail: Any) -> Fault:
    if not isinstance(code, str) or len(code) > 64 or not isinstance(detail, str) or len(detail) > 256:
        raise NotCanonical("fault")
    if not isinstance(feed, bytes) or len(feed) not in (0, FEED_BYTES):
        raise NotCanonical("fault feed")
    return Fault(code, feed, detail)


_PARSERS: dict[int, tuple[int, Any]] = {
    FrameKind.HELLO: (5, _hello),
    FrameKind.VECTOR: (1, _vector),
    FrameKind.WANT: (1, _want),
    FrameKind.CHUNK: (4, _chunk),
    FrameKind.BLOB_STATE: (1, _blob_state),
    FrameKind.FAULT: (3, _fault),
    FrameKind.PIECES: (5, _pieces),
    FrameKind.REPORT: (4, _report),
}
