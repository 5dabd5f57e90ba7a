"""How much one message carries, and how many go at once: a few seconds of what the link was measured to do. Pure.

A cut loses the entries of a message that is under way, and of its blobs next to nothing (SPEC section 8.3); what
became more urgent meanwhile waits for a message to end. Every message costs some 400 bytes and its share of a round
trip: so it is small on a weak link and large on a good one.
"""

from __future__ import annotations

from sync_protocol.limits import KIB

_START_BYTES = 32 * KIB
"""Four seconds at 64 kbit/s, where the bytes around a message are then 1.6 % of it."""
_FLOOR_BYTES = 8 * KIB
"""On a link that is cut again and again some entries must still get through."""
LANES = 3
"""How many messages with blobs are under way at once."""
_SHORT_SECONDS, _LONG_SECONDS = 3.0, 8.0


class MessageSize:
    """Doubles with each full message that was answered soon; halves when one took long, and with each cut. What it
    starts with is right for the weakest links."""

    def __init__(self, cap_bytes: int) -> None:
        self._cap = cap_bytes
        self.bytes = min(cap_bytes, _START_BYTES)

    def of_blobs(self, left: int) -> int:
        """How many bytes a message carries while so many blobs are left: with fewer than lanes, as much as all lanes
        together would."""
        lanes = max(1, LANES // max(1, left))
        return min(lanes * max(self.bytes, _START_BYTES), self._cap)

    def carried(self, seconds: float) -> None:
        """A message of about this size was answered after so long."""
        if seconds < _SHORT_SECONDS:
            self.bytes = min(2 * self.bytes, self._cap)
        elif seconds > _LONG_SECONDS:
            self.bytes = max(self.bytes // 2, min(self.bytes, _START_BYTES))

    def cut(self) -> None:
        """A message came to nothing."""
        self.bytes = max(min(self.bytes, _START_BYTES) // 2, min(self.bytes, _FLOOR_BYTES), 1)
