"""What a weak link does to datagrams, as pure rules over a clock that is passed in: loss, a bounded queue, rate, delay
and outages; and what crossed it, counted as TCP sees it.

As in netem, a datagram that is to be lost is lost before it takes its turn, so it uses up none of the rate; one that
finds the queue full is lost too. An outage tells nobody: what arrives, waits or flies during it is gone. Rates count IP
datagrams whole, headers included.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

_TCP = 6
_SYN = 0x02
_SEQUENCE = 2**32
_HALF = 2**31


@dataclass(frozen=True, slots=True)
class Profile:
    """One way of a link. `delay_seconds` is one way, `loss` a chance per datagram, `queue_bytes` what may wait."""

    name: str
    bits_per_second: int
    delay_seconds: float
    loss: float
    queue_bytes: int

    @property
    def bytes_per_second(self) -> float:
        return self.bits_per_second / 8

    @property
    def round_trip_seconds(self) -> float:
        return 2 * self.delay_seconds


def never_down(_now: float) -> bool:
    """The outage schedule of a link that is always up."""
    return False


@dataclass(frozen=True, slots=True)
class Outages:
    """A link that is up, then down, and so on for ever."""

    up_seconds: float
    down_seconds: float

    @property
    def period_seconds(self) -> float:
        return self.up_seconds + self.down_seconds

    def after(self, began: float) -> Callable[[float], bool]:
        """Whether the link is down at a moment, counted from `began`."""
        return lambda now: (now - began) % self.period_seconds >= self.up_seconds

    def alone(self, work_seconds: float) -> float:
        """The wall time in which up-periods alone add up to so many seconds of work."""
        whole, rest = divmod(work_seconds, self.up_seconds)
        return whole * self.period_seconds + rest

    def up_within(self, seconds: float) -> float:
        """How long the link was up within the first `seconds`."""
        whole, rest = divmod(seconds, self.period_seconds)
        return whole * self.up_seconds + min(rest, self.up_seconds)


@dataclass(slots=True)
class OneWay:
    """Datagrams in one direction. Times are seconds of any clock that only goes forward."""

    profile: Profile
    rng: random.Random
    is_down: Callable[[float], bool] = never_down
    lost: int = 0
    busy_seconds: float = 0.0
    """How long the link was sending."""
    _free_at: float = 0.0
    _flying: deque[tuple[float, float, bytes]] = field(default_factory=deque)

    def offer(self, now: float, datagram: bytes) -> bool:
        """Take a datagram in; False when it is lost."""
        waiting_bytes = max(0.0, self._free_at - now) * self.profile.bytes_per_second
        full = waiting_bytes + len(datagram) > self.profile.queue_bytes
        if self.is_down(now) or self.rng.random() < self.profile.loss or full:
            self.lost += 1
            return False
        seconds = len(datagram) / self.profile.bytes_per_second
        self._free_at = max(now, self._free_at) + seconds
        self.busy_seconds += seconds
        self._flying.append((self._free_at, self._free_at + self.profile.delay_seconds, datagram))
        return True

    def due(self, now: float) -> list[bytes]:
        """The datagrams that have arrived by now, in order; those that an outage caught are lost."""
        arrived: list[bytes] = []
        while self._flying and self._flying[0][1] <= now:
            sent, landed, datagram = self._flying.popleft()
            if self.is_down(sent) or self.is_down(landed):
                self.lost += 1
            else:
                arrived.append(datagram)
        return arrived

    def next_due(self) -> float | None:
        """When the next datagram lands; None while nothing flies."""
        return self._flying[0][1] if self._flying else None


@dataclass(slots=True)
class StreamBytes:
    """Bytes handed to TCP in one direction, each counted once however often it was sent; and all IP bytes seen."""

    handed: int = 0
    datagram_bytes: int = 0
    connections: int = 0
    _reached: dict[bytes, int] = field(default_factory=dict)

    def see(self, datagram: bytes) -> None:
        """Count an IPv4 datagram as its sender put it on the wire."""
        self.datagram_bytes += len(datagram)
        if len(datagram) < 40 or datagram[0] >> 4 != 4 or datagram[9] != _TCP:
            return
        head = (datagram[0] & 15) * 4
        flow = datagram[12:20] + datagram[head : head + 4]
        sequence = int.from_bytes(datagram[head + 4 : head + 8], "big")
        total = int.from_bytes(datagram[2:4], "big")
        payload = total - head - (datagram[head + 12] >> 4) * 4
        if datagram[head + 13] & _SYN:
            if self._reached.get(flow) != sequence + 1:
                self.connections += 1
            self._reached[flow] = (sequence + 1) % _SEQUENCE
            return
        if flow not in self._reached or payload <= 0:
            return
        end = (sequence + payload) % _SEQUENCE
        ahead = (end - self._reached[flow]) % _SEQUENCE
        if 0 < ahead < _HALF:
            self.handed += ahead
            self._reached[flow] = end
