"""Bytes of a bulk run: a thousand cases without pages, all the way up and their answers down, over TLS.

A township that was cut off holds the whole work of its village (12 items of the real catalogue, 8 changes a case, no
two alike) and syncs with a real hub through a proxy that counts every byte above TCP, both ways: TLS, HTTP headers,
envelopes. When the county has decided, its own changes come down in the same way. Beside it stand the bare headers and
bodies of every entry that crossed, in one stream at zstd level 19 (window 2^23, no long mode, no checksum); salts and
wrapped keys are in the bodies and so counted on both sides. Some of the
same cases synced one by one, each on connections of its own, are printed for comparison.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from backports.zstd import CompressionParameter, compress
from sqlalchemy import Connection

from bench.cases import Case, Step, plan
from bench.measuring import at_most
from bench.places import Places, found, now, open_places, talk
from bench.serving import CountingProxy, MissingTool, Served, make_tls
from casework.changes import ChangeKind
from casework.intake import Stamp, collect_body
from casework.intake_code import mint
from casework.states import COUNTY, HOME
from casework.workdays import china_day
from hub.county import County, open_county
from node import app as node_app
from node.settings import NodeSettings
from node.station import PARENT_URL, Station
from node.syncing import sync_until
from sync_protocol.frontier import Branch, Tip
from sync_protocol.store import feed_store, trust
from sync_protocol.store import me as identity
from sync_protocol.store import tables as t
from sync_protocol.store.data_folder import DataFolder

RATIO = 1.35
LEVEL = 19
_WINDOW_LOG = 23
_AT_ONCE = 50
"""Changes written in one transaction, as a day's work is spread over a few commits."""
Held = dict[Branch, Tip]


@dataclass(frozen=True, slots=True)
class Crossed:
    """Bytes above TCP, both ways; and of what crossed: entries, their bare bytes, those compressed in one stream."""

    up: int
    down: int
    entries: int
    bare: int
    compressed: int

    @property
    def wire(self) -> int:
        return self.up + self.down

    def text(self, name: str) -> str:
        return (
            f"{name}: {self.wire:,} bytes above TCP ({self.up:,} up, {self.down:,} down) for {self.entries:,} entries; "
            f"bare {self.bare:,}, in one stream at level {LEVEL} {self.compressed:,}: {self.wire / self.compressed:.3f}"
        )


class Work:
    """Writes the steps of cases where they belong; `topics` gives each case's topic by its number."""

    def __init__(self, home: int) -> None:
        self._home = home
        self.topics: dict[int, bytes] = {}

    def collect(self, station: Station, case: Case) -> None:
        station.store.write(partial(self._collect, station=station, case=case))

    def _collect(self, conn: Connection, station: Station, case: Case) -> None:
        moment = now()
        day = china_day(moment)
        region = station.topics.region_of(conn, self._home)
        code = mint(region, self._home, 0, day, case.number + 1)
        body, _ = collect_body(case.item, case.intake, Stamp("village", code, day.isoformat()))
        topic, key = station.topics.new()
        self.topics[case.number] = topic
        station.topics.open(
            conn, topic, key, (int(ChangeKind.COLLECT), body), [],
            relays_read=case.item.township_reads, actor=100, time=moment, quality=1, urgency=20_780,
        )  # fmt: skip

    def write(self, place: Station | County, steps: list[tuple[Case, Step]]) -> None:
        place.store.write(partial(self._write, place=place, steps=steps))

    def _write(self, conn: Connection, place: Station | County, steps: list[tuple[Case, Step]]) -> None:
        for case, step in steps:
            topic = self.topics[case.number]
            change = (int(step.kind), step.body)
            place.topics.write(conn, self._home, topic, change, actor=100, time=now(), quality=1)


def write_below(places: Places, work: Work, cases: list[Case]) -> None:
    """What the village and the township write of these cases, each having seen what the other wrote before."""
    days = sorted({step.day for case in cases for step in case.steps})
    for day in days:
        today = [(case, step) for case in cases for step in case.steps if step.day == day and step.office != COUNTY]
        at_home = [(case, step) for case, step in today if step.office == HOME]
        for case, step in at_home:
            if step.kind is ChangeKind.COLLECT:
                work.collect(places.village, case)
        work.write(places.village, [(case, step) for case, step in at_home if step.kind is not ChangeKind.COLLECT])
        talk(places.village, places.township)
        work.write(places.township, [(case, step) for case, step in today if step.office != HOME])
        talk(places.village, places.township)


def write_above(county: County, work: Work, cases: list[Case]) -> None:
    """What the county's own staff write of these cases, a case after another."""
    steps = [(case, step) for case in cases for step in case.steps if step.office == COUNTY]
    for at in range(0, len(steps), _AT_ONCE):
        work.write(county, steps[at : at + _AT_ONCE])


async def sync(folder: Path, home: int) -> None:
    """The township's own program: until the county has ordered everything and has nothing more to say."""
    async with node_app.running(NodeSettings(folder)) as parts:
        code, report = await sync_until(parts.link, parts.store, parts.bell, home, "ordered", 600)
        if code != 0:
            raise RuntimeError(f"the sync did not end well: {code} {report}")
        while not (progress := await parts.link.exchange()).in_step or progress.again:
            pass


