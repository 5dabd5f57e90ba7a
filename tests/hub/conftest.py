"""A fresh county hall for each test, and browsers on its hub."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from casework.accounts import Account
from casework.policy import Role
from tests.casework.web.tiny_program import Browser
from tests.hub.hall import Hall, build_hall, hub_app, reopen
from tests.hub.hall import signed_in as sign_in
from tests.postgres import Cluster
from tests.sync_protocol.county import VILLAGE

OpenHub = Callable[[str], Awaitable[Browser]]


@dataclass(frozen=True)
class Built:
    """A hall at rest: its folder, and the hub's database where that is a server's."""

    folder: Path
    cluster: Cluster | None = None
    database: str = ""


ON_A_FILE_ONLY = {"test_pages", "test_reference_data", "test_verifying"}
"""Slow, and their queries are those of the other modules."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "built" in metafunc.fixturenames:
        one = metafunc.module.__name__.rsplit(".", 1)[-1] in ON_A_FILE_ONLY
        databases = ["sqlite"] if one else ["sqlite", "postgresql"]
        metafunc.parametrize("built", databases, indirect=True, scope="session")


@pytest.fixture(scope="session")
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Built once for each database that a hub may have."""
    folder = tmp_path_factory.mktemp("hall")
    if request.param == "sqlite":
        build_hall(folder).close()
        return Built(folder)
    cluster: Cluster = request.getfixturevalue("cluster")
    name = cluster.database()
    build_hall(folder, lambda: cluster.store(name)).close()
    return Built(folder, cluster, name)


@pytest.fixture
def hall(built: Built, tmp_path: Path) -> Iterator[Hall]:
    shutil.copytree(built.folder, tmp_path / "hall")
    if built.cluster is None:
        hall = reopen(tmp_path / "hall")
        yield hall
        hall.close()
        return
    cluster, name = built.cluster, built.cluster.database(built.database)
    hall = reopen(tmp_path / "hall", hub_store=lambda: cluster.store(name))
    yield hall
    hall.close()
    cluster.drop(name)


@pytest.fixture
def account(hall: Hall) -> Account:
    """The village's agent, known there."""
    made = hall.add_user("v.agent", Role.VILLAGE_AGENT, station=VILLAGE)
    hall.sync()
    return made


@pytest.fixture
async def open_hub(hall: Hall) -> AsyncIterator[OpenHub]:
    """A browser of the person with this login, signed in at the hub."""
    clients: list[TestClient[web.Request, web.Application]] = []

    async def open_(login: str) -> Browser:
        clients.append(TestClient(TestServer(hub_app(hall))))
        await clients[-1].start_server()
        return await sign_in(clients[-1], login)

    yield open_
    for client in clients:
        await client.close()
