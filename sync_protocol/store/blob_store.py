"""Which blobs are held, wanted and acknowledged; rows beside the files of `blob_files`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Integer, and_, bindparam, case, exists, func, or_, select, true

from sync_protocol.entries import BlobRole
from sync_protocol.feeds import FeedId, FeedKind
from sync_protocol.store import tables as t
from sync_protocol.store.dialect import insert_absent, insert_or_set
from sync_protocol.store.seam import wake

_NO_DAY = 2**31 + 1
"""After every urgency day (SPEC 6.1)."""


def _always(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """1 where it holds for all rows of a group, else 0: to sort by."""
    return func.min(case((condition, 1), else_=0))


_ref, _blob = t.blob_ref.c, t.blob.c
_DAY = case((_ref.urgency == 0, _NO_DAY), else_=_ref.urgency)
_feed_kind = func.substr(_ref.feed, 1, 1)
_BY_AGE = (func.min(_DAY), func.min(_ref.number), func.min(_ref.place))
_PENDING = (
    select(_ref.hash, _blob.length)
    .join(t.blob, _blob.hash == _ref.hash)
    .group_by(_ref.hash, _blob.length)
    .limit(bindparam("most", type_=Integer))
)
# both are asked at every message: made once, because to make a statement takes longer than to run it
_UNACKNOWLEDGED = (
    _PENDING.outerjoin(t.blob_ask, t.blob_ask.c.hash == _ref.hash)
    .where(
        _ref.home.in_(bindparam("homes", expanding=True)),
        _blob.held == 1,
        ~exists().where(t.blob_receipt.c.author == bindparam("ancestor"), t.blob_receipt.c.hash == _ref.hash),
        _feed_kind == bytes([FeedKind.UP]),
    )
    .order_by(func.min(case((t.blob_ask.c.hash.is_(None), 1), else_=0)), _always(_ref.role == BlobRole.PAGE), *_BY_AGE)
)
_WANTED_FROM_ABOVE = _PENDING.where(
    _blob.held == 0,
    or_(
        and_(_feed_kind == bytes([FeedKind.DOWN]), func.substr(_ref.feed, 1, 5) != bindparam("down")),
        _ref.home == bindparam("me"),
    ),
).order_by(_always(_feed_kind == bytes([FeedKind.UP])), _always(_ref.role == BlobRole.PAGE), *_BY_AGE)


_HOMES = select(t.blob_ref.c.home).where(t.blob_ref.c.hash == bindparam("named")).distinct()
_LENGTH = select(t.blob.c.length).where(t.blob.c.hash == bindparam("named"))
_SIGNED_FOR = select(t.blob_receipt.c.hash).where(
    t.blob_receipt.c.author == bindparam("signer"), t.blob_receipt.c.hash.in_(bindparam("hashes", expanding=True))
)


def note_held(conn: Connection, hash_: bytes, length: int) -> None:
    """The file is complete and durable: say so in the database."""
    insert_or_set(conn, t.blob, {"hash": hash_, "length": length, "held": 1}, ["held"])
    wake(conn, "blobs", *(f"home:{home}" for home in homes_of(conn, hash_)))


def is_named(conn: Connection, hash_: bytes) -> int | None:
    """The blob's length if an entry held here names it, else None: nobody may fill our disk with unnamed bytes."""
    return conn.execute(_LENGTH, {"named": hash_}).scalar()


def homes_of(conn: Connection, hash_: bytes) -> set[int]:
    return set(conn.execute(_HOMES, {"named": hash_}).scalars())


@dataclass(frozen=True, slots=True)
class PendingBlob:
    hash: bytes
    length: int


def unacknowledged(conn: Connection, homes: Sequence[int], ancestor: int, limit: int) -> list[PendingBlob]:
    """Blobs of these homes' own entries that lie here and that the ancestor has not signed for, each once.

    What somebody above has asked for goes before everything; then what is small and lets somebody begin to read
    (previews, result documents) before all pages; then by urgency day, then by age.
    """
    rows = conn.execute(_UNACKNOWLEDGED, {"homes": homes, "ancestor": ancestor, "most": limit})
    return [PendingBlob(row.hash, row.length) for row in rows]


def note_asked(conn: Connection, hashes: Sequence[bytes], asked: int) -> None:
    """Somebody above waits for these: the first ask counts."""
    insert_absent(conn, t.blob_ask, [{"hash": hash_, "asked": asked} for hash_ in hashes])
    wake(conn, "blobs")


def asked(conn: Connection, hashes: Sequence[bytes]) -> dict[bytes, int]:
    """Those of these blobs that somebody has asked for, with the moment (unix seconds by the asker's clock)."""
    c = t.blob_ask.c
    return {row.hash: row.asked for row in conn.execute(select(c.hash, c.asked).where(c.hash.in_(hashes)))}


def signed_for(conn: Connection, author: int, hashes: Sequence[bytes]) -> set[bytes]:
    """Those of these blobs for which the author has signed."""
    if not hashes:
        return set()
    return set(conn.execute(_SIGNED_FOR, {"signer": author, "hashes": hashes}).scalars())


def count_unacknowledged(conn: Connection, homes: Sequence[int], ancestor: int, roles: Sequence[int] = ()) -> int:
    """How many blobs of these homes' own entries, of these roles if any, the ancestor has not signed for.

    Whether they are held here or not.
    """
    r = t.blob_ref.c
    signed = exists().where(t.blob_receipt.c.author == ancestor, t.blob_receipt.c.hash == r.hash)
    return int(
        conn.execute(
            select(func.count(r.hash.distinct())).where(
                r.home.in_(homes),
                ~signed,
                func.substr(r.feed, 1, 1) == bytes([FeedKind.UP]),
                r.role.in_(roles) if roles else true(),
            )
        ).scalar_one()
    )


def wanted_from_above(conn: Connection, me: int, limit: int) -> list[PendingBlob]:
    """Blobs that entries of ancestors (or of one's own lost machine) name and that do not lie here."""
    own = {"down": _down(me), "me": me, "most": limit}
    rows = conn.execute(_WANTED_FROM_ABOVE, own)
    return [PendingBlob(row.hash, row.length) for row in rows]


def _down(me: int) -> bytes:
    return FeedId(FeedKind.DOWN, me, 1).packed()[:5]


def receiptable(conn: Connection, feed: FeedId, epoch: int, me: int, limit: int) -> list[tuple[int, int, bytes]]:
    """Held blobs of a home's own feed for which `me` has not signed yet: (number, index, hash)."""
    r, b = t.blob_ref.c, t.blob.c
    signed = exists().where(t.blob_receipt.c.author == me, t.blob_receipt.c.hash == r.hash)
    rows = conn.execute(
        select(r.number, r.place, r.hash)
        .join(t.blob, b.hash == r.hash)
        .where(r.feed == feed.packed(), r.epoch == epoch, b.held == 1, ~signed)
        .order_by(r.number, r.place)
        .limit(limit)
    )
    return [(row.number, row.place, row.hash) for row in rows]