def run(folder: Path, seed: int, count: int, *, together: bool) -> Crossed:
    """All the cases in one sync up and one down, or each case in two of its own. Raises MissingTool."""
    folder.mkdir()
    tls = make_tls(folder / "tls")
    places = found(folder, random.Random(seed).randbytes, ca=tls.ca)
    home, author = places.village.me.author, places.township.me.author
    before = _lower(_held(places.hub, author), _held(places.township, author))
    work = Work(home)
    cases = plan(seed, count, 1)
    places.close()
    with Served("hub", folder / "hub", tls.options) as hub, CountingProxy(hub.url) as proxy:
        _dial(folder / "township", proxy.url)
        for group in [cases] if together else [[case] for case in cases]:
            _one_group(folder, work, group, author)
        up, down = proxy.up, proxy.down
    county = open_county(DataFolder(folder / "hub"), random.Random(seed).randbytes, now)
    try:
        entries, bare = _bare(county, author, before)
        _check(county, cases)
    finally:
        county.close()
    return Crossed(up, down, entries, len(bare), len(_compressed(bare)))


def _one_group(folder: Path, work: Work, cases: list[Case], author: int) -> None:
    places = open_places(folder, random.Random(cases[0].number).randbytes)
    try:
        places.fold_later()
        write_below(places, work, cases)
    finally:
        places.close()
    asyncio.run(sync(folder / "township", author))
    county = open_county(DataFolder(folder / "hub"), random.Random(7).randbytes, now)
    try:
        write_above(county, work, cases)
    finally:
        county.close()
    asyncio.run(sync(folder / "township", author))


def _dial(folder: Path, url: str) -> None:
    async def put() -> None:
        async with node_app.running(NodeSettings(folder)) as parts:
            await parts.store.write(lambda conn: identity.put(conn, PARENT_URL, url.encode()))

    asyncio.run(put())


def _held(place: Station | County, child: int) -> Held:
    return place.store.read(lambda conn: feed_store.frontier(conn, trust.topology(conn).held_feeds(child)))


def _lower(one: Held, other: Held) -> dict[Branch, int]:
    return {branch: min(tip.number, other[branch].number) for branch, tip in one.items() if branch in other}


def _bare(county: County, child: int, before: dict[Branch, int]) -> tuple[int, bytes]:
    """Headers and bodies of all that crossed, in the order of feeds and numbers."""
    parts: list[bytes] = []
    e = t.entry.c
    for branch in sorted(_held(county, child), key=lambda branch: (branch.feed.packed(), branch.epoch)):
        rows = sa.select(e.header, e.body).where(
            e.feed == branch.feed.packed(), e.epoch == branch.epoch, e.number > before.get(branch, 0)
        )
        found_rows = county.store.read(lambda conn, rows=rows: conn.execute(rows.order_by(e.number)).all())  # type: ignore[misc]
        parts.extend(row.header + row.body for row in found_rows)
    return len(parts), b"".join(parts)


def _compressed(bare: bytes) -> bytes:
    options: dict[int, int] = {
        CompressionParameter.compression_level: LEVEL,
        CompressionParameter.window_log: _WINDOW_LOG,
        CompressionParameter.enable_long_distance_matching: 2,  # off
        CompressionParameter.checksum_flag: 0,
    }
    return compress(bare, options=options)


def _check(county: County, cases: list[Case]) -> None:
    """Every case went its whole way: decided, and nothing held or refused."""
    e = t.entry.c
    words = county.store.read(
        lambda conn: conn.execute(sa.select(e.code).where(e.code != "").distinct()).scalars().all()
    )
    states = county.store.read(
        lambda conn: conn.execute(sa.text("SELECT state, count(*) FROM case_row GROUP BY state")).all()
    )
    assert not words, words
    assert sum(row[1] for row in states) == len(cases) and {row[0] for row in states} <= {"granted", "delivered"}, (
        states
    )


def main() -> int:
    """Print bytes and their ratio; exit code 1 when it is missed, 2 when a tool is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--single", type=int, default=50, help="how many of them are synced one by one as well")
    parser.add_argument("--quick", action="store_true", help="200 cases, 10 one by one")
    given = parser.parse_args()
    cases, single = (200, 10) if given.quick else (given.cases, given.single)
    try:
        with tempfile.TemporaryDirectory(prefix="lianban-bench-") as name:
            bulk = run(Path(name) / "bulk", given.seed, cases, together=True)
            print(bulk.text(f"{cases} cases in one run"), flush=True)
            alone = run(Path(name) / "single", given.seed, single, together=False)
            print(alone.text(f"{single} of them one by one"))
    except MissingTool as missing:
        print(f"FAIL  this bench makes certificates with the {missing} program, and there is none")
        return 2
    print(f"bytes a case: {bulk.wire / cases:,.0f} in one run, {alone.wire / single:,.0f} one by one")
    return 0 if at_most("wire bytes / bare bytes in one stream", bulk.wire / bulk.compressed, RATIO) else 1


if __name__ == "__main__":
    sys.exit(main())
