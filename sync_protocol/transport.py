"""Bytes to a parent and back: POST over aiohttp (SPEC section 8.4)."""

from __future__ import annotations

import asyncio
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp

from sync_protocol import canonical
from sync_protocol.enrolment import REPLY_BYTES_MAX
from sync_protocol.envelopes import NONCE_BYTES
from sync_protocol.errors import BadBytes, SyncError, TransferFailed, by_code
from sync_protocol.limits import KIB
from sync_protocol.link_times import LinkTimes, slowest
from sync_protocol.server import ENROL_PATH

_QUIET_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_SILENCE_SECONDS = 180
"""How long the answer of a parent that is there may stay away: more than a long poll and a long message on a slow link.
A link that is dead is found out much sooner, see `link_times`."""


class Transport(Protocol):
    """Carries a request to the parent and its answer back."""

    async def __call__(self, path: str, data: bytes, bytes_max: int) -> bytes:
        """Raises SyncError: the parent's own code, or TransferFailed, whose evidence says `unsent` when no connection
        came about."""
        ...


class HttpTransport:
    """POST to one parent at `url`; `times` made the session's sockets."""

    def __init__(self, session: aiohttp.ClientSession, url: str, times: LinkTimes | None = None) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._times = times or LinkTimes()

    async def __call__(self, path: str, data: bytes, bytes_max: int) -> bytes:
        return await post(self._session, self._url + path, data, bytes_max, self._times)


async def post(
    session: aiohttp.ClientSession, url: str, data: bytes, bytes_max: int, times: LinkTimes | None = None
) -> bytes:
    """POST bytes, read at most `bytes_max` back. Raises SyncError: the peer's own code, or TransferFailed."""
    times = times or LinkTimes()
    clock = asyncio.get_running_loop().time
    try:
        with times.one_try() as (connect, securely):
            limits = aiohttp.ClientTimeout(
                total=None, connect=securely, sock_connect=connect, sock_read=_SILENCE_SECONDS
            )
            async with (
                asyncio.timeout(slowest(len(data), securely + _SILENCE_SECONDS)) as until,
                session.post(
                    url, data=data, skip_auto_headers=_QUIET_HEADERS, timeout=limits, allow_redirects=False
                ) as response,
            ):
                parts: list[bytes] = []
                total, began = 0, clock()
                async for part in response.content.iter_any():
                    total += len(part)
                    until.reschedule(began + slowest(total, _SILENCE_SECONDS))
                    if total > bytes_max:
                        raise TransferFailed("the answer is too long")
                    parts.append(part)
                body = b"".join(parts)
                times.answered()
                if response.status == 200:
                    return body
                raise peer_error(response.status, body)
    except aiohttp.ClientSSLError as error:
        text = f"the parent's certificate is not of the CA that is trusted here, see --ca ({error})"
        raise TransferFailed(text[:300]) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        times.failed()
        unsent = isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))
        raise TransferFailed(
            f"{urlsplit(url).netloc} cannot be reached ({type(error).__name__}: {error})"[:250], unsent=unsent
        ) from error


def peer_error(status: int, body: bytes) -> SyncError:
    """The error that an answer other than 200 carries; TransferFailed for what is none of ours."""
    try:
        code, text, nonces = canonical.unpack(body, bytes_max=4 * KIB)
    except (BadBytes, ValueError, TypeError):
        return TransferFailed(f"HTTP {status}")
    if not isinstance(code, str) or not isinstance(text, str) or not isinstance(nonces, list):
        return TransferFailed(f"HTTP {status}")
    fresh = [nonce for nonce in nonces if isinstance(nonce, bytes) and len(nonce) == NONCE_BYTES]
    return by_code(code)(text[:256], nonces=fresh, peer=True)


async def enrol(session: aiohttp.ClientSession, url: str, request: bytes) -> bytes:
    """Pass an enrolment request to a parent; the welcome's bytes. Raises SyncError."""
    return await post(session, url.rstrip("/") + ENROL_PATH, request, REPLY_BYTES_MAX)
