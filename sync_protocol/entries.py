"""Entries: header, body, leaf and head (SPEC section 6).

Pure: bytes and values in, bytes and values or an error out. Stored bytes are never re-serialised.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from functools import lru_cache
from typing import Any, NamedTuple

from sync_protocol import canonical
from sync_protocol.crypto import DEPLOYMENT_BYTES, HASH_BYTES, SALT_BYTES, digest, domain, sha256, u32, u64
from sync_protocol.errors import NotCanonical
from sync_protocol.feeds import FeedId
from sync_protocol.limits import (
    BLOB_BYTES_MAX,
    BLOBS_PER_ENTRY_MAX,
    BODY_BYTES_MAX,
    EPOCH_MAX,
    HEADER_BYTES_MAX,
    INT_MAX,
    OPENING_WRAPS_MAX,
)

TOPIC_BYTES = 16
FIRST_APPLICATION_TYPE = 64
NO_TOPIC = b""
NO_SALT = bytes(SALT_BYTES)


class EntryType(IntEnum):
    """Types below 64 belong to this library; 64 and above to the application. Numbers are never reused."""

    ORDER = 1
    RECEIPT = 2
    GRANT = 3
    CERTIFICATE = 4
    REVOCATION = 5
    HUB_KEY = 6
    ERASURE = 7
    SHARE = 8
    ASK = 9


class Flag(IntFlag):
    OPENING = 1
    """The first entry of its topic: the body starts with the topic's salt and wrapped keys."""
    SEALED = 2
    """The body is sealed under the topic's key."""


OPENING, SEALED = int(Flag.OPENING), int(Flag.SEALED)
"""The same as plain integers: asked of every entry that is read."""


class BlobRole(IntEnum):
    PAGE = 0
    PREVIEW = 1
    RESULT = 2


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A blob named by the SHA-256 of its ciphertext; `length` is the ciphertext's, in bytes."""

    hash: bytes
    length: int
    role: int


class Header(NamedTuple):
    """The small clear part of an entry.

    `time` is unix seconds by the author's clock, `quality` 0 unknown, 1 checked, 2 known to be wrong. `after` holds,
    per slot of the home, the highest number the author had seen there as epoch * 2**32 + number (own slot 0).
    `urgency` is a day number (days since 1970-01-01) or 0. `origin` names the entry of an earlier epoch, in the same
    feed, that this one says again.
    """

    type: int
    topic: bytes
    actor: int
    time: int
    quality: int = 0
    after: tuple[int, int, int] = (0, 0, 0)
    blobs: tuple[BlobRef, ...] = ()
    urgency: int = 0
    flags: int = 0
    origin: tuple[int, int] | None = None
    rest: tuple[Any, ...] = ()


_DEFAULTS: tuple[Any, ...] = (0, [0, 0, 0], [], 0, 0, None)
_MANDATORY = 4
_FIELDS = _MANDATORY + len(_DEFAULTS)


def pack_header(header: Header) -> bytes:
    """Canonical bytes; trailing fields that have their default do not travel."""
    fields: list[Any] = [
        int(header.type),
        header.topic,
        header.actor,
        header.time,
        header.quality,
        list(header.after),
        [[ref.hash, ref.length, int(ref.role)] for ref in header.blobs],
        header.urgency,
        header.flags,
        list(header.origin) if header.origin else None,
        *header.rest,
    ]
    if not header.rest:
        while len(fields) > _MANDATORY and fields[-1] == _DEFAULTS[len(fields) - 1 - _MANDATORY]:
            fields.pop()
    return canonical.pack(fields)


def parse_header(data: bytes) -> Header:
    """Inverse of `pack_header`; fields after the tenth are kept and ignored. Raises BadBytes.

    What was just taken in is soon read again, to be judged and shown: the last ordinary ones are remembered.
    """
    return _parse_header(data) if len(data) > _REMEMBERED_BYTES else _remembered_header(data)


def _parse_header(data: bytes) -> Header:
    value = canonical.unpack(data, bytes_max=HEADER_BYTES_MAX)
    if not isinstance(value, list) or not _MANDATORY <= len(value) <= 2 * _FIELDS:
        raise NotCanonical("a header is an array of 4 to 20 fields")
    fields = value + list(_DEFAULTS[len(value) - _MANDATORY :]) if len(value) < _FIELDS else value
    header = Header(
        _int(fields[0], 1, 2**16 - 1, "type"),
        _topic(fields[1]),
        _int(fields[2], 0, 2**32 - 1, "actor"),
        _int(fields[3], 0, INT_MAX, "time"),
        _int(fields[4], 0, 255, "quality"),
        _after(fields[5]),
        _blobs(fields[6]),
        _int(fields[7], 0, 2**31, "urgency"),
        _int(fields[8], 0, 255, "flags"),
        _origin(fields[9]),
        tuple(fields[_FIELDS:]),
    )
    if _MANDATORY < len(value) <= _FIELDS and value[-1] == _DEFAULTS[len(value) - 1 - _MANDATORY]:
        raise NotCanonical("a trailing default travels")
    if header.flags & OPENING and not header.topic:
        raise NotCanonical("an opening names its topic")
    return header


_REMEMBERED_BYTES = 256
_remembered_header = lru_cache(maxsize=8192)(_parse_header)


