"""How fast a replica of 100,000 entries is checked and its cases rebuilt, and whether memory stays the same.

`lianban-node fsck` links every chain anew, verifies every signature and compares every case; `--rebuild` writes the
cases' rows from the log, here all of them, and they must come out byte for byte as they were. Beside both stands the
strict decoding of the same headers and bodies (`sync_protocol.canonical`), in turn with them. Memory is that of a
process that does nothing else; with ten times the entries it may be a quarter more at most.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from bench.filling import filled_county
from bench.measuring import Rounds, alternate, at_most
from bench.places import now
from bench.serving import ROOT, peak_bytes
from casework.case_tables import case_row
from casework.fsck import look_at_cases
from node.station import Station, open_station
from sync_protocol import canonical
from sync_protocol.fsck import check_replica
from sync_protocol.limits import BODY_BYTES_MAX, HEADER_BYTES_MAX
from sync_protocol.store import tables as t
from sync_protocol.store.data_folder import DataFolder

CORRECTIONS = 4
GROWTH = 1.25
_ROWS = 500


def check_seconds(station: Station) -> float:
    """What `fsck` does: the log, then the cases' rows."""
    began = time.perf_counter()
    found = station.store.read(lambda conn: check_replica(conn, station.me, station.replica.blobs))
    cases = look_at_cases(station.store, station.topics)
    seconds = time.perf_counter() - began
    assert not found.wrong and not cases.wrong, (found.wrong[:3], cases.wrong[:3])
    return seconds


def rebuild_seconds(station: Station) -> float:
    """What `fsck --rebuild` does with the cases when every row is gone; they must come back as they were."""
    before = station.store.read(_digest_of_rows)
    while station.store.write(_drop_some_rows):
        pass
    began = time.perf_counter()
    look_at_cases(station.store, station.topics, mend=True)
    seconds = time.perf_counter() - began
    assert station.store.read(_digest_of_rows) == before, "the rows did not come back byte for byte"
    return seconds


def _drop_some_rows(conn: Connection) -> int:
    """A few at a time: SQLite keeps in memory what one transaction would have to undo."""
    some = sa.select(case_row.c.topic).limit(_ROWS)
    return conn.execute(sa.delete(case_row).where(case_row.c.topic.in_(some))).rowcount


def _digest_of_rows(conn: Connection) -> bytes:
    digest = hashlib.sha256()
    for row in conn.execute(sa.select(case_row).order_by(case_row.c.topic).execution_options(yield_per=_ROWS)):
        digest.update(repr(tuple(row)).encode())
    return digest.digest()


def decode_seconds(station: Station) -> float:
    """Decode every header and body strictly; reading them from the database is not counted."""

    def run(conn: Connection) -> float:
        seconds = 0.0
        e = t.entry.c
        rows = conn.execute(sa.select(e.header, e.body).execution_options(yield_per=_ROWS))
        for some in rows.partitions():
            began = time.perf_counter()
            for header, body in some:
                canonical.unpack(header, bytes_max=HEADER_BYTES_MAX)
                canonical.unpack(body, bytes_max=BODY_BYTES_MAX)
            seconds += time.perf_counter() - began
        return seconds

    return station.store.read(run)


def measure(folder: Path, rounds: int) -> dict[str, object]:
    """In this process: entries per second of each, round by round, and this process's peak memory in bytes."""
    station = open_station(DataFolder(folder), os.urandom, now)
    try:
        entries = station.store.read(
            lambda conn: conn.execute(sa.select(sa.func.count()).select_from(t.entry)).scalar_one()
        )
        found = alternate(
            rounds,
            [
                ("fsck", lambda _: entries / check_seconds(station)),
                ("rebuild", lambda _: entries / rebuild_seconds(station)),
                ("decode", lambda _: entries / decode_seconds(station)),
            ],
        )
    finally:
        station.close()
    return {"entries": entries, "figures": found.figures, "peak": peak_bytes(os.getpid())}


def in_a_process(folder: Path, rounds: int) -> tuple[int, Rounds, int]:
    """The same in a process of its own: entries, rates, peak."""
    call = [sys.executable, "-m", "bench.fsck", "--measure", str(folder), "--rounds", str(rounds)]
    done = subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    told = json.loads(done.stdout)
    return told["entries"], Rounds(told["figures"]), told["peak"]


def _filled(folder: Path, seed: int, entries: int, rounds: int) -> tuple[int, Rounds, int]:
    """Make a county with so many entries and measure its village."""
    place = folder / str(entries)
    place.mkdir()
    filled_county(place, seed=seed, cases=entries // (1 + CORRECTIONS), corrections=CORRECTIONS)
    return in_a_process(place / "village", rounds)


def main() -> int:
    """Print rates, ratios and peaks; exit code 1 when memory grows with the log."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="20,000 entries, 3 rounds")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure is not None:
        print(json.dumps(measure(given.measure, given.rounds)))
        return 0
    entries, rounds = (20_000, 3) if given.quick else (given.entries, given.rounds)
    with tempfile.TemporaryDirectory(prefix="lianban-bench-") as name:
        small, _, small_peak = _filled(Path(name), given.seed, entries // 10, rounds)
        large, found, large_peak = _filled(Path(name), given.seed, entries, rounds)
    print(f"peak {small_peak / 1e6:.1f} MB with {small:,} entries, {large_peak / 1e6:.1f} MB with {large:,}")
    for what in ("fsck", "rebuild", "decode"):
        print(found.text(what, "entries/s"))
    for what in ("fsck", "rebuild"):
        print(f"      {what} / strict decode of the same bytes: {found.ratio(what, 'decode'):.3f}")
    return 0 if at_most("peak memory with ten times the entries", large_peak / small_peak, GROWTH) else 1


if __name__ == "__main__":
    sys.exit(main())
