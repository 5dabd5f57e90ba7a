"""Guessing the code of a public page: a million codes drawn at random, asked of a hub that knows 20,000 cases.

Each is looked up as the page looks it up, and none may be there. A guess that is nearly right may not take longer than
any other either, within a tenth, by the medians of alternated rounds of this run: closeness must not show.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from bench.measuring import at_most
from bench.queries import rows
from casework.case_store import by_public_code
from casework.case_tables import case_row
from casework.public_code import CODE_BYTES, code_digest, code_text
from hub.county import migrate
from hub.pages.public import asked_code
from sync_protocol.store.seam import SqliteStore

CASES, GUESSES = 20_000, 1_000_000
_AT_ONCE = 10_000
_SLOWER = 1.1
_ROUNDS = 15


def fill(store: SqliteStore, rng: random.Random, cases: int) -> bytes:
    """Write the cases; the code of one of them."""
    codes = [rng.randbytes(CODE_BYTES) for _ in range(cases)]
    made = [row | {"public": code_digest(code), "tell": ""} for row, code in zip(rows(1, cases), codes, strict=True)]
    for at in range(0, cases, 1_000):
        some = made[at : at + 1_000]
        store.write(partial(_insert, rows=some))
    return codes[cases // 2]


def _insert(conn: Connection, rows: list[dict[str, Any]]) -> None:
    conn.execute(sa.insert(case_row), rows)


def hits(conn: Connection, asked: list[str]) -> int:
    """How many of these paths lead to a case."""
    return sum(by_public_code(conn, asked_code(text)) is not None for text in asked)


def seconds(store: SqliteStore, asked: list[str]) -> float:
    began = time.perf_counter()
    store.read(lambda conn: hits(conn, asked))
    return time.perf_counter() - began


def main() -> int:
    """Exit code 1 when a guess hits, or tells by its time what it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="20,000 guesses")
    given = parser.parse_args()
    rng, guesses = random.Random(given.seed), 20_000 if given.quick else GUESSES
    with tempfile.TemporaryDirectory(prefix="lianban-bench-") as name:
        store = SqliteStore(Path(name) / "hub.db", rng.randbytes(32), synchronous="OFF")
        store.migrate(migrate)
        try:
            known = fill(store, rng, CASES)
            if store.read(lambda conn: hits(conn, [code_text(known)])) != 1:
                print("FAILED: the code of a case does not lead to it")
                return 1
            found, began = 0, time.perf_counter()
            for _ in range(0, guesses, _AT_ONCE):
                asked = [code_text(rng.randbytes(CODE_BYTES)) for _ in range(_AT_ONCE)]
                found += store.read(partial(hits, asked=asked))
            print(f"{guesses} guesses, {CASES} cases, {time.perf_counter() - began:.0f} s: {found} hits (wanted: 0)")
            formed = [code_text(rng.randbytes(CODE_BYTES)) for _ in range(2_000)]
            near = [code_text(known[:-2] + rng.randbytes(2)) for _ in formed]
            pairs = sorted(seconds(store, near) / seconds(store, formed) for _ in range(_ROUNDS))
            ratio = pairs[_ROUNDS // 2]
            return (
                0
                if at_most("time of a code that is nearly right / of any", max(ratio, 1 / ratio), _SLOWER) and not found
                else 1
            )
        finally:
            store.close()


if __name__ == "__main__":
    sys.exit(main())
