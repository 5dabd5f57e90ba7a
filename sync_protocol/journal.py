"""The log as its user sees it: write a change to a topic, read a topic's changes in order (SPEC section 11).

The application never sees feeds, numbers or signatures: it says *what*, the journal knows where it belongs.
Everything here runs inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select, update

from sync_protocol import canonical, custody
from sync_protocol.blobs import unwrap_key, wrap_key
from sync_protocol.crypto import KEY_BYTES, SALT_BYTES, derive
from sync_protocol.entries import (
    FIRST_APPLICATION_TYPE,
    NO_TOPIC,
    BlobRef,
    Flag,
    Header,
    Opening,
    mark,
    pack_opening,
    parse_header,
    parse_opening,
    topic_of,
)
from sync_protocol.errors import BadBytes, NotEnrolled, SyncError
from sync_protocol.feeds import HUB, TO_SELF, FeedId, FeedKind, down, up
from sync_protocol.frontier import Branch
from sync_protocol.limits import BODY_BYTES_MAX
from sync_protocol.order import STANDING_WORDS, Standing, TopicEntry, tentative_order
from sync_protocol.segments import Link
from sync_protocol.store import effects, feed_store, trust
from sync_protocol.store import tables as t
from sync_protocol.store.me import Me
from sync_protocol.topology import OFFICES, slot


@dataclass(frozen=True, slots=True)
class PlacedEntry:
    """One change of a topic as the application reads it; see `casework.journal.Change` for the meaning."""

    kind: int
    body: Any
    author: int
    office: str
    actor: int
    time: int
    quality: int
    standing: str
    code: str
    field: str
    place: tuple[int, int]
    ref: str
    blobs: tuple[BlobRef, ...]
    received: int


@dataclass(frozen=True, slots=True)
class Writing:
    """What every entry written now carries: the person, the clock, its quality."""

    actor: int
    time: int
    quality: int


@dataclass(frozen=True, slots=True)
class Message:
    """One change to write: its kind, plain body, blobs and urgency day."""

    kind: int
    body: Any
    blobs: tuple[BlobRef, ...] = ()
    urgency: int = 0


class Journal:
    """Bound to who this replica is; holds no other state."""

    def __init__(self, me: Me, random_bytes: Callable[[int], bytes]) -> None:
        self.me = me
        self._random = random_bytes

    def feed_for(self, home: int) -> FeedId:
        """The feed in which this replica speaks about a home's cases."""
        return up(home) if home == self.me.author else down(self.me.author, home)

    def new(self) -> tuple[bytes, bytes]:
        """A fresh topic of this home, and its key, from which the salt derives that makes the topic ours."""
        key = self._random(KEY_BYTES)
        return topic_of(self.me.author, _topic_salt(key)), key

    def open(
        self,
        conn: Connection,
        topic: bytes,
        key: bytes,
        readers: Iterable[int],
        message: Message,
        writing: Writing,
    ) -> PlacedEntry:
        """Write the first entry of a topic of one's own, with its key wrapped for each reader."""
        home = self.me.author
        wraps = tuple(
            (reader, wrap_key(key, self._box_key(conn, reader), self.me.deployment, home, topic)) for reader in readers
        )
        opening = Opening(_topic_salt(key), wraps, canonical.pack(message.body))
        header = self._header(conn, home, topic, message, writing)
        header = replace(header, flags=int(Flag.OPENING))
        new = self._append(conn, up(home), [feed_store.Draft(header, pack_opening(opening))], writing.time)
        conn.execute(update(t.topic).where(t.topic.c.home == home, t.topic.c.topic == topic).values(key=key))
        return self._placed(up(home), new[0], self._stored_standing(up(home)), writing.time)

    def _box_key(self, conn: Connection, author: int) -> bytes:
        if author == self.me.author:
            return self.me.box.public
        certificate = trust.current_certificate(conn, author)
        if certificate is None:
            raise NotEnrolled("no certificate of a reader is held here", author=author)
        return certificate.box_key

    def write(
        self, conn: Connection, home: int, topic: bytes, messages: Sequence[Message], writing: Writing
    ) -> list[PlacedEntry]:
        """Write changes to a topic, in the feed where this replica speaks about its home."""
        feed = self.feed_for(home)
        drafts = [
            feed_store.Draft(self._header(conn, home, topic, message, writing), canonical.pack(message.body))
            for message in messages
        ]
        new = self._append(conn, feed, drafts, writing.time)
        return [self._placed(feed, item, self._stored_standing(feed), writing.time) for item in new]

    def tell(self, conn: Connection, feed: FeedId, kind: int, body: bytes, writing: Writing) -> Link:
        """Write an entry that concerns no case (certificates, receipts, staff, catalogue)."""
        header = Header(kind, NO_TOPIC, writing.actor, writing.time, writing.quality)
        return self._append(conn, feed, [feed_store.Draft(header, body)], writing.time)[0]

    def note(self, conn: Connection, topic: bytes, message: Message, writing: Writing) -> None:
        """Write an internal entry of the hub about a case (hub→hub)."""
        assert self.me.author == HUB
        header = Header(message.kind, topic, writing.actor, writing.time, writing.quality)
        self._append(conn, TO_SELF, [feed_store.Draft(header, canonical.pack(message.body))], writing.time)

    def _append(self, conn: Connection, feed: FeedId, drafts: Sequence[feed_store.Draft], now: int) -> list[Link]:
        branch = Branch(feed, self.me.epoch)
        return feed_store.append(conn, self.me.deployment, self.me.signer, self.me.serial, branch, drafts, now)

    def _header(self, conn: Connection, home: int, topic: bytes, message: Message, writing: Writing) -> Header:
        return Header(
            type=message.kind,
            topic=topic,
            actor=writing.actor,
            time=writing.time,
            quality=writing.quality,
            after=self._after(conn, home),
            blobs=message.blobs,
            urgency=message.urgency,
        )

    def _after(self, conn: Connection, home: int) -> tuple[int, int, int]:
        mine = self.feed_for(home)
        seen = arrived(conn, home)
        seen.pop(slot(mine), None)
        return seen.get(0, 0), seen.get(1, 0), seen.get(2, 0)

    def _stored_standing(self, feed: FeedId) -> Standing:
        return Standing.ADMITTED if feed.author == HUB else Standing.PENDING

    def _placed(self, feed: FeedId, item: Link, standing: Standing, now: int) -> PlacedEntry:
        return _placed_entry(feed, self.me.epoch, item.number, item.header, item.body, standing, (0, 0), "", "", now)

    def key_of(self, conn: Connection, home: int, topic: bytes) -> bytes | None:
        """The topic's key if this replica may read its blobs, else None."""
        key = conn.execute(select(t.topic.c.key).where(t.topic.c.home == home, t.topic.c.topic == topic)).scalar()
        if key is not None:
            return bytes(key)
        for reader, seal in effects.wraps_of(conn, home, topic):
            if reader == self.me.author:
                try:
                    return unwrap_key(seal, self.me.box, self.me.deployment, home, topic)
                except SyncError:
                    continue
        return None

    def changes(self, conn: Connection, home: int, topic: bytes) -> list[PlacedEntry]:
        """Every change of a topic: settled ones in their place, then tentative ones, each after what it had seen."""
        return changes(conn, home, topic)


