"""A TCP proxy between two programs: counts bytes, keeps what passed, cuts connections, closes the way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import cycle

_READ_BYTES = 16 * 1024


def _address(target: str) -> tuple[str, int]:
    host, port = target.rstrip("/").split("://")[1].split(":")
    return host, int(port)


class Proxy:
    """Listens on a free port and forwards to `targets` ("http://host:port") in turn. Use as a context manager.

    `cut_after` gives, per connection, the number of bytes (both ways together) after which it is torn down.
    """

    def __init__(self, *targets: str, cut_after: Callable[[], int | None] = lambda: None) -> None:
        scheme = targets[0].split("://")[0]
        self._targets = cycle([_address(target) for target in targets])
        self._cut_after = cut_after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._keep = threading.Event()
        self._open = True
        self.up = self.down = self.connections = self.cuts = 0
        self.sent: list[bytes] = []
        """What went up, per connection, while `keep` was on."""

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.close()
        self.block()

    def keep(self) -> None:
        """Keep what goes up from now on."""
        self._keep.set()

    def block(self) -> None:
        """Tear down what is open and let nothing new through."""
        self._open = False
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._end(pair)

    def unblock(self) -> None:
        self._open = True

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                if not self._open:
                    raise ConnectionRefusedError
                far = socket.create_connection(next(self._targets), timeout=10)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            pair = (near, far)
            with self._lock:
                self._pairs.add(pair)
                self.connections += 1
                self.sent.append(b"")
            budget = [self._cut_after(), len(self.sent) - 1]
            for source, sink in (pair, pair[::-1]):
                threading.Thread(target=self._pump, args=(source, sink, pair, budget), daemon=True).start()

    def _pump(
        self, source: socket.socket, sink: socket.socket, pair: tuple[socket.socket, socket.socket], budget: list[int]
    ) -> None:
        try:
            while data := source.recv(_READ_BYTES):
                if not self._count(data, budget, going_up=source is pair[0]):
                    break
                sink.sendall(data)
        except OSError:
            pass
        finally:
            self._end(pair)

    def _count(self, data: bytes, budget: list[int], *, going_up: bool) -> bool:
        with self._lock:
            if going_up:
                self.up += len(data)
                if self._keep.is_set():
                    self.sent[budget[1]] += data
            else:
                self.down += len(data)
            if budget[0] is None:
                return True
            budget[0] -= len(data)
            if budget[0] < 0:
                self.cuts += 1
                return False
            return True

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with self._lock:
            self._pairs.discard(pair)
        for end in pair:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
