"""The dialling side of an exchange: what a child sends to its parent and makes of the answer (SPEC section 10.2).

What it remembers is volatile: the parent's frontier as of the last answer, and how far each blob has gone up. After
a restart, or whenever the parent's digest is not the expected one, the next message carries the full vector, and asks
how much of the next blobs lies there. After a mere cut it goes on with other blobs at once, and asks beside them about
those that were under way.

Several messages may be under way at once. Entries go by themselves, one message at a time; blobs go in messages of
their own, each with other blobs than those under way beside it, so that none has to arrive before another.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from sync_protocol.errors import BadBytes
from sync_protocol.feeds import FeedId
from sync_protocol.frontier import Branch, Tip, clip, frontier_digest, higher
from sync_protocol.journal import Writing
from sync_protocol.limits import ANSWER_BLOB_BYTES, WANTS_MAX
from sync_protocol.message_size import MessageSize
from sync_protocol.messages import (
    LITTLE_MAX,
    LITTLE_SHIFT,
    PROTOCOL_VERSION,
    BlobState,
    Chunk,
    Fault,
    Frame,
    Hello,
    HelloFlag,
    Report,
    Vector,
    Want,
)
from sync_protocol.replica import Replica
from sync_protocol.reporting import Reporter
from sync_protocol.store import blob_store, feed_store, peers, trust
from sync_protocol.under_way import Progress, Sent, chunk_bytes

_ENTRIES_TO_BLOBS = 4
"""Entries are compressed to a quarter or less; blobs not at all."""
_ASKED_AFTER_MAX = 4
"""Of how many blobs the first message asks how much lies at the parent: those that a cut may have left unfinished."""


class Dialer:
    """One parent as seen from its child. `compose` is called for one message at a time; each ends in the three steps of
    an answer, or in `drop`."""

    def __init__(self, replica: Replica, parent: int, reporter: Reporter | None = None) -> None:
        self._replica = replica
        self._reporter = reporter
        self.parent = parent
        self._theirs: dict[Branch, Tip] | None = None
        self._offsets: dict[bytes, int] = {}
        self._asked: set[bytes] = set()
        self._known = 0
        self._era = 0
        self.forgotten = 0
        """How often it has forgotten all that it believed of the parent."""
        self._size = MessageSize(replica.message_target_bytes)
        self._answered = False
        self._under_way: set[bytes] = set()
        self._uncertain: set[bytes] = set()
        self._doubts_claims = False
        self._blocked: set[int] = set()
        self._given_up: set[bytes] = set()
        self._unreadable: set[bytes] = set()
        self._unanswered: set[bytes] = set()
        self.refusal = ""
        """Code of the last thing the parent did not take, until it is offered again."""

    @property
    def offsets(self) -> dict[bytes, int]:
        """How many bytes of each blob lie at the parent, by its own word since the last cut."""
        return dict(self._offsets)

    def forget(self, sent: Sent | None = None) -> bool:
        """After a cut the parent may hold more or less than we think: ask. What was cut is lost whole: say less.

        Of several messages that one cut ended (`sent`, by which it was noticed) only the first changes anything; True
        for that one.
        """
        if sent is not None and sent.era != self._era:
            return False
        if self._theirs is not None:  # a question that comes to nothing says nothing of the size
            self._size.cut()
        self._know(None)
        self._era += 1
        self.forgotten += 1
        self._offsets.clear()
        self._uncertain.clear()
        self.retry_refused()
        return True

    def cut(self, sent: Sent, *, unsent: bool) -> bool:
        """The link was cut, and the same parent is spoken to again: all that is doubtful is what this message carried.

        `unsent`: no byte of it left this machine. True for the first of several messages that one cut ended.
        """
        if not unsent:
            self._uncertain |= sent.blob_ends().keys()
        if sent.era != self._era:
            return False
        if self._answered:  # of tries during an outage only the first says something of the size
            self._size.cut()
        self._answered = False
        self._era += 1
        self.retry_refused()
        return True

    def speaks_to(self, author: int) -> None:
        """Who signed the last answer: what was believed of another one counts no more."""
        if author != self.parent and (self._theirs is not None or self._offsets):
            self.forget()
        self.parent = author

    def drop(self, sent: Sent) -> None:
        """The message is no longer under way, however it ended."""
        if sent.under_way:
            if self._reporter is not None and not sent.answered:
                self._reporter.unsay(sent.frames)
            self._under_way -= sent.blob_ends().keys() | sent.wants() | sent.asks_after()
            sent.under_way = False

    def retry_refused(self) -> None:
        """Offer again what the parent did not take: whoever calls this waits in between. Blobs that it claims to hold
        whole, and has not signed for, are asked after again: it may have lost them, or lied.

        What one home's feeds or one blob got refused for never holds up another.
        """
        self._blocked.clear()
        self._given_up.clear()
        self._unanswered.clear()
        self._doubts_claims = True
        self.refusal = ""

    def compose(self, conn: Connection, now: int, wait_seconds: int) -> Sent:
        """The next message: a vector if the parent's frontier is unknown, else what it lacks."""
        mine = feed_store.frontier(conn, self._shared(conn))
        if self._theirs is None:
            hello = Hello(PROTOCOL_VERSION, now, frontier_digest(mine), self._little())
            frames: list[Frame] = [hello, Vector(mine), *self._reports(conn, now), *self._questions(conn)]
            return Sent(frames, None, 0, known=self._known, era=self._era)
        offers = self._offers(mine)
        entry_bytes = min(_ENTRIES_TO_BLOBS * self._size.bytes, self._replica.message_target_bytes)
        segments, reached = self._replica.segments_for(conn, offers, self._theirs, entry_bytes)
        claim = clip(mine, reached)
        more = _behind(reached, offers)
        blobs = [] if segments or more else self._blob_frames(conn)
        busy = more or any(isinstance(frame, Chunk) for frame in blobs)
        flags = self._little() | (int(HelloFlag.MORE) if more else 0)
        hello = Hello(PROTOCOL_VERSION, now, frontier_digest(claim), flags, 0 if busy else wait_seconds)
        entries = sum(len(segment.items) for segment in segments)
        aim = entry_bytes if segments else self._size.bytes
        said = [hello, *self._reports(conn, now), *segments, *blobs]
        return Sent(said, reached, entries, aim, self._known, self._era)

    def _reports(self, conn: Connection, now: int) -> list[Report]:
        return self._reporter.frames(conn, now) if self._reporter is not None else []

    def _questions(self, conn: Connection) -> list[Chunk]:
        """Chunks without bytes: the parent answers each with how far it holds the blob (SPEC section 10.5)."""
        blobs = self._pending_blobs(conn)[:_ASKED_AFTER_MAX]
        return [Chunk(blob.hash, blob.length, 0, b"") for blob in blobs]

    def _little(self) -> int:
        """What is cut on its way down is lost whole as well: an answer shall bring no more than a message of ours."""
        less = 0
        while less < LITTLE_MAX and ANSWER_BLOB_BYTES >> less > self._size.bytes:
            less += 1
        return less << LITTLE_SHIFT

    def _shared(self, conn: Connection) -> list[FeedId]:
        return trust.topology(conn).held_feeds(self._replica.me.author)

    def _offers(self, mine: dict[Branch, Tip]) -> dict[Branch, Tip]:
        """What is held here, without the homes of which the parent has just refused something."""
        return {branch: tip for branch, tip in mine.items() if (branch.feed.home or 0) not in self._blocked}

    def _pending_blobs(self, conn: Connection) -> list[blob_store.PendingBlob]:
        homes = [home for home in trust.topology(conn).subtree(self._replica.me.author) if home not in self._blocked]
        passed_over = self._given_up | self._unreadable | self._under_way
        found = blob_store.unacknowledged(conn, homes, self.parent, WANTS_MAX + len(passed_over))
        return [blob for blob in found if blob.hash not in passed_over][:WANTS_MAX]

    def _blob_frames(self, conn: Connection) -> list[Frame]:
        frames: list[Frame] = []
        pending = self._pending_blobs(conn)
        if self._doubts_claims:
            self._uncertain |= {blob.hash for blob in pending if self._offsets.get(blob.hash, 0) >= blob.length}
            self._doubts_claims = False
        left = self._size.of_blobs(len(pending) + len(self._under_way))
        doubtful = [blob for blob in pending if blob.hash in self._uncertain][:_ASKED_AFTER_MAX]
        frames.extend(Chunk(blob.hash, blob.length, 0, b"") for blob in doubtful)
        for blob in (blob for blob in pending if blob.hash not in self._uncertain):
            offset = self._offsets.get(blob.hash, 0)
            while offset < blob.length and left > 0:
                chunk = self._replica.chunk(blob.hash, blob.length, offset, left)
                if chunk is None:
                    self._unreadable.add(blob.hash)
                    break
                frames.append(chunk)
                offset += len(chunk.data)
                left -= len(chunk.data)
        wanted = self._wanted(conn)
        self._asked = {blob.hash for blob in wanted}
        asking = [blob for blob in wanted if blob.hash not in self._under_way]
        if asking:
            frames.append(Want(tuple((blob.hash, self._from(blob)) for blob in asking)))
        self._under_way |= {frame.hash for frame in frames if isinstance(frame, Chunk)}
        self._under_way |= {blob.hash for blob in asking}
        return frames

    def _from(self, blob: blob_store.PendingBlob) -> int:
        """Where the parent should go on; of what lies here whole but was not finished (a kill) its last byte."""
        return max(0, min(self._replica.blobs.offset(blob.hash), blob.length - 1))

    def _wanted(self, conn: Connection) -> list[blob_store.PendingBlob]:
        """Those first that the parent has not yet left unanswered, so that what it lacks starves nothing else."""
        most = WANTS_MAX // 2
        found = blob_store.wanted_from_above(conn, self._replica.me.author, most + len(self._unanswered))
        below = self._replica.asked_below
        for hash_, length in list(below.items()):
            if self._replica.blobs.holds(hash_):
                below.pop(hash_, None)
            else:
                found.append(blob_store.PendingBlob(hash_, length))
        return sorted(found, key=lambda blob: blob.hash in self._unanswered)[:most]

    def has_news(self, conn: Connection) -> bool:
        """Whether there is something to send without being asked."""
        if self._theirs is None:
            return True
        mine = self._offers(feed_store.frontier(conn, self._shared(conn)))
        return _behind(self._theirs, mine) or self._up_left(conn)

    def has_entries(self, conn: Connection) -> bool:
        """Whether the parent is known to lack an entry that lies here."""
        mine = self._offers(feed_store.frontier(conn, self._shared(conn)))
        return self._theirs is not None and _behind(self._theirs, mine)

    def has_blobs_only(self, conn: Connection) -> bool:
        """Whether all that is known to be left are blobs."""
        if self._theirs is None or self.has_entries(conn):
            return False
        return self._up_left(conn) or any(blob.hash not in self._unanswered for blob in self._wanted(conn))

    def absorb_entries(self, conn: Connection, sent: Sent, frames: Sequence[Frame], now: int) -> Progress:
        """Take the answer's entries and learn the parent's frontier. First of three steps."""
        hello = frames[0]
        assert isinstance(hello, Hello)
        self._answered = sent.answered = True
        if sent.is_full() or chunk_bytes(frames) >= min(ANSWER_BLOB_BYTES, self._size.bytes) // 2:
            self._size.carried(sent.seconds)
        peers.note_contact(conn, self.parent, now, hello.time - now)
        taken = self._replica.take_entries(conn, frames, self.parent, now)
        progress = Progress(
            entries_sent=sent.entries,
            entries_received=taken.entries,
            faults=taken.faults,
            refused=[frame for frame in frames if isinstance(frame, Fault)],
            chunks=self._replica.named_chunks(conn, frames),
        )
        mine = feed_store.frontier(conn, self._shared(conn))
        self._blocked |= {FeedId.parse(fault.feed).home or 0 for fault in progress.refused if fault.feed}
        if progress.refused:
            self.refusal = progress.refused[0].code
        self._learn(hello, frames, sent, mine, taken.tips)
        progress.in_step = self._theirs is not None and self._theirs == mine and not hello.flags
        progress.again = bool(hello.flags) or self._theirs is None or _behind(self._theirs, self._offers(mine))
        homes = sorted(taken.homes - {0})
        self._replica.write_receipts(conn, homes, Writing(0, now, 1))
        return progress

    def _learn(
        self,
        hello: Hello,
        frames: Sequence[Frame],
        sent: Sent,
        mine: dict[Branch, Tip],
        received: dict[Branch, Tip],
    ) -> None:
        if sent.era != self._era:
            return  # it was said to whom we spoke before, and proves nothing of whom we speak to now
        vector = next((frame.frontier for frame in frames if isinstance(frame, Vector)), None)
        if vector is not None:
            self._know({**vector, **higher(received, vector)})
            return
        if not hello.flags & HelloFlag.SEND_VECTOR and sent.reached is not None:
            base = {**sent.reached, **higher(self._theirs or {}, sent.reached)}
            expected = {**base, **higher(received, base)}
            proven = clip(mine, expected)  # of more than that the digest says nothing, whatever was claimed before
            if frontier_digest(proven) == hello.digest:
                self._know(proven)
                return
        if sent.known == self._known:  # else an answer that overtook this one has told us more
            self._know(None)

    def _know(self, theirs: dict[Branch, Tip] | None) -> None:
        if theirs != self._theirs:
            self._known += 1
        self._theirs = theirs

    def absorb_chunks(self, progress: Progress) -> dict[bytes, int]:
        """Write received blob bytes to their files, outside of any transaction; blobs now complete."""
        whole, _, faults = self._replica.take_chunks(progress.chunks)
        if faults and not whole:
            raise BadBytes("a blob from the parent does not have its hash")
        return whole

    def absorb_states(
        self,
        conn: Connection,
        sent: Sent,
        frames: Sequence[Frame],
        whole: dict[bytes, int],
        progress: Progress,
        now: int,
    ) -> None:
        """Note blobs that came, and how far ours have gone. Last of three steps.

        A blob of which bytes were sent and of which the parent then holds no more is not sent again for now.
        """
        homes: set[int] = set()
        for hash_, length in whole.items():
            blob_store.note_held(conn, hash_, length)
            homes |= blob_store.homes_of(conn, hash_)
        progress.blobs_received += len(whole)
        self._replica.write_receipts(conn, sorted(homes - {0}), Writing(0, now, 1))
        if sent.era == self._era:
            progress.blobs_sent += self._learn_offsets(conn, sent, frames)
        else:
            self._uncertain |= sent.blob_ends().keys()
        self.drop(sent)
        answered = {chunk.hash for chunk in progress.chunks}
        self._unanswered = (self._unanswered | sent.wants()) - answered
        if not answered:  # not just more than one answer holds
            for hash_ in self._unanswered:
                self._replica.asked_below.pop(hash_, None)  # who still lacks it asks again
        received_part = bool(progress.chunks)
        unasked = any(blob.hash not in self._asked for blob in self._wanted(conn))  # once: the parent may lack it too
        progress.again = progress.again or received_part or unasked or self._up_left(conn)

    def _learn_offsets(self, conn: Connection, sent: Sent, frames: Sequence[Frame]) -> int:
        """How far the parent has each blob by its own word; how many it now has whole."""
        known, whole = dict(self._offsets), 0
        self._uncertain -= sent.asks_after()
        for state in (frame for frame in frames if isinstance(frame, BlobState)):
            for hash_, offset in state.blobs:
                length = blob_store.is_named(conn, hash_)
                before = self._offsets.get(hash_, 0)
                self._offsets[hash_] = max(0, offset)
                whole += length is not None and before < length <= offset
        self._given_up |= {hash_ for hash_ in sent.blob_ends() if self._offsets.get(hash_, 0) <= known.get(hash_, 0)}
        return whole

    def _up_left(self, conn: Connection) -> bool:
        pending = self._pending_blobs(conn)
        claimed = self._doubts_claims and bool(pending)
        return claimed or any(self._offsets.get(blob.hash, 0) < blob.length for blob in pending)


def _behind(theirs: dict[Branch, Tip], mine: dict[Branch, Tip]) -> bool:
    """Whether they lack something of this."""
    return any(theirs.get(branch, Tip(0, b"")).number < tip.number for branch, tip in mine.items())
