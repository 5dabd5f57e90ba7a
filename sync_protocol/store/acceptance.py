"""Taking in what others signed: every segment verified as it comes, what continues a branch written at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import Connection

from sync_protocol.entries import Opening, parse_header
from sync_protocol.errors import BadBytes, BadSignature, Gap
from sync_protocol.frontier import Branch, Tip
from sync_protocol.segments import Link, Segment, check_signature, link
from sync_protocol.store import feed_store, fork_store, trust
from sync_protocol.store.dialect import lock_feeds
from sync_protocol.store.feed_store import SignedHead


class Stretch:
    """Segments of one branch that arrive behind each other.

    What is known of the branch is read once and what is new written once, however many they are. Nothing of a segment
    is written before all of it is checked, so what is refused leaves no trace; what came before it stays good.
    The caller has locked the branch's home.
    """

    def __init__(self, conn: Connection, deployment: bytes, branch: Branch, now: int) -> None:
        self._conn = conn
        self._deployment = deployment
        self._branch = branch
        self._now = now
        self.entries = 0
        self.reached: Tip | None = None
        """How far the segments that verified go, which is what who sent them holds; we may hold more."""
        self._salts = feed_store.salts(conn, branch.feed)
        self._held = feed_store.tip_of(conn, branch)
        self._new: list[Link] = []
        self._signed: list[SignedHead] = []
        self._opened: dict[bytes, Opening] = {}

    def expect(self, segments: Sequence[Segment]) -> None:
        """Look at once for the salts that these need; whether they are sound is for `verify` to say."""
        topics: list[bytes] = []
        for segment in segments:
            with suppress(BadBytes):
                topics += [parse_header(item.header).topic for item in segment.items]
        self._salts.learn(topics)

    def verify(self, segment: Segment) -> None:
        """Check a segment and keep it for `write`.

        Raises BadBytes, Gap, UnknownCertificate, UnknownTopic, or Fork with the proof as evidence.
        """
        if self._new and segment.first <= self._new[-1].number:
            self.write()  # it says again what is held in memory only; what is stored can be compared
        known = self._known()
        if segment.first > known.number + 1:
            raise Gap("entries before these are missing", feed=str(segment.feed), have=known.number, got=segment.first)
        before = known.head if segment.first == known.number + 1 else self._head_at(segment.first - 1)
        if before is None:
            raise BadBytes("reaches back before its branch", feed=str(segment.feed), got=segment.first)
        opened: dict[bytes, Opening] = {}
        links = link(self._deployment, segment, before, self._salts, opened)
        check_signature(self._deployment, segment, links[-1].head, signing_key(self._conn, segment))
        if segment.first <= known.number:
            fork_store.compare_overlap(self._conn, self._deployment, segment, links, known, self._salts)
        if new := [item for item in links if item.number > known.number]:
            fork_store.refuse_if_stopped(self._conn, self._branch)
            self._salts.open(opened)
            self._opened = opened | self._opened if self._opened else opened
            self._new += new
            self._signed.append(SignedHead(segment.last, segment.serial, segment.signature))
        if self.reached is None or self.reached.number < segment.last:
            self.reached = Tip(segment.last, links[-1].head)

    def write(self) -> Tip | None:
        """Write down what is new; the tip then held."""
        if self._new:
            feed_store.write(self._conn, self._branch, self._new, self._signed, self._opened, self._now)
            self.entries += len(self._new)
            self._held = Tip(self._new[-1].number, self._new[-1].head)
            self._new, self._signed, self._opened = [], [], {}
        return self._held

    def _known(self) -> Tip:
        if self._new:
            return Tip(self._new[-1].number, self._new[-1].head)
        if self._held is not None:
            return self._held
        start = feed_store.start_of(self._conn, self._deployment, self._branch)
        return Tip(start.number, start.head)

    def _head_at(self, number: int) -> bytes | None:
        return feed_store.head_at(self._conn, self._deployment, self._branch, number)


def accept(conn: Connection, deployment: bytes, segment: Segment, now: int) -> int:
    """Verify one segment and write down what is new of it; the number of entries. Raises what `Stretch.verify` does."""
    lock_feeds(conn, [segment.feed])
    stretch = Stretch(conn, deployment, Branch(segment.feed, segment.epoch), now)
    stretch.expect([segment])
    stretch.verify(segment)
    stretch.write()
    return stretch.entries


def signing_key(conn: Connection, segment: Segment) -> bytes:
    """The key of the certificate that may sign this segment. Raises BadSignature, UnknownCertificate."""
    certificate = trust.certificate_of(conn, segment.serial)
    if certificate.author != segment.feed.author:
        raise BadSignature("signed under another author's certificate", feed=str(segment.feed), serial=segment.serial)
    if certificate.epoch != segment.epoch:  # a replaced machine's key must not go on in its successor's epoch
        grant = trust.grant_of(conn, segment.feed.author, segment.epoch)
        if grant is None or grant.serial != segment.serial:
            raise BadSignature("the certificate is not for this epoch", feed=str(segment.feed), serial=segment.serial)
    return certificate.sign_key
