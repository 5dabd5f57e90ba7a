"""How often one address may ask: a bucket of tokens for each, in bounded memory.

A bucket begins full and fills again with time. Buckets that are full again are forgotten; when there are too many,
the one that was asked longest ago goes. What a process remembers is gone with it, which forgives little: buckets
are small.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable

BUCKETS_MAX = 20_000
_V6_HOUSEHOLD = 64


class Limiter:
    """`burst` asks at once, and one more every `seconds_each`. `now` is any clock of seconds that does not go back."""

    def __init__(self, burst: int, seconds_each: float, now: Callable[[], float]) -> None:
        self._burst, self._seconds, self._now = burst, seconds_each, now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, key: str) -> bool:
        """Take a token; False when there is none."""
        left, now = self._left(key)
        if left < 1:
            return False
        self._buckets[key] = (left - 1, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        return True

    def empty(self, key: str) -> bool:
        """Whether the next `allow` would say no."""
        return self._left(key)[0] < 1

    def wait(self) -> int:
        """Whole seconds after which an empty bucket has a token again."""
        return max(1, round(self._seconds))

    def _left(self, key: str) -> tuple[float, float]:
        now = self._now()
        left, then = self._buckets.get(key, (float(self._burst), now))
        return min(float(self._burst), left + max(0.0, now - then) / self._seconds), now


def household(address: str) -> str:
    """What is counted as one: an IPv4 address, or the network that an IPv6 line is given."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, _V6_HOUSEHOLD), strict=False))
    return str(known)
