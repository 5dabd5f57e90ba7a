"""The body of an ask: «send these scans before the others» (SPEC section 10.5). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from sync_protocol import canonical
from sync_protocol.crypto import HASH_BYTES
from sync_protocol.errors import NotCanonical, TooLarge
from sync_protocol.limits import BODY_BYTES_MAX, WANTS_MAX


def pack_ask(hashes: Sequence[bytes]) -> bytes:
    """At most WANTS_MAX blobs, each once."""
    return canonical.pack(list(hashes))


def parse_ask(body: bytes) -> list[bytes]:
    """The hashes of the blobs asked for. Raises BadBytes unless `body` is an ask's."""
    value = canonical.unpack(body, bytes_max=BODY_BYTES_MAX)
    if not isinstance(value, list) or not value:
        raise NotCanonical("an ask")
    if len(value) > WANTS_MAX:
        raise TooLarge("blobs asked for")
    if any(type(hash_) is not bytes or len(hash_) != HASH_BYTES for hash_ in value) or len(set(value)) < len(value):
        raise NotCanonical("a blob asked for")
    return value
