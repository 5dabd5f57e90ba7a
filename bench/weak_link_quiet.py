"""What a quiet connection does on 2G: a decision on its way down; the bytes of a month with nothing to say, live and
metered. Bytes are those handed to TCP, both ways.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import date

from bench.serving import ROOT, Served
from bench.weak_link_county import Watched, kill
from bench.weak_link_decision import decide
from bench.weak_link_nets import TWO_G
from bench.weak_link_runs import county, looked_into, patience
from casework.journal import BLOB_PAGE
from node.metered import rest_seconds

_SETTLE_SECONDS = 10.0
_POLL_SECONDS, _POLLS = 50, 12
"""Ten minutes: a connection that is lost and made anew weighs no more than its due."""
_ROUNDS = 8
_DAY_SECONDS = 86_400
_MONTH_SECONDS = 30 * _DAY_SECONDS
_MONDAY = 1_780_243_200
"""Midnight in China, 1 June 2026: thirty days from here have 22 workdays, as many as any."""


def decision_and_month(seed: int, congestion: str) -> tuple[float, float]:
    """Seconds from a decision at the county to the village's own row; and the bytes of a month, from those of some
    polls after the connection has settled."""
    with county(TWO_G, seed, 1, congestion) as watched:
        wire, pages = watched.wire, len(watched.site.work.blobs[BLOB_PAGE])
        folder = watched.site.folder / "village"
        with Served("node", folder, prefix=watched.village_space.prefix), looked_into(folder) as village:
            watched.look_until(lambda: watched.at_county()[2] >= pages, patience(watched))
            time.sleep(_SETTLE_SECONDS)
            seconds = decide(watched.hub, village.store.read)
            time.sleep(_POLL_SECONDS + _SETTLE_SECONDS)
            before = wire.handed
            time.sleep(_POLLS * _POLL_SECONDS)
            spent = wire.handed - before
        return seconds, spent / (_POLLS * _POLL_SECONDS) * _MONTH_SECONDS


def metered_month(seed: int, congestion: str) -> float:
    """The bytes of a month of a metered village, from those of some questions, each with a connection of its own."""
    with county(TWO_G, seed, 1, congestion) as watched:
        words = [sys.executable, "-m", "bench.weak_link_metered", str(watched.site.folder / "village")]
        asking = subprocess.Popen(
            [*watched.village_space.prefix, *words],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
            env={**os.environ, "PYTHONUTF8": "1"},
        )  # fmt: skip
        try:
            marks = [_after_round(asking, watched) for _ in range(_ROUNDS + 2)]
        finally:
            kill(asking)
    return (marks[-1] - marks[1]) / _ROUNDS * questions_of_month()


def _after_round(asking: subprocess.Popen[str], watched: Watched) -> int:
    """Bytes so far when the next round has ended. Raises RuntimeError when the program has ended."""
    assert asking.stdout is not None
    if not asking.stdout.readline():
        raise RuntimeError("the metered village ended")
    return watched.wire.handed


def questions_of_month() -> int:
    """How often a metered station asks in thirty days with 22 workdays."""
    moment, asked = _MONDAY, 0
    while moment < _MONDAY + _MONTH_SECONDS:
        asked += 1
        moment += rest_seconds(moment, _is_workday)
    return asked


def _is_workday(day: date) -> bool:
    return day.weekday() < 5
