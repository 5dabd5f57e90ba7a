"""Stores of both kinds, and two programs' stores on one PostgreSQL database."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hub.county import migrate
from sync_protocol.replica import Replica
from sync_protocol.store.postgres_store import PostgresStore
from sync_protocol.store.seam import SqliteStore, Store
from tests.hub_store.places import Twice
from tests.postgres import Cluster
from tests.sync_protocol.county import County, Place, small_county


@pytest.fixture(scope="session")
def migrated(cluster: Cluster) -> str:
    """The name of a database with the hub's tables and nothing in them, to be copied."""
    name = cluster.database()
    store = cluster.store(name)
    store.migrate(migrate)
    store.close()
    return name


@pytest.fixture
def database(cluster: Cluster, migrated: str) -> Iterator[str]:
    """The name of a fresh database with the hub's tables."""
    name = cluster.database(migrated)
    yield name
    cluster.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens the same migrated database again and again."""
    opened: list[Store] = []
    name = request.getfixturevalue("database") if request.param == "postgresql" else ""

    def open_() -> Store:
        if name:
            opened.append(request.getfixturevalue("cluster").store(name))
        else:
            opened.append(SqliteStore(tmp_path / "hub.db", b"k" * 32))
            opened[-1].migrate(migrate)
        return opened[-1]

    yield open_
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    return open_store()


@pytest.fixture
def county(open_store: Callable[[], Store], tmp_path: Path) -> Iterator[County]:
    """Hub, township (2) and village (3); the hub's database is of either kind."""
    county, *_ = small_county(tmp_path, hub_store=open_store)
    yield county
    for place in county.places.values():
        place.store.close()


@pytest.fixture
def pair(cluster: Cluster, database: str) -> Iterator[tuple[PostgresStore, PostgresStore]]:
    """Two programs' stores on one database."""
    stores = cluster.store(database), cluster.store(database)
    yield stores
    for store in stores:
        store.close()


@pytest.fixture
def twice(pair: tuple[PostgresStore, PostgresStore], tmp_path: Path) -> Iterator[Twice]:
    """A small county whose hub runs as two programs on one PostgreSQL database."""
    county, hub, township, village = small_county(tmp_path, hub_store=lambda: pair[0])
    replica = Replica(hub.me, county.blobs("hub"), random.Random(9).randbytes)
    yield Twice(county, (hub, Place(pair[1], replica, county.clock)), township, village)
    for place in (township, village):
        place.store.close()


@pytest.fixture
def at_once() -> Iterator[Callable[..., list[Any]]]:
    """Runs functions in a thread each; their results, or what they raised, in the same order."""
    with ThreadPoolExecutor(32) as pool:

        def run(*fns: Callable[[], Any]) -> list[Any]:
            futures = [pool.submit(fn) for fn in fns]
            return [future.exception(60) or future.result() for future in futures]

        yield run
