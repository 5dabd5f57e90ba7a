"""How long the dialling side waits, following the round trip that TCP itself measured; sockets only.

An outage that tells nobody leaves TCP waiting ever longer between its tries, long after the link is back. So a
connection whose bytes stay unacknowledged for some round trips is given up (TCP_USER_TIMEOUT), one on which nothing
moves is probed (keepalive), and a try to connect is short. The limits follow the round trip with its queue: what is
plenty on 3G breaks working connections on 2G.
"""

from __future__ import annotations

import socket
import struct
import sys
import weakref
from asyncio.trsock import TransportSocket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

_TCP_INFO = struct.Struct("8B24I4Q4I")
_HEARD, _ROUND_TRIP, _VARIANCE, _SHORTEST = 8 + 12, 8 + 15, 8 + 16, 8 + 24 + 4 + 3
_GIVE_UP_TIMES, _GIVE_UP_SECONDS = 4, (26.0, 60.0)
"""The least is longer than it takes to miss a probe and be heard by the next one: Linux gives an idle connection up at
the first silent probe once this time is over, and on 2G every fifteenth probe or its answer is lost."""
_CONNECT_TIMES, _CONNECT_SECONDS = 1.5, (2.5, 30.0)
_PROBE_TIMES, _PROBE_SECONDS, _PATIENT_EVERY = 2, 0.7, 4
"""After a failure the queue is empty and tries are short, so that the first one after an outage begins soon after it;
every fourth is patient, for the way may have become longer, unless one beside it is."""
_SECURE_TIMES, _SECURE_SECONDS = 6, (8.0, 60.0)
_PROBE_AFTER_SECONDS, _PROBE_EVERY_SECONDS, _PROBES = 20, 5, 3
_PATIENT_AFTER, _PATIENCE_MAX = 8, 4

TRY_EVENLY = 16
"""TCP_THIN_LINEAR_TIMEOUTS of Linux (https://docs.kernel.org/networking/tcp-thin.html); Python has no name for it."""

_LEAST_BYTES_PER_SECOND = 128
"""A sixtieth of what 2G carries. Who sends more slowly than this, byte by byte for ever, is as good as silent."""


def slowest(size: int, patience: float) -> float:
    """Seconds in which so many bytes must have come or gone, `patience` of them for nothing."""
    return patience + size / _LEAST_BYTES_PER_SECOND


def try_evenly(one: socket.socket | TransportSocket) -> None:
    """Have what little is under way sent again after each round trip or so, not after 1, 2, 4, 8 … of them.

    A request or answer of a few datagrams has nothing behind it by which TCP would notice sooner that one is lost;
    where three in a hundred are, two tries in a row are too every now and then. Bulk still gives way to others.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # closed meanwhile
            one.setsockopt(socket.IPPROTO_TCP, TRY_EVENLY, 1)


class LinkTimes:
    """Makes the sockets of one link, and measures them. Seconds everywhere."""

    def __init__(self) -> None:
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._failures = 0
        self._patient = 0
        self.round_trip = 0.0
        """Smoothed, queues included, with four times its variance, as TCP's own timer has it; 0 before it is known."""
        self.shortest = 0.0
        """The shortest round trip of the open connections; 0 before it is known."""

    @property
    def give_up(self) -> float:
        """How long bytes may stay unacknowledged."""
        return _within(_GIVE_UP_TIMES * self.round_trip, _GIVE_UP_SECONDS)

    @property
    def connect(self) -> float:
        """How long one try to connect may take; longer after many that came to nothing, for the link may be slow."""
        if not self._is_patient:
            return _within(_PROBE_TIMES * self.shortest, (_PROBE_SECONDS, _CONNECT_SECONDS[1]))
        patience = min(1 + self._failures // _PATIENT_AFTER, _PATIENCE_MAX)
        return _within(patience * _within(_CONNECT_TIMES * self.round_trip, _CONNECT_SECONDS), _CONNECT_SECONDS)

    @property
    def connect_securely(self) -> float:
        """The same with TLS."""
        return self.connect + _within(_SECURE_TIMES * self.round_trip, _SECURE_SECONDS)

    @property
    def _is_patient(self) -> bool:
        if not self.shortest or not self._failures or any(_heard_lately(one) for one in list(self._sockets)):
            return True  # where another connection is heard the link is there, and its queue may be long
        return self._failures % _PATIENT_EVERY == 0 and not self._patient

    @contextmanager
    def one_try(self) -> Iterator[tuple[float, float]]:
        """How long a request that begins now may take to connect, and to do so with TLS; until it ends no other one is
        patient after a failure, so that beside it somebody always tries anew."""
        patient = self._is_patient
        limits = self.connect, self.connect_securely
        self._patient += patient
        try:
            yield limits
        finally:
            self._patient -= patient

    def make_socket(self, address: tuple[Any, ...]) -> socket.socket:
        """A socket for (family, type, protocol, …) that gives a dead link up by itself."""
        made = socket.socket(address[0], address[1], address[2])
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            (socket.TCP_KEEPIDLE, _PROBE_AFTER_SECONDS),
            (socket.TCP_KEEPINTVL, _PROBE_EVERY_SECONDS),
            (socket.TCP_KEEPCNT, _PROBES),
        ):
            made.setsockopt(socket.IPPROTO_TCP, option, value)
        try_evenly(made)
        self._limit(made)
        self._sockets.add(made)
        return made

    def answered(self) -> None:
        """A request was answered: measure, and tell the open connections."""
        self._failures = 0
        measured = [seconds for one in list(self._sockets) if (seconds := _measured(one))]
        if measured:
            self.round_trip = max(smoothed for smoothed, _ in measured)
            self.shortest = min(shortest for _, shortest in measured)
        for one in list(self._sockets):
            self._limit(one)

    def failed(self) -> None:
        """A request was not answered."""
        self._failures += 1

    def _limit(self, one: socket.socket) -> None:
        with suppress(OSError):  # closed meanwhile
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(self.give_up * 1000))


def _heard_lately(one: socket.socket) -> bool:
    """Whether the other end of a connection has acknowledged something just now."""
    fields = _info(one)
    return fields is not None and fields[_HEARD] < 1000 * _PROBE_SECONDS


def _info(one: socket.socket) -> tuple[int, ...] | None:
    try:
        info = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    except OSError:  # closed meanwhile
        return None
    return _TCP_INFO.unpack(info) if len(info) == _TCP_INFO.size else None


def _measured(one: socket.socket) -> tuple[float, float] | None:
    """The round trip with its variance, and the shortest one; None while there is none."""
    fields = _info(one)
    if fields is None or not fields[_ROUND_TRIP]:
        return None
    return (fields[_ROUND_TRIP] + 4 * fields[_VARIANCE]) / 1e6, fields[_SHORTEST] / 1e6


def _within(seconds: float, bounds: tuple[float, float]) -> float:
    return min(max(seconds, bounds[0]), bounds[1])
