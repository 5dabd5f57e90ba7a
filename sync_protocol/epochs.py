"""Epochs: how an author's feeds go on after its machine was lost or restored (SPEC section 6.4). Pure.

Only the hub grants one. The grant names the head of every feed of the author from which the new epoch goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sync_protocol import canonical
from sync_protocol.crypto import HASH_BYTES
from sync_protocol.errors import NotCanonical, TooLarge
from sync_protocol.feeds import FeedId
from sync_protocol.limits import AUTHOR_MAX, BODY_BYTES_MAX, EPOCH_MAX, GRANT_HEADS_MAX, SERIAL_MAX


@dataclass(frozen=True, slots=True)
class Start:
    """Where a branch begins: after `number` of `epoch`, whose head is `head`."""

    epoch: int
    number: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Grant:
    """The author may write in `epoch` with the certificate `serial`; a feed not named begins anew at number 1."""

    author: int
    epoch: int
    serial: int
    starts: tuple[tuple[FeedId, Start], ...]

    def start(self, feed: FeedId) -> Start | None:
        return next((start for named, start in self.starts if named == feed), None)


def pack_grant(grant: Grant) -> bytes:
    heads = [[feed.packed(), s.epoch, s.number, s.head] for feed, s in sorted(grant.starts, key=lambda p: p[0])]
    return canonical.pack([grant.author, grant.epoch, grant.serial, heads])


def parse_grant(body: bytes) -> Grant:
    """Raises BadBytes unless `body` is a grant's."""
    value = canonical.unpack(body, bytes_max=BODY_BYTES_MAX)
    if not isinstance(value, list) or len(value) != 4 or not isinstance(value[3], list):
        raise NotCanonical("grant")
    author, epoch, serial, heads = value
    bounds = ((author, AUTHOR_MAX), (epoch, EPOCH_MAX), (serial, SERIAL_MAX))
    if any(type(number) is not int or not 0 < number <= high for number, high in bounds):
        raise NotCanonical("grant numbers")
    if len(heads) > GRANT_HEADS_MAX:
        raise TooLarge("grant heads")
    return Grant(author, epoch, serial, _ascending([_head(item) for item in heads]))


def _ascending(starts: list[tuple[FeedId, Start]]) -> tuple[tuple[FeedId, Start], ...]:
    if any(one[0] >= two[0] for one, two in pairwise(starts)):
        raise NotCanonical("grant heads are not in order")
    return tuple(starts)


def _head(item: Any) -> tuple[FeedId, Start]:
    if not isinstance(item, list) or len(item) != 4:
        raise NotCanonical("grant head")
    feed, epoch, number, head = item
    if type(epoch) is not int or not 0 <= epoch <= EPOCH_MAX or type(number) is not int or not 0 < number < 2**32:
        raise NotCanonical("grant position")
    if not isinstance(head, bytes) or len(head) != HASH_BYTES:
        raise NotCanonical("grant head")
    return FeedId.parse(feed), Start(epoch, number, head)


@dataclass(frozen=True, slots=True)
class Revocation:
    """The certificate `serial` of `author` counts no more; entries past these cuts are held for a person."""

    author: int
    serial: int
    reason: str
    cuts: tuple[tuple[FeedId, int, int], ...]

    def past(self, feed: FeedId, epoch: int, number: int) -> bool:
        """Whether an entry signed under `serial` lies past the cut; a feed without a cut was cut before its first."""
        if feed.author != self.author:
            return False
        cut = next(((e, n) for named, e, n in self.cuts if named == feed), (0, 0))
        return (epoch, number) > cut


def pack_revocation(revocation: Revocation) -> bytes:
    cuts = [[feed.packed(), epoch, number] for feed, epoch, number in sorted(revocation.cuts)]
    return canonical.pack([revocation.author, revocation.serial, revocation.reason, cuts])


def parse_revocation(body: bytes) -> Revocation:
    """Raises BadBytes unless `body` is a revocation's."""
    value = canonical.unpack(body, bytes_max=BODY_BYTES_MAX)
    if not isinstance(value, list) or len(value) != 4 or not isinstance(value[3], list):
        raise NotCanonical("revocation")
    author, serial, reason, cuts = value
    if any(
        type(number) is not int or not 0 < number <= high
        for number, high in ((author, AUTHOR_MAX), (serial, SERIAL_MAX))
    ):
        raise NotCanonical("revocation numbers")
    if not isinstance(reason, str) or len(reason) > 200:
        raise NotCanonical("revocation reason")
    if len(cuts) > GRANT_HEADS_MAX:
        raise TooLarge("revocation cuts")
    parsed = tuple(_cut(item) for item in cuts)
    if any(one[0] >= two[0] for one, two in pairwise(parsed)):
        raise NotCanonical("revocation cuts are not in order")
    return Revocation(author, serial, reason, parsed)


def _cut(item: Any) -> tuple[FeedId, int, int]:
    if not isinstance(item, list) or len(item) != 3 or any(type(n) is not int for n in item[1:]):
        raise NotCanonical("revocation cut")
    if not 0 <= item[1] <= EPOCH_MAX or not 0 <= item[2] < 2**32:
        raise NotCanonical("revocation cut")
    return FeedId.parse(item[0]), item[1], item[2]
