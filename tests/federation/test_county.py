"""A county in one process, under faults: nothing acknowledged is lost, nothing forks, all become equal."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field

import pytest

from sync_protocol.background import collect_seldom
from tests.compiling import compile_once
from tests.federation.seeds import FAILED, FRESH, fresh
from tests.federation.world import Played, play, quietly_play
from tests.scale import SOAK

FAULTS = (
    "bit flipped",
    "carrier lies",
    "cut under way",
    "link down",
    "older reply came first",
    "one-way cut",
    "parent dead",
    "parent restarted",
    "power cut",
    "process killed",
    "reply dropped",
    "request dropped",
    "request repeated",
    "truncated",
    "unsynced writes lost",
    "machine replaced: village",
    "machine replaced: township",
    "case erased",
    "lie: keep back",
    "lie: mix",
    "lie: flip",
    "lie: cut short",
    "lie: claim blobs",
    "lie: claim entries",
    "lie: spoil blob",
    "lie: leave body out",
    "damaged stick refused",
    "disk full",
    "stick brought news",
)
PATHS = (
    "judged awaits",
    "judged basis_refused",
    "judged wrong_route",
    "judged wrong_state",
    "refused: bad_nonce",
    "refused: bad_signature",
    "refused: unknown_certificate",
    "not written: disk_full",
    "refused: parent_full",
    "ordered at once",
    "past the parent",
    "back to the parent",
)
"""What the product does about them; the counts are of codes that it wrote or answered."""
IN_ALL_STEPS, IN_ALL_ENTRIES, IN_ALL_POWER_CUTS, EACH, OF_SEEDS = 100_000, 20_000, 2_000, 10, 300
"""What 300 seeds must have seen; fewer seeds, as many fewer."""


PROCESSES, SEEDS_A_PROCESS, MORE_AT_ONCE = 2, 50, 20


@dataclass
class Totals:
    """What all plays of a run have seen."""

    seeds: int = 0
    steps: int = 0
    entries: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, played: Played) -> None:
        self.seeds += 1
        self.steps += played.steps
        self.entries += played.entries
        self.counts += played.counts

    def lacking(self) -> dict[str, int]:
        """What must be seen more often, with what was seen of it."""
        share = FRESH / OF_SEEDS
        wanted = dict.fromkeys((*FAULTS, *PATHS, "down for days"), EACH) | {"power cut": IN_ALL_POWER_CUTS}
        lacking = {name: self.counts[name] for name, least in wanted.items() if self.counts[name] < int(least * share)}
        if self.steps < IN_ALL_STEPS * share:
            lacking["steps"] = self.steps
        if self.entries < IN_ALL_ENTRIES * share:
            lacking["entries"] = self.entries
        return lacking


def _be_a_good_neighbour() -> None:
    """Virtual time does not mind waiting, and the tests of programs and browsers beside it do."""
    os.nice(3)
    collect_seldom()
    compile_once()


@pytest.mark.timeout(86_400 if SOAK else 3_600)  # it steps aside for whatever runs beside it
def test_the_county_keeps_its_promises() -> None:
    """Over all seeds of a run, which must have seen what a run must see; if they have not by chance, over some more."""
    totals, seeds = Totals(), fresh()
    batches = [seeds[:FRESH], *(seeds[at : at + MORE_AT_ONCE] for at in range(FRESH, len(seeds), MORE_AT_ONCE))]
    spawned = multiprocessing.get_context("spawn")
    with spawned.Pool(PROCESSES, _be_a_good_neighbour, maxtasksperchild=SEEDS_A_PROCESS) as pool:
        for batch in batches:
            if totals.seeds < FRESH or totals.lacking():
                for played in pool.imap(quietly_play, batch):
                    totals.add(played)
    print(totals)
    assert totals.lacking() == {}


@pytest.mark.parametrize("seed", FAILED)
def test_a_seed_that_once_failed_passes(seed: int) -> None:
    assert play(seed).entries > 0


def test_the_same_seed_plays_the_same_trace() -> None:
    """In other processes, with other hashes of strings."""
    said = set()
    for salt in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.federation", "3", "2"],
            env={**os.environ, "PYTHONHASHSEED": salt},
            capture_output=True,
            text=True,
            check=True,
        )
        said.add("\n".join(line for line in done.stdout.splitlines() if line.startswith("seed")))
    assert len(said) == 1, said
