"""Proof that an author signed two histories (SPEC section 7.1). Pure; anybody with its certificates can check it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sync_protocol import canonical
from sync_protocol.crypto import HASH_BYTES, SIGNATURE_BYTES, verify
from sync_protocol.entries import head_message, next_head
from sync_protocol.errors import BadSignature, NotCanonical
from sync_protocol.feeds import FeedId
from sync_protocol.limits import EPOCH_MAX, FORK_PROOF_BYTES_MAX, SEGMENT_ENTRIES_MAX, SERIAL_MAX


@dataclass(frozen=True, slots=True)
class Side:
    """One history: its head at the number of the proof, the leaves from there to the signature, the signature."""

    head: bytes
    leaves: tuple[bytes, ...]
    serial: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """Two different heads of one feed and epoch at `number`, both signed for by its author."""

    feed: FeedId
    epoch: int
    number: int
    sides: tuple[Side, Side]


def pack_proof(proof: Proof) -> bytes:
    sides = [[side.head, list(side.leaves), side.serial, side.signature] for side in proof.sides]
    return canonical.pack([proof.feed.packed(), proof.epoch, proof.number, sides])


def parse_proof(data: bytes) -> Proof:
    """Raises BadBytes unless `data` is a proof's; whether it proves anything, `check_proof` says."""
    value = canonical.unpack(data, bytes_max=FORK_PROOF_BYTES_MAX)
    if not isinstance(value, list) or len(value) != 4:
        raise NotCanonical("fork proof")
    feed, epoch, number, sides = value
    if type(epoch) is not int or not 0 <= epoch <= EPOCH_MAX or type(number) is not int or not 0 < number < 2**32:
        raise NotCanonical("fork position")
    if not isinstance(sides, list) or len(sides) != 2:
        raise NotCanonical("fork sides")
    return Proof(FeedId.parse(feed), epoch, number, (_side(sides[0]), _side(sides[1])))


def _side(item: Any) -> Side:
    if not isinstance(item, list) or len(item) != 4:
        raise NotCanonical("fork side")
    head, leaves, serial, signature = item
    if not isinstance(leaves, list) or len(leaves) >= SEGMENT_ENTRIES_MAX:
        raise NotCanonical("fork leaves")
    if any(not isinstance(part, bytes) or len(part) != HASH_BYTES for part in (head, *leaves)):
        raise NotCanonical("fork hashes")
    if type(serial) is not int or not 0 < serial <= SERIAL_MAX:
        raise NotCanonical("fork serial")
    if not isinstance(signature, bytes) or len(signature) != SIGNATURE_BYTES:
        raise NotCanonical("fork signature")
    return Side(head, tuple(leaves), serial, signature)


def check_proof(deployment: bytes, proof: Proof, key_of: Callable[[int], bytes]) -> None:
    """Raises BadSignature unless both histories were signed and differ.

    `key_of` gives the signing key of a certificate of the feed's author that is good in this epoch.
    """
    one, two = proof.sides
    if one.head == two.head:
        raise BadSignature("both sides are one history")
    for side in proof.sides:
        head = _signed_head(side.head, side.leaves)
        number = proof.number + len(side.leaves)
        message = head_message(deployment, proof.feed, proof.epoch, number, head, side.serial)
        verify(key_of(side.serial), message, side.signature)


def _signed_head(head: bytes, leaves: Sequence[bytes]) -> bytes:
    for leaf in leaves:
        head = next_head(head, leaf)
    return head
