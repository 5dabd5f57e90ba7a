"""What lists and searches cost, counted in steps of SQLite's own machine, does not grow with the cases there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from bench.queries import QUERIES, RATIO, Ask, Filled, fill
from casework.case_lists import CaseQuery, find
from casework.case_tables import case_row
from casework.policy import CaseScope
from casework.telling_lists import count_to_tell, to_tell
from hub.county import migrate
from sync_protocol.store.seam import SqliteStore

FEW, MANY = 4_000, 12_000
"""So many that a page is full of each."""
_EVERY = 50
_LEAST_STEPS = 2_000
"""Below this a query is cheap, and its steps follow from the few rows that it finds."""


def _make_indexes_again(conn: Connection, backwards: bool) -> None:
    """By name. Of two that SQLite takes for equal it uses the one made last, and no installation is like another, for
    Alembic makes the indexes of a table anew in an order of chance. What a query costs may not depend on that."""
    made = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name LIKE 'case%'"
    for name, create in sorted(conn.exec_driver_sql(made).all(), reverse=backwards):
        conn.exec_driver_sql(f'DROP INDEX "{name}"')
        conn.exec_driver_sql(create)


@pytest.fixture(scope="module", params=[FEW, MANY], ids=["many by name", "few by name"])
def counties(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Filled]]:
    folder: Path = tmp_path_factory.mktemp("queries")
    with ExitStack() as stack:
        made = []
        for cases in (FEW, MANY):
            store = SqliteStore(folder / f"{cases}.db", bytes(32), synchronous="OFF")
            stack.callback(store.close)
            store.migrate(migrate)
            store.write(partial(_make_indexes_again, backwards=cases == request.param))
            made.append(fill(store, 1, cases))
        yield made


def steps(filled: Filled, ask: Ask) -> int:
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += _EVERY
        return 0

    def run(conn: Connection) -> None:
        database = conn.connection.driver_connection
        assert database is not None
        database.set_progress_handler(count, _EVERY)
        try:
            ask(conn, filled.one)
        finally:
            database.set_progress_handler(None, 0)

    filled.store.read(run)
    return counted


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_reads_no_more_of_many_cases_than_of_few(counties: list[Filled], name: str) -> None:
    few, many = (steps(filled, QUERIES[name]) for filled in counties)
    assert many <= max(RATIO * few, _LEAST_STEPS), (few, many)


LISTS = {
    "newest": CaseQuery(),
    "of some states": CaseQuery(states=("collected", "first_review"), oldest_first="1"),
    "at the station": CaseQuery(holders=("home",)),
    "found by name": CaseQuery(text="王"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_station_with_all_these_cases_reads_no_more_of_many(counties: list[Filled], name: str) -> None:
    """At a village every case is of its region."""
    scope = CaseScope("341882103201", None)

    def ask(conn: Connection, one: dict[str, object]) -> object:
        return find(conn, scope, LISTS[name])

    costs = []
    for filled in counties:
        filled.store.write(lambda conn: conn.execute(sa.update(case_row).values(home_region=scope.region_prefix)))
        costs.append(steps(filled, ask))
    assert costs[1] <= max(RATIO * costs[0], _LEAST_STEPS), costs


def test_a_station_that_has_all_these_people_to_tell_reads_no_more_of_many(counties: list[Filled]) -> None:
    """As if every case of the county were of this home."""

    def ask(conn: Connection, one: dict[str, object]) -> object:
        return to_tell(conn, 2), count_to_tell(conn, 2)

    costs = []
    for filled in counties:
        filled.store.write(lambda conn: conn.execute(sa.update(case_row).values(home=2)))
        costs.append(steps(filled, ask))
    assert costs[1] <= max(RATIO * costs[0], _LEAST_STEPS), costs


def test_the_count_would_see_a_search_that_reads_everything(counties: list[Filled]) -> None:
    def everything(conn: Connection, one: dict[str, object]) -> object:
        return conn.exec_driver_sql("SELECT count(*) FROM case_row WHERE name LIKE '%王%'").scalar_one()

    few, many = (steps(filled, everything) for filled in counties)
    assert many > max(RATIO * few, _LEAST_STEPS)
