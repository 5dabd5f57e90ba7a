"""Starting and stopping the four programs, and running their commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_START_SECONDS = 60
_STOP_SECONDS = 15
_VERIFIER = Path(__file__).resolve().parents[2] / "tests" / "verifier" / "verifier.py"


class DemoFailed(Exception):
    """Something did not go as it must; the text says what."""


def command(program: str, *words: str, stdin: str | None = None, codes: Sequence[int] = (0,)) -> dict[str, Any]:
    """Run one command of `hub` or `node` with --json and give its report. Raises DemoFailed."""
    call = [sys.executable, "-m", f"{program}.cli", *words, "--json"]
    done = subprocess.run(call, input=stdin, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode not in codes:
        raise DemoFailed(f"{program} {words[0]} exited {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report | {"exit_code": done.returncode}


def verify_export(file: Path, root_key: bytes) -> str:
    """What a verifier that shares no code with the programs says of an export, in one line. Raises DemoFailed."""
    call = [sys.executable, "-I", str(_VERIFIER), str(file), root_key.hex()]
    done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise DemoFailed(f"{file.name} does not verify: {done.stderr.strip()}")
    return done.stdout.strip()


@dataclass
class Server:
    """One `serve` process; `url` and `admin_url` are known once it is ready."""

    program: str
    folder: Path
    listen: str = "127.0.0.1:0"
    url: str = ""
    admin_url: str = ""
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start and wait for the line that says it is ready. Raises DemoFailed."""
        log = self.folder.with_name(self.folder.name + ".log").open("a", encoding="utf-8")
        call = [
            sys.executable,
            "-m",
            f"{self.program}.cli",
            "serve",
            "--dir",
            str(self.folder),
            "--listen",
            self.listen,
        ]
        # A session of its own: Ctrl-C reaches the demo alone, which then stops its programs in order.
        self.process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
        log.close()
        line = self._first_line()
        if not line:
            tail = Path(log.name).read_text(encoding="utf-8")[-800:]
            self.stop()
            raise DemoFailed(f"{self.folder.name} did not start:\n{tail}")
        said = json.loads(line)
        self.url, self.admin_url = said["url"], said["admin_url"]
        self.listen = self.url.split("//", 1)[1]

    def _first_line(self) -> str:
        assert self.process is not None and self.process.stdout is not None
        found: list[str] = []
        reader = threading.Thread(
            target=lambda out: found.append(out.readline()), args=(self.process.stdout,), daemon=True
        )
        reader.start()
        reader.join(_START_SECONDS)
        return found[0] if found else ""

    def stop(self) -> None:
        """Ask it to stop, and insist after a while."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def peak_kib(self) -> int:
        """Peak resident memory of the serving process, KiB (Linux)."""
        assert self.process is not None
        for line in Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1])
        return 0


def wait_for(what: str, look: Any, seconds: float = 60.0) -> Any:
    """Look again and again until there is something; raises DemoFailed after `seconds` without."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise DemoFailed(f"waited {seconds:.0f} s in vain for: {what}")
        time.sleep(0.1)


def environment_is_quiet() -> None:
    """Child processes print UTF-8 whatever the terminal's locale."""
    os.environ.setdefault("PYTHONUTF8", "1")
