"""A station (or a county) that signs what it likes: entries spoiled before the chain is made and truly signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from sync_protocol.crypto import Signer
from sync_protocol.entries import (
    NO_SALT,
    body_hash,
    entry_salt,
    head_message,
    leaf,
    next_head,
    parse_header,
    parse_opening,
    topic_of,
)
from sync_protocol.errors import BadBytes
from sync_protocol.feeds import FeedId
from sync_protocol.frontier import Tip
from sync_protocol.segments import Item, Segment
from tests.fuzz.spoil import RECIPES, spoiled

TIMES = (0, 1_790_000_000, 2**31, 253_402_300_800, 2**40, 2**53 - 1)


@dataclass(frozen=True)
class Liar:
    """Who signs, and the salts of the topics it knows."""

    deployment: bytes
    signer: Signer
    serial: int
    salts: dict[bytes, bytes]

    def segment(
        self, feed: FeedId, epoch: int, first: int, before: bytes, items: list[tuple[bytes, bytes]], serial: int = 0
    ) -> Segment:
        """Header and body of each entry, chained on from the head `before` and signed."""
        head, made = before, []
        for number, (header, body) in enumerate(items, first):
            hashed = body_hash(self._salt(feed, epoch, number, header, body), body)
            head = next_head(head, leaf(self.deployment, feed, epoch, number, header, hashed))
            made.append(Item(header, body))
        last = first + len(items) - 1
        message = head_message(self.deployment, feed, epoch, last, head, serial or self.serial)
        return Segment(feed, epoch, first, tuple(made), serial or self.serial, self.signer.sign(message))

    def _salt(self, feed: FeedId, epoch: int, number: int, header_bytes: bytes, body: bytes) -> bytes:
        try:
            header = parse_header(header_bytes)
            if not header.topic or header.type < 64 or feed.home is None:
                return NO_SALT
            own = parse_opening(body).salt if header.flags & 1 else self.salts[header.topic]
        except (BadBytes, KeyError):
            return NO_SALT
        return entry_salt(own, feed, epoch, number)


@dataclass(frozen=True)
class Lie:
    """One entry before it is spoiled: its header's fields and its body as trees."""

    header: list[Any]
    body: Any


@st.composite
def entries(draw: st.DrawFn, lies: list[Lie], home: int) -> list[tuple[bytes, bytes]]:
    """One to three entries, mostly with one thing wrong; an opening whose body is one names the topic it can."""
    made = []
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        lie = lies[draw(st.integers(0, len(lies) - 1))]
        fields = list(lie.header)
        fields[3] = TIMES[draw(st.sampled_from([1, 1, 1, 0, 2, 3, 4, 5]))]
        what = draw(st.sampled_from(["body", "body", "header", "nothing"]))
        recipe = draw(RECIPES)
        body = spoiled([lie.body], recipe if what == "body" else b"\0")
        if len(fields) > 8 and fields[8] & 1:
            fields[1] = _topic(home, body) or fields[1]
        made.append((spoiled([fields], recipe if what == "header" else b"\0"), body))
    return made


def _topic(home: int, body: bytes) -> bytes:
    try:
        return topic_of(home, parse_opening(body).salt)
    except BadBytes:
        return b""


@st.composite
def places(draw: st.DrawFn, tip: Tip, start: bytes) -> tuple[int, int, bytes]:
    """Epoch, first number and the head before it: mostly where the branch goes on."""
    right = (0, tip.number + 1, tip.head)
    return draw(
        st.sampled_from([
            right, right, right, right, right, right, right,
            (0, 1, start), (0, tip.number, tip.head), (0, tip.number + 2, tip.head), (0, 2**32 - 1, tip.head),
            (1, 1, start), (1, tip.number + 1, tip.head), (2**31 - 1, 1, start),
        ])
    )  # fmt: skip
