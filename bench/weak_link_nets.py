"""Network namespaces for real programs, and the weak link between two of them: a pair of TUN devices, and a thread that
carries datagrams from one to the other as `weak_link_shape` says. Linux, as root.
"""

from __future__ import annotations

import fcntl
import os
import random
import select
import shutil
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.weak_link_shape import OneWay, Profile, StreamBytes, never_down

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_MTU = 1500
_IDLE_SECONDS = 0.5
_TUN = Path("/dev/net/tun")


class CannotRun(Exception):
    """This machine cannot make the networks; the text says what is missing."""


def check_machine() -> None:
    """Raises CannotRun."""
    if os.geteuid() != 0:
        raise CannotRun("network namespaces need root: run it with sudo")
    if shutil.which("ip") is None:
        raise CannotRun("there is no `ip` program: install iproute2")
    if not _TUN.exists():
        raise CannotRun(f"there is no {_TUN}: load the module tun, or run outside of a container")


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotRun(f"ip {' '.join(words)}: {done.stderr.strip()[:200]}")


@dataclass(slots=True)
class Space:
    """One network namespace; `prefix` runs a program inside. Use as a context manager."""

    name: str
    congestion: str = "reno"
    """TCP's congestion control. With the few segments in flight that these links hold, cubic behaves as reno does, and
    reno is the one that every Linux lets a namespace choose."""

    @property
    def prefix(self) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.name)

    def __enter__(self) -> Space:
        _ip("netns", "add", self.name)
        _ip("-n", self.name, "link", "set", "lo", "up")
        for setting in (f"tcp_congestion_control={self.congestion}", "tcp_no_metrics_save=1"):
            words = [*self.prefix, "sysctl", "-qw", f"net.ipv4.{setting}"]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise CannotRun(f"{setting}: {done.stderr.strip()[:200]}")
        return self

    def __exit__(self, *exc: object) -> None:
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)


def _tun(name: str, space: Space, address: str, peer: str) -> int:
    """A TUN device inside `space`; the open device, which stays in this process."""
    fd = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    _ip("link", "set", name, "netns", space.name)
    _ip("-n", space.name, "addr", "add", address, "peer", peer, "dev", name)
    _ip("-n", space.name, "link", "set", name, "mtu", str(_MTU), "up")
    return fd


@dataclass
class Wire:
    """A link between two namespaces, from `near` (a child) up to `far` (its parent). Use as a context manager."""

    profile: Profile
    near: Space
    far: Space
    network: str
    """The first three numbers of its addresses: near is .1, far is .2."""
    seed: int
    is_down: Callable[[float], bool] = never_down
    up: OneWay = field(init=False)
    down: OneWay = field(init=False)
    streams_up: StreamBytes = field(default_factory=StreamBytes)
    streams_down: StreamBytes = field(default_factory=StreamBytes)

    def __post_init__(self) -> None:
        rng = random.Random(self.seed)
        self.up = OneWay(self.profile, random.Random(rng.random()), self._down_at)
        self.down = OneWay(self.profile, random.Random(rng.random()), self._down_at)

    def _down_at(self, now: float) -> bool:
        return self.is_down(now)

    @property
    def near_address(self) -> str:
        return f"{self.network}.1"

    @property
    def far_address(self) -> str:
        return f"{self.network}.2"

    @property
    def handed(self) -> int:
        """Bytes handed to TCP so far, both ways."""
        return self.streams_up.handed + self.streams_down.handed

    def __enter__(self) -> Wire:
        near = _tun(f"lb{os.getpid()}n", self.near, self.near_address, self.far_address)
        try:
            far = _tun(f"lb{os.getpid()}f", self.far, self.far_address, self.near_address)
        except CannotRun:
            os.close(near)
            raise
        for space, name in ((self.near, "n"), (self.far, "f")):
            _ip(
                "-n",
                space.name,
                "link",
                "set",
                f"lb{os.getpid()}{name}",
                "name",
                f"w{self.network.split('.')[2]}{name}",
            )
        self._ends, self._over = (near, far), threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()
        for fd in self._ends:
            os.close(fd)

    def _carry(self) -> None:
        near, far = self._ends
        ways = {near: (self.up, self.streams_up, far), far: (self.down, self.streams_down, near)}
        while not self._over.is_set():
            moments = [moment for way, _, _ in ways.values() if (moment := way.next_due()) is not None]
            wait = min(moments) - time.monotonic() if moments else _IDLE_SECONDS
            ready, _, _ = select.select([near, far], [], [], min(max(wait, 0.0), _IDLE_SECONDS))
            now = time.monotonic()
            for fd in ready:
                way, streams, _ = ways[fd]
                self._read(fd, way, streams, now)
            for way, _, sink in ways.values():
                for datagram in way.due(now):
                    _write(sink, datagram)

    def _read(self, fd: int, way: OneWay, streams: StreamBytes, now: float) -> None:
        while True:
            try:
                datagram = os.read(fd, _MTU + 100)
            except BlockingIOError:
                return
            streams.see(datagram)
            way.offer(now, datagram)


def _write(fd: int, datagram: bytes) -> None:
    try:
        os.write(fd, datagram)
    except OSError:
        return  # the device is being taken down, or is full: a datagram may be lost


LAN = Profile("lan", 100_000_000, 0.0005, 0.0, 4_000_000)
TWO_G = Profile("2G", 64_000, 0.300, 0.03, 16_000)
THREE_G = Profile("3G", 512_000, 0.150, 0.01, 64_000)
