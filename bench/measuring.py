"""How figures are made: alternated rounds, medians, a peer and the machine's own limits measured in the same run."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_SYNCS = 200
_SEQUENTIAL_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Machine:
    """What the disk under a folder does by itself, one writer at a time."""

    syncs_per_second: float
    sequential_bytes_per_second: float

    def text(self) -> str:
        return (
            f"this machine: {self.syncs_per_second:,.0f} fsync/s of 4 KiB appends, "
            f"{self.sequential_bytes_per_second / 1e6:,.0f} MB/s written in a row and synced, {os.cpu_count()} cores"
        )


def measure_machine(folder: Path) -> Machine:
    """Append and sync small blocks; then write a large file in a row and sync it once."""
    path = folder / "machine.probe"
    block = os.urandom(4096)
    with path.open("wb", buffering=0) as file:
        began = time.perf_counter()
        for _ in range(_SYNCS):
            file.write(block)
            os.fsync(file.fileno())
        syncs = _SYNCS / (time.perf_counter() - began)
        big = os.urandom(1024 * 1024)
        began = time.perf_counter()
        for _ in range(_SEQUENTIAL_BYTES // len(big)):
            file.write(big)
        os.fsync(file.fileno())
        rate = _SEQUENTIAL_BYTES / (time.perf_counter() - began)
    path.unlink()
    return Machine(syncs, rate)


@dataclass(frozen=True, slots=True)
class Rounds:
    """Figures of alternated rounds, by the name of what was measured."""

    figures: dict[str, list[float]]

    def median(self, name: str) -> float:
        return statistics.median(self.figures[name])

    def ratio(self, name: str, peer: str) -> float:
        """Median of the rounds' own ratios: each round compares what ran side by side."""
        return statistics.median(a / b for a, b in zip(self.figures[name], self.figures[peer], strict=True))

    def text(self, name: str, unit: str) -> str:
        figures = self.figures[name]
        return f"{name}: {self.median(name):,.0f} {unit} (rounds {', '.join(f'{f:,.0f}' for f in figures)})"


def alternate(rounds: int, runs: Sequence[tuple[str, Callable[[int], float]]]) -> Rounds:
    """Run everything once a round, turning the order round each time; each run gets the round's number."""
    figures: dict[str, list[float]] = {name: [] for name, _ in runs}
    for number in range(rounds):
        for name, run in runs if number % 2 == 0 else reversed(runs):
            figures[name].append(run(number))
    return Rounds(figures)


def verdict(name: str, reached: float, wanted: float) -> bool:
    """Print one line with PASS or FAIL; True when `reached` is at least `wanted`."""
    good = reached >= wanted
    print(f"{'PASS' if good else 'FAIL'}  {name}: {reached:.3f}, wanted at least {wanted:.3f}")
    return good


def at_most(name: str, reached: float, limit: float) -> bool:
    """Print one line with PASS or FAIL; True when `reached` is not above `limit`."""
    good = reached <= limit
    print(f"{'PASS' if good else 'FAIL'}  {name}: {reached:,.3f}, at most {limit:,.3f}", flush=True)
    return good
