"""A real county on a weak link: hub, township and village, each in a network namespace, TLS on, and eyes on their
databases. The village dials the township over the link that is measured, the township the county over a LAN.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.places import dial, found, now
from bench.serving import ROOT, Served, make_tls
from bench.weak_link_nets import LAN, Space, Wire
from bench.weak_link_shape import Profile
from bench.weak_link_work import Page, Work, held, take_in
from hub.county import County, open_county
from node.station import Station, open_station
from sync_protocol.store.data_folder import DataFolder

_PORT = 8443
_LOOK_SECONDS = 0.2
_WEAK, _LAN = "10.77.1", "10.77.2"


@dataclass
class Site:
    """Folders of a county with the work in its village, and how to serve them."""

    folder: Path
    work: Work
    pages: list[Page]
    tls: tuple[str, ...]


def prepare(folder: Path, seed: int, cases: int) -> Site:
    """Found the county, take the cases in. Raises MissingTool."""
    township_at, hub_at = f"{_WEAK}.2", f"{_LAN}.2"
    tls = make_tls(folder / "tls", (township_at, hub_at))
    places = found(folder, random.Random(seed).randbytes, ca=tls.ca)
    try:
        dial(places.village, f"https://{township_at}:{_PORT}")
        dial(places.township, f"https://{hub_at}:{_PORT}")
        work, pages = take_in(places.village, seed, cases)
    finally:
        places.close()
    return Site(folder, work, pages, tls.options)


@dataclass
class Watched:
    """The county while it runs. `wire` is the weak link; the two stores are looked into from outside."""

    site: Site
    wire: Wire
    township: Station
    hub: County
    village_space: Space
    programs: dict[str, Served]

    def at_township(self) -> tuple[int, int, int]:
        return self.township.store.read(held)

    def at_county(self) -> tuple[int, int, int]:
        return self.hub.store.read(held)

    def look_until(self, done: Callable[[], bool], seconds: float) -> float:
        """time.monotonic() when it is done. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(_LOOK_SECONDS)
        return time.monotonic()

    def start_sync(self) -> subprocess.Popen[str]:
        """`lianban-node sync` at the village."""
        folder = self.site.folder / "village"
        words = ["sync", "--dir", str(folder), "--until-idle", "--json", "--timeout", "3600"]
        with folder.with_name("sync.log").open("a", encoding="utf-8") as log:
            return subprocess.Popen(
                [*self.village_space.prefix, sys.executable, "-m", "node.cli", *words],
                stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT, env={**os.environ, "PYTHONUTF8": "1"},
            )  # fmt: skip


def report_of(sync: subprocess.Popen[str]) -> dict[str, object]:
    """What an ended `sync` said; raises RuntimeError when it did not end well."""
    said, _ = sync.communicate(timeout=120)
    if sync.returncode not in (0, 3):
        raise RuntimeError(f"sync ended with {sync.returncode}: {said[-500:]}")
    return dict(json.loads(said))


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL, and wait until it is gone."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


@contextmanager
def running(site: Site, profile: Profile, seed: int, *, congestion: str = "reno") -> Iterator[Watched]:
    """Serve township and county; the village's program is the caller's to start."""
    with ExitStack() as stack:
        village, township, county = (
            stack.enter_context(Space(f"lianban-{os.getpid()}-{name}", congestion)) for name in ("v", "t", "c")
        )
        wire = stack.enter_context(Wire(profile, village, township, _WEAK, seed))
        stack.enter_context(Wire(LAN, township, county, _LAN, seed))
        programs = {
            name: stack.enter_context(
                Served(program, site.folder / name, site.tls, listen=f"{network}.2:{_PORT}", prefix=space.prefix)
            )
            for program, name, space, network in (
                ("hub", "hub", county, _LAN),
                ("node", "township", township, _WEAK),
            )
        }
        hub = open_county(DataFolder(site.folder / "hub"), os.urandom, now)
        stack.callback(hub.close)
        hall = open_station(DataFolder(site.folder / "township"), os.urandom, now)
        stack.callback(hall.close)
        yield Watched(site, wire, hall, hub, village, programs)
