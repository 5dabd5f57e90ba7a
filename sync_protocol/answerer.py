"""The answering side of an exchange: what a parent does with a child's message (SPEC section 10.3).

It remembers two frontiers per child: `proven`, which the child has shown to hold, and `offered`, which it holds if
our last answer reached it. A digest that equals either one is understood at once; any other costs one more turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from sync_protocol.frontier import Branch, Tip, clip, frontier_digest, higher
from sync_protocol.journal import Writing
from sync_protocol.limits import ANSWER_BLOB_BYTES, WANTS_MAX
from sync_protocol.messages import (
    LITTLE_MASK,
    LITTLE_SHIFT,
    PROTOCOL_VERSION,
    BlobState,
    Chunk,
    Fault,
    Frame,
    Hello,
    HelloFlag,
    Pieces,
    Vector,
    Want,
)
from sync_protocol.replica import Replica, Taken
from sync_protocol.reporting import take_reports
from sync_protocol.store import blob_store, feed_store, peers, trust
from sync_protocol.store.dialect import lock_homes
from sync_protocol.trailing import Trail


@dataclass(slots=True)
class Answer:
    """A reply in the making, and whether it holds anything that was not there before."""

    frames: list[Frame] = field(default_factory=list)
    news: bool = False


class Answerer:
    """Answers one child's message. `take` and `answer` run in transactions, `chunks` between them outside of any."""

    def __init__(self, replica: Replica, child: int, frames: Sequence[Frame]) -> None:
        assert isinstance(frames[0], Hello)
        self._replica = replica
        self._child = child
        self._frames = frames
        self.hello = frames[0]
        self._taken = Taken()
        self._named: list[Chunk] = []
        self._announced: set[tuple[bytes, int]] = set()
        self._whole: dict[bytes, int] = {}
        self._states: dict[bytes, int] = {}
        self._faults: list[Fault] = []
        self._known: dict[Branch, Tip] | None = None

    @property
    def child(self) -> int:
        return self._child

    @property
    def taken(self) -> Taken:
        return self._taken

    @property
    def more(self) -> bool:
        """Whether the child has announced that another message follows."""
        return bool(self.hello.flags & HelloFlag.MORE)

    @property
    def has_chunks(self) -> bool:
        return any(isinstance(frame, (Chunk, Pieces)) for frame in self._frames)

    @property
    def trail(self) -> Trail:
        """What takes in the bytes that follow the message."""
        return Trail(self._frames)

    def take(self, conn: Connection, now: int) -> None:
        """Accept the entries and find out what the child holds."""
        peers.note_contact(conn, self._child, now, self.hello.time - now)
        self._taken = self._replica.take_entries(conn, self._frames, self._child, now)
        take_reports(conn, self._replica.me, self._child, self._frames, now, self.hello.time - now)
        self._faults = list(self._taken.faults)  # set anew: a transaction may be run again
        self._named = self._replica.named_chunks(conn, self._frames)
        announced = {(frame.hash, frame.length) for frame in self._frames if isinstance(frame, Pieces)}
        self._announced = {(hash_, length) for hash_, length in announced if blob_store.is_named(conn, hash_) == length}
        self._known = self._understand(conn)
        if self._known is not None:
            peers.save_frontiers(conn, self._child, self._known, self._known)

    def _understand(self, conn: Connection) -> dict[Branch, Tip] | None:
        vector = next((frame.frontier for frame in self._frames if isinstance(frame, Vector)), None)
        if vector is not None:
            shared = set(trust.topology(conn).held_feeds(self._child))
            return {branch: tip for branch, tip in vector.items() if branch.feed in shared}
        remembered = peers.frontiers(conn, self._child)
        mine = feed_store.frontier(conn, trust.topology(conn).held_feeds(self._child))
        for candidate in (remembered.offered, remembered.proven):
            if candidate is not None:
                claimed = {**candidate, **higher(self._taken.tips, candidate)}
                # The child leaves out of its claim what it believes that we lack.
                if frontier_digest(clip(claimed, mine)) == self.hello.digest:
                    return claimed
        return None

    def chunks(self) -> None:
        """Write the message's own chunks to their files."""
        self._write(self._named)

    def pieces(self, trail: Trail, data: bytes) -> None:
        """Write what the next bytes behind the message bring. Raises BadSignature; what came before it is written."""
        for chunk in trail.feed(data):
            if (chunk.hash, chunk.length) in self._announced:
                self._write([chunk])

    def _write(self, chunks: Sequence[Chunk]) -> None:
        whole, states, faults = self._replica.take_chunks(chunks)
        self._whole.update(whole)
        self._states.update(states)
        self._faults.extend(faults)

    def settle(self, conn: Connection, writing: Writing) -> None:
        """Note complete blobs and sign for what has come."""
        homes = set(self._taken.homes)
        lock_homes(conn, homes.union(*(blob_store.homes_of(conn, hash_) for hash_ in self._whole)) - {0})
        for hash_, length in sorted(self._whole.items()):
            blob_store.note_held(conn, hash_, length)
            homes |= blob_store.homes_of(conn, hash_)
            self._states[hash_] = length
        self._replica.write_receipts(conn, sorted(homes - {0}), writing)

    def answer(self, conn: Connection, now: int) -> Answer:
        """Everything we have to say now; call it again after a wait to say what came since."""
        answer = Answer()
        shared = trust.topology(conn).held_feeds(self._child)
        mine = feed_store.frontier(conn, shared)
        if self._known is None:
            flags = int(HelloFlag.SEND_VECTOR)
            answer.frames = [Hello(PROTOCOL_VERSION, now, frontier_digest(mine), flags)]
            answer.news = True
            self._say_blobs(conn, answer)
            return answer
        remembered = peers.frontiers(conn, self._child)
        offered = remembered.proven or self._known
        segments, reached = self._replica.segments_for(conn, mine, offered, self._replica.message_target_bytes)
        vector = next((frame for frame in self._frames if isinstance(frame, Vector)), None)
        overlaps = self._replica.overlaps_for(conn, mine, vector.frontier) if vector else []
        if reached != remembered.offered:
            peers.save_frontiers(conn, self._child, offered, reached)
        more = any(reached.get(branch, Tip(0, b"")).number < tip.number for branch, tip in mine.items())
        claim = clip(mine, reached)
        flags = int(HelloFlag.MORE) if more else 0
        answer.frames = [Hello(PROTOCOL_VERSION, now, frontier_digest(claim), flags), *overlaps]
        if vector is not None:
            answer.frames.append(Vector(claim | {b: tip for b, tip in mine.items() if b not in claim}))
        answer.frames.extend(segments)
        answer.news = bool(segments or overlaps or vector or self.hello.flags & ~LITTLE_MASK)
        self._say_blobs(conn, answer)
        return answer

    def _say_blobs(self, conn: Connection, answer: Answer) -> None:
        for frame in self._frames:
            if isinstance(frame, Want):
                self._serve(conn, frame, answer)
        if self._states:
            answer.frames.append(BlobState(tuple(self._states.items())[:WANTS_MAX]))
            answer.news = True
        if self._faults:
            answer.frames.extend(self._faults)
            answer.news = True

    def _serve(self, conn: Connection, want: Want, answer: Answer) -> None:
        """What a child asks for: bytes of blobs we hold, or, with offset 0 and nothing held, how far we are."""
        less = (self.hello.flags & LITTLE_MASK) >> LITTLE_SHIFT
        left = min(self._replica.message_target_bytes, ANSWER_BLOB_BYTES) >> less
        homes = set(trust.topology(conn).subtree(self._child))
        for hash_, start in want.blobs:
            offset = start
            length = blob_store.is_named(conn, hash_)
            if length is None or not blob_store.homes_of(conn, hash_) & homes:
                continue
            if not self._replica.blobs.holds(hash_):
                self._replica.ask_above_for(hash_, length)
            while self._replica.blobs.holds(hash_) and offset < length and left > 0:
                chunk = self._replica.chunk(hash_, length, offset)
                if chunk is None:
                    break
                answer.frames.append(chunk)
                answer.news = True
                offset += len(chunk.data)
                left -= len(chunk.data)
