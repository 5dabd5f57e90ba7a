"""Taking a bundle in: checked whole first, then taken like an exchange's messages (SPEC section 17.4).

Nothing is written before the last byte was verified. Then each message is one transaction and each blob is on disk
before a row says so, so a process that is killed midway imports again and loses nothing. Again is harmless.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import BinaryIO

from sqlalchemy import Connection

from sync_protocol.bundle_contents import homes_to_sign_for, is_above
from sync_protocol.bundles import BundleFile, vectors
from sync_protocol.certificates import Certificate
from sync_protocol.errors import DiskFull, NotYourParent
from sync_protocol.feeds import FeedId, up
from sync_protocol.frontier import Frontier
from sync_protocol.journal import Writing
from sync_protocol.limits import FAULTS_MAX
from sync_protocol.messages import Chunk, Fault, Frame
from sync_protocol.replica import Replica
from sync_protocol.segments import Segment
from sync_protocol.store import blob_store, feed_store, peers, trust
from sync_protocol.store.seam import Store

_BLOBS_AT_ONCE = 64

Progress = Callable[[str, int], None]
"""Hears what is being done ("check", "take") and how many bytes of the file were just read for it."""


@dataclass(slots=True)
class Imported:
    """What a bundle held and what of it was new here. `refused` are faults by feed; `left` counts blobs that no entry
    held here names."""

    writer: int
    region: str
    time: int
    entries: int = 0
    blobs: int = 0
    blob_bytes: int = 0
    new_entries: int = 0
    new_blobs: int = 0
    left: int = 0
    refused: list[Fault] = field(default_factory=list)
    homes: set[int] = field(default_factory=set)
    """Homes of which new entries came."""


def take_bundle(store: Store, replica: Replica, file: BinaryIO, now: int, progress: Progress) -> Imported:
    """Check a bundle and take it in. `file` can be rewound. Raises SyncError and changes nothing when it is refused;
    OSError when the disk is full: what was taken stays taken, and the rest comes with the next try."""
    begin = file.tell()
    me = replica.me
    checked = BundleFile(file, lambda length: progress("check", length))
    for _ in checked.messages(me.root_key, me.author, me.box):
        pass
    writer = checked.certificates(me.root_key)[checked.serial]
    _check_kinship(store, replica, writer)
    file.seek(begin)
    bundle = BundleFile(file, lambda length: progress("take", length))
    try:
        return _Taking(store, replica, bundle, writer, now).run()
    except DiskFull as error:
        raise OSError(errno.ENOSPC, "the disk is full") from error


def _check_kinship(store: Store, replica: Replica, writer: Certificate) -> None:
    """Raises NotYourParent unless the writer stands above or below, also one whose certificate is new here."""
    me = replica.me.author
    if writer.parent == me:
        return
    topology = store.read(trust.topology)
    if topology.station(writer.author) is None and writer.parent in topology.subtree(me):
        return
    if writer.author == me:
        raise NotYourParent("written by this place itself", author=me)
    is_above(topology, me, writer.author)


class _Taking:
    """The second reading of a bundle, which writes."""

    def __init__(self, store: Store, replica: Replica, bundle: BundleFile, writer: Certificate, now: int) -> None:
        self._store = store
        self._replica = replica
        self._bundle = bundle
        self._writer = writer
        self._now = now
        self._stopped: set[int | None] = set()
        self._done = Imported(writer.author, writer.region, bundle.head.time)
        self._held: list[tuple[bytes, int]] = []

    def run(self) -> Imported:
        me, store = self._replica.me, self._store
        store.write(self._learn_certificates)
        messages = self._bundle.messages(me.root_key, me.author, me.box)
        shown, _ = vectors(next(messages))
        frames = chain.from_iterable(self._with_entries_taken(messages))
        for chunk in frames:
            self._blob(chunk, frames)
        store.write(self._note_held)
        store.write(lambda conn: self._remember(conn, shown))
        self._sign_receipts()
        done, counts = self._done, self._bundle.counts
        done.entries, done.blobs, done.blob_bytes = counts.entries, counts.blobs, counts.blob_bytes
        return done

    def _learn_certificates(self, conn: Connection) -> None:
        for signed in sorted(self._bundle.head.certificates, key=lambda one: one.signer != 0):
            trust.add_certificate(conn, self._replica.me.deployment, self._replica.me.root_key, signed)

    def _with_entries_taken(self, messages: Iterable[list[Frame]]) -> Iterator[list[Chunk]]:
        """Take each message's entries; hand on its chunks."""
        for frames in messages:
            segments = [frame for frame in frames if isinstance(frame, Segment)]
            if segments:
                self._entries(segments)
            yield [frame for frame in frames if isinstance(frame, Chunk)]

    def _entries(self, segments: list[Segment]) -> None:
        """A home of which something was refused is left alone from there on, as in one message of an exchange."""
        wanted = [segment for segment in segments if segment.feed.home not in self._stopped]
        author, now, done = self._writer.author, self._now, self._done
        taken = self._store.write(lambda conn: self._replica.take_entries(conn, wanted, author, now))
        done.new_entries += taken.entries
        done.homes |= taken.homes - {0}
        self._stopped |= {FeedId.parse(fault.feed).home for fault in taken.faults}
        done.refused.extend(taken.faults[: FAULTS_MAX - len(done.refused)])

    def _blob(self, first: Chunk, rest: Iterator[Chunk]) -> None:
        """Keep one blob if an entry held here names it; its chunks follow each other."""
        pieces = _pieces(first, rest)
        if self._store.read(lambda conn: blob_store.is_named(conn, first.hash)) != first.length:
            self._done.left += 1
        else:
            self._done.new_blobs += self._replica.blobs.put_named(first.hash, pieces)
            self._held.append((first.hash, first.length))
        for _ in pieces:
            pass
        if len(self._held) >= _BLOBS_AT_ONCE:
            self._store.write(self._note_held)
            self._held.clear()

    def _note_held(self, conn: Connection) -> None:
        for hash_, length in self._held:
            blob_store.note_held(conn, hash_, length)

    def _remember(self, conn: Connection, shown: Frontier) -> None:
        """What the writer holds, by its own word; a machine that was replaced since then has none in this."""
        current = trust.current_certificate(conn, self._writer.author)
        if current is None or current.serial != self._writer.serial:
            return
        topology, me = trust.topology(conn), self._replica.me.author
        above = is_above(topology, me, self._writer.author)
        shared = set(topology.held_feeds(me if above else self._writer.author))
        known = {branch: tip for branch, tip in shown.items() if branch.feed in shared}
        peers.save_frontiers(conn, self._writer.author, known, known)

    def _sign_receipts(self) -> None:
        """For each home below, also those of which a killed import had taken everything but not signed for it."""
        me, writer = self._replica.me.author, self._writer.author
        homes = self._store.read(lambda conn: homes_to_sign_for(trust.topology(conn), me, writer))
        for home in homes:
            more = True
            while more:
                more = self._store.write(partial(self._sign_one, home=home))

    def _sign_one(self, conn: Connection, home: int) -> bool:
        """Write receipts for one home; whether there is more to sign for."""
        before = self._to_sign(conn, home)
        self._replica.write_receipts(conn, [home], Writing(0, self._now, 1))
        after = self._to_sign(conn, home)
        return bool(after) and after != before

    def _to_sign(self, conn: Connection, home: int) -> list[tuple[int, int, bytes]]:
        me, found = self._replica.me.author, []
        for branch in feed_store.frontier(conn, [up(home)]):
            found.extend(blob_store.receiptable(conn, branch.feed, branch.epoch, me, 1))
        return found


def _pieces(first: Chunk, rest: Iterator[Chunk]) -> Iterator[bytes]:
    """The bytes of one blob, from its first chunk on."""
    chunk, offset = first, 0
    while True:
        offset += len(chunk.data)
        yield chunk.data
        if offset >= first.length:
            return
        chunk = next(rest)
