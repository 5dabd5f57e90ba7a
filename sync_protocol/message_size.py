"""How much one message carries, and how many go at once: a second or so of what the link was measured to do. Pure.

A cut loses what is under way, and a person's entry waits behind what was handed to the network before it: so a
message is small on a weak link. Every message costs some 500 bytes and its share of a round trip: so it is large on a
good one.
"""

from __future__ import annotations

from sync_protocol.limits import KIB

_START_BYTES = 32 * KIB
"""Four seconds at 64 kbit/s, where the bytes around a message are then 1.6 % of it."""
_FLOOR_BYTES = 8 * KIB
"""On a link that is cut again and again something must still get through."""
_CALM_MESSAGES = 100
"""So many must be answered after a cut before messages are as large as before it: links that are cut are cut again. A
cut loses on average half of what is under way, so there are more and smaller ones until then."""
_LANES, _LANES_AFTER_CUT = 3, 5
_SHORT_SECONDS, _LONG_SECONDS = 1.0, 4.0


class MessageSize:
    """Doubles with each full message that was answered soon; halves when one took long, and with each cut. What it
    starts with is right for most weak links: it comes back to that sooner than it goes beyond, and stays beyond only
    where messages are answered soon."""

    def __init__(self, cap_bytes: int) -> None:
        self._cap = cap_bytes
        self._calm = _CALM_MESSAGES
        self.bytes = min(cap_bytes, _START_BYTES)

    @property
    def lanes(self) -> int:
        """How many messages with blobs are under way at once."""
        return _LANES if self._is_calm else _LANES_AFTER_CUT

    @property
    def _is_calm(self) -> bool:
        return self._calm >= _CALM_MESSAGES

    def of_blobs(self, left: int) -> int:
        """How many bytes a message carries while so many blobs are left: with fewer than lanes, as much as all lanes
        together would, unless cuts have made messages as small as they can be."""
        if self.bytes < _START_BYTES // 2:
            return self.bytes
        return min(self.bytes * max(1, self.lanes // max(1, left)), self._cap)

    def carried(self, seconds: float) -> None:
        """A message of about this size was answered after so long."""
        self._calm += 1
        usual = _START_BYTES if self._is_calm else _START_BYTES // 2
        if (self._is_calm and seconds < _SHORT_SECONDS) or (seconds < _LONG_SECONDS and self.bytes < usual):
            self.bytes = min(2 * self.bytes, self._cap)
        elif seconds > (_LONG_SECONDS if self.bytes <= usual else 2 * _SHORT_SECONDS):
            self.bytes = max(self.bytes // 2, min(self.bytes, usual))

    def cut(self) -> None:
        """A message came to nothing."""
        self._calm = 0
        self.bytes = max(min(self.bytes, _START_BYTES) // 2, min(self.bytes, _FLOOR_BYTES), 1)
