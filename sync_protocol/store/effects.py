"""What the library's own entry types do to the tables when they arrive, at whichever replica.

An entry that is validly signed but malformed inside changes nothing: the chain goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update

from sync_protocol import canonical
from sync_protocol.asking import parse_ask
from sync_protocol.certificates import SignedCertificate
from sync_protocol.custody import parse_receipt
from sync_protocol.entries import (
    FIRST_APPLICATION_TYPE,
    NO_SALT,
    SEALED,
    EntryType,
    body_hash,
    entry_salt,
    mark,
    parse_erasure,
)
from sync_protocol.epochs import Grant, parse_grant, parse_revocation
from sync_protocol.errors import SyncError
from sync_protocol.feeds import HUB, FeedId, FeedKind, up
from sync_protocol.frontier import Branch
from sync_protocol.limits import BODY_BYTES_MAX
from sync_protocol.order import Placed, parse_runs, placements
from sync_protocol.reading import Placing, forget_bodies, forget_changes, note_placed, places
from sync_protocol.segments import ERASED, Link
from sync_protocol.sharing import Share, parse_shares
from sync_protocol.store import blob_store, peers, trust
from sync_protocol.store import tables as t
from sync_protocol.store.bulk import run_many
from sync_protocol.store.dialect import insert_absent
from sync_protocol.store.me import get
from sync_protocol.store.memory import memory
from sync_protocol.store.seam import touch
from sync_protocol.topology import SLOT_HOME, SLOT_HUB, slot

_log = logging.getLogger("lianban.sync")


def apply(conn: Connection, branch: Branch, links: Sequence[Link]) -> None:
    """Apply newly written entries of one branch."""
    for item in links:
        if item.header.type < FIRST_APPLICATION_TYPE and item.body is not None and not item.header.flags & SEALED:
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
            place(conn, feed.audience, record, list(placements(item.number, parse_runs(body))))
        case EntryType.RECEIPT if feed.kind is FeedKind.DOWN:
            _note_receipt(conn, branch, body)
        case EntryType.SHARE if feed.kind in (FeedKind.UP, FeedKind.DOWN):
            _note_shares(conn, feed, parse_shares(body))
        case EntryType.ASK if feed.kind is FeedKind.DOWN:
            blob_store.note_asked(conn, parse_ask(body), item.header.time)
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


_PLACE = (
    update(t.entry)
    .where(t.entry.c.feed == bindparam("at_feed"), t.entry.c.epoch == bindparam("at_epoch"))
    .where(t.entry.c.number >= bindparam("at_first"), t.entry.c.number <= bindparam("at_last"))
    .values({name: bindparam(name) for name in ("standing", "judged_by", "code", "field")})
    .values(place=t.entry.c.number + bindparam("shift", type_=t.entry.c.place.type))
)
_NUMBERS_AT_ONCE = 500


def place(conn: Connection, home: int, record: int, placed: Sequence[Placed]) -> None:
    """Write down what an order record says; of entries not held yet it is kept until they arrive."""
    feeds = {number: slot_feed(conn, home, number) for number in {p.slot for p in placed}}
    held = _topics_of(conn, home, feeds, placed)
    packed = {number: feed.packed() for number, feed in feeds.items() if feed is not None}
    here: dict[tuple[bytes, int, int], Placing] = {}
    ahead: dict[tuple[int, int, int], dict[str, Any]] = {}
    for slot_number, epoch, number, at, standing, code, field in placed:
        key = (slot_number, epoch, number)
        if key in held:
            here[packed[slot_number], epoch, number] = (int(standing), at, record, code, field)
        else:
            values = {"standing": int(standing), "place": at, "judged_by": record, "code": code, "field": field}
            ahead[key] = {"home": home, "slot": slot_number, "epoch": epoch, "number": number, **values}
    if here:
        run_many(conn, _PLACE, _stretches(here))
        topics = dict.fromkeys(held.values())
        note_placed(conn, home, topics, here)
        for topic in topics:
            touch(conn, home, topic)
    if ahead:
        memory(conn).pop(("ahead", home), None)
    a = t.placement_ahead.c
    for (slot_number, epoch, number), row in ahead.items():
        conn.execute(
            delete(t.placement_ahead).where(a.home == home, a.slot == slot_number, a.epoch == epoch, a.number == number)
        )
        conn.execute(insert(t.placement_ahead).values(**row))


def _stretches(placed: Mapping[tuple[bytes, int, int], Placing]) -> list[dict[str, Any]]:
    """The parameters of _PLACE: neighbours in a branch that were put behind each other with the same words are one."""
    found: list[dict[str, Any]] = []
    now: tuple[object, ...] = ()
    for (feed, epoch, number), (standing, at, record, code, field) in placed.items():
        same = (feed, epoch, number - at, standing, record, code, field)
        if same == now and number == found[-1]["at_last"] + 1:
            found[-1]["at_last"] = number
            continue
        now = same
        words = {"standing": standing, "judged_by": record, "code": code, "field": field}
        branch = {"at_feed": feed, "at_epoch": epoch, "at_first": number, "at_last": number}
        found.append({**branch, **words, "shift": at - number})
    return found


def _topics_of(
    conn: Connection, home: int, feeds: Mapping[int, FeedId | None], placed: Sequence[Placed]
) -> dict[tuple[int, int, int], bytes]:
    """The topics of those entries that are held here, by (slot, epoch, number)."""
    wanted: dict[tuple[int, int], list[int]] = {}
    found: dict[tuple[int, int, int], bytes] = {}
    known, packed = places(conn, home), {slot: feed.packed() for slot, feed in feeds.items() if feed is not None}
    for item in placed:
        topic = known.get((packed.get(item.slot, b""), item.epoch, item.number))
        if topic is not None:
            found[item.slot, item.epoch, item.number] = topic
        else:
            wanted.setdefault((item.slot, item.epoch), []).append(item.number)
    e = t.entry.c
    for (slot_number, epoch), numbers in wanted.items():
        feed = feeds[slot_number]
        for at in range(0, len(numbers) if feed is not None else 0, _NUMBERS_AT_ONCE):
            some = numbers[at : at + _NUMBERS_AT_ONCE]
            assert feed is not None
            rows = conn.execute(
                select(e.number, e.topic).where(e.feed == feed.packed(), e.epoch == epoch, e.number.in_(some))
            )
            found.update({(slot_number, epoch, row.number): row.topic for row in rows})
    return found


def _place_from_ahead(conn: Connection, branch: Branch, links: Sequence[Link]) -> None:
    a, e = t.placement_ahead.c, t.entry.c
    if not _has_ahead(conn, branch.feed.home):
        return
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
    forget_changes(conn, branch.feed.home or 0, {item.header.topic for item in links})


_FIRST_AHEAD = select(t.placement_ahead.c.home).where(t.placement_ahead.c.home == bindparam("of_home")).limit(1)


def _has_ahead(conn: Connection, home: int | None) -> bool:
    """Whether anything of a home was placed before it came: at the county never."""
    known = memory(conn)
    if ("ahead", home) not in known:
        known["ahead", home] = conn.execute(_FIRST_AHEAD, {"of_home": home}).scalar() is not None
    return bool(known["ahead", home])


def _note_grant(conn: Connection, grant: Grant) -> None:
    """A new machine holds nothing yet: what its predecessor signed for counts no more, and is offered again."""
    trust.add_grant(conn, grant)
    for table in (t.receipt, t.blob_receipt):
        conn.execute(delete(table).where(table.c.author == grant.author))
    peers.forget_frontiers(conn, grant.author)


_RAISE_RECEIPT = (
    update(t.receipt)
    .where(t.receipt.c.author == bindparam("of_author"), t.receipt.c.home == bindparam("of_home"))
    .where(t.receipt.c.epoch == bindparam("of_epoch"), t.receipt.c.number <= bindparam("new_number"))
    .values(number=bindparam("new_number"))
)


_B = t.blob_ref.c
_NAMED_AT = select(_B.hash).where(
    _B.feed == bindparam("of_feed"),
    _B.epoch == bindparam("of_epoch"),
    _B.number == bindparam("of_number"),
    _B.place == bindparam("at"),
)


def _note_receipt(conn: Connection, branch: Branch, body: bytes) -> None:
    feed = branch.feed
    if branch.epoch < trust.newest_epoch(conn, feed.author):
        return
    got = parse_receipt(body)
    row = {"of_author": feed.author, "of_home": feed.audience, "of_epoch": got.epoch, "new_number": got.number}
    if conn.execute(_RAISE_RECEIPT, row).rowcount == 0:
        first = {"author": feed.author, "home": feed.audience, "epoch": got.epoch, "number": got.number}
        insert_absent(conn, t.receipt, [first])
    for number, index in got.blobs:
        named = {"of_feed": up(feed.audience).packed(), "of_epoch": got.epoch, "of_number": number, "at": index}
        hash_ = conn.execute(_NAMED_AT, named).scalar()
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
    memory(conn).clear()
    forget_bodies()
    conn.execute(delete(t.share).where(t.share.c.home == home, t.share.c.topic == topic))
    if conn.execute(update(t.topic).where(key).values(salt=ERASED, key=None, wrap=None)).rowcount == 0:
        conn.execute(insert(t.topic).values(home=home, topic=topic, salt=ERASED))
    touch(conn, home, topic)


def _note_shares(conn: Connection, feed: FeedId, shares: Sequence[Share]) -> None:
    home = feed.home
    topics = [share.topic for share in shares]
    c = t.topic.c
    erased = set(conn.execute(select(c.topic).where(c.home == home, c.topic.in_(topics), c.salt == ERASED)).scalars())
    rows = [
        {
            "home": home,
            "topic": share.topic,
            "reader": share.reader,
            "serial": share.serial,
            "author": feed.author,
            "seal": share.seal,
        }
        for share in shares
        if share.topic not in erased
    ]
    insert_absent(conn, t.share, rows)


_SHARES_FOR = (
    select(t.share.c.serial, t.share.c.seal)
    .where(
        t.share.c.home == bindparam("of_home"),
        t.share.c.topic == bindparam("of_topic"),
        t.share.c.reader == bindparam("for_reader"),
    )
    .order_by(t.share.c.serial.desc(), t.share.c.author)
)
_WRAPS = select(t.topic.c.wrap).where(t.topic.c.home == bindparam("of_home"), t.topic.c.topic == bindparam("of_topic"))


def shares_for(conn: Connection, home: int, topic: bytes, reader: int) -> list[tuple[int, bytes]]:
    """What was shared with a reader: (serial of its certificate, seal), the newest certificate first."""
    rows = conn.execute(_SHARES_FOR, {"of_home": home, "of_topic": topic, "for_reader": reader})
    return [(row.serial, row.seal) for row in rows]


def wraps_of(conn: Connection, home: int, topic: bytes) -> list[tuple[int, bytes]]:
    """The topic's wrapped keys: (reader, seal)."""
    packed = conn.execute(_WRAPS, {"of_home": home, "of_topic": topic}).scalar()
    if packed is None:
        return []
    return [(reader, seal) for reader, seal in canonical.unpack(packed, bytes_max=BODY_BYTES_MAX)]
