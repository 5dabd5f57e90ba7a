"""Real `serve` processes for the benches: started, timed, watched, and heard through a counting proxy."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_START_SECONDS = 120
_STOP_SECONDS = 20
_SAMPLE_SECONDS = 0.002
_READ_BYTES = 64 * 1024


class MissingTool(Exception):
    """A program of the system that a bench needs is not there."""


@dataclass
class Served:
    """One `serve` process of "hub" or "node"; use as a context manager, `url` is where its pages are."""

    program: str
    folder: Path
    more: Sequence[str] = ()
    listen: str = "127.0.0.1:0"
    prefix: Sequence[str] = ()
    """Words before the program's own, such as those that put it into a network namespace."""
    url: str = ""
    started: float = 0.0
    """time.perf_counter() just before it was started."""
    process: subprocess.Popen[str] | None = field(default=None, repr=False)
    log: str = ""

    def __enter__(self) -> Served:
        words = ["serve", "--dir", str(self.folder), "--listen", self.listen, "--admin-listen", "127.0.0.1:0"]
        call = [*self.prefix, sys.executable, "-m", f"{self.program}.cli", *words, *self.more]
        errors = self.folder.with_name(self.folder.name + ".log")
        with errors.open("a", encoding="utf-8") as log:
            self.started = time.perf_counter()
            self.process = subprocess.Popen(
                call, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT, env={**os.environ, "PYTHONUTF8": "1"}
            )
        found: list[str] = []
        out = self.process.stdout
        assert out is not None
        reader = threading.Thread(target=lambda: found.append(out.readline()), daemon=True)
        reader.start()
        reader.join(_START_SECONDS)
        if not found or not found[0]:
            self.__exit__()
            raise RuntimeError(f"{self.folder.name} did not start:\n{errors.read_text('utf-8')[-2000:]}")
        self.url = json.loads(found[0])["url"]
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid


def peak_bytes(pid: int) -> int:
    """VmHWM of a process: the most memory it ever had resident; 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


class ChildWatch:
    """Looks at the children of a process all the time and keeps the peak of each; use as a context manager.

    A child's VmHWM only grows, so a look shortly before it ends is enough. Before it has started its own program a
    child still wears its parent's memory: it counts from when its command line is its own.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peaks: dict[int, int] = {}

    def __enter__(self) -> ChildWatch:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def peak(self) -> int:
        return max(self.peaks.values(), default=0)

    def _watch(self) -> None:
        parent = _command(self._pid)
        while not self._over.wait(_SAMPLE_SECONDS):
            for child in _children(self._pid):
                if _command(child) not in (parent, b""):
                    self.peaks[child] = max(self.peaks.get(child, 0), peak_bytes(child))


def _command(pid: int) -> bytes:
    """The command line; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found.extend(int(word) for word in tasks.read_text(encoding="ascii").split())
    return found + [grandchild for child in found for grandchild in _children(child)]


class CountingProxy:
    """Forwards TCP to `target` ("http://host:port") and counts the bytes above TCP both ways; a context manager."""

    def __init__(self, target: str) -> None:
        scheme, address = target.rstrip("/").split("://")
        host, port = address.split(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.up = self.down = self.connections = 0

    def __enter__(self) -> CountingProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self.connections += 1
            threading.Thread(target=self._pump, args=(near, far, "up"), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, "down"), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with suppress(OSError):
            while data := source.recv(_READ_BYTES):
                with self._lock:
                    setattr(self, way, getattr(self, way) + len(data))
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@dataclass(frozen=True, slots=True)
class Tls:
    """A CA of the county's own, and the options with which a program serves as 127.0.0.1 under it."""

    ca: bytes
    options: tuple[str, ...]


def make_tls(folder: Path, addresses: Sequence[str] = ("127.0.0.1",)) -> Tls:
    """For programs that are dialled at these IP addresses. Raises MissingTool without the openssl program."""
    folder.mkdir(parents=True, exist_ok=True)
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    ca, ca_key, cert, key = (folder / name for name in ("ca.pem", "ca.key", "cert.pem", "cert.key"))
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _openssl("req", "-x509", *curve, "-days", "30", "-subj", "/CN=bench-ca", "-keyout", ca_key, "-out", ca, *usage)
    _openssl("req", *curve, "-subj", "/CN=bench", "-keyout", key, "-out", folder / "cert.csr")
    names = folder / "cert.ext"
    alternatives = ",".join(f"IP:{address}" for address in addresses)
    names.write_text(f"subjectAltName={alternatives}\nkeyUsage=critical,digitalSignature\n", encoding="ascii")
    signing = ("-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "30", "-extfile", names)
    _openssl("x509", "-req", "-in", folder / "cert.csr", "-out", cert, *signing)
    return Tls(ca.read_bytes(), ("--tls-cert", str(cert), "--tls-key", str(key)))


def _openssl(*words: str | Path) -> None:
    program = shutil.which("openssl")
    if program is None:
        raise MissingTool("openssl")
    subprocess.run([program, *map(str, words)], capture_output=True, check=True)
