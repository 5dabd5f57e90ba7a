"""The log as its user sees it: write a change to a topic, read a topic's changes in order (SPEC section 11).

The application never sees feeds, numbers or signatures: it says *what*, the journal knows where it belongs.
Everything here runs inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from sync_protocol import canonical
from sync_protocol.blobs import unwrap_key, wrap_key
from sync_protocol.crypto import KEY_BYTES, SALT_BYTES, derive
from sync_protocol.entries import (
    NO_TOPIC,
    BlobRef,
    Flag,
    Header,
    Opening,
    pack_opening,
    topic_of,
)
from sync_protocol.errors import NotEnrolled, SyncError
from sync_protocol.feeds import HUB, TO_SELF, FeedId, down, up
from sync_protocol.frontier import Branch
from sync_protocol.order import Standing
from sync_protocol.reading import PlacedEntry, arrived, changes, placed_entry
from sync_protocol.segments import Link
from sync_protocol.store import effects, feed_store, trust
from sync_protocol.store import tables as t
from sync_protocol.store.me import Me
from sync_protocol.topology import slot

_KEY = select(t.topic.c.key).where(t.topic.c.home == bindparam("of_home"), t.topic.c.topic == bindparam("of_topic"))


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
        header = self._header(topic, message, writing, self._after(conn, home))
        header = header._replace(flags=int(Flag.OPENING))
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
        return self.write_all(conn, home, [(topic, message) for message in messages], writing)

    def write_all(
        self, conn: Connection, home: int, messages: Sequence[tuple[bytes, Message]], writing: Writing
    ) -> list[PlacedEntry]:
        """Write changes to several topics of one home, under as few signatures as the bounds allow."""
        feed = self.feed_for(home)
        after = self._after(conn, home)
        drafts = [
            feed_store.Draft(self._header(topic, message, writing, after), canonical.pack(message.body))
            for topic, message in messages
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

    def _header(self, topic: bytes, message: Message, writing: Writing, after: tuple[int, int, int]) -> Header:
        return Header(
            type=message.kind,
            topic=topic,
            actor=writing.actor,
            time=writing.time,
            quality=writing.quality,
            after=after,
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
        return placed_entry(feed, self.me.epoch, item.number, item.header, item.body, standing, "", "", now)

    def key_of(self, conn: Connection, home: int, topic: bytes) -> bytes | None:
        """The topic's key if this replica may read its blobs, else None."""
        key = conn.execute(_KEY, {"of_home": home, "of_topic": topic}).scalar()
        if key is not None:
            return bytes(key)
        wraps = [seal for reader, seal in effects.wraps_of(conn, home, topic) if reader == self.me.author]
        shares = [seal for _, seal in effects.shares_for(conn, home, topic, self.me.author)]
        for seal in (*wraps, *shares):
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


def staff_feed(author: int) -> FeedId:
    """Where the hub tells a station who its staff are; its own go to hub→hub."""
    return TO_SELF if author == HUB else down(HUB, author)
