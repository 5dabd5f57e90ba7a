"""Writing a bundle: the messages that this replica would send to its reader, sealed, piece by piece (SPEC section 17).

Each message is read in a transaction of its own, so nothing is held open while a slow stick or browser takes its time;
what the log grows by meanwhile is left for the next bundle, but for the hub's words to all: what is erased meanwhile
travels without its body, which its reader understands only from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from sync_protocol.bundle_contents import ROLE_PAGE, ROLE_PREVIEW, CarriedBlob, Plan, plan
from sync_protocol.bundles import ID_BYTES, Counts, Head, bundle_pieces, key_context
from sync_protocol.crypto import KEY_BYTES, seal_to
from sync_protocol.errors import BadBytes
from sync_protocol.feeds import TO_ALL
from sync_protocol.frontier import Branch, Tip, frontier_digest
from sync_protocol.limits import KIB, MIB
from sync_protocol.messages import PROTOCOL_VERSION, Chunk, Frame, Hello, Vector, pack_message
from sync_protocol.replica import Replica
from sync_protocol.segments import Segment
from sync_protocol.store import feed_store
from sync_protocol.store.seam import Store

ENTRIES_BYTES = 256 * KIB
"""Of entries in one message: its reader takes it in one transaction, and a server beside it waits no longer."""
CHUNKS_BYTES = 1 * MIB


@dataclass(slots=True)
class Written:
    """What went into a bundle. `damaged` scans were left out: their files are gone or changed on disk (see `fsck`)."""

    reader: int = 0
    region: str = ""
    time: int = 0
    entries: int = 0
    previews: int = 0
    pages: int = 0
    documents: int = 0
    blob_bytes: int = 0
    damaged: int = 0
    bytes: int = 0


@dataclass(slots=True)
class BundleWriter:
    """One bundle for one reader; nothing is written to the database."""

    replica: Replica
    store: Store
    plan: Plan
    now: int
    written: Written = field(default_factory=Written)
    _counts: Counts = field(default_factory=Counts)

    @property
    def expected_bytes(self) -> int:
        """About how long the file will be: its scans, beside which everything else is small."""
        return sum(blob.length for blob in self.plan.blobs)

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the file, once."""
        me, reader = self.replica.me, self.plan.reader
        self.written.reader, self.written.region, self.written.time = reader.author, reader.region, self.now
        key, id_ = self.replica.random_bytes(KEY_BYTES), self.replica.random_bytes(ID_BYTES)
        context = key_context(me.deployment, me.author, reader.author, id_)
        head = Head(
            me.root_key,
            self.plan.certificates,
            me.author,
            reader.author,
            reader.serial,
            self.now,
            id_,
            seal_to(reader.box_key, key + context),
        )
        for piece in bundle_pieces(head, key, self._messages(), self._counts, me.signer, me.serial):
            self.written.bytes += len(piece)
            yield piece

    def _message(self, frames: Sequence[Frame]) -> bytes:
        self._counts.messages += 1
        return pack_message([Hello(PROTOCOL_VERSION, self.now, frontier_digest(self.plan.shown)), *frames])

    def _messages(self) -> Iterator[bytes]:
        yield self._message([Vector(self.plan.shown), Vector(self.plan.start)])
        yield from self._entries()
        yield from self._blobs()

    def _entries(self) -> Iterator[bytes]:
        mine, reached = dict(self.plan.mine), dict(self.plan.start)
        while True:
            segments = self.store.read(lambda conn: self._next_segments(conn, mine, reached))
            if not segments:
                return
            entries = sum(len(segment.items) for segment in segments)
            self._counts.entries += entries
            self.written.entries += entries
            yield self._message(segments)

    def _next_segments(self, conn: Connection, mine: dict[Branch, Tip], reached: dict[Branch, Tip]) -> list[Segment]:
        mine.update(feed_store.frontier(conn, [TO_ALL]))
        segments, after = self.replica.segments_for(conn, mine, reached, ENTRIES_BYTES)
        reached.update(after)
        return segments

    def _blobs(self) -> Iterator[bytes]:
        frames: list[Frame] = []
        size = 0
        for blob in self.plan.blobs:
            if not self.replica.blobs.check(blob.hash):  # one bad scan must not make the whole file worthless
                self.written.damaged += 1
                continue
            for chunk in self._chunks(blob):
                frames.append(chunk)
                size += len(chunk.data)
                if size >= CHUNKS_BYTES:
                    yield self._message(frames)
                    frames, size = [], 0
            self._count(blob)
        if frames:
            yield self._message(frames)

    def _chunks(self, blob: CarriedBlob) -> Iterator[Chunk]:
        offset = 0
        while offset < blob.length:
            chunk = self.replica.chunk(blob.hash, blob.length, offset)
            if chunk is None:
                raise BadBytes("a scan's file vanished while it was read", blob=blob.hash.hex())
            yield chunk
            offset += len(chunk.data)

    def _count(self, blob: CarriedBlob) -> None:
        self._counts.blobs += 1
        self._counts.blob_bytes += blob.length
        self.written.blob_bytes += blob.length
        if blob.role == ROLE_PREVIEW:
            self.written.previews += 1
        elif blob.role == ROLE_PAGE:
            self.written.pages += 1
        else:
            self.written.documents += 1


def bundle_for(store: Store, replica: Replica, reader: int, now: int, *, everything: bool = False) -> BundleWriter:
    """A bundle about to be written for a reader. Raises NotEnrolled, NotYourParent."""
    made = store.read(lambda conn: plan(conn, replica.me, reader, everything=everything))
    return BundleWriter(replica, store, made, now)
