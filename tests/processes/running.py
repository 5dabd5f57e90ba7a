"""Running the two programs as an operator does: commands with --json, and `serve` processes on free ports."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.processes.forking import run_forked

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
_START_SECONDS = 60
_ENVIRONMENT = {**os.environ, "PYTHONUTF8": "1"}


def call(program: str, *words: str | Path) -> list[str]:
    """The command line of `hub` or `node`."""
    return [sys.executable, "-m", f"{program}.cli", *map(str, words)]


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The one JSON object that --json prints."""
        found = json.loads(self.out)
        assert isinstance(found, dict) and self.out.count("\n") == 1, self.out
        return found


def run(program: str, *words: str | Path, stdin: str = "", seconds: float = 100) -> Done:
    """Run a command to its end."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in ("in", "out", "err")]
        for path in streams:
            path.touch()
        streams[0].write_text(stdin, encoding="utf-8")
        code = run_forked(program, [str(word) for word in words], *streams, seconds)
        done = Done(code, *(path.read_text(encoding="utf-8") for path in streams[1:]))
    assert "Traceback" not in done.err, done.err
    return done


def report(program: str, *words: str | Path, code: int = 0, stdin: str = "") -> dict[str, Any]:
    """The report of a command that must end with `code`."""
    done = run(program, *words, "--json", stdin=stdin)
    assert done.code == code, f"exit {done.code}\n{done.out}\n{done.err}"
    return done.report


@dataclass
class Server:
    """One `serve` process of a folder; after `start` it listens on the same port again when started anew."""

    program: str
    folder: Path
    more: tuple[str, ...] = ()
    url: str = ""
    admin_url: str = ""
    said: str = ""
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    process: subprocess.Popen[str] | None = field(default=None, repr=False)
    command: Callable[..., list[str]] = field(default_factory=lambda: call, repr=False)
    """Makes the command line of `serve` out of program and words."""

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def log(self) -> Path:
        return self.folder.with_name(self.folder.name + ".log")

    def launch(self) -> None:
        """Start, without waiting for the line that says it is ready."""
        listen = self.url.split("//", 1)[1] if self.url else "127.0.0.1:0"
        words = ("serve", "--dir", self.folder, "--listen", listen, "--admin-listen", "127.0.0.1:0", *self.more)
        with self.log.open("a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                self.command(self.program, *words),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                env=_ENVIRONMENT | self.environment,
            )

    def ready(self) -> Server:
        """Wait for the one JSON line."""
        assert self.process is not None and self.process.stdout is not None
        found: list[str] = []
        out = self.process.stdout
        reader = threading.Thread(target=lambda: found.append(out.readline()), daemon=True)
        reader.start()
        reader.join(_START_SECONDS)
        if not found or not found[0]:
            self.kill()
            raise AssertionError(f"{self.folder.name} did not start:\n{self.written()[-2000:]}")
        self.said = found[0]
        said = json.loads(self.said)
        self.url, self.admin_url = said["url"], said["admin_url"]
        return self

    def start(self) -> Server:
        self.launch()
        return self.ready()

    def stop(self) -> int:
        """SIGTERM, as an operator or systemd does; the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        return self._ended(20)

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self._ended(20)

    def _ended(self, seconds: float) -> int:
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.folder.name} did not stop on SIGTERM") from None
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()
            self.process = None

    def written(self) -> str:
        """What it wrote to standard error over all its lives."""
        return self.log.read_text(encoding="utf-8")

    def kib(self, name: str) -> int:
        """VmRSS or VmHWM of the process (Linux)."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        found = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
        assert found is not None
        return int(found.group(1))


def start_all(*servers: Server) -> None:
    """Start several at once: each spends most of its time loading."""
    for server in servers:
        server.launch()
    for server in servers:
        server.ready()


def fetch(url: str) -> tuple[int, str]:
    """Status and text of a page, whatever the status; no redirect is followed further than urllib does."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=30) as answer:
            return answer.status, answer.read().decode("utf-8")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode("utf-8")


def wait_for(what: str, look: Callable[[], T], seconds: float = 40) -> T:
    """Look again and again until there is something."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(0.1)
    return found
