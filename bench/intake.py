"""How fast the county takes in what comes from below, beside plain inserts of the same bytes.

The product: each message is unpacked, every signature verified, every chain continued, entries, order records and case
rows written, everything judged, in as many transactions as the running program makes, each on disk (WAL, FULL) before
the next. The peer: SQLAlchemy Core inserts the same entries' bytes, 100 rows a commit, into the same kind of database.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.feeds import DAY_SECONDS, START, Feeds, Upload, make
from bench.measuring import alternate, measure_machine, verdict
from hub.county import County
from hub.judge import judge_one_home
from sync_protocol.answerer import Answerer
from sync_protocol.journal import Writing
from sync_protocol.messages import parse_message
from sync_protocol.order import Standing
from sync_protocol.store import tables as t
from sync_protocol.store.seam import SqliteStore

WANTED = 0.20
"""No search index is kept: lists search with LIKE over `case_row`, whose six plain indexes are part of the work."""
BATCH = 100


def take(county: County, upload: Upload, now: int) -> list[int]:
    """What the server does with a child's message, without HTTP and envelope; the homes that are to be judged."""
    answerer = Answerer(county.replica, upload.child, parse_message(upload.message))

    def run(conn: sa.Connection) -> None:
        answerer.take(conn, now)
        answerer.settle(conn, Writing(0, now, 1))

    county.store.write(run)
    assert not answerer.taken.faults, answerer.taken.faults
    return sorted(answerer.taken.homes - {0})


def judge(county: County, home: int, now: int) -> None:
    """What the running program does with a home of which something came."""
    journal = county.replica.journal
    while county.store.write(lambda c: judge_one_home(c, journal, county.topics, county.desk, home, now)).topics:
        pass


def take_all(county: County, uploads: Sequence[Upload], now: int) -> None:
    """Message by message, each judged before the next is taken."""
    for upload in uploads:
        for home in take(county, upload, now):
            judge(county, home, now)


def check(county: County, made: Feeds) -> list[dict[str, Any]]:
    """Every entry is there, admitted and projected; the entries' bytes, for the peer."""
    e = t.entry.c

    def run(conn: sa.Connection) -> list[dict[str, Any]]:
        bad = conn.execute(
            sa.select(e.standing, e.code, sa.func.count()).where(e.standing != int(Standing.ADMITTED), e.home != 0)
            .where(e.topic != b"").group_by(e.standing, e.code)
        ).all()  # fmt: skip
        assert not bad, bad
        cases = conn.execute(sa.text("SELECT count(*) FROM case_row WHERE unsettled = 0")).scalar_one()
        assert cases == len(made.cases), cases
        rows = conn.execute(
            sa.select(e.feed, e.epoch, e.number, e.topic, e.header, e.body, e.body_hash, e.head)
            .where(e.home.in_(made.homes), sa.func.substr(e.feed, 2, 4) != b"\x00\x00\x00\x01")
            .order_by(e.received, e.feed, e.number)
        )
        return [dict(row._mapping) for row in rows]

    return county.store.read(run)


def insert_plainly(path: Path, rows: Sequence[dict[str, Any]]) -> float:
    """Entries per second of plain inserts in batches, each committed with FULL; no index but the primary key."""
    store = SqliteStore(path, random.Random(1).randbytes(32))
    columns = [sa.Column(c.name, c.type, primary_key=c.primary_key) for c in t.entry.c if c.name in rows[0]]
    plain = sa.Table("entry", sa.MetaData(), *columns)
    store.migrate(plain.create)
    insert = sa.insert(plain)
    engine = store._engine(1, "BEGIN IMMEDIATE")  # the very settings of the product's own writer
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
        county = self._made.open_hub(folder)
        try:
            began = time.perf_counter()
            take_all(county, self._made.uploads, self._now)
            seconds = time.perf_counter() - began
            self.rows = self.rows or check(county, self._made)
        finally:
            county.close()
            shutil.rmtree(folder)
        return len(self.rows) / seconds

    def peer(self, number: int) -> float:
        path = self._folder / f"peer-{number}.db"
        try:
            return insert_plainly(path, self.rows)
        finally:
            for left in self._folder.glob(f"{path.name}*"):
                left.unlink()


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
