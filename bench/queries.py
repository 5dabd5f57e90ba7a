"""What lists and searches cost after a county's whole year, beside what they cost after its first thousand cases.

Thirteen queries as the pages ask them, in a database with 180,000 cases and in one with 1,000, on SQLCipher and on
PostgreSQL; surnames are as frequent as they are, a fifth of the cases is open. Each query is asked in both in turn.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from bench.measuring import at_most
from casework.case_lists import CaseQuery, count_by_state, find
from casework.case_store import write_terms
from casework.case_tables import case_row, catalogue_item
from casework.catalogue import load_catalogue
from casework.deadlines import NO_DUE
from casework.example_intake import example_citizen_id
from casework.policy import CaseScope
from casework.regions import built_in_regions
from casework.states import COUNTY, HOME, TOWNSHIP, State
from casework.telling_lists import count_to_tell, to_tell
from hub.county import migrate
from sync_protocol.store.seam import SqliteStore, Store
from tests.postgres import running_cluster

RATIO = 2.0
_REGION = "341882"
_LAST = date(2026, 11, 20)
_YEAR_DAYS = 365
_OPEN_SHARE = 0.2
_BATCH = 2_000
_SURNAMES = {
    "王": 72, "李": 70, "张": 68, "刘": 54, "陈": 46, "杨": 31, "黄": 22, "赵": 20, "吴": 20, "周": 19, "徐": 15,
    "孙": 15, "马": 13, "朱": 13, "胡": 12, "郭": 12, "何": 11, "高": 10, "林": 10, "罗": 9, "欧阳": 1,
}  # fmt: skip
"""In a thousand."""
_RARE_SURNAMES = [chr(0x5100 + number) for number in range(400)]
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国文辉红梅志永春荣云龙生水根金银凤莲德福祥林海"
_OPEN = ((State.COLLECTED, HOME), (State.FIRST_REVIEW, TOWNSHIP), (State.ACCEPTED, COUNTY), (State.REVIEW, COUNTY))
_OVER = ((State.DELIVERED, ""), (State.WITHDRAWN, ""), (State.CLOSED, HOME))
_TROUBLED_SHARE = 0.002
_TO_TELL_SHARE = 0.1


def rows(seed: int, cases: int) -> Iterator[dict[str, Any]]:
    """Rows of a year's cases, all different; the last ones are the newest."""
    rng = random.Random(seed)
    items = list(load_catalogue())
    villages = [region.code for region in built_in_regions(_REGION) if not region.code.endswith("000")]
    rest = (1_000 - sum(_SURNAMES.values())) / len(_RARE_SURNAMES)
    surnames = [*_SURNAMES, *_RARE_SURNAMES]
    weights = [*_SURNAMES.values(), *[rest] * len(_RARE_SURNAMES)]
    for number in range(cases):
        item = rng.choice(items)
        received = _LAST - timedelta(days=_YEAR_DAYS - _YEAR_DAYS * (number + 1) // cases)
        is_open = rng.random() < _OPEN_SHARE
        state, holder = rng.choice(_OPEN if is_open else _OVER)
        village = rng.choice(villages)
        yield {
            "topic": rng.randbytes(16), "home": 2 + villages.index(village), "home_region": village,
            "item": item.key, "version": item.version, "item_name": item.name, "office": item.office,
            "state": state.value, "holder": holder, "deciding": COUNTY, "unsettled": 0,
            "trouble": "wrong_state" if rng.random() < _TROUBLED_SHARE else "",
            "name": rng.choices(surnames, weights)[0] + "".join(rng.choices(_GIVEN, k=rng.choice((1, 2, 2)))),
            "id_number": example_citizen_id(7 * number), "code": f"{rng.randrange(36**4):04X}{number:012d}",
            "case_no": f"{_REGION}-{received:%Y%m%d}-{number:07d}", "received": received.isoformat(), "ref": "",
            "changed": 1_760_000_000 + 170 * number, "accepted": 0,
            "due": (received + timedelta(days=rng.randrange(7, 40))).isoformat() if is_open else NO_DUE,
            "lapse_day": NO_DUE, "asked": "", "public": b"",
            "tell": "result" if rng.random() < _TO_TELL_SHARE else "",
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filled:
    """A database with so many cases, of which `one` is in the middle."""

    store: Store
    one: dict[str, Any]


def fill(store: Store, seed: int, cases: int) -> Filled:
    """Write the rows, and by what they are found."""
    made = list(rows(seed, cases))
    store.write(lambda conn: conn.execute(sa.insert(catalogue_item), _items()))
    for at in range(0, cases, _BATCH):
        some = made[at : at + _BATCH]
        store.write(lambda conn, some=some: conn.execute(sa.insert(case_row), some))  # type: ignore[misc]
    store.write(write_terms)
    return Filled(store, made[cases // 2])


def _items() -> list[dict[str, Any]]:
    return [{"key": item.key, "version": item.version, "name": item.name, "plain": "{}"} for item in load_catalogue()]


Ask = Callable[[Connection, dict[str, Any]], object]


def _found(scope: CaseScope, **query: Any) -> Ask:
    return lambda conn, one: find(conn, scope, CaseQuery(**query))


_COUNTY, _OFFICE = CaseScope(_REGION, None), CaseScope(_REGION, "民政局")
_WAITING = (State.ACCEPTED.value, State.REVIEW.value)
_TODAY = _LAST.isoformat()
QUERIES: dict[str, Ask] = {
    "approver's queue": _found(_OFFICE, states=_WAITING, holders=(COUNTY,), by_due="1"),
    "leader's queue": _found(_COUNTY, states=_WAITING, holders=(COUNTY,), by_due="1"),
    "overdue list": _found(_COUNTY, states=tuple(state.value for state, _ in _OPEN), due_before=_TODAY),
    "search by a common surname": _found(_COUNTY, text="王"),
    "search by two characters": _found(_COUNTY, text="张伟"),
    "search by common initials": _found(_COUNTY, text="ly"),
    "search by many initials": _found(_COUNTY, text="lyjly"),
    "search by a whole name": lambda conn, one: find(conn, _COUNTY, CaseQuery(text=one["name"])),
    "search by the end of an id": lambda conn, one: find(conn, _COUNTY, CaseQuery(text=one["id_number"][-6:])),
    "search by a whole id": lambda conn, one: find(conn, _COUNTY, CaseQuery(text=one["id_number"])),
    "search by an intake code": lambda conn, one: find(conn, _COUNTY, CaseQuery(text=one["code"])),
    "search by an item's name": _found(_COUNTY, text="津贴"),
    "station's month": lambda conn, one: find(
        conn, CaseScope(one["home_region"], None), CaseQuery(month=one["received"][:7])
    ),
    "whom a station is to tell": lambda conn, one: (to_tell(conn, one["home"]), count_to_tell(conn, one["home"])),
    "newest cases, with the counts of all states": lambda conn, one: (
        find(conn, _COUNTY, CaseQuery()), count_by_state(conn, _COUNTY), find(conn, _COUNTY, CaseQuery(trouble="1")),
    ),
}  # fmt: skip


def seconds(filled: Filled, ask: Ask) -> float:
    began = time.perf_counter()
    filled.store.read(lambda conn: ask(conn, filled.one))
    return time.perf_counter() - began


def compare(kind: str, few: Filled, many: Filled, rounds: int) -> bool:
    """Print each query's two medians and their ratio; whether all keep the limit."""
    kept = True
    for name, ask in QUERIES.items():
        pairs = [(seconds(few, ask), seconds(many, ask)) for _ in range(rounds + 1)][1:]
        small, large = (statistics.median(side) * 1000 for side in zip(*pairs, strict=True))
        kept &= at_most(f"{kind}: {name} ({small:.2f} ms, {large:.2f} ms)", large / small, RATIO)
    return kept


def main() -> int:
    """Exit code 1 when a query costs more than its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=180_000)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--quick", action="store_true", help="18,000 cases, 7 rounds")
    given = parser.parse_args()
    cases, rounds = (18_000, 7) if given.quick else (given.cases, given.rounds)
    kept = True
    with tempfile.TemporaryDirectory(prefix="lianban-bench-") as name, ExitStack() as stack:
        stores: list[Store] = [
            SqliteStore(Path(name) / f"{which}.db", random.Random(1).randbytes(32), synchronous="OFF")
            for which in ("few", "many")
        ]
        for store in stores:
            stack.callback(store.close)
            store.migrate(migrate)
        kept &= compare("SQLCipher", fill(stores[0], given.seed, 1_000), fill(stores[1], given.seed, cases), rounds)
        kept &= _on_postgres(given.seed, cases, rounds)
    return 0 if kept else 1


def _on_postgres(seed: int, cases: int, rounds: int) -> bool:
    with running_cluster() as cluster, ExitStack() as stack:
        filled = []
        for count in (1_000, cases):
            store = cluster.store(cluster.database())
            stack.callback(store.close)
            store.migrate(migrate)
            filled.append(fill(store, seed, count))
            store.write(lambda conn: conn.execute(sa.text("ANALYZE")))  # as autovacuum does by itself
        return compare("PostgreSQL", filled[0], filled[1], rounds)


if __name__ == "__main__":
    sys.exit(main())
