"""Segments: a stretch of a feed that ends in its author's signature (SPEC section 7).

A segment is cut anew for each hop, only where a signature stands. It is believed whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sync_protocol.crypto import HASH_BYTES, SIGNATURE_BYTES, verify
from sync_protocol.entries import (
    FIRST_APPLICATION_TYPE,
    NO_SALT,
    OPENING,
    Header,
    Opening,
    body_hash,
    entry_salt,
    head_message,
    leaf,
    next_head,
    parse_header,
    parse_opening,
    topic_of,
)
from sync_protocol.errors import BadBytes, NotCanonical, TooLarge, UnknownTopic
from sync_protocol.feeds import FeedId, FeedKind
from sync_protocol.limits import BODY_BYTES_MAX, EPOCH_MAX, SEGMENT_ENTRIES_MAX, SEGMENT_PAYLOAD_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Item:
    """One entry as it travels: the body, or only its hash when it was erased."""

    header: bytes
    body: bytes | None
    body_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Entries `first` … `last` of one feed and epoch, and the signature over the head at `last`."""

    feed: FeedId
    epoch: int
    first: int
    items: tuple[Item, ...]
    serial: int
    signature: bytes

    @property
    def last(self) -> int:
        return self.first + len(self.items) - 1


class Link(NamedTuple):
    """One verified entry: what the store writes down."""

    number: int
    header: Header
    header_bytes: bytes
    body: bytes | None
    body_hash: bytes
    head: bytes


def segment_fields(segment: Segment) -> list[Any]:
    """The segment as the plain value that travels in a frame."""
    flat: list[Any] = []
    for item in segment.items:
        flat.append(item.header)
        flat.append(item.body if item.body is not None else [item.body_hash])
    return [segment.feed.packed(), segment.epoch, segment.first, flat, segment.serial, segment.signature]


def parse_segment(fields: Sequence[Any]) -> Segment:
    """Inverse of `segment_fields`, all bounds checked. Raises BadBytes."""
    if len(fields) != 6:
        raise NotCanonical("a segment has six fields")
    feed, epoch, first, flat, serial, signature = fields
    if type(epoch) is not int or not 0 <= epoch <= EPOCH_MAX or type(first) is not int or not 1 <= first < 2**32:
        raise NotCanonical("segment position")
    if type(serial) is not int or not 0 < serial < 2**32:
        raise NotCanonical("certificate serial")
    if not isinstance(signature, bytes) or len(signature) != SIGNATURE_BYTES:
        raise NotCanonical("signature length")
    if not isinstance(flat, list) or not flat or len(flat) % 2:
        raise NotCanonical("segment items")
    if len(flat) // 2 > SEGMENT_ENTRIES_MAX:
        raise TooLarge(f"more than {SEGMENT_ENTRIES_MAX} entries in a segment")
    if first + len(flat) // 2 > 2**32:
        raise NotCanonical("segment position")
    items = tuple(_item(flat[i], flat[i + 1]) for i in range(0, len(flat), 2))
    size = sum(len(item.header) + len(item.body or b"") for item in items)
    if size > SEGMENT_PAYLOAD_BYTES_MAX:
        raise TooLarge("segment payload")
    return Segment(FeedId.parse(feed), epoch, first, items, serial, signature)


def _item(header: Any, body: Any) -> Item:
    if not isinstance(header, bytes):
        raise NotCanonical("header is not bytes")
    if isinstance(body, bytes):
        if len(body) > BODY_BYTES_MAX:
            raise TooLarge("body")
        return Item(header, body)
    if isinstance(body, list) and len(body) == 1 and isinstance(body[0], bytes) and len(body[0]) == HASH_BYTES:
        return Item(header, None, body[0])
    raise NotCanonical("neither a body nor an erased body's hash")


SaltOf = Callable[[bytes], bytes | None]
"""The salt of a topic of this feed's home; None when its opening is not held, ERASED when it was lawfully erased."""

ERASED = b""


def link(
    deployment: bytes, segment: Segment, previous: bytes, salt_of: SaltOf, opened: dict[bytes, Opening] | None = None
) -> list[Link]:
    """Chain the segment's entries on from the head `previous`; no signature is looked at here.

    What the segment opens is put into `opened`, by topic. Raises BadBytes for a malformed entry and
    UnknownTopic where a salt is needed that has not arrived.
    """
    openings = {} if opened is None else opened
    links: list[Link] = []
    head = previous
    for offset, item in enumerate(segment.items):
        number = segment.first + offset
        header = parse_header(item.header)
        hashed = _hash_item(segment, number, header, item, openings, salt_of)
        head = next_head(head, leaf(deployment, segment.feed, segment.epoch, number, item.header, hashed))
        links.append(Link(number, header, item.header, item.body, hashed, head))
    return links


def _hash_item(
    segment: Segment, number: int, header: Header, item: Item, opened: dict[bytes, Opening], salt_of: SaltOf
) -> bytes:
    salted = header.topic and segment.feed.home is not None and header.type >= FIRST_APPLICATION_TYPE
    if item.body is None:
        # A carrier could leave bodies out at will if the hub's word were not needed for it.
        if not salted or salt_of(header.topic) != ERASED:
            raise BadBytes("a body was left out that nobody erased", feed=str(segment.feed), number=number)
        assert item.body_hash is not None
        return item.body_hash
    if not salted:
        return body_hash(NO_SALT, item.body)
    if header.flags & OPENING:
        if segment.feed.kind is not FeedKind.UP:
            raise NotCanonical("only a home opens a topic")
        opening = parse_opening(item.body)
        if topic_of(segment.feed.author, opening.salt) != header.topic:
            raise NotCanonical("the topic is not one that this home can open")
        if (_salt(header.topic, opened, salt_of) or opening.salt) != opening.salt:
            raise NotCanonical("a topic is opened again with another salt")
        opened.setdefault(header.topic, opening)
    topic_salt = _salt(header.topic, opened, salt_of)
    if not topic_salt:
        raise UnknownTopic(f"{segment.feed} {number}")
    return body_hash(entry_salt(topic_salt, segment.feed, segment.epoch, number), item.body)


def _salt(topic: bytes, opened: Mapping[bytes, Opening], salt_of: SaltOf) -> bytes | None:
    return opened[topic].salt if topic in opened else salt_of(topic)


def check_signature(deployment: bytes, segment: Segment, head: bytes, key: bytes) -> None:
    """Raises BadSignature unless the segment's signature over `head` verifies under `key`."""
    message = head_message(deployment, segment.feed, segment.epoch, segment.last, head, segment.serial)
    verify(key, message, segment.signature)
