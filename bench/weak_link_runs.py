"""What is measured on a weak link: one upload of all the work, plain, cut, killed or flapping, and a decision on its
way down. Each run founds its county anew. Times are seconds, bytes are those handed to TCP.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.places import now
from bench.serving import peak_bytes
from bench.weak_link_county import Watched, kill, prepare, report_of, running
from bench.weak_link_decision import decide
from bench.weak_link_shape import Profile
from bench.weak_link_work import Work
from casework.journal import BLOB_PAGE, BLOB_PREVIEW
from node.station import Station, open_station
from sync_protocol.store.data_folder import DataFolder

_GIVE_UP_TIMES = 4
_CUT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Upload:
    """Seconds from the start of `sync` until each thing was there; bytes on the weak link until it ended."""

    work: Work
    profile: Profile
    entries_at_township: float
    entries_at_county: float
    previews: float
    everything: float
    handed_up: int
    handed_down: int
    busy_seconds: float
    peak_bytes: int
    """Most memory that the village's program had."""

    @property
    def handed(self) -> int:
        return self.handed_up + self.handed_down

    def needs(self, size: int) -> float:
        """Seconds for so many bytes by the link's rate alone."""
        return size / self.profile.bytes_per_second

    @property
    def use(self) -> float:
        """Share of the time for which the link up was sending while there was work."""
        return self.busy_seconds / self.everything


@contextmanager
def county(profile: Profile, seed: int, cases: int, congestion: str) -> Iterator[Watched]:
    """A county with its work taken in, township and hub serving."""
    with tempfile.TemporaryDirectory(prefix="lianban-bench-") as name:
        site = prepare(Path(name), seed, cases)
        with running(site, profile, seed, congestion=congestion) as watched:
            yield watched


Sync = subprocess.Popen[str]


def plain(watched: Watched, sync: Sync) -> Sync:
    """Nothing happens to it."""
    return sync


def cut_by_link(watched: Watched, sync: Sync) -> Sync:
    """At half way nothing gets through for a while, and nobody is told."""
    _half_way(watched)
    until = time.monotonic() + _CUT_SECONDS
    watched.wire.is_down = lambda now: now < until
    return sync


def cut_by_kill(watched: Watched, sync: Sync) -> Sync:
    """At half way the village's program is killed, and started again."""
    _half_way(watched)
    kill(sync)
    return watched.start_sync()


def _half_way(watched: Watched) -> None:
    half = watched.site.work.bytes // 2
    watched.look_until(lambda: watched.wire.streams_up.handed >= half, patience(watched))


def patience(watched: Watched) -> float:
    rate = watched.wire.profile.bytes_per_second
    return 60 + _GIVE_UP_TIMES * watched.site.work.bytes / rate


def upload(watched: Watched, happens: Callable[[Watched, Sync], Sync] = plain, *, slower: float = 1.0) -> Upload:
    """Send all the work; `slower` is how much longer the outages alone make it. Raises TimeoutError."""
    work, wire = watched.site.work, watched.wire
    seconds = patience(watched) * slower
    before = wire.up.busy_seconds
    began = time.monotonic()
    sync = watched.start_sync()
    try:
        at_township = watched.look_until(lambda: watched.at_township()[0] >= work.cases, seconds) - began
        at_county = watched.look_until(lambda: watched.at_county()[0] >= work.cases, seconds) - began
        sync = happens(watched, sync)
        wanted = len(work.blobs[BLOB_PREVIEW]), len(work.blobs[BLOB_PAGE])
        previews = watched.look_until(lambda: watched.at_county()[1] >= wanted[0], seconds) - began
        everything = watched.look_until(lambda: watched.at_county()[2] >= wanted[1], seconds) - began
        busy, peak = wire.up.busy_seconds - before, peak_bytes(sync.pid)
        report_of(sync)
    finally:
        if sync.poll() is None:
            kill(sync)
    up, down = wire.streams_up.handed, wire.streams_down.handed
    return Upload(work, wire.profile, at_township, at_county, previews, everything, up, down, busy, peak)


@contextmanager
def looked_into(folder: Path) -> Iterator[Station]:
    """A station's database beside its running program."""
    station = open_station(DataFolder(folder), os.urandom, now)
    try:
        yield station
    finally:
        station.close()


class Deciding:
    """Decides a case while the upload goes on; `seconds` until the village showed it."""

    seconds = 0.0

    def __call__(self, watched: Watched, sync: Sync) -> Sync:
        with looked_into(watched.site.folder / "village") as village:
            self.seconds = decide(watched.hub, village.store.read)
        return sync
