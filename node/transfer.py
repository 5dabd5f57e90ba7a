"""How far a long transfer is: what was done since nothing was left to send. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transfer:
    """Scans on their way up. `rate` in bytes a second, 0 while it was never measured or nobody is reached."""

    pages_done: int
    pages_all: int
    bytes_done: int
    bytes_all: int
    rate: float = 0.0

    @property
    def seconds_left(self) -> int | None:
        """None while nobody can say."""
        return round((self.bytes_all - self.bytes_done) / self.rate) if self.rate > 0 else None


class Backlog:
    """Look often: what is taken in between two looks counts as added, what went as done."""

    def __init__(self) -> None:
        self._left = (0, 0)
        self._all = (0, 0)

    def look(self, pages_left: int, bytes_left: int, rate: float) -> Transfer | None:
        """None when nothing is left; the next transfer begins at nought."""
        left = (pages_left, bytes_left)
        if not any(left):
            self._left = self._all = left
            return None
        pages, size = (
            whole + max(0, now - before) for whole, now, before in zip(self._all, left, self._left, strict=True)
        )
        self._left, self._all = left, (pages, size)
        return Transfer(pages - pages_left, pages, size - bytes_left, size, rate)
