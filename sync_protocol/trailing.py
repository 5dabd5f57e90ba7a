"""Bytes of blobs that follow a request's payload, piece by piece (SPEC section 8.3). Pure.

The payload is signed and names the digest of every piece, so each piece can be believed as it arrives: what a cut
leaves of a long message is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

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

    def feed(self, data: bytes) -> list[Chunk]:
        """The next bytes, at most `left`; what is now believed of the blobs. Raises BadSignature at a piece that is not
        what was signed for; what `feed` gave before stays good."""
        self.left -= len(data)
        self._held += data
        found: list[Chunk] = []
        while self._coming:
            frame = self._coming[0]
            good = self._believed(frame)
            if good:
                found.append(Chunk(frame.hash, frame.length, frame.offset + self._at, good))
                self._at += len(good)
            if self._at < frame.size:
                break
            self._coming.popleft()
            self._at = 0
        return found

    def _believed(self, frame: Pieces) -> bytes:
        """The whole pieces of this frame that lie here."""
        end = frame.size - self._at
        size = end if len(self._held) >= end else len(self._held) // PIECE_BYTES * PIECE_BYTES
        good, self._held = self._held[:size], self._held[size:]
        for number, piece in enumerate(_pieces(good), self._at // PIECE_BYTES):
            start = number * PIECE_DIGEST_BYTES
            if piece_digest(piece) != frame.digests[start : start + PIECE_DIGEST_BYTES]:
                raise BadSignature("a piece is not what was signed for", blob=frame.hash.hex())
        return good