def _topic_salt(key: bytes) -> bytes:
    return derive(key, "topic-salt", b"")[:SALT_BYTES]


def arrived(conn: Connection, home: int) -> dict[int, int]:
    """Per slot, the highest mark held of the home's feeds."""
    feeds = {feed.packed(): slot(feed) for feed in _home_feeds(conn, home)}
    rows = conn.execute(select(t.tip.c.feed, t.tip.c.epoch, t.tip.c.number).where(t.tip.c.feed.in_(list(feeds))))
    result: dict[int, int] = {}
    for row in rows:
        place = feeds[row.feed]
        result[place] = max(result.get(place, 0), mark(row.epoch, row.number))
    return result


def _home_feeds(conn: Connection, home: int) -> list[FeedId]:
    return trust.topology(conn).home_feeds(home)


def home_of(conn: Connection, topic: bytes) -> int | None:
    """The home of a topic held here."""
    return conn.execute(select(t.topic.c.home).where(t.topic.c.topic == topic)).scalar()


_E = t.entry.c


def changes(conn: Connection, home: int, topic: bytes) -> list[PlacedEntry]:
    rows = conn.execute(
        select(t.entry)
        .where(_E.home == home, _E.topic == topic, _E.type >= FIRST_APPLICATION_TYPE)
        .order_by(_E.place, _E.feed, _E.epoch, _E.number)
    ).all()
    settled = [row for row in rows if row.standing != Standing.PENDING]
    pending = {(r.feed, r.epoch, r.number): r for r in rows if r.standing == Standing.PENDING}
    entries = [topic_entry(row) for row in pending.values()]
    by_key = {(slot(FeedId.parse(r.feed)), r.epoch, r.number): r for r in pending.values()}
    ordered = tentative_order(entries)
    return [_read(row) for row in [*settled, *(by_key[(e.slot, e.epoch, e.number)] for e in ordered)]]


