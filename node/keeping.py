"""What is saved on this machine, what no place above has signed for yet, and what exists nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from casework.case_tables import case_row
from node import drafts
from sync_protocol.entries import FIRST_APPLICATION_TYPE, BlobRole
from sync_protocol.feeds import HUB, FeedId, FeedKind, up
from sync_protocol.limits import WANTS_MAX
from sync_protocol.order import Standing
from sync_protocol.store import blob_store, trust
from sync_protocol.store import tables as t

_E = t.entry.c
_R = t.blob_ref.c
_AUTHOR_BYTES = 5
"""Of a packed feed: its kind and its author."""
_DRAFTS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """Changes, the cases they are of, pages (previews not counted); `oldest` in unix seconds, 0 for none."""

    entries: int = 0
    cases: int = 0
    pages: int = 0
    oldest: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """`saved`: what lies here, with the cases of stations below. `waiting`: of that, what nobody above has signed for.

    `alone`: of that, what was written here and so may exist nowhere else; a draft never leaves this machine.
    `blobs_left`, `bytes_left`: scans with previews that are still to go up. `coming`: documents and scans that
    are to come down. Result documents on their way down are in none of these: nobody signs for them.
    """

    saved: Count
    waiting: Count
    alone: Count
    drafts: int
    draft_pages: int
    blobs_left: int
    bytes_left: int
    coming: int
    coming_bytes: int


def kept(conn: Connection, me: int, offsets: Mapping[bytes, int]) -> Kept:
    """`offsets`: how many bytes of each blob lie above already, by what was heard since the last cut."""
    topology = trust.topology(conn)
    homes, ancestors = topology.subtree(me), [*topology.ancestors(me)]
    ours = drafts.newest(conn, _DRAFTS_MAX)
    blobs = _unsigned_blobs(conn, homes, ancestors)
    coming = blob_store.wanted_from_above(conn, me, WANTS_MAX)
    own_pages = {hash_ for hash_, _, role, home in blobs if home == me and role != BlobRole.PREVIEW}
    lengths = {hash_: length for hash_, length, _, _ in blobs}
    pages = {hash_ for hash_, _, role, _ in blobs if role != BlobRole.PREVIEW}
    return Kept(
        saved=_saved(conn),
        waiting=_unsigned_entries(conn, homes, ancestors, len(pages)),
        alone=_unsigned_entries(conn, homes, ancestors, len(own_pages), _written_by(me)),
        drafts=len(ours),
        draft_pages=sum(len(draft.pages) for draft in ours),
        blobs_left=len(lengths),
        bytes_left=sum(length - min(length, offsets.get(hash_, 0)) for hash_, length in lengths.items()),
        coming=len(coming),
        coming_bytes=sum(blob.length for blob in coming),
    )


def _saved(conn: Connection) -> Count:
    cases = conn.execute(select(func.count()).select_from(case_row)).scalar_one()
    pages = select(func.count(_R.hash.distinct())).join(t.blob, t.blob.c.hash == _R.hash)
    held = conn.execute(pages.where(t.blob.c.held == 1, _R.role != BlobRole.PREVIEW)).scalar_one()
    return Count(cases=cases, pages=held)


def _unsigned_entries(
    conn: Connection, homes: Sequence[int], ancestors: Sequence[int], pages: int, *more: ColumnElement[bool]
) -> Count:
    """Changes that the county has not ordered and for which no ancestor has signed."""
    r = t.receipt.c
    reached = or_(r.epoch > _E.epoch, and_(r.epoch == _E.epoch, r.number >= _E.number))
    signed = and_(
        _kind(_E.feed) == bytes([FeedKind.UP]), exists().where(r.author.in_(ancestors), r.home == _E.home, reached)
    )
    row = conn.execute(
        select(func.count(), func.count(_E.topic.distinct()), func.min(_E.received)).where(
            _E.home.in_(homes),
            _E.standing == int(Standing.PENDING),
            _E.type >= FIRST_APPLICATION_TYPE,
            _E.topic != b"",
            ~signed,
            *more,
        )
    ).one()
    return Count(row[0], row[1], pages, row[2] or 0)


def _written_by(me: int) -> ColumnElement[bool]:
    """In the feed that goes up from here, or in one that goes down from here."""
    feeds = (up(me), FeedId(FeedKind.DOWN, me, HUB))
    return func.substr(_E.feed, 1, _AUTHOR_BYTES).in_([feed.packed()[:_AUTHOR_BYTES] for feed in feeds])


def _unsigned_blobs(
    conn: Connection, homes: Sequence[int], ancestors: Sequence[int]
) -> list[tuple[bytes, int, int, int]]:
    """Hash, length, role and home of the scans that lie here and for which no ancestor has signed."""
    b = t.blob.c
    signed = exists().where(t.blob_receipt.c.author.in_(ancestors), t.blob_receipt.c.hash == _R.hash)
    rows = conn.execute(
        select(_R.hash, b.length, _R.role, _R.home)
        .join(t.blob, b.hash == _R.hash)
        .where(_R.home.in_(homes), b.held == 1, ~signed, _kind(_R.feed) == bytes([FeedKind.UP]))
        .distinct()
    )
    return [(row.hash, row.length, row.role, row.home) for row in rows]


def _kind(feed: ColumnElement[bytes]) -> ColumnElement[bytes]:
    return func.substr(feed, 1, 1)
