"""Custody: which tier is proven to hold an entry and its blobs (SPEC section 11). Pure.

Computed from two signed facts only: receipts that an ancestor wrote into its feed to the home, and the hub's order
records. What a relay merely answers during an exchange proves nothing to anybody else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sync_protocol import canonical
from sync_protocol.errors import NotCanonical, TooLarge
from sync_protocol.limits import BODY_BYTES_MAX, EPOCH_MAX, RECEIPT_BLOBS_MAX
from sync_protocol.order import Standing


class Tier(IntEnum):
    """How far an entry has provably come."""

    HERE = 0
    TOWNSHIP = 1
    COUNTY = 2


@dataclass(frozen=True, slots=True)
class Receipt:
    """«I hold your feed, in this epoch, up to `number`; and these blobs of its entries (number, index).»"""

    epoch: int
    number: int
    blobs: tuple[tuple[int, int], ...] = ()


def pack_receipt(receipt: Receipt) -> bytes:
    return canonical.pack([receipt.epoch, receipt.number, [list(pair) for pair in receipt.blobs]])


def parse_receipt(body: bytes) -> Receipt:
    """Raises BadBytes unless `body` is a receipt's."""
    value = canonical.unpack(body, bytes_max=BODY_BYTES_MAX)
    if not isinstance(value, list) or len(value) != 3:
        raise NotCanonical("receipt")
    epoch, number, blobs = value
    if type(epoch) is not int or not 0 <= epoch <= EPOCH_MAX or type(number) is not int or not 0 <= number < 2**32:
        raise NotCanonical("receipt position")
    if not isinstance(blobs, list):
        raise NotCanonical("receipt blobs")
    if len(blobs) > RECEIPT_BLOBS_MAX:
        raise TooLarge("receipt blobs")
    return Receipt(epoch, number, tuple(_pair(item) for item in blobs))


def _pair(item: Any) -> tuple[int, int]:
    if not isinstance(item, list) or len(item) != 2 or any(type(number) is not int for number in item):
        raise NotCanonical("receipt blob")
    number, index = item
    if not 1 <= number < 2**32 or not 0 <= index < 256:
        raise NotCanonical("receipt blob")
    return number, index


@dataclass(frozen=True, slots=True)
class EntryCustody:
    """One entry (`ref`, "up:17/0/5"): who wrote it, how far it has come, what became of it, and the tiers that are
    proven to hold it. Nobody signs for what travels down, so of an entry from above its home is none of them."""

    ref: str
    author: int
    tier: Tier
    standing: Standing
    holders: frozenset[Tier]


@dataclass(frozen=True, slots=True)
class CaseCustody:
    """A case: the least of its entries, since a case is only where all of it is; and its blobs, each counted once."""

    tier: Tier
    settled: bool
    blobs: int
    blobs_township: int
    blobs_county: int


def entry_tier(mark: int, township_mark: int, standing: Standing) -> Tier:
    """`township_mark` is the highest mark the township signed for; the hub's order record speaks for the county."""
    if standing is not Standing.PENDING:
        return Tier.COUNTY
    return Tier.TOWNSHIP if 0 < mark <= township_mark else Tier.HERE


def case_custody(entries: Sequence[EntryCustody], blobs: Iterable[Collection[Tier]]) -> CaseCustody:
    """`entries`: those of the home and of the township. `blobs`: the tiers that are proven to hold each blob."""
    held = list(blobs)
    return CaseCustody(
        tier=min((entry.tier for entry in entries), default=Tier.HERE),
        settled=all(entry.standing in (Standing.ADMITTED, Standing.REFUSED) for entry in entries),
        blobs=len(held),
        blobs_township=sum(1 for tiers in held if Tier.TOWNSHIP in tiers or Tier.COUNTY in tiers),
        blobs_county=sum(1 for tiers in held if Tier.COUNTY in tiers),
    )