def topic_entry(row: Row[Any]) -> TopicEntry:
    """What the rules of order need to know of a stored entry."""
    return TopicEntry(
        slot=slot(FeedId.parse(row.feed)),
        epoch=row.epoch,
        number=row.number,
        after=parse_header(row.header).after,
        standing=Standing(row.standing),
        place=row.place,
        judged_by=row.judged_by,
    )


def _read(row: Row[Any]) -> PlacedEntry:
    return _placed_entry(
        FeedId.parse(row.feed),
        row.epoch,
        row.number,
        parse_header(row.header),
        row.body,
        Standing(row.standing),
        (row.place, row.number),
        row.code,
        row.field,
        row.received,
    )


read_entry = _read


def _placed_entry(
    feed: FeedId,
    epoch: int,
    number: int,
    header: Header,
    body: bytes | None,
    standing: Standing,
    place: tuple[int, int],
    code: str,
    field: str,
    received: int,
) -> PlacedEntry:
    return PlacedEntry(
        kind=header.type,
        body=_plain(header, body),
        author=feed.author,
        office=OFFICES[slot(feed)] if feed.home is not None else "county",
        actor=header.actor,
        time=header.time,
        quality=header.quality,
        standing=STANDING_WORDS[standing],
        code=code,
        field=field,
        place=place,
        ref=f"{feed}/{epoch}/{number}",
        blobs=header.blobs,
        received=received,
    )


def _plain(header: Header, body: bytes | None) -> Any:
    """The body's plain value; None when it is erased, sealed or malformed."""
    if body is None or header.flags & Flag.SEALED:
        return None
    try:
        inner = parse_opening(body).inner if header.flags & Flag.OPENING else body
        return canonical.unpack(inner, bytes_max=BODY_BYTES_MAX)
    except BadBytes:
        return None


def told(conn: Connection, feed: FeedId, kinds: Sequence[int], *, after: int = 0) -> list[PlacedEntry]:
    """Entries of these kinds in a feed beyond a number, oldest first, over all epochs (at most 1,000)."""
    rows = conn.execute(
        select(t.entry)
        .where(_E.feed == feed.packed(), _E.type.in_(kinds), _E.number > after)
        .order_by(_E.epoch, _E.number)
        .limit(1000)
    )
    return [_read(row) for row in rows]


def case_custody(conn: Connection, home: int, topic: bytes, township: int | None) -> custody.CaseCustody:
    """How far a topic's own entries of the home and of the township have provably come."""
    rows = conn.execute(
        select(_E.feed, _E.epoch, _E.number, _E.standing).where(
            _E.home == home, _E.topic == topic, _E.type >= FIRST_APPLICATION_TYPE
        )
    ).all()
    signed = _township_mark(conn, home, township)
    entries = []
    for row in rows:
        feed = FeedId.parse(row.feed)
        if feed.author == HUB:
            continue
        at = signed if feed.kind is FeedKind.UP else 2**63
        counts = _blob_counts(conn, row, township)
        tier = custody.entry_tier(mark(row.epoch, row.number), at if township else 0, Standing(row.standing))
        entries.append(custody.EntryCustody(tier, Standing(row.standing), *counts))
    return custody.case_custody(entries)


def _township_mark(conn: Connection, home: int, township: int | None) -> int:
    if township is None:
        return 0
    r = t.receipt.c
    rows = conn.execute(select(r.epoch, r.number).where(r.author == township, r.home == home))
    return max((mark(row.epoch, row.number) for row in rows), default=0)


def _blob_counts(conn: Connection, row: Any, township: int | None) -> tuple[int, int, int]:
    b, r = t.blob_ref.c, t.blob_receipt.c
    key = and_(b.feed == row.feed, b.epoch == row.epoch, b.number == row.number)
    total = conn.execute(select(func.count()).select_from(t.blob_ref).where(key)).scalar_one()
    if not total:
        return 0, 0, 0
    signed = select(func.count()).select_from(t.blob_ref.join(t.blob_receipt, r.hash == b.hash)).where(key)
    county = conn.execute(signed.where(r.author == HUB)).scalar_one()
    at_township = conn.execute(signed.where(r.author == township)).scalar_one() if township else 0
    return total, max(at_township, county), county


def staff_feed(author: int) -> FeedId:
    """Where the hub tells a station who its staff are; its own go to hub→hub."""
    return TO_SELF if author == HUB else down(HUB, author)
