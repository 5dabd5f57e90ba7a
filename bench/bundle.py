"""How much memory and time a courier's bundle takes, by the commands that an operator types.

A village with scans exports a bundle for the county, the county imports it, once with few scans and once with many.
Each command is a process of its own and may reach 200 MB, and with many times the scans a tenth more than with few.
Beside them stands what the disk alone needs: a copy of the same file, written in a row and synced.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from bench.measuring import at_most
from bench.places import VILLAGE, found, now
from bench.serving import ROOT, peak_bytes
from node.station import Station
from sync_protocol.entries import BlobRef
from sync_protocol.feeds import HUB
from sync_protocol.journal import Message, Writing
from sync_protocol.store import blob_store

PEAK_BYTES, GROWTH = 200_000_000, 1.1
SCAN_BYTES, SCANS_PER_CASE = 150_000, 3


@dataclass(frozen=True, slots=True)
class Ran:
    """One command: seconds, and the most memory it ever had resident."""

    seconds: float
    peak: int


def run(program: str, *words: str | Path) -> Ran:
    """Run a command to its good end."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", f"{program}.cli", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, peak_bytes(process.pid))  # it only grows, so a look shortly before the end is enough
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"{program} {words[:2]} ended with {process.returncode}")
    return Ran(time.perf_counter() - began, peak)


def fill(village: Station, rng: random.Random, scans: int) -> None:
    """Cases with scans that no compression makes smaller, as sealed ones are."""
    journal = village.replica.journal
    for _ in range(scans // SCANS_PER_CASE):
        refs = []
        for _ in range(SCANS_PER_CASE):
            hash_, length = village.replica.blobs.put([rng.randbytes(SCAN_BYTES)])
            refs.append(BlobRef(hash_, length, 0))
        topic, key = journal.new()

        def write(
            conn: Connection, refs: tuple[BlobRef, ...] = tuple(refs), topic: bytes = topic, key: bytes = key
        ) -> None:
            for ref in refs:
                blob_store.note_held(conn, ref.hash, ref.length)
            journal.open(conn, topic, key, [HUB], Message(64, {"note": "bench"}, refs), Writing(0, now(), 1))

        village.store.write(write)


def copied_seconds(file: Path) -> float:
    """What the disk needs for the same bytes."""
    began = time.perf_counter()
    copy = file.with_suffix(".copy")
    with file.open("rb") as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target, 1024 * 1024)
        os.fsync(target.fileno())
    seconds = time.perf_counter() - began
    copy.unlink()
    return seconds


def round_trip(folder: Path, scans: int) -> tuple[Ran, Ran]:
    """A county of its own: the village's export and the county's import of that many scans."""
    rng = random.Random(scans)
    folder.mkdir()
    places = found(folder, rng.randbytes)
    places.fold_later()
    fill(places.village, rng, scans)
    places.close()
    file = folder / "village.bundle"
    out = run("node", "bundle", "export", "--dir", folder / "village", "--to", file, "--for", "county")
    size = file.stat().st_size
    copied = copied_seconds(file)
    taken = run("hub", "bundle", "import", file, "--dir", folder / "hub")
    back = run("hub", "bundle", "export", "--dir", folder / "hub", "--to", folder / "back", "--for", VILLAGE)
    print(f"{size / 1e6:,.0f} MB with {scans:,} scans; a copy of the file, synced: {copied:.1f} s")
    for name, one in (("export", out), ("import", taken), ("answer", back)):
        rate = (
            f", {size / 1e6 / one.seconds:,.0f} MB/s, {one.seconds / copied:.1f} x the copy" if one is not back else ""
        )
        print(f"  {name}: {one.seconds:.1f} s{rate}, peak {one.peak / 1e6:,.0f} MB")
    return out, taken


def main() -> int:
    """Exit code 1 when a figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="180 MB instead of 900")
    parser.add_argument("--scans", type=int, default=6_000, help="of 150 kB each; 34,000 are a bundle of 5 GB")
    parser.add_argument("--dir", type=Path, help="folder on the disk to use; default: the system's temporary one")
    given = parser.parse_args()
    scans = 1_200 if given.quick else given.scans
    with tempfile.TemporaryDirectory(dir=given.dir, prefix="lianban-bench-") as folder:
        small = round_trip(Path(folder) / "small", 300)
        large = round_trip(Path(folder) / "large", scans)
    good = True
    for name, few, many in zip(("export", "import"), small, large, strict=True):
        good &= at_most(f"{name}: peak memory, MB", many.peak / 1e6, PEAK_BYTES / 1e6)
        good &= at_most(f"{name}: peak memory, large over small", many.peak / few.peak, GROWTH)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
