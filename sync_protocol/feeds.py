"""Feeds: one author, one audience, an append-only log (SPEC section 5)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from sync_protocol.errors import NotCanonical
from sync_protocol.limits import AUTHOR_MAX

HUB = 1
"""The author number of the county hub."""

FEED_BYTES = 9
_LAYOUT = struct.Struct(">BII")


class FeedKind(IntEnum):
    UP = 1
    """A station to its ancestors."""
    DOWN = 2
    """An ancestor to one station."""
    ALL = 3
    """The hub to everybody."""
    OWN = 4
    """The hub to itself."""


@dataclass(frozen=True, slots=True, order=True)
class FeedId:
    """Identity of a feed; 9 bytes on the wire. `audience` is 0 except for DOWN."""

    kind: FeedKind
    author: int
    audience: int = 0

    def packed(self) -> bytes:
        return _LAYOUT.pack(self.kind, self.author, self.audience)

    @classmethod
    def parse(cls, data: object) -> FeedId:
        """Raises NotCanonical unless `data` is the 9 bytes of a possible feed."""
        if not isinstance(data, bytes) or len(data) != FEED_BYTES:
            raise NotCanonical("a feed id has 9 bytes")
        return _parsed(data)

    @property
    def home(self) -> int | None:
        """The station whose cases the feed speaks of; None for ALL and OWN."""
        if self.kind is FeedKind.UP:
            return self.author
        return self.audience if self.kind is FeedKind.DOWN else None

    def __str__(self) -> str:
        return _text(self)


@lru_cache(maxsize=4096)
def _parsed(data: bytes) -> FeedId:
    """Feeds are few, and each is read from every row of its entries."""
    kind, author, audience = _LAYOUT.unpack(data)
    if kind not in (1, 2, 3, 4) or author == 0 or (audience != 0) != (kind == FeedKind.DOWN):
        raise NotCanonical("no such feed")
    if kind in (FeedKind.ALL, FeedKind.OWN) and author != HUB:
        raise NotCanonical("only the hub writes this kind of feed")
    return FeedId(FeedKind(kind), author, audience)


@lru_cache(maxsize=4096)
def _text(feed: FeedId) -> str:
    tail = f">{feed.audience}" if feed.kind is FeedKind.DOWN else ""
    return f"{feed.kind.name.lower()}:{feed.author}{tail}"


def up(author: int) -> FeedId:
    return FeedId(FeedKind.UP, author)


def down(author: int, audience: int) -> FeedId:
    return FeedId(FeedKind.DOWN, author, audience)


TO_ALL = FeedId(FeedKind.ALL, HUB)
TO_SELF = FeedId(FeedKind.OWN, HUB)

assert AUTHOR_MAX == 2**32 - 1
