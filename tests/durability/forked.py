"""Servers and commands forked from a process that has loaded the programs: quick to start, and killed by the dozen."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from tests.processes.forking import begin_forked
from tests.processes.running import Server

_START_SECONDS = 60
_DIE_SECONDS = 60


@dataclass
class Armed:
    """A point at which a process kills itself when it is passed for the nth time; `fired` then names it."""

    point: str
    nth: int
    fired: Path

    @property
    def changes(self) -> dict[str, Any]:
        return {"point": self.point, "nth": self.nth, "fired": str(self.fired)}


@dataclass
class ForkedServer(Server):
    """A `serve` process that is started again on the same port; what it writes is appended to files beside it."""

    forked: ForkServerProcess | None = field(default=None, repr=False)

    def alive(self) -> bool:
        return self.forked is not None and self.forked.exitcode is None

    def launch(self, armed: Armed | None = None) -> None:
        out = self._out()
        out.write_text("", encoding="utf-8")
        self.log.touch()
        listen = self.url.split("//", 1)[1]
        words = ["serve", "--dir", str(self.folder), "--listen", listen, "--admin-listen", "127.0.0.1:0", *self.more]
        self.forked = begin_forked(self.program, words, Path("/dev/null"), out, self.log, armed and armed.changes)

    def _out(self) -> Path:
        return self.folder.with_name(self.folder.name + ".out")

    def ready(self) -> ForkedServer:
        """Wait until it serves. An armed one may die before: then this returns as well."""
        end = time.monotonic() + _START_SECONDS
        while self.alive():
            if (said := self._out().read_text(encoding="utf-8")).endswith("\n"):
                self.admin_url = json.loads(said)["admin_url"]
                return self
            assert time.monotonic() < end, f"{self.folder.name} did not start:\n{self.written()[-2000:]}"
            time.sleep(0.02)
        assert self.forked is not None
        assert self.forked.exitcode == -signal.SIGKILL, f"{self.folder.name} ended:\n{self.written()[-2000:]}"
        return self

    def died(self, seconds: float) -> bool:
        """Whether it kills itself within this time."""
        assert self.forked is not None
        self.forked.join(seconds)
        return self.forked.exitcode == -signal.SIGKILL

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> int:
        if self.forked is None:
            return 0
        if self.forked.exitcode is None:
            (self.forked.terminate if number == signal.SIGTERM else self.forked.kill)()
            self.forked.join(_DIE_SECONDS)
        code = self.forked.exitcode
        if code is None:
            self.forked.kill()
            self.forked.join()
            raise AssertionError(f"{self.folder.name} did not stop")
        self.forked = None
        return code


def begin_command(at: Path, program: str, *words: str | Path, armed: Armed | None = None) -> ForkServerProcess:
    """Start a command; what it writes goes into "out" and "err" in the folder `at`."""
    at.mkdir(parents=True, exist_ok=True)
    streams = [at / name for name in ("in", "out", "err")]
    for path in streams:
        path.write_bytes(b"")
    return begin_forked(program, [str(word) for word in words], *streams, armed and armed.changes)
