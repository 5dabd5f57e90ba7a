"""A message under way to the parent, and what its exchange brought. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sync_protocol.frontier import Branch, Tip
from sync_protocol.messages import Chunk, Fault, Frame, Hello, Want
from sync_protocol.segments import Segment


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
    """What we could not take of the parent's message."""
    refused: list[Fault] = field(default_factory=list)
    """What the parent could not take of ours."""
    chunks: list[Chunk] = field(default_factory=list)
    """Bytes of blobs that entries held here name; others are left out, so that nobody fills our disk."""


@dataclass(slots=True)
class Sent:
    """A message under way: what to expect of its answer."""

    frames: list[Frame]
    reached: dict[Branch, Tip] | None
    entries: int
    target_bytes: int = 0
    known: int = 0
    """Which knowledge of the parent it was composed with."""
    era: int = 0
    """How often the dialer had forgotten what it believed when this was composed."""
    seconds: float = 0.0
    """How long its answer took."""
    under_way: bool = True
    answered: bool = False

    @property
    def alone(self) -> bool:
        """Whether nothing but blobs may go beside it: it carries entries, or asks for the parent's frontier."""
        return self.reached is None or self.entries > 0

    def is_full(self) -> bool:
        """Whether it carries about as much as was aimed at, so that its answer says something of the link."""
        chunks = chunk_bytes(self.frames)
        segments = (item for frame in self.frames if isinstance(frame, Segment) for item in frame.items)
        return 2 * (chunks + sum(len(item.header) + len(item.body or b"") for item in segments)) > self.target_bytes > 0

    @property
    def waits(self) -> bool:
        """Whether it is a long poll."""
        return any(isinstance(frame, Hello) and frame.wait_seconds > 0 for frame in self.frames)

    def wants(self) -> set[bytes]:
        """The blobs that this message asks for."""
        return {hash_ for frame in self.frames if isinstance(frame, Want) for hash_, _ in frame.blobs}

    def asks_after(self) -> set[bytes]:
        """The blobs of which this message asks how much lies at the parent."""
        return {frame.hash for frame in self.frames if isinstance(frame, Chunk) and not frame.data}

    def blob_ends(self) -> dict[bytes, int]:
        """How far the chunks in this message reach, by blob; those without bytes only ask."""
        chunks = (frame for frame in self.frames if isinstance(frame, Chunk) and frame.data)
        return {chunk.hash: chunk.offset + len(chunk.data) for chunk in chunks}


def chunk_bytes(frames: Sequence[Frame]) -> int:
    """Bytes of blobs in these frames."""
    return sum(len(frame.data) for frame in frames if isinstance(frame, Chunk))
