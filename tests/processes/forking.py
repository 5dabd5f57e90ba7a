"""A command as a process of its own, forked from one that has loaded the programs already.

Loading takes a second and a half of CPU, and these tests run many dozen commands. What is forked holds modules only: no
thread, connection or loop. Servers are started as `python -m` instead, but where they are killed by the dozen.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["node.cli", "hub.cli"])


def begin_forked(
    program: str, words: list[str], stdin: Path, out: Path, err: Path, changes: dict[str, Any] | None = None
) -> ForkServerProcess:
    """The running command; standard streams are these files. `changes`: see tests/durability/launch.py."""
    process = _CONTEXT.Process(target=_child, args=(program, words, changes or {}, str(stdin), str(out), str(err)))
    process.start()
    return process


def run_forked(program: str, words: list[str], stdin: Path, out: Path, err: Path, seconds: float) -> int:
    """The exit code. Raises TimeoutError."""
    process = begin_forked(program, words, stdin, out, err)
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"{program} {words} did not end in {seconds} s")
    code = process.exitcode
    process.close()
    return code


def _child(program: str, words: list[str], changes: dict[str, Any], *streams: str) -> None:
    for number, (path, flags) in enumerate(
        zip(streams, (os.O_RDONLY, os.O_WRONLY | os.O_APPEND, os.O_WRONLY | os.O_APPEND), strict=True)
    ):
        handle = os.open(path, flags)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    if changes:
        importlib.import_module("tests.durability.launch").change(changes)
    sys.argv = [f"lianban-{program}", *words]
    try:
        importlib.import_module(f"{program}.cli").main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
