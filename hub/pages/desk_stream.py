"""The stream by which the desk learns that it should ask anew: server-sent events without content of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp_sse import sse_response

from casework.web import keys
from hub.pages.keys import WATCH
from hub.watching import TooManyListeners, Watch
from sync_protocol.background import end
from sync_protocol.bell import Bell

HEARTBEAT_SECONDS = 15.0
LIFE_SECONDS = 600.0
"""Then the browser comes again, and has to be signed in still."""
_RETRY_MILLIS = 5000


def add_stream(app: web.Application, bell: Bell) -> None:
    """Tell open pages of what the store commits, for as long as the application runs."""
    app[WATCH] = Watch(bell)

    async def watching(app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(app[WATCH].run())
        yield
        await end([task])

    async def let_go(app: web.Application) -> None:
        app[WATCH].close()

    app.cleanup_ctx.append(watching)
    app.on_shutdown.append(let_go)


async def stream_changes(request: web.Request) -> web.StreamResponse:
    """GET /queue/events: `changed` whenever something was written at the county. 204 asks the page to poll instead."""
    loop = asyncio.get_running_loop()
    try:
        async with request.app[WATCH].listen(request[keys.PERSON].account) as listener:
            headers = {"X-Content-Type-Options": "nosniff"}
            async with sse_response(request, ping_interval=HEARTBEAT_SECONDS, headers=headers) as stream:
                await stream.send("", event="ready", retry=_RETRY_MILLIS)
                until = loop.time() + LIFE_SECONDS
                while stream.is_connected() and loop.time() < until:
                    if not await listener.changed(until - loop.time()) or listener.closed:
                        break
                    await stream.send("", event="changed")
            return stream
    except TooManyListeners:
        return web.Response(status=204)
