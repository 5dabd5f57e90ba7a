"""What a link really carries, from the messages that were answered. Pure: moments are passed in."""

from __future__ import annotations

from collections import deque

from sync_protocol.limits import KIB

_LEAST_BYTES = 4 * KIB
"""Less than this says how long a round trip takes, not what the link carries."""
_WINDOW_SECONDS = 60.0


class Goodput:
    """Bytes a second in one direction, over the last minute in which something was under way. Messages may overlap."""

    def __init__(self) -> None:
        self._parts: deque[tuple[int, float]] = deque()
        self._busy_until = 0.0

    def carried(self, began: float, ended: float, length: int) -> None:
        """So many bytes were under way from `began` to `ended` (seconds of one clock that never goes back)."""
        if length < _LEAST_BYTES or ended <= began:
            return
        busy = max(0.0, ended - max(began, self._busy_until))
        self._busy_until = max(self._busy_until, ended)
        self._parts.append((length, busy))
        while len(self._parts) > 1 and self._seconds() - self._parts[0][1] >= _WINDOW_SECONDS:
            self._parts.popleft()

    @property
    def rate(self) -> float:
        """Bytes a second; 0.0 until something was measured."""
        seconds = self._seconds()
        return sum(length for length, _ in self._parts) / seconds if seconds else 0.0

    def _seconds(self) -> float:
        return sum(busy for _, busy in self._parts)
