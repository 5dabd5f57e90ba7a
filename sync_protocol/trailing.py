"""Bytes of blobs that follow a request's payload, piece by piece (SPEC section 8.3). Pure.

The payload is signed and names the digest of every piece, so each piece can be believed as it arrives: what a cut
leaves of a long message is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from sync_protocol.crypto import sha256
from sync_protocol.errors import BadSignature
from sync_protocol.limits import PIECE_BYTES, PIECE_DIGEST_BYTES
from sync_protocol.messages import Chunk, Frame, Pieces


def piece_digest(piece: bytes) -> bytes:
    """What the payload says of a piece."""
    return sha256(piece)[:PIECE_DIGEST_BYTES]


def with_trail(frames: Iterable[Frame]) -> tuple[list[Frame], bytes]:
    """The same frames with the chunks' bytes taken out of them, and those bytes, in order."""
    kept: list[Frame] = []
    trail: list[bytes] = []
    for frame in frames:
        if isinstance(frame, Chunk) and frame.data:
            digests = b"".join(map(piece_digest, _pieces(frame.data)))
            kept.append(Pieces(frame.hash, frame.length, frame.offset, len(frame.data), digests))
            trail.append(frame.data)
        else:
            kept.append(frame)
    return kept, b"".join(trail)


def _pieces(data: bytes) -> Iterable[bytes]:
    return (data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES))


class Trail:
    """Takes the trail in as it comes, in parts of any size."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._coming = deque(frame for frame in frames if isinstance(frame, Pieces))
        self._at = 0
        self._held = b""
        self.left = sum(frame.size for frame in self._coming)
        """How many bytes have not come yet."""

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """The next bytes, at most `left`; what is now believed of the blobs. Raises BadSignature at a piece that is not
        what was signed for, after all that stands before it."""
        self.left -= len(data)
        self._held += data
        while self._coming:
            frame = self._coming[0]
            size, spoiled = self._believed(frame)
            if size:
                good, self._held = self._held[:size], self._held[size:]
                yield Chunk(frame.hash, frame.length, frame.offset + self._at, good)
                self._at += size
            if spoiled:
                raise BadSignature("a piece is not what was signed for", blob=frame.hash.hex())
            if self._at < frame.size:
                return
            self._coming.popleft()
            self._at = 0

    def _believed(self, frame: Pieces) -> tuple[int, bool]:
        """How many bytes of this frame lie here in whole pieces that are what was signed for; whether another one
        follows them."""
        left = frame.size - self._at
        here = self._held[:left]
        whole = here if len(here) == left else here[: len(here) // PIECE_BYTES * PIECE_BYTES]
        size = 0
        for number, piece in enumerate(_pieces(whole), self._at // PIECE_BYTES):
            start = number * PIECE_DIGEST_BYTES
            if piece_digest(piece) != frame.digests[start : start + PIECE_DIGEST_BYTES]:
                return size, True
            size += len(piece)
        return size, False
