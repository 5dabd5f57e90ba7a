"""A request's body as it comes: bounded in size, and in how long it may stand still."""

from __future__ import annotations

import asyncio
from typing import Protocol

from aiohttp import StreamReader, web

from sync_protocol.errors import NotCanonical, TooLarge, TransferFailed
from sync_protocol.link_times import slowest

_IDLE_SECONDS = 30
"""A body may take as long as it moves; a sender that stands still is cut off."""
_READ_BYTES = 64 * 1024


class Incoming(Protocol):
    """Bytes of a request, in order."""

    async def some(self, bytes_max: int) -> bytes:
        """The next ones, as they come; nothing at the end. Raises TransferFailed, TooLarge."""
        ...


class Body:
    """What `request` carries, at most `bytes_max`. Raises TooLarge at once when it says that it is longer."""

    def __init__(self, request: web.BaseRequest, bytes_max: int) -> None:
        if "Content-Encoding" in request.headers:
            raise TooLarge("no content coding is accepted here")
        self._bytes_max = bytes_max
        if (request.content_length or 0) > bytes_max:
            raise self._too_large()
        self._content: StreamReader = request.content
        self._came = 0
        self._waited = 0.0

    async def some(self, bytes_max: int) -> bytes:
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(min(_IDLE_SECONDS, slowest(self._came, _IDLE_SECONDS) - self._waited)):
                data = await self._content.read(min(bytes_max, _READ_BYTES))
        except (TimeoutError, OSError, web.RequestPayloadError) as error:
            raise TransferFailed("the request did not arrive whole") from error
        self._waited += clock() - began  # not what this side did with it in between
        self._came += len(data)
        if self._came > self._bytes_max:
            raise self._too_large()
        return data

    def _too_large(self) -> TooLarge:
        return TooLarge(f"more than {self._bytes_max} bytes")


class HeldBody:
    """Bytes that have come already."""

    def __init__(self, data: bytes) -> None:
        self._left = data

    async def some(self, bytes_max: int) -> bytes:
        data, self._left = self._left[:bytes_max], self._left[bytes_max:]
        return data


async def exactly(body: Incoming, count: int) -> bytes:
    """The next `count` bytes. Raises NotCanonical where there are fewer."""
    parts: list[bytes] = []
    while count:
        part = await body.some(count)
        if not part:
            raise NotCanonical("the request ends too soon")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


async def all_of(body: Incoming) -> bytes:
    """Everything to the end."""
    parts: list[bytes] = []
    while part := await body.some(_READ_BYTES):
        parts.append(part)
    return b"".join(parts)
