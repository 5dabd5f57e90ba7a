"""Reading systemd units as the tests need them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import defaultdict
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "systemd"


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """systemd-analyze, which needs no running systemd."""
    program = shutil.which("systemd-analyze")
    assert program, "these tests read units with systemd-analyze: apt-get install systemd"
    environment = {**os.environ, "LC_ALL": "C", "SYSTEMD_LOG_LEVEL": "info"}
    return subprocess.run(
        [program, *map(str, words)], capture_output=True, text=True, check=False, env=environment, timeout=60
    )


def settings(unit: str) -> dict[str, list[str]]:
    """What the unit file says, by the names of its settings, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in (FOLDER / unit).read_text(encoding="utf-8").splitlines():
        if row and not row.startswith(("#", "[")):
            name, _, value = row.partition("=")
            found[name].append(value)
    return found


def size(text: str) -> int:
    """Bytes of what systemd writes as 512M or 4G."""
    return int(text[:-1]) * {"K": 1024, "M": 1024**2, "G": 1024**3}[text[-1]]


@cache
def _groups() -> dict[str, frozenset[str]]:
    done = analyze("syscall-filter", "--no-pager")
    assert done.returncode == 0, done.stderr
    found: dict[str, set[str]] = {}
    name = ""
    for row in done.stdout.splitlines():
        if row.startswith("@"):
            name = row.strip()
            found[name] = set()
        elif name and row.startswith(" ") and row.strip() and not row.strip().startswith("#"):
            found[name].add(row.strip())
        elif not row.startswith(" "):
            name = ""
    return {name: frozenset(members) for name, members in found.items()}


def _calls(name: str) -> frozenset[str]:
    if not name.startswith("@"):
        return frozenset({name})
    return frozenset().union(*(_calls(one) for one in _groups()[name]))


def allowed_calls(unit: str) -> frozenset[str]:
    """The system calls that the unit's filter lets through."""
    allowed = frozenset[str]()
    for row in settings(unit)["SystemCallFilter"]:
        calls = frozenset[str]().union(*(_calls(name) for name in row.removeprefix("~").split()))
        allowed = allowed - calls if row.startswith("~") else allowed | calls
    return allowed
