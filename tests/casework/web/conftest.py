"""The tiny program, started on a fresh database, and browsers for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from casework.web.site import Site
from tests.casework.web.tiny_program import AGENT, SITE, Browser, FileStore, Open, Place, make_app


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    store = FileStore(tmp_path / "pages.db")
    yield Place(store)
    store.engine.dispose()


@pytest.fixture
async def open_browser(place: Place) -> AsyncIterator[Open]:
    """Start the program again on the same database, with a fresh browser."""
    clients: list[TestClient[web.Request, web.Application]] = []

    async def open_(site: Site = SITE) -> Browser:
        clients.append(TestClient(TestServer(make_app(place, site))))
        await clients[-1].start_server()
        return Browser(clients[-1])

    yield open_
    for client in clients:
        await client.close()


@pytest.fixture
async def browser(place: Place, open_browser: Open) -> Browser:
    await place.add(AGENT)
    return await open_browser()


@pytest.fixture
async def signed_in(browser: Browser) -> Browser:
    assert (await browser.sign_in())[0] == 303
    return browser
