"""How fast the county takes in what comes from below, beside plain inserts of the same bytes.

The product: each message is unpacked, every signature verified, every chain continued, entries, order records and case
rows written, everything judged, in as many transactions as the running program makes, each on disk (WAL, FULL) before
the next. The peer: SQLAlchemy Core inserts the same entries' bytes, 100 rows a commit, into the same kind of database.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import harmonic_mean
from typing import Any

import sqlalchemy as sa

from bench.feeds import DAY_SECONDS, START, Feeds, Upload, make
from bench.measuring import alternate, measure_machine, verdict
from casework.case_tables import case_row
from hub.app import parent_of, running
from hub.county import open_county
from hub.running import Running
from hub.settings import HubSettings
from sync_protocol.answerer import Answerer
from sync_protocol.body import HeldBody
from sync_protocol.entries import NO_TOPIC
from sync_protocol.feeds import HUB
from sync_protocol.messages import parse_message
from sync_protocol.order import Standing
from sync_protocol.store import tables as t
from sync_protocol.store.data_folder import DataFolder
from sync_protocol.store.seam import SqliteStore

WANTED = 0.12
"""A search index is kept: `case_term`, beside the indexes of `case_row`; without one it would be 0.20."""
BATCH = 100
PEER_RUNS = 5


async def send(parts: Running, uploads: Sequence[Upload], now: int) -> None:
    """What the server does with one child's messages, each after the last's answer, without HTTP and envelopes."""
    parent = parent_of(parts)
    for upload in uploads:
        frames = await parts.store.off_loop(partial(parse_message, upload.message))
        answerer = Answerer(parts.county.replica, upload.child, frames)
        await parent.take(answerer, HeldBody(b""))
        assert not answerer.taken.faults, answerer.taken.faults


async def take_all(settings: HubSettings, made: Feeds, now: int) -> float:
    """All townships send at the same time; the seconds until everything is judged and on disk."""
    async with running(settings) as parts:
        began = time.perf_counter()
        await asyncio.gather(*(send(parts, list(made.of(child)), now) for child in made.townships))
        await asyncio.gather(*(parts.judge(home) for home in parts.waiting))  # what is left to the program's worker
        seconds = time.perf_counter() - began
        await parts.store.read(lambda conn: check(conn, made))
    return seconds


def check(conn: sa.Connection, made: Feeds) -> None:
    """Every entry is there, admitted and shown."""
    e = t.entry.c
    of_cases = sa.and_(e.home != 0, e.topic != NO_TOPIC)
    bad = sa.select(e.standing, e.code, sa.func.count()).where(of_cases, e.standing != int(Standing.ADMITTED))
    assert not (found := conn.execute(bad.group_by(e.standing, e.code)).all()), found
    settled = sa.select(sa.func.count()).select_from(case_row).where(case_row.c.unsettled == 0)
    assert conn.execute(settled).scalar_one() == len(made.topics)
    assert len(taken_in(conn)) == sum(upload.entries for upload in made.uploads)


def taken_in(conn: sa.Connection) -> list[dict[str, Any]]:
    """The bytes of the entries that came from below, for the peer."""
    e = t.entry.c
    from_hub = sa.func.substr(e.feed, 2, 4) == HUB.to_bytes(4, "big")
    columns = (e.feed, e.epoch, e.number, e.topic, e.header, e.body, e.body_hash, e.head)
    rows = conn.execute(sa.select(*columns).where(~from_hub).order_by(e.feed, e.epoch, e.number))
    return [dict(row._mapping) for row in rows]


def insert_plainly(path: Path, rows: Sequence[dict[str, Any]]) -> float:
    """Entries per second of plain inserts in batches, each committed with FULL; no index but the primary key."""
    store = SqliteStore(path, random.Random(1).randbytes(32))
    columns = [sa.Column(c.name, c.type, primary_key=c.primary_key) for c in t.entry.c if c.name in rows[0]]
    plain = sa.Table("entry", sa.MetaData(), *columns)
    store.migrate(plain.create)
    insert = sa.insert(plain)
    engine = store._engine(1, "BEGIN IMMEDIATE", 8_000)  # the very settings of the product's own writer
    with engine.connect() as conn:
        began = time.perf_counter()
        for at in range(0, len(rows), BATCH):
            with conn.begin():
                conn.execute(insert, rows[at : at + BATCH])
        seconds = time.perf_counter() - began
    engine.dispose()
    store.close()
    return len(rows) / seconds


class Bench:
    """The two sides of a round; what a round leaves on disk is removed before the next."""

    def __init__(self, folder: Path, made: Feeds) -> None:
        self._folder = folder
        self._made = made
        self._now = START + DAY_SECONDS * (1 + max(upload.day for upload in made.uploads))
        self.rows: list[dict[str, Any]] = []

    def product(self, number: int) -> float:
        folder = self._folder / f"round-{number}"
        self._made.copy_hub(folder)
        try:
            seconds = asyncio.run(take_all(HubSettings(folder), self._made, self._now))
            if not self.rows:
                county = open_county(DataFolder(folder), random.Random(number).randbytes, lambda: self._now)
                self.rows = county.store.read(taken_in)
                county.close()
        finally:
            shutil.rmtree(folder)
        return len(self.rows) / seconds

    def peer(self, number: int) -> float:
        """Several times over: once is done before a shared machine has shown how fast it is just now."""
        path = self._folder / f"peer-{number}.db"
        rates = []
        for _ in range(PEER_RUNS):
            try:
                rates.append(insert_plainly(path, self.rows))
            finally:
                for left in self._folder.glob(f"{path.name}*"):
                    left.unlink()
        return harmonic_mean(rates)


def main() -> int:
    """Print rates and their ratio; exit code 1 when the ratio is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="500 cases, 3 rounds")
    parser.add_argument("--dir", type=Path, help="folder on the disk to measure; default: the system's temporary one")
    given = parser.parse_args()
    cases, rounds = (500, 3) if given.quick else (given.cases, given.rounds)
    with tempfile.TemporaryDirectory(dir=given.dir, prefix="lianban-bench-") as name:
        folder = Path(name)
        made = make(folder, seed=given.seed, cases=cases)
        entries = sum(upload.entries for upload in made.uploads)
        print(f"{cases} cases of {len(made.homes)} villages, {entries} entries in {len(made.uploads)} messages")
        print(measure_machine(folder).text())
        bench = Bench(folder, made)
        found = alternate(rounds, [("product", bench.product), ("peer", bench.peer)])
    print(found.text("product", "entries/s"))
    print(found.text("peer", "entries/s"))
    return 0 if verdict("intake, product / plain inserts", found.ratio("product", "peer"), WANTED) else 1


if __name__ == "__main__":
    sys.exit(main())
