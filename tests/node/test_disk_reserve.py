"""A disk that is nearly full takes in nothing new, says so, and lets everything else go on."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from casework.errors import NotAllowed
from hub import app as hub_app
from node import app as node_app
from node.app import Running, _room_for_intake
from node.settings import has_room
from sync_protocol.errors import DiskFull


def test_the_reserve_is_measured_on_the_folders_own_disk(tmp_path: Path) -> None:
    assert has_room(tmp_path, 0)
    assert not has_room(tmp_path, 2**40)


@pytest.mark.parametrize(
    ("method", "path", "reserve", "allowed"),
    [
        ("POST", "/intake/elder_allowance", 2**40, False),
        ("POST", "/drafts/1/materials", 2**40, False),
        ("POST", "/drafts/1/discard", 2**40, True),
        ("GET", "/intake", 2**40, True),
        ("POST", "/cases/1/do/deliver", 2**40, True),
        ("POST", "/intake/elder_allowance", 0, True),
    ],
)
async def test_only_intake_is_refused(tmp_path: Path, method: str, path: str, reserve: int, allowed: bool) -> None:
    parts: Any = SimpleNamespace(
        station=SimpleNamespace(folder=SimpleNamespace(path=tmp_path)), disk_reserve_mib=reserve
    )
    said: list[str] = []

    @web.middleware
    async def hear(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return await handler(request)
        except NotAllowed as error:
            said.append(str(error))
            return web.Response(status=403)

    app = web.Application(middlewares=[hear, _room_for_intake(cast("Running", parts))])

    async def done(request: web.Request) -> web.Response:
        return web.Response()

    app.router.add_route("*", "/{path:.*}", done)
    async with TestClient(TestServer(app)) as client:
        status = (await client.request(method, path)).status
    assert status == (200 if allowed else 403)
    assert bool(said) is not allowed
    assert all("磁盘" in text and "会继续上报" in text for text in said)


@pytest.mark.parametrize("program", [node_app, hub_app])
async def test_a_step_that_found_no_room_is_told_so(program: ModuleType) -> None:
    async def full(_request: web.Request) -> web.Response:
        raise DiskFull("database or disk is full")

    with pytest.raises(web.HTTPInsufficientStorage):
        await program._log_says_no(make_mocked_request("POST", "/cases"), full)
