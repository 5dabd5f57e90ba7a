"""Programs under strace, and the traces they leave."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.durability.synced import TRACED, Judgement, judge
from tests.processes.running import ROOT, Server

_NOT_PERMITTED = (
    "strace is here but may not trace: {said}\n"
    "Allow ptrace (docker: --cap-add=SYS_PTRACE; a host: sysctl kernel.yama.ptrace_scope=0 or 1) and run again."
)


def strace_program() -> str:
    """The path of strace. A missing one, or one that may not trace, fails the test: without it nothing is shown."""
    program = shutil.which("strace")
    assert program, "these tests watch system calls with the strace program: apt-get install strace"
    done = subprocess.run([program, "-f", "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, _NOT_PERMITTED.format(said=done.stderr.strip()[:300])
    return program


def traced_call(trace: Path, control: str, program: str, *words: str | Path) -> list[str]:
    """The command line of a program under strace, with one protection taken away when `control` names it."""
    changes = json.dumps({"control": control} if control else {})
    own = [sys.executable, "-m", "tests.durability.launch", changes, program, *map(str, words)]
    watch = ["-f", "-yy", "-s", "0", "--seccomp-bpf", "-e", f"trace={','.join(TRACED)}", "-o", str(trace)]
    return [strace_program(), *watch, *own]


def run_traced(trace: Path, program: str, *words: str | Path) -> str:
    """A command under strace, to its good end; what it printed."""
    call = traced_call(trace, "", program, *words)
    done = subprocess.run(call, capture_output=True, text=True, check=False, cwd=ROOT, timeout=100)
    assert done.returncode == 0, done
    return done.stdout


@dataclass
class TracedServer(Server):
    """A server that runs under strace; signals go to the program itself."""

    control: str = ""
    trace: Path = field(init=False)

    def __post_init__(self) -> None:
        self.trace = self.folder.with_name(self.folder.name + ".strace")
        self.command = lambda program, *words: traced_call(self.trace, self.control, program, *words)

    def _signal(self, number: int) -> None:
        said = json.loads((self.folder / "serve.json").read_text(encoding="utf-8"))
        os.kill(said["pid"], number)

    def stop(self) -> int:
        if self.process is None:
            return 0
        self._signal(signal.SIGTERM)
        return self._ended(20)

    def kill(self) -> None:
        if self.process is None:
            return
        if (self.folder / "serve.json").exists():
            self._signal(signal.SIGKILL)
        else:
            self.process.terminate()
        self._ended(20)

    def judgement(self) -> Judgement:
        """What its system calls showed, once it has ended."""
        with self.trace.open(encoding="utf-8", errors="replace") as lines:
            return judge(lines)
