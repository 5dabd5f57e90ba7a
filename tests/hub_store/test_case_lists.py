"""Lists and searches find the same cases in the same order in both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_lists import COUNT_MAX, CasePage, CaseQuery, count_by_state, count_text, find
from casework.case_store import write_row, write_terms
from casework.case_tables import case_row, catalogue_item
from casework.policy import CaseScope
from sync_protocol.store.seam import Store

ROW = {
    "home": 3, "home_region": "341882103201", "item": "elder", "version": 1, "item_name": "高龄津贴 Plus",
    "office": "民政局", "state": "accepted", "holder": "county", "deciding": "county", "unsettled": 0, "trouble": "",
    "name": "Zhang 张三", "id_number": "34252319500101001X", "code": "ABC123", "case_no": "341882-0001",
    "received": "2026-11-20", "ref": "", "changed": 5, "accepted": 4, "due": "2026-12-01", "lapse_day": "9999-12-31",
    "asked": "",
    "public": b"",
    "tell": "",
}  # fmt: skip
EVERYTHING = CaseScope("341882", None)
Ask = Callable[..., list[int]]


def _fill(conn: Connection) -> None:
    for key, name in (("elder", "高龄津贴 Plus"), ("other", "其他")):
        conn.execute(sa.insert(catalogue_item).values(key=key, version=1, name=name, plain="{}"))
    for n in range(60):
        row = ROW | {"topic": bytes([n]) * 16, "changed": n // 2, "received": f"2026-11-{10 + n // 6}"}
        row["due"] = f"2026-12-{31 - n // 2:02}"
        if n % 2:
            row |= {"home_region": "341882104000", "name": "100% _x", "item": "other", "item_name": "其他"}
            row |= {"code": "DEF456", "case_no": "341882-0002", "id_number": "342523195001010028"}
        write_row(conn, row)
    write_terms(conn)


@pytest.fixture
def page(store: Store) -> Callable[..., CasePage]:
    store.write(_fill)

    def read(scope: CaseScope = EVERYTHING, **more: Any) -> CasePage:
        return store.read(lambda conn: find(conn, scope, CaseQuery(**more)))

    return read


@pytest.fixture
def ask(page: Callable[..., CasePage]) -> Ask:
    return lambda *given, **more: [row.topic[0] for row in page(*given, **more).rows]


NEWEST = sorted(range(60), reverse=True)
EVEN, ODD = [n for n in NEWEST if n % 2 == 0], [n for n in NEWEST if n % 2]


def test_lists_are_in_the_order_of_the_last_change_and_page_by_page(ask: Ask, page: Callable[..., CasePage]) -> None:
    assert ask() == NEWEST[:50] and ask(page=1) == NEWEST[50:] and ask(page=2) == []
    assert page().more and not page(page=1).more and page(page=1).total == 60
    assert ask(oldest_first="1") == list(range(50))
    assert ask(states=("accepted",), holders=("county",), deciding="county") == NEWEST[:50]
    assert ask(states=("accepted", "granted")) == ask(holders=("county",)) == NEWEST[:50]
    assert ask(states=("granted",)) == ask(trouble="1") == ask(deciding="township") == []


def test_a_queue_begins_with_what_is_due_first(ask: Ask, page: Callable[..., CasePage]) -> None:
    by_due = sorted(range(60), key=lambda n: (-(n // 2), n))
    assert ask(states=("accepted",), holders=("county",), by_due="1") == by_due[:50]
    late = page(states=("accepted",), due_before="2026-12-05")
    assert [row.due for row in late.rows] == sorted(f"2026-12-{day:02}" for day in (2, 3, 4) for _ in range(2))


def test_a_scope_is_a_range_of_regions_and_an_office(ask: Ask) -> None:
    assert ask(CaseScope("341882104", None)) == ODD
    assert ask(CaseScope("341882103201", None)) == EVEN
    assert ask(CaseScope("34188210320", None)) == EVEN and ask(CaseScope("341881", None)) == []
    assert ask(CaseScope("341882", "民政局")) == NEWEST[:50]
    assert ask(CaseScope("341882", "卫健委")) == ask(CaseScope("341882", "卫健委"), text="张三") == []


@pytest.mark.parametrize(
    "text",
    ["张", "张三", "zs", "Z S", "g 张三", "zhang", "ZHANG 张", "plus", "津贴", "341882-0001", "34252319500101001x",
     "001x", "0101001X", "abc-123", "C123"],
)  # fmt: skip
def test_a_search_finds_parts_of_names_ends_of_numbers_and_items(ask: Ask, text: str) -> None:
    assert ask(text=text) == EVEN, text


@pytest.mark.parametrize("text", ["0% _", "100%", "%", "_", "def456", "0028", "其他", "341882-0002", "0002"])
def test_what_means_something_to_a_database_is_only_text(ask: Ask, text: str) -> None:
    assert ask(text=text) == ODD, text


@pytest.mark.parametrize(
    "text",
    ["张\0三", "李", "三张", "34252319500101001", "2319", "Zhang 张四", "'", "elder", "sz", "zsz", "zszszszs"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(ask: Ask, text: str) -> None:
    assert ask(text=text) == []


def test_a_search_is_narrowed_like_a_list(ask: Ask) -> None:
    assert ask(text="张三", states=("accepted",), holders=("county",)) == EVEN
    assert ask(text="张三", states=("granted",)) == ask(CaseScope("341882104", None), text="张三") == []


def test_counts_end_where_nobody_looks_any_more(store: Store, page: Callable[..., CasePage]) -> None:
    assert store.read(lambda conn: count_by_state(conn, EVERYTHING)) == {"accepted": 60}
    rows = [{**ROW, "topic": bytes([n]) * 15 + b"x", "state": "delivered", "holder": ""} for n in range(COUNT_MAX + 5)]
    store.write(lambda conn: conn.execute(sa.insert(case_row), rows))
    counts = store.read(lambda conn: count_by_state(conn, EVERYTHING))
    assert counts == {"accepted": 60, "delivered": COUNT_MAX}
    assert page().total == page(states=("delivered",)).total == COUNT_MAX
    assert (count_text(60), count_text(99), count_text(counts["delivered"])) == ("60", "99", "99+")
    other = CaseScope("341882", "卫健委")
    assert store.read(lambda conn: count_by_state(conn, other)) == {}
