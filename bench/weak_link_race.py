"""One peer's run over the weak link: a daemon of its own at the far end, a client that is timed at the near end."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.weak_link_nets import CannotRun, Space, Wire
from bench.weak_link_shape import Outages, Profile, never_down

PORT = 8730
_NETWORK = "10.77.3"
_START_SECONDS = 15
_AGAIN_SECONDS = 1.0


@dataclass(slots=True)
class Race:
    """Where a peer runs. `folder` is its own and holds the work in `work`; `limit` is in seconds."""

    folder: Path
    near: Space
    far: Space
    wire: Wire
    outages: Outages | None
    limit: float
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def address(self) -> str:
        """Where the peer's daemon listens, on PORT."""
        return self.wire.far_address

    @contextmanager
    def daemon(self, words: Sequence[str]) -> Iterator[None]:
        """The peer's program at the far end, once it listens. Raises CannotRun."""
        process = subprocess.Popen(
            [*self.far.prefix, *words], env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait_listening(self.far, self.address)
            yield
        finally:
            process.terminate()
            process.wait()

    def seconds(self, words: Sequence[str], arrived: Callable[[], bool]) -> float:
        """How long the client takes, begun again where it gives up; infinite past the limit. The outages begin with it.
        `arrived` must be true after it has ended well."""
        began = time.monotonic()
        self.wire.is_down = self.outages.after(began) if self.outages else never_down
        while (left := began + self.limit - time.monotonic()) > 0:
            try:
                done = subprocess.run(
                    [*self.near.prefix, *words], timeout=left, capture_output=True, check=False,
                    env={**os.environ, **self.environment},
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                break
            if done.returncode == 0:
                taken = time.monotonic() - began
                if not arrived():
                    raise RuntimeError(f"{words[0]} ended well, but not everything arrived")
                return taken
            time.sleep(_AGAIN_SECONDS)
        return float("inf")


@contextmanager
def race(profile: Profile, outages: Outages | None, seed: int, congestion: str) -> Iterator[Race]:
    """Two namespaces, the link between them, an empty folder; without a limit yet."""
    names = (f"lianban-{os.getpid()}-{end}" for end in ("near", "far"))
    with (
        tempfile.TemporaryDirectory(prefix="lianban-bench-") as folder,
        Space(next(names), congestion) as near,
        Space(next(names), congestion) as far,
        Wire(profile, near, far, _NETWORK, seed) as wire,
    ):
        yield Race(Path(folder), near, far, wire, outages, float("inf"))


def _wait_listening(space: Space, address: str) -> None:
    """By looking at the namespace's own table of sockets: a connection would have to cross the link."""
    wanted = f"{socket.inet_aton(address)[::-1].hex().upper()}:{PORT:04X}"
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        table = subprocess.run([*space.prefix, "cat", "/proc/net/tcp"], capture_output=True, text=True, check=True)
        if wanted in table.stdout:
            return
        time.sleep(0.1)
    raise CannotRun(f"no peer listens at {address}:{PORT}")
