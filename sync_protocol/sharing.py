"""The body of a share: case keys for readers that the openings did not name (SPEC section 13.7). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sync_protocol import canonical
from sync_protocol.entries import TOPIC_BYTES
from sync_protocol.errors import NotCanonical, TooLarge
from sync_protocol.limits import AUTHOR_MAX, BODY_BYTES_MAX, SERIAL_MAX, SHARES_PER_ENTRY_MAX, WRAP_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Share:
    """One case's key, sealed to the box key of one certificate of its reader."""

    topic: bytes
    reader: int
    serial: int
    seal: bytes


def pack_shares(shares: Sequence[Share]) -> bytes:
    """At most SHARES_PER_ENTRY_MAX."""
    return canonical.pack([[share.topic, share.reader, share.serial, share.seal] for share in shares])


def parse_shares(body: bytes) -> list[Share]:
    """Raises BadBytes unless `body` is a share's."""
    value = canonical.unpack(body, bytes_max=BODY_BYTES_MAX)
    if not isinstance(value, list) or not value:
        raise NotCanonical("a share")
    if len(value) > SHARES_PER_ENTRY_MAX:
        raise TooLarge("shares")
    return [_share(item) for item in value]


def _share(item: Any) -> Share:
    if not isinstance(item, list) or len(item) != 4:
        raise NotCanonical("a share")
    topic, reader, serial, seal = item
    if type(topic) is not bytes or len(topic) != TOPIC_BYTES:
        raise NotCanonical("a share's topic")
    if type(reader) is not int or not 1 <= reader <= AUTHOR_MAX or type(serial) is not int:
        raise NotCanonical("a share's reader")
    if not 1 <= serial <= SERIAL_MAX or type(seal) is not bytes or not 0 < len(seal) <= WRAP_BYTES_MAX:
        raise NotCanonical("a share's seal")
    return Share(topic, reader, serial, seal)
