"""Which tiers are proven to hold a topic's entries and blobs: the signed facts of `custody`, as they lie here.

Nothing here writes. Everything runs inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, bindparam, func, select

from sync_protocol.custody import CaseCustody, EntryCustody, Tier, entry_tier
from sync_protocol.custody import case_custody as least_of
from sync_protocol.entries import FIRST_APPLICATION_TYPE, BlobRole, mark
from sync_protocol.feeds import HUB, FeedId, FeedKind
from sync_protocol.order import Standing
from sync_protocol.store import blob_store
from sync_protocol.store import tables as t

_E = t.entry.c
# asked for each case that is shown: made once, because to make a statement takes longer than to run it
_ENTRIES = (
    select(_E.feed, _E.epoch, _E.number, _E.standing)
    .where(_E.home == bindparam("home"), _E.topic == bindparam("topic"), _E.type >= FIRST_APPLICATION_TYPE)
    .order_by(_E.place, _E.feed, _E.epoch, _E.number)
)
_MARKS = select(t.receipt.c.epoch, t.receipt.c.number).where(
    t.receipt.c.author == bindparam("signer"), t.receipt.c.home == bindparam("home")
)
_NAMED = (
    select(t.blob_ref.c.hash)
    .where(
        t.blob_ref.c.home == bindparam("home"),
        t.blob_ref.c.topic == bindparam("topic"),
        t.blob_ref.c.role != BlobRole.PREVIEW,
        func.substr(t.blob_ref.c.feed, 1, 1) == bytes([FeedKind.UP]),
    )
    .distinct()
)


def case_custody(
    conn: Connection, home: int, topic: bytes, township: int | None, resting: Collection[bytes] | None = None
) -> CaseCustody:
    """How far a topic's entries of the home and of the township have provably come, and which of the home's blobs.

    `resting`: the blobs that count, those that the topic rests on now; None for all that were ever named. Previews
    never count.
    """
    entries = [entry for entry in entry_custody(conn, home, topic, township) if entry.author != HUB]
    named = [hash_ for hash_ in _named_blobs(conn, home, topic) if resting is None or hash_ in resting]
    return least_of(entries, blob_holders(conn, named, township).values())


def entry_custody(conn: Connection, home: int, topic: bytes, township: int | None) -> list[EntryCustody]:
    """Every change of a topic, the county's own included, in the order in which they lie here."""
    rows = conn.execute(_ENTRIES, {"home": home, "topic": topic})
    signed = _township_mark(conn, home, township)
    return [_entry(row.feed, row.epoch, row.number, Standing(row.standing), township, signed) for row in rows]


def _entry(
    packed: bytes, epoch: int, number: int, standing: Standing, township: int | None, signed: int
) -> EntryCustody:
    feed = FeedId.parse(packed)
    own = feed.kind is FeedKind.UP
    if feed.author == HUB:
        tier, holders = Tier.COUNTY, {Tier.COUNTY}
    else:
        at = (signed if own else 2**63) if township else 0
        tier = entry_tier(mark(epoch, number), at, standing)
        # the county may hold what the township, passed by, does not
        by_township = entry_tier(mark(epoch, number), at, Standing.PENDING) is Tier.TOWNSHIP
        holders = {tier} - {Tier.HERE}
        holders |= ({Tier.HERE} if own else set()) | ({Tier.TOWNSHIP} if by_township else set())
    return EntryCustody(f"{feed}/{epoch}/{number}", feed.author, tier, standing, frozenset(holders))


def _township_mark(conn: Connection, home: int, township: int | None) -> int:
    if township is None:
        return 0
    rows = conn.execute(_MARKS, {"signer": township, "home": home})
    return max((mark(row.epoch, row.number) for row in rows), default=0)


def _named_blobs(conn: Connection, home: int, topic: bytes) -> list[bytes]:
    """Of the home's own entries, each once, without previews: for what travels down nobody signs."""
    return list(conn.execute(_NAMED, {"home": home, "topic": topic}).scalars())


def blob_holders(conn: Connection, hashes: Sequence[bytes], township: int | None) -> dict[bytes, frozenset[Tier]]:
    """The tiers above a home that have signed for each of its blobs."""
    signed = {Tier.COUNTY: blob_store.signed_for(conn, HUB, hashes)}
    if township is not None:
        signed[Tier.TOWNSHIP] = blob_store.signed_for(conn, township, hashes)
    return {hash_: frozenset(tier for tier, those in signed.items() if hash_ in those) for hash_ in hashes}