def _int(value: Any, low: int, high: int, name: str) -> int:
    if type(value) is not int or not low <= value <= high:
        raise NotCanonical(f"{name} out of range")
    return value


def _topic(value: Any) -> bytes:
    if not isinstance(value, bytes) or len(value) not in (0, TOPIC_BYTES):
        raise NotCanonical("topic")
    return value


def _after(value: Any) -> tuple[int, int, int]:
    if not isinstance(value, list) or len(value) != 3:
        raise NotCanonical("after")
    first, second, third = (_int(item, 0, 2**63 - 1, "after") for item in value)
    return first, second, third


def _blobs(value: Any) -> tuple[BlobRef, ...]:
    if not isinstance(value, list) or len(value) > BLOBS_PER_ENTRY_MAX:
        raise NotCanonical("blobs")
    return tuple(_blob(item) for item in value)


def _blob(item: Any) -> BlobRef:
    if not isinstance(item, list) or len(item) != 3 or not isinstance(item[0], bytes) or len(item[0]) != HASH_BYTES:
        raise NotCanonical("blob reference")
    return BlobRef(item[0], _int(item[1], 1, BLOB_BYTES_MAX, "length"), _int(item[2], 0, 255, "role"))


def _origin(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise NotCanonical("origin")
    return _int(value[0], 0, EPOCH_MAX, "origin"), _int(value[1], 1, 2**32 - 1, "origin")


def mark(epoch: int, number: int) -> int:
    """Epoch and number as one integer that grows along the author's history (used in `after`)."""
    return epoch << 32 | number


def unmark(value: int) -> tuple[int, int]:
    return value >> 32, value & 0xFFFFFFFF


class Opening(NamedTuple):
    """What stands before the first body of a topic: its salt and its key wrapped for each reader (author, seal)."""

    salt: bytes
    wraps: tuple[tuple[int, bytes], ...]
    inner: bytes


def pack_opening(opening: Opening) -> bytes:
    return canonical.pack([opening.salt, [list(wrap) for wrap in opening.wraps], opening.inner])


def parse_opening(body: bytes) -> Opening:
    """Raises BadBytes unless `body` is an opening's."""
    value = canonical.unpack(body, bytes_max=BODY_BYTES_MAX)
    if not isinstance(value, list) or len(value) != 3:
        raise NotCanonical("an opening has three parts")
    salt, wraps, inner = value
    if not isinstance(salt, bytes) or len(salt) != SALT_BYTES or not isinstance(inner, bytes):
        raise NotCanonical("opening")
    if not isinstance(wraps, list) or len(wraps) > OPENING_WRAPS_MAX:
        raise NotCanonical("wrapped keys")
    return Opening(salt, tuple(_wrap(item) for item in wraps), inner)


def _wrap(item: Any) -> tuple[int, bytes]:
    if not isinstance(item, list) or len(item) != 2 or not isinstance(item[1], bytes) or len(item[1]) > 256:
        raise NotCanonical("wrapped key")
    return _int(item[0], 1, 2**32 - 1, "reader"), item[1]


def pack_erasure(home: int, topic: bytes) -> bytes:
    """The body of an ERASURE: whose topic's bodies are to be put out of existence everywhere."""
    return canonical.pack([home, topic])


def parse_erasure(body: bytes) -> tuple[int, bytes]:
    """Raises BadBytes unless `body` is an erasure's."""
    value = canonical.unpack(body, bytes_max=BODY_BYTES_MAX)
    if not isinstance(value, list) or len(value) != 2:
        raise NotCanonical("erasure")
    home, topic = value
    if not isinstance(topic, bytes) or len(topic) != TOPIC_BYTES:
        raise NotCanonical("erasure")
    return _int(home, 1, 2**32 - 1, "home"), topic


def topic_of(home: int, salt: bytes) -> bytes:
    """The topic that a home opens with this salt: nobody else can open the same."""
    return digest("topic", u32(home), salt)[:TOPIC_BYTES]


def entry_salt(topic_salt: bytes, feed: FeedId, epoch: int, number: int) -> bytes:
    """The 16-byte salt of one entry's body; derived, so that it does not travel."""
    return digest("salt", topic_salt, feed.packed(), u32(epoch), u64(number))[:SALT_BYTES]


def body_hash(salt: bytes, body: bytes) -> bytes:
    return digest("body-hash", salt, body)


def genesis(deployment: bytes, feed: FeedId) -> bytes:
    """The head before a feed's first entry."""
    assert len(deployment) == DEPLOYMENT_BYTES
    return digest("feed", deployment, feed.packed())


def leaf(deployment: bytes, feed: FeedId, epoch: int, number: int, header_bytes: bytes, hash_of_body: bytes) -> bytes:
    """Hash of one entry at its position."""
    return digest("leaf", deployment, feed.packed(), u32(epoch), u64(number), sha256(header_bytes), hash_of_body)


def next_head(previous: bytes, entry_leaf: bytes) -> bytes:
    return digest("head", previous, entry_leaf)


def head_message(deployment: bytes, feed: FeedId, epoch: int, number: int, head: bytes, serial: int) -> bytes:
    """What an author signs: this head, at this number, under this certificate."""
    return domain("sign-head") + deployment + feed.packed() + u32(epoch) + u64(number) + head + u32(serial)
