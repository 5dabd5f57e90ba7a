"""What the library's own entry types do to the tables when they arrive, at whichever replica.

An entry that is validly signed but malformed inside changes nothing: the chain goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy import Connection, and_, delete, insert, select, update

from sync_protocol import canonical
from sync_protocol.certificates import SignedCertificate
from sync_protocol.custody import parse_receipt
from sync_protocol.entries import NO_SALT, EntryType, Flag, body_hash, entry_salt, mark, parse_erasure
from sync_protocol.epochs import Grant, parse_grant, parse_revocation
from sync_protocol.errors import SyncError
from sync_protocol.feeds import HUB, FeedId, FeedKind, up
from sync_protocol.frontier import Branch
from sync_protocol.limits import BODY_BYTES_MAX
from sync_protocol.order import Placed, parse_runs, placements
from sync_protocol.segments import ERASED, Link
from sync_protocol.store import tables as t
from sync_protocol.store import trust
from sync_protocol.store.dialect import insert_absent
from sync_protocol.store.me import get
from sync_protocol.store.seam import touch
from sync_protocol.topology import SLOT_HOME, SLOT_HUB, slot

_log = logging.getLogger("lianban.sync")


def apply(conn: Connection, branch: Branch, links: Sequence[Link]) -> None:
    """Apply newly written entries of one branch."""
    for item in links:
        if item.header.type < 64 and item.body is not None and not item.header.flags & Flag.SEALED:
            try:
                _apply_one(conn, branch, item, item.body)
            except SyncError as error:
                _log.warning("entry has no effect", extra={"feed": str(branch.feed), "code": error.code})
    if branch.feed.home is not None and slot(branch.feed) != SLOT_HUB:
        _place_from_ahead(conn, branch, links)


def _apply_one(conn: Connection, branch: Branch, item: Link, body: bytes) -> None:
    feed = branch.feed
    by_hub = feed.author == HUB
    match item.header.type:
        case EntryType.ORDER if by_hub and feed.kind is FeedKind.DOWN:
            record = mark(branch.epoch, item.number)
            place(conn, feed.audience, record, placements(item.number, parse_runs(body)))
        case EntryType.RECEIPT if feed.kind is FeedKind.DOWN:
            _note_receipt(conn, branch, body)
        case EntryType.CERTIFICATE | EntryType.HUB_KEY if feed.kind is FeedKind.ALL:
            _note_certificate(conn, body)
        case EntryType.GRANT if feed.kind is FeedKind.ALL:
            _note_grant(conn, parse_grant(body))
        case EntryType.REVOCATION if feed.kind is FeedKind.ALL:
            trust.add_revocation(conn, parse_revocation(body))
        case EntryType.ERASURE if feed.kind is FeedKind.ALL:
            _erase(conn, *parse_erasure(body))


def _note_certificate(conn: Connection, body: bytes) -> None:
    root_key, deployment = get(conn, "root_key"), get(conn, "deployment")
    if root_key is not None and deployment is not None:
        trust.add_certificate(conn, deployment, root_key, SignedCertificate.parse(body))


def slot_feed(conn: Connection, home: int, number_of_slot: int) -> FeedId | None:
    """The feed of a home in a slot below the hub's."""
    if number_of_slot == SLOT_HOME:
        return up(home)
    ancestors = trust.topology(conn).ancestors(home)
    return FeedId(FeedKind.DOWN, ancestors[0], home) if len(ancestors) > 1 else None


def place(conn: Connection, home: int, record: int, placed: Sequence[Placed]) -> None:
    """Write down what an order record says; of entries not held yet it is kept until they arrive."""
    feeds = {number: slot_feed(conn, home, number) for number in {p.slot for p in placed}}
    e = t.entry.c
    for item in placed:
        feed = feeds[item.slot]
        values = {
            "standing": int(item.standing),
            "place": item.place,
            "judged_by": record,
            "code": item.code,
            "field": item.field,
        }
        if feed is not None:
            key = and_(e.feed == feed.packed(), e.epoch == item.epoch, e.number == item.number)
            topic = conn.execute(update(t.entry).where(key).values(**values).returning(e.topic)).scalar()
            if topic is not None:
                touch(conn, home, topic)
                continue
        a = t.placement_ahead.c
        key = and_(a.home == home, a.slot == item.slot, a.epoch == item.epoch, a.number == item.number)
        conn.execute(delete(t.placement_ahead).where(key))
        conn.execute(
            insert(t.placement_ahead).values(home=home, slot=item.slot, epoch=item.epoch, number=item.number, **values)
        )


