"""`python -m tests.federation SEED [COUNT]`: play seeds again and print what each did."""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter

from tests.compiling import compile_once
from tests.federation.world import play


def main() -> None:
    compile_once()
    logging.disable(logging.CRITICAL)  # every fault of the play would be logged
    first = int(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    totals: Counter[str] = Counter()
    steps = entries = 0
    began = time.monotonic()
    for seed in range(first, first + count):
        played = play(seed)
        print(f"seed {seed}: {played.steps} steps, {played.entries} entries, trace {played.trace[:16]}", flush=True)
        totals += played.counts
        steps += played.steps
        entries += played.entries
    for name, number in sorted(totals.items()):
        print(f"{number:8d}  {name}")
    print(f"{steps} steps, {entries} entries, {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
