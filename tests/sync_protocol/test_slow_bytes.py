"""Who sends a byte now and then, for ever, is given up like one who is silent; who is merely slow is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sync_protocol import body, link_times, transport
from sync_protocol.errors import TransferFailed
from sync_protocol.server import SYNC_PATH
from sync_protocol.transport import post
from tests.sync_protocol.county import small_county
from tests.sync_protocol.wire import Served, serve

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
GAP_SECONDS = 0.05


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second for nothing, more than any gap below, and 1,000 bytes a second from then on."""
    monkeypatch.setattr(transport, "_SILENCE_SECONDS", 0.5)
    monkeypatch.setattr(body, "_IDLE_SECONDS", 0.5)
    monkeypatch.setattr(link_times, "_LEAST_BYTES_PER_SECOND", 1000)


async def _answer_of(handler: Handler) -> bytes:
    app = web.Application()
    app.router.add_post("/x", handler)
    served = TestServer(app)
    await served.start_server()
    try:
        async with aiohttp.ClientSession() as session:
            return await post(session, str(served.make_url("/x")), b"?", 1_000_000)
    finally:
        await served.close()


def _in_pieces(size: int, count: int) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(count):
            await response.write(bytes(size))
            await asyncio.sleep(GAP_SECONDS)
        return response

    return handler


@pytest.mark.usefixtures("little_patience")
async def test_an_answer_that_trickles_for_ever_is_given_up() -> None:
    with pytest.raises(TransferFailed):
        await asyncio.wait_for(_answer_of(_in_pieces(1, 10_000)), 5)


@pytest.mark.usefixtures("little_patience")
async def test_an_answer_that_is_slow_but_comes_is_waited_for() -> None:
    assert len(await _answer_of(_in_pieces(200, 20))) == 4_000


@pytest.fixture
async def served(tmp_path) -> AsyncIterator[Served]:
    async with serve(small_county(tmp_path)[2]) as township:
        yield township


async def _status_for(served: Served, size: int, count: int) -> int:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield bytes(size)
            await asyncio.sleep(GAP_SECONDS)

    async with aiohttp.ClientSession() as session, session.post(served.url + SYNC_PATH, data=body()) as response:
        await response.read()
        return response.status


@pytest.mark.usefixtures("little_patience")
async def test_a_request_that_trickles_for_ever_is_refused(served: Served) -> None:
    try:
        status = await asyncio.wait_for(_status_for(served, 1, 10_000), 5)
    except aiohttp.ClientError:
        status = 409  # the connection was closed while it still wrote
    assert status == 409 and served.counts["refused:transfer_failed"] == 1


@pytest.mark.usefixtures("little_patience")
async def test_a_request_that_is_slow_but_comes_is_read_whole(served: Served) -> None:
    assert await _status_for(served, 200, 20) == 400  # zeros are no request: it was read that far
    assert served.counts["refused:transfer_failed"] == 0
