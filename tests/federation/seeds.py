"""Which seeds are played: fresh ones drawn from the commit, so that every run looks somewhere new, and old failures."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.scale import times

_ROOT = Path(__file__).parent.parent.parent
FRESH = times(300, 3000)
_SPARE = FRESH // 4
"""Played only when chance was against what a run must see."""

FAILED: tuple[int, ...] = (6, 115, 9505, 6348840750150, 3165996430221, 3689482850047, 7467972230046, 7405959270264)
"""Every seed that ever failed. What it plays changes with the program; it is cheap to keep."""


def fresh() -> list[int]:
    """FRESH seeds and the spare ones. The same commit plays the same; without a checkout (an unpacked sdist) the files'
    sizes choose them."""
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=_ROOT, capture_output=True, text=True, check=False)
    if found.returncode == 0:
        base = int(found.stdout[:12], 16)
    else:
        base = sum(path.stat().st_size for path in sorted((_ROOT / "sync_protocol").rglob("*.py")))
    base = base % 10**9 * 10_000
    return list(range(base, base + FRESH + _SPARE))
