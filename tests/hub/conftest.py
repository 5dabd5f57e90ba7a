"""A fresh county hall for each test, and browsers on its hub."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tests.casework.web.tiny_program import Browser
from tests.hub.hall import Hall, build_hall, hub_app, reopen
from tests.hub.hall import signed_in as sign_in

OpenHub = Callable[[str], Awaitable[Browser]]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hall on disk, built once."""
    folder = tmp_path_factory.mktemp("hall")
    close(build_hall(folder))
    return folder


@pytest.fixture
def hall(built: Path, tmp_path: Path) -> Iterator[Hall]:
    shutil.copytree(built, tmp_path / "hall")
    hall = reopen(tmp_path / "hall")
    yield hall
    close(hall)


def close(hall: Hall) -> None:
    for place in hall.county.places.values():
        place.store.close()


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