def _place_from_ahead(conn: Connection, branch: Branch, links: Sequence[Link]) -> None:
    a, e = t.placement_ahead.c, t.entry.c
    key = and_(
        a.home == branch.feed.home,
        a.slot == slot(branch.feed),
        a.epoch == branch.epoch,
        a.number >= links[0].number,
        a.number <= links[-1].number,
    )
    for row in conn.execute(select(t.placement_ahead).where(key)).all():
        conn.execute(
            update(t.entry)
            .where(e.feed == branch.feed.packed(), e.epoch == row.epoch, e.number == row.number)
            .values(standing=row.standing, place=row.place, judged_by=row.judged_by, code=row.code, field=row.field)
        )
    conn.execute(delete(t.placement_ahead).where(key))


def _note_grant(conn: Connection, grant: Grant) -> None:
    """A new machine holds nothing yet: what its predecessor signed for counts no more, and is offered again."""
    trust.add_grant(conn, grant)
    for table in (t.receipt, t.blob_receipt):
        conn.execute(delete(table).where(table.c.author == grant.author))


def _note_receipt(conn: Connection, branch: Branch, body: bytes) -> None:
    feed = branch.feed
    if branch.epoch < trust.newest_epoch(conn, feed.author):
        return
    got = parse_receipt(body)
    r = t.receipt.c
    key = and_(r.author == feed.author, r.home == feed.audience, r.epoch == got.epoch)
    known = conn.execute(select(r.number).where(key)).scalar()
    if known is None:
        conn.execute(
            insert(t.receipt).values(author=feed.author, home=feed.audience, epoch=got.epoch, number=got.number)
        )
    elif known < got.number:
        conn.execute(update(t.receipt).where(key).values(number=got.number))
    b = t.blob_ref.c
    for number, index in got.blobs:
        hash_ = conn.execute(
            select(b.hash).where(
                b.feed == up(feed.audience).packed(), b.epoch == got.epoch, b.number == number, b.place == index
            )
        ).scalar()
        if hash_ is not None:
            _add_blob_receipt(conn, feed.author, hash_)


def _add_blob_receipt(conn: Connection, author: int, hash_: bytes) -> None:
    insert_absent(conn, t.blob_receipt, [{"author": author, "hash": hash_}])


def _erase(conn: Connection, home: int, topic: bytes) -> None:
    """Put every body of the topic out of existence, and what opened or salted them; what remains is their hashes,
    and the chain verifies as before. Bodies that are still on their way find the topic erased."""
    salt = conn.execute(select(t.topic.c.salt).where(t.topic.c.home == home, t.topic.c.topic == topic)).scalar()
    e = t.entry.c
    rows = conn.execute(
        select(e.feed, e.epoch, e.number, e.body).where(
            e.home == home, e.topic == topic, e.type >= 64, e.body.is_not(None)
        )
    ).all()
    for row in rows:
        feed = FeedId.parse(row.feed)
        own = entry_salt(salt, feed, row.epoch, row.number) if salt else NO_SALT
        conn.execute(
            update(t.entry)
            .where(e.feed == row.feed, e.epoch == row.epoch, e.number == row.number)
            .values(body=None, body_hash=body_hash(own, row.body))
        )
    key = and_(t.topic.c.home == home, t.topic.c.topic == topic)
    if conn.execute(update(t.topic).where(key).values(salt=ERASED, key=None, wrap=None)).rowcount == 0:
        conn.execute(insert(t.topic).values(home=home, topic=topic, salt=ERASED))
    touch(conn, home, topic)


def wraps_of(conn: Connection, home: int, topic: bytes) -> list[tuple[int, bytes]]:
    """The topic's wrapped keys: (reader, seal)."""
    packed = conn.execute(select(t.topic.c.wrap).where(t.topic.c.home == home, t.topic.c.topic == topic)).scalar()
    if packed is None:
        return []
    return [(reader, seal) for reader, seal in canonical.unpack(packed, bytes_max=BODY_BYTES_MAX)]
