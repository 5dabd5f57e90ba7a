"""One replica's side of an exchange, without any I/O but its database and blob files (SPEC section 10).

Both ends take in what arrives in the same way, so the rules of acceptance are written once: `take_entries`,
`take_chunks`, `write_receipts`. The two ends differ only in who remembers what: see `dialer` and `answerer`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from sqlalchemy import Connection, insert, update

from sync_protocol.custody import Receipt, pack_receipt
from sync_protocol.entries import EntryType
from sync_protocol.errors import BadBytes, Fork, SyncError
from sync_protocol.feeds import HUB, TO_ALL, FeedKind, down, up
from sync_protocol.frontier import Branch, Frontier, Tip, lacking
from sync_protocol.journal import Journal, Writing
from sync_protocol.limits import BLOB_CHUNK_BYTES_MAX, FAULTS_MAX, RECEIPT_BLOBS_MAX, UPLOAD_TARGET_BYTES, WANTS_MAX
from sync_protocol.messages import Chunk, Fault, Frame
from sync_protocol.segments import Segment
from sync_protocol.store import blob_store, feed_store, trust
from sync_protocol.store import tables as t
from sync_protocol.store.acceptance import Stretch
from sync_protocol.store.blob_files import BlobFiles
from sync_protocol.store.dialect import lock_feeds, lock_homes
from sync_protocol.store.me import Me
from sync_protocol.store.memory import memory
from sync_protocol.store.seam import wake
from sync_protocol.topology import Topology

_log = logging.getLogger("lianban.sync")


@dataclass(slots=True)
class Taken:
    """What came of a message's segments: how far those that verified go (we may hold more), faults to tell the sender,
    counts."""

    tips: dict[Branch, Tip] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    entries: int = 0
    homes: set[int] = field(default_factory=set)


def _stretches(segments: Sequence[Segment]) -> Iterator[tuple[Branch, Sequence[Segment]]]:
    """Segments that follow each other in one branch. Each of hub→all stands alone: it may certify the next one."""
    for branch, several in groupby(segments, key=lambda one: Branch(one.feed, one.epoch)):
        if branch.feed == TO_ALL:
            yield from ((branch, [one]) for one in several)
        else:
            yield branch, list(several)


@dataclass(slots=True)
class Replica:
    """This replica's identity, blob files and source of randomness; no connection, no clock."""

    me: Me
    blobs: BlobFiles
    random_bytes: Callable[[int], bytes]
    message_target_bytes: int = UPLOAD_TARGET_BYTES
    asked_below: dict[bytes, int] = field(default_factory=dict)
    """Blobs (hash → length) that a child asked for and that are lacking here as well; a child asks again, so that they
    may be forgotten with the program."""

    @property
    def journal(self) -> Journal:
        return Journal(self.me, self.random_bytes)

    def ask_above_for(self, hash_: bytes, length: int) -> None:
        """A child lacks this blob of its own, and so do we: it is asked for with our own ones."""
        if len(self.asked_below) >= WANTS_MAX:
            self.asked_below.pop(next(iter(self.asked_below)), None)
        self.asked_below[hash_] = length

    def take_entries(self, conn: Connection, frames: Sequence[Frame], peer: int, now: int) -> Taken:
        """Accept every segment that verifies. A fault stops its own home's feeds in this message, nothing else."""
        taken = Taken()
        topology = trust.topology(conn)
        segments = [frame for frame in frames if isinstance(frame, Segment)]
        lock_feeds(conn, (one.feed for one in segments if topology.may_hold(peer, one.feed)))
        stopped: set[int | None] = set()
        for branch, stretch in _stretches(segments):
            if branch.feed.home in stopped:
                continue
            fault = self._take_stretch(conn, branch, stretch, topology, peer, now, taken)
            if fault is not None:
                stopped.add(branch.feed.home)
                taken.faults.append(fault)
                if len(taken.faults) >= FAULTS_MAX // 2:
                    break
            if branch.feed == TO_ALL:
                topology = trust.topology(conn)
        return taken

    def _take_stretch(
        self,
        conn: Connection,
        branch: Branch,
        segments: Sequence[Segment],
        topology: Topology,
        peer: int,
        now: int,
        taken: Taken,
    ) -> Fault | None:
        feed, fault = branch.feed, None
        if not (topology.may_hold(self.me.author, feed) and topology.may_hold(peer, feed)):
            return Fault("not_for_us", feed.packed(), "")
        stretch = Stretch(conn, self.me.deployment, branch, now)
        try:
            stretch.expect(segments)
            for segment in segments:
                stretch.verify(segment)
        except SyncError as error:
            fault = Fault(error.code, feed.packed(), str(error)[:256])
            if isinstance(error, Fork):
                self._stop_feed(conn, error, now)
        stretch.write()
        if stretch.entries:
            taken.entries += stretch.entries
            taken.homes.add(feed.home or 0)
        if stretch.reached is not None and (stretch.entries or fault is None):
            taken.tips[branch] = stretch.reached
        return fault

    def _stop_feed(self, conn: Connection, fork: Fork, now: int) -> None:
        evidence = fork.evidence
        feed, epoch = evidence["feed"].packed(), evidence["epoch"]
        conn.execute(update(t.tip).where(t.tip.c.feed == feed, t.tip.c.epoch == epoch).values(stopped=1))
        f = t.fork.c
        known = conn.execute(t.fork.select().where(f.feed == feed, f.epoch == epoch, f.number == evidence["number"]))
        if known.first() is None:
            conn.execute(
                insert(t.fork).values(
                    feed=feed, epoch=epoch, number=evidence["number"], proof=evidence["proof"], seen=now
                )
            )
            memory(conn).pop("forked", None)
        wake(conn, "forks")

    def named_chunks(self, conn: Connection, frames: Sequence[Frame]) -> list[Chunk]:
        """The chunks of blobs that entries held here name, with the right length."""
        return [
            frame
            for frame in frames
            if isinstance(frame, Chunk) and blob_store.is_named(conn, frame.hash) == frame.length
        ]

    def take_chunks(self, chunks: Sequence[Chunk]) -> tuple[dict[bytes, int], dict[bytes, int], list[Fault]]:
        """Write chunks to their files, outside of any transaction.

        Raises DiskFull. Returns (hash → length of blobs now complete, hash → offset reached of the others, faults).
        """
        whole: dict[bytes, int] = {}
        reached: dict[bytes, int] = {}
        faults: list[Fault] = []
        for chunk in chunks:
            try:
                if self.blobs.extend(chunk.hash, chunk.length, chunk.offset, chunk.data):
                    whole[chunk.hash] = chunk.length
                    reached.pop(chunk.hash, None)
                else:
                    reached[chunk.hash] = self.blobs.offset(chunk.hash)
            except BadBytes as error:
                reached[chunk.hash] = 0
                faults.append(Fault(error.code, b"", str(error)[:256]))
            except OSError as error:
                faults.append(Fault("disk", b"", type(error).__name__))
        return whole, reached, faults[: FAULTS_MAX // 2]

    def write_receipts(self, conn: Connection, homes: Sequence[int], writing: Writing) -> None:
        """Sign for what is held of these homes' own feeds, where this replica is an ancestor.

        The county signs here only for blobs: its order records speak for entries.
        """
        topology = trust.topology(conn)
        lock_homes(conn, homes)
        for home in homes:
            if self.me.author not in topology.ancestors(home):
                continue
            for branch, tip in feed_store.frontier(conn, [up(home)]).items():
                self._write_receipt(conn, home, branch, tip, writing)

    def _write_receipt(self, conn: Connection, home: int, branch: Branch, tip: Tip, writing: Writing) -> None:
        r = t.receipt.c
        known = conn.execute(
            t.receipt.select().where(r.author == self.me.author, r.home == home, r.epoch == branch.epoch)
        ).one_or_none()
        blobs = blob_store.receiptable(conn, branch.feed, branch.epoch, self.me.author, RECEIPT_BLOBS_MAX)
        news = known is None or known.number < tip.number
        if not blobs and (self.me.author == HUB or not news):
            return
        receipt = Receipt(branch.epoch, tip.number, tuple((number, index) for number, index, _ in blobs))
        feed = down(self.me.author, home)
        self.journal.tell(conn, feed, EntryType.RECEIPT, pack_receipt(receipt), writing)

    def segments_for(
        self, conn: Connection, mine: Frontier, theirs: Frontier, bytes_max: int
    ) -> tuple[list[Segment], dict[Branch, Tip]]:
        """Segments that bring `theirs` towards `mine`, and the frontier the other side then has.

        A home's other feeds are sent only when its own feed is sent to the end: openings stand there.
        """
        reached = dict(theirs)
        segments: list[Segment] = []
        left = bytes_max
        unfinished: set[int] = set()
        for branch, after in lacking(mine, theirs):
            home = branch.feed.home or 0
            if left <= 0 or home in unfinished:
                unfinished.add(home)
                continue
            start = self._from(conn, branch, after)
            for segment, tip in feed_store.cut(conn, branch, start, left, mine[branch].number):
                segments.append(segment)
                reached[branch] = tip
                left -= sum(len(item.header) + len(item.body or b"") + 80 for item in segment.items)
            if reached.get(branch) != mine[branch] and branch.feed.kind is FeedKind.UP:
                unfinished.add(home)
        return segments, reached

    def _from(self, conn: Connection, branch: Branch, after: int) -> int:
        return max(after, feed_store.start_of(conn, self.me.deployment, branch).number)

    def overlaps_for(self, conn: Connection, mine: Frontier, vector: Frontier) -> list[Segment]:
        """For branches whose head differs from ours at a number both hold: our signed stretch around it.

        The other side then holds both signatures and can prove the fork to anybody.
        """
        found: list[Segment] = []
        for branch, tip in vector.items():
            own = mine.get(branch)
            if own is None or own.number < tip.number:
                continue
            if feed_store.head_at(conn, self.me.deployment, branch, tip.number) != tip.head:
                start = self._from(conn, branch, max(0, tip.number - 32))
                found.extend(segment for segment, _ in feed_store.cut(conn, branch, start, 1))
        return found

    def chunk(self, hash_: bytes, length: int, offset: int, bytes_max: int = BLOB_CHUNK_BYTES_MAX) -> Chunk | None:
        """The next chunk of a blob held here, of at most `bytes_max`; None when the file is gone or cut short (`fsck`
        names it)."""
        wanted = min(bytes_max, BLOB_CHUNK_BYTES_MAX, length - offset)
        try:
            data = self.blobs.read_range(hash_, offset, wanted)
        except OSError as error:
            _log.error("a scan's file cannot be read", extra={"blob": hash_.hex(), "reason": type(error).__name__})
            return None
        if len(data) != wanted:
            _log.error("a scan's file is cut short", extra={"blob": hash_.hex()})
            return None
        return Chunk(hash_, length, offset, data)
