"""The dialling side of an exchange: what a child sends to its parent and makes of the answer (SPEC section 10.2).

What it remembers is volatile: the parent's frontier as of the last answer, and how far each blob has gone up. After
a restart, or whenever the parent's digest is not the expected one, the next message carries the full vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from sync_protocol.errors import BadBytes
from sync_protocol.feeds import FeedId
from sync_protocol.frontier import Branch, Tip, clip, frontier_digest
from sync_protocol.journal import Writing
from sync_protocol.limits import WANTS_MAX
from sync_protocol.messages import (
    PROTOCOL_VERSION,
    BlobState,
    Chunk,
    Fault,
    Frame,
    Hello,
    HelloFlag,
    Vector,
    Want,
)
from sync_protocol.replica import Replica
from sync_protocol.store import blob_store, feed_store, peers, trust


@dataclass(slots=True)
class Progress:
    """What one exchange brought."""

    entries_sent: int = 0
    entries_received: int = 0
    blobs_sent: int = 0
    blobs_received: int = 0
    again: bool = False
    """There is more to do; ask again at once."""
    in_step: bool = False
    """The parent signed a digest that equals ours: neither side lacks an entry of the other."""
    faults: list[Fault] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    """Bytes of blobs that entries held here name; others are left out, so that nobody fills our disk."""


@dataclass(slots=True)
class Sent:
    """A message under way: what to expect of its answer."""

    frames: list[Frame]
    reached: dict[Branch, Tip] | None
    entries: int


class Dialer:
    """One parent as seen from its child. One message of each kind is under way at a time."""

    def __init__(self, replica: Replica, parent: int) -> None:
        self._replica = replica
        self.parent = parent
        self._theirs: dict[Branch, Tip] | None = None
        self._offsets: dict[bytes, int] = {}

    def forget(self) -> None:
        """After a cut the parent may hold more or less than we think: ask."""
        self._theirs = None
        self._offsets.clear()

    def compose(self, conn: Connection, now: int, wait_seconds: int) -> Sent:
        """The next message: a vector if the parent's frontier is unknown, else what it lacks."""
        mine = feed_store.frontier(conn, self._shared(conn))
        if self._theirs is None:
            hello = Hello(PROTOCOL_VERSION, now, frontier_digest(mine))
            return Sent([hello, Vector(mine)], None, 0)
        segments, reached = self._replica.segments_for(conn, mine, self._theirs, self._replica.message_target_bytes)
        claim = clip(mine, reached)
        more = any(reached.get(branch, Tip(0, b"")).number < tip.number for branch, tip in mine.items())
        blobs = [] if more else self._blob_frames(conn)
        busy = more or any(isinstance(frame, Chunk) for frame in blobs)
        flags = int(HelloFlag.MORE) if more else 0
        hello = Hello(PROTOCOL_VERSION, now, frontier_digest(claim), flags, 0 if busy else wait_seconds)
        entries = sum(len(segment.items) for segment in segments)
        return Sent([hello, *segments, *blobs], reached, entries)

    def _shared(self, conn: Connection) -> list[FeedId]:
        return trust.topology(conn).held_feeds(self._replica.me.author)

    def _blob_frames(self, conn: Connection) -> list[Frame]:
        frames: list[Frame] = []
        left = self._replica.message_target_bytes
        homes = trust.topology(conn).subtree(self._replica.me.author)
        for blob in blob_store.unacknowledged(conn, homes, self.parent, WANTS_MAX):
            offset = self._offsets.get(blob.hash, 0)
            while offset < blob.length and left > 0:
                chunk = self._replica.chunk(blob.hash, blob.length, offset)
                frames.append(chunk)
                offset += len(chunk.data)
                left -= len(chunk.data)
        wanted = blob_store.wanted_from_above(conn, self._replica.me.author, WANTS_MAX // 2)
        if wanted:
            frames.append(Want(tuple((blob.hash, self._replica.blobs.offset(blob.hash)) for blob in wanted)))
        return frames

    def has_news(self, conn: Connection) -> bool:
        """Whether there is something to send without being asked."""
        if self._theirs is None:
            return True
        mine = feed_store.frontier(conn, self._shared(conn))
        if any(self._theirs.get(branch, Tip(0, b"")).number < tip.number for branch, tip in mine.items()):
            return True
        homes = trust.topology(conn).subtree(self._replica.me.author)
        return bool(blob_store.unacknowledged(conn, homes, self.parent, 1))

    def absorb_entries(self, conn: Connection, sent: Sent, frames: Sequence[Frame], now: int) -> Progress:
        """Take the answer's entries and learn the parent's frontier. First of three steps."""
        hello = frames[0]
        assert isinstance(hello, Hello)
        peers.note_contact(conn, self.parent, now, hello.time - now)
        taken = self._replica.take_entries(conn, frames, self.parent, now)
        progress = Progress(
            entries_sent=sent.entries,
            entries_received=taken.entries,
            faults=[*taken.faults, *(frame for frame in frames if isinstance(frame, Fault))],
            chunks=self._replica.named_chunks(conn, frames),
        )
        mine = feed_store.frontier(conn, self._shared(conn))
        self._learn(hello, frames, sent, mine, taken.tips)
        progress.in_step = self._theirs is not None and self._theirs == mine and not hello.flags
        progress.again = bool(hello.flags) or self._theirs is None or self._lag(mine)
        homes = sorted(taken.homes - {0})
        self._replica.write_receipts(conn, homes, Writing(0, now, 1))
        return progress

    def _lag(self, mine: dict[Branch, Tip]) -> bool:
        theirs = self._theirs or {}
        return any(theirs.get(branch, Tip(0, b"")).number < tip.number for branch, tip in mine.items())

    def _learn(
        self,
        hello: Hello,
        frames: Sequence[Frame],
        sent: Sent,
        mine: dict[Branch, Tip],
        received: dict[Branch, Tip],
    ) -> None:
        vector = next((frame.frontier for frame in frames if isinstance(frame, Vector)), None)
        if vector is not None:
            self._theirs = {**vector, **_higher(received, vector)}
            return
        if hello.flags & HelloFlag.SEND_VECTOR or sent.reached is None:
            self._theirs = None
            return
        base = {**sent.reached, **_higher(self._theirs or {}, sent.reached)}
        expected = {**base, **_higher(received, base)}
        self._theirs = expected if frontier_digest(clip(mine, expected)) == hello.digest else None

    def absorb_chunks(self, progress: Progress) -> dict[bytes, int]:
        """Write received blob bytes to their files, outside of any transaction; blobs now complete."""
        whole, _, faults = self._replica.take_chunks(progress.chunks)
        if faults and not whole:
            raise BadBytes("a blob from the parent does not have its hash")
        return whole

    def absorb_states(
        self, conn: Connection, frames: Sequence[Frame], whole: dict[bytes, int], progress: Progress, now: int
    ) -> None:
        """Note blobs that came, and how far ours have gone. Last of three steps."""
        homes: set[int] = set()
        for hash_, length in whole.items():
            blob_store.note_held(conn, hash_, length)
            homes |= blob_store.homes_of(conn, hash_)
        progress.blobs_received += len(whole)
        self._replica.write_receipts(conn, sorted(homes - {0}), Writing(0, now, 1))
        for state in (frame for frame in frames if isinstance(frame, BlobState)):
            for blob_hash, offset in state.blobs:
                whole_length = blob_store.is_named(conn, blob_hash)
                before = self._offsets.get(blob_hash, 0)
                self._offsets[blob_hash] = max(0, offset)
                if whole_length is not None and before < whole_length <= offset:
                    progress.blobs_sent += 1
        received_part = any(isinstance(frame, Chunk) for frame in frames)
        up_left = self._up_left(conn)
        progress.again = progress.again or received_part or up_left

    def _up_left(self, conn: Connection) -> bool:
        homes = trust.topology(conn).subtree(self._replica.me.author)
        pending = blob_store.unacknowledged(conn, homes, self.parent, WANTS_MAX)
        return any(self._offsets.get(blob.hash, 0) < blob.length for blob in pending)


def _higher(received: dict[Branch, Tip], than: dict[Branch, Tip]) -> dict[Branch, Tip]:
    return {b: tip for b, tip in received.items() if b not in than or than[b].number < tip.number}
