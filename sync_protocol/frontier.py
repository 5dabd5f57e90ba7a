"""Frontiers: what a replica holds, per feed and epoch, and what another one lacks (SPEC section 10). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sync_protocol.crypto import HASH_BYTES, digest, u32, u64
from sync_protocol.errors import NotCanonical, TooLarge
from sync_protocol.feeds import FeedId
from sync_protocol.limits import EPOCH_MAX, VECTOR_BRANCHES_MAX

DIGEST_BYTES = 16


class Branch(NamedTuple):
    """One feed in one epoch."""

    feed: FeedId
    epoch: int


class Tip(NamedTuple):
    """The last entry held of a branch."""

    number: int
    head: bytes


Frontier = Mapping[Branch, Tip]


def frontier_digest(frontier: Frontier) -> bytes:
    """16 bytes over the branches in ascending order; equal frontiers have equal digests."""
    parts = [
        branch.feed.packed() + u32(branch.epoch) + u64(tip.number) + tip.head
        for branch, tip in sorted(frontier.items())
    ]
    return digest("frontier", *parts)[:DIGEST_BYTES]


def clip(mine: Frontier, theirs: Frontier) -> dict[Branch, Tip]:
    """What I hold, but where I hold more than they do, only as far as they do."""
    result: dict[Branch, Tip] = {}
    for branch, tip in mine.items():
        other = theirs.get(branch)
        if other is None:
            continue
        result[branch] = tip if tip.number <= other.number else other
    return result


def lacking(mine: Frontier, theirs: Frontier) -> list[tuple[Branch, int]]:
    """Branches where I hold more, with the number after which they lack entries.

    In sending order: the hub's words to all first, then home by home, each home's own feed before the others,
    because openings stand there.
    """
    found = []
    for branch, tip in mine.items():
        other = theirs.get(branch)
        if other is None or other.number < tip.number:
            found.append((branch, other.number if other else 0))
    return sorted(found, key=lambda pair: (pair[0].feed.home or 0, pair[0].feed.kind, pair[0].epoch, pair[0].feed))


def vector_fields(frontier: Frontier) -> list[list[Any]]:
    return [[branch.feed.packed(), branch.epoch, tip.number, tip.head] for branch, tip in sorted(frontier.items())]


def parse_vector(fields: Any) -> dict[Branch, Tip]:
    """Raises BadBytes unless `fields` is a vector in ascending order."""
    if not isinstance(fields, list):
        raise NotCanonical("vector")
    if len(fields) > VECTOR_BRANCHES_MAX:
        raise TooLarge("vector")
    result: dict[Branch, Tip] = {}
    last: Branch | None = None
    for item in fields:
        branch, tip = _vector_item(item)
        if last is not None and not last < branch:
            raise NotCanonical("vector is not in order")
        last = branch
        result[branch] = tip
    return result


def _vector_item(item: Any) -> tuple[Branch, Tip]:
    if not isinstance(item, list) or len(item) != 4:
        raise NotCanonical("vector item")
    feed, epoch, number, head = item
    if type(epoch) is not int or not 0 <= epoch <= EPOCH_MAX or type(number) is not int or not 0 < number < 2**32:
        raise NotCanonical("vector position")
    if not isinstance(head, bytes) or len(head) != HASH_BYTES:
        raise NotCanonical("vector head")
    return Branch(FeedId.parse(feed), epoch), Tip(number, head)


def higher(received: dict[Branch, Tip], than: dict[Branch, Tip]) -> dict[Branch, Tip]:
    """Of what was received, what goes further."""
    return {b: tip for b, tip in received.items() if b not in than or than[b].number < tip.number}
