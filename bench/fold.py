"""How fast a county's year is folded, beside strict decoding of the same bodies; both in memory.

180,000 cases with some 1.6 million changes (`bench.lives`) go through `CaseState.apply` as the hub takes in what it has
not judged itself: body and blobs are checked and the case moves on. The same bodies' bytes go through
`sync_protocol.canonical.unpack`, which is how the product reads any body. Cases are made a few thousand at a time,
outside of what is timed; the two take turns to be first.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.lives import Life, lives
from bench.measuring import verdict
from casework.catalogue import load_catalogue
from casework.fold import CaseState, fold
from sync_protocol import canonical
from sync_protocol.limits import BODY_BYTES_MAX

RATIO = 0.25
_BATCH = 2_000


@dataclass(slots=True)
class Sums:
    """Over all batches: seconds by what was done, and how much it was done to."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    changes: int = 0
    body_bytes: int = 0
    ends: Counter[str] = field(default_factory=Counter)

    def rate(self, name: str) -> float:
        """Changes per second."""
        return self.changes / self.seconds[name]


def decode(batch: Sequence[Life]) -> None:
    """Every body, strictly."""
    for life in batch:
        for body in life.bodies:
            canonical.unpack(body, bytes_max=BODY_BYTES_MAX)


def fold_all(batch: Sequence[Life]) -> None:
    """Every case, from nothing to its end; a case that was folded is let go, as the hub does."""
    for life in batch:
        fold(life.changes)


def take(sums: Sums, batch: Sequence[Life], runs: Sequence[tuple[str, Callable[[Sequence[Life]], None]]]) -> None:
    """Measure one batch and add it up. The collector of cycles runs, but not over the batch itself."""
    gc.collect()
    gc.freeze()
    for name, run in runs:
        began = time.perf_counter()
        run(batch)
        sums.seconds[name] += time.perf_counter() - began
    gc.unfreeze()
    for life in batch:
        state: CaseState = fold(life.changes)
        assert all(line.applied for line in state.timeline), "a change of the bench did not fit its case"
        sums.ends[str(state.state)] += 1
        sums.changes += len(life.changes)
        sums.body_bytes += sum(map(len, life.bodies))


def main() -> int:
    """Exit code 1 when folding is too slow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=180_000)
    parser.add_argument("--quick", action="store_true", help="10,000 cases")
    given = parser.parse_args()
    cases = 10_000 if given.quick else given.cases
    catalogue, sums = load_catalogue(), Sums()
    runs = [("decode", decode), ("fold", fold_all)]
    for first in range(0, cases, _BATCH):
        batch = list(lives(given.seed, first, min(_BATCH, cases - first), catalogue))
        take(sums, batch, runs)
        runs.reverse()
    ends = ", ".join(f"{count:,} {end}" for end, count in sorted(sums.ends.items()))
    print(f"{cases:,} cases ({ends}), {sums.changes:,} changes, {sums.body_bytes / 1e6:,.1f} MB of bodies")
    for name, _ in runs:
        print(f"{name}: {sums.rate(name):,.0f} changes/s, {sums.body_bytes / sums.seconds[name] / 1e6:,.1f} MB/s")
    both = sums.seconds["decode"] + sums.seconds["fold"]
    print(f"      decoding and folding / decoding: {sums.seconds['decode'] / both:.3f}")
    return (
        0 if verdict("fold / strict decode of the same bodies", sums.rate("fold") / sums.rate("decode"), RATIO) else 1
    )


if __name__ == "__main__":
    sys.exit(main())
