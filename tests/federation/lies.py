"""A station whose program lies about what it carries: it holds its real key, so every lie is signed by it.

It cannot sign for others. What it says of others' entries may be cut, mixed, changed, claimed or kept back.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from sync_protocol.answerer import Answerer
from sync_protocol.body import Incoming
from sync_protocol.dialer import Dialer
from sync_protocol.feeds import FeedKind
from sync_protocol.frontier import Tip
from sync_protocol.messages import BlobState, Chunk, Frame, Hello, Vector, pack_message, parse_message
from sync_protocol.replica import Replica
from sync_protocol.segments import Item, Segment
from sync_protocol.server import Parent
from sync_protocol.under_way import Sent


@dataclass
class Liar:
    """Changes the frames of a message, some of the time; `counts` hears which lie was told."""

    rng: random.Random
    counts: Counter[str]

    def of(self, frames: list[Frame]) -> list[Frame]:
        if self.rng.random() < 0.25:
            return frames
        of_content: list[Callable[[list[Frame]], list[Frame] | None]] = [
            self._claim_blobs,
            self._cut_short,
            self._flip,
            self._keep_back,
            self._leave_body_out,
            *[self._mix] * 6,  # few messages have two segments
            self._spoil_blob,
        ]
        self.rng.shuffle(of_content)
        for lie in [*of_content, self._claim_entries]:  # a message without content can only claim
            told = lie(list(frames))
            if told is not None:
                self.counts["lie: " + lie.__name__.strip("_").replace("_", " ")] += 1
                return told
        return frames

    def _segments(self, frames: list[Frame]) -> list[tuple[int, Segment]]:
        """The segments among the frames, each with its place."""
        return [(at, frame) for at, frame in enumerate(frames) if isinstance(frame, Segment)]

    def _keep_back(self, frames: list[Frame]) -> list[Frame] | None:
        """Of what speaks of one home something, so that the rest comes before what it rests on."""
        if not (found := self._segments(frames)):
            return None
        own = [one for one in found if one[1].feed.kind is FeedKind.UP]
        del frames[self.rng.choice(own or found)[0]]
        return frames

    def _mix(self, frames: list[Frame]) -> list[Frame] | None:
        if len(found := self._segments(frames)) < 2:
            return None
        (one, _), (two, _) = self.rng.sample(found, 2)
        frames[one], frames[two] = frames[two], frames[one]
        return frames

    def _flip(self, frames: list[Frame]) -> list[Frame] | None:
        return self._change(frames, lambda item: replace(item, header=self._flipped(item.header)))

    def _leave_body_out(self, frames: list[Frame]) -> list[Frame] | None:
        return self._change(frames, lambda item: Item(item.header, None, self.rng.randbytes(32)))

    def _change(self, frames: list[Frame], change: Callable[[Item], Item]) -> list[Frame] | None:
        if not (found := self._segments(frames)):
            return None
        where, segment = self.rng.choice(found)
        items = list(segment.items)
        one = self.rng.randrange(len(items))
        items[one] = change(items[one])
        frames[where] = replace(segment, items=tuple(items))
        return frames

    def _flipped(self, data: bytes) -> bytes:
        at = self.rng.randrange(len(data))
        return data[:at] + bytes([data[at] ^ (1 << self.rng.randrange(8))]) + data[at + 1 :]

    def _cut_short(self, frames: list[Frame]) -> list[Frame] | None:
        long = [one for one in self._segments(frames) if len(one[1].items) > 1]
        if not long:
            return None
        where, segment = self.rng.choice(long)
        frames[where] = replace(segment, items=segment.items[:-1])
        return frames

    def _claim_blobs(self, frames: list[Frame]) -> list[Frame] | None:
        """«I hold it all», of blobs whose first bytes just came."""
        for at, frame in enumerate(frames):
            if isinstance(frame, BlobState):
                frames[at] = BlobState(tuple((hash_, 2**26) for hash_, _ in frame.blobs))
                return frames
        return None

    def _claim_entries(self, frames: list[Frame]) -> list[Frame] | None:
        for at, frame in enumerate(frames):
            if isinstance(frame, Vector) and frame.frontier:
                branch = self.rng.choice(sorted(frame.frontier))
                tip = frame.frontier[branch]
                frontier = {**frame.frontier, branch: _renumbered(tip, self.rng)}
                frames[at] = Vector(frontier)
                return frames
        hello = frames[0]
        assert isinstance(hello, Hello)
        if self.rng.random() < 0.7:
            return None
        frames[0] = replace(hello, digest=self.rng.randbytes(16))
        return frames

    def _spoil_blob(self, frames: list[Frame]) -> list[Frame] | None:
        for at, frame in enumerate(frames):
            if isinstance(frame, Chunk) and frame.data:
                frames[at] = replace(frame, data=self._flipped(frame.data))
                return frames
        return None


def _renumbered(tip: Tip, rng: random.Random) -> Tip:
    """Another number for a branch: more than is held, or less."""
    return tip._replace(number=max(1, tip.number + rng.choice((-1, 1, 5))))


class LyingParent(Parent):
    """Answers children with lies."""

    def __init__(self, liar: Liar, **parts: Any) -> None:
        super().__init__(**parts)
        self.liar = liar

    async def _answer(self, answerer: Answerer, body: Incoming) -> bytes:
        honest = await super()._answer(answerer, body)
        return pack_message(self.liar.of(parse_message(honest)))


class LyingDialer(Dialer):
    """Tells its parent lies; what it itself believes of the exchange is as before."""

    def __init__(self, liar: Liar, replica: Replica, parent: int) -> None:
        super().__init__(replica, parent)
        self.liar = liar

    def compose(self, conn: Connection, now: int, wait_seconds: int) -> Sent:
        sent = super().compose(conn, now, wait_seconds)
        return replace(sent, frames=self.liar.of(list(sent.frames)))
