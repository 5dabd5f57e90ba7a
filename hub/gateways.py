"""Where text messages leave the county: as files in a folder, or by HTTP to a gateway.

Both may be given the same message twice and let it go once: the file's name and the Idempotency-Key are its key. Of an
answer only its class is kept; nothing that a gateway says, and nothing of a message, goes to a log.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import aiohttp

from casework.errors import BadInput
from casework.reference import checked_url
from hub.messages import Claimed, Verdict
from hub.settings import HubSettings
from sync_protocol.store.data_folder import FolderError

TIMEOUT_SECONDS = 20.0
_TOKEN_BYTES_MAX = 4_096
_ANSWER_BYTES_MAX = 16 * 1024
_SENT = Verdict(sent=True)


class Gateway(Protocol):
    """What takes a message further."""

    async def send(self, one: Claimed) -> Verdict: ...


class FileGateway:
    """One JSON file {"key", "phone", "text"} for each message, whole or not there at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, one: Claimed) -> Verdict:
        """A disk that fails is tried again."""
        try:
            await asyncio.to_thread(self._drop, one)
        except OSError as error:
            return Verdict(sent=False, again=True, reason=f"文件写不进去（{type(error).__name__}）")
        return _SENT

    def _drop(self, one: Claimed) -> None:
        plain = json.dumps({"key": one.key, "phone": one.phone, "text": one.text}, ensure_ascii=False)
        unfinished = self._folder / f".{one.key}.part"
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(plain)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._folder / f"{one.key}.json")
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class HttpGateway:
    """POST of the same JSON with a bearer token; the gateway is to send one key once."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session, self._url = session, url
        self._headers = {"Authorization": f"Bearer {token}"}

    async def send(self, one: Claimed) -> Verdict:
        """2xx is sent; too many requests, a fault of the gateway or of the network is tried again; nothing else is."""
        body = {"key": one.key, "phone": one.phone, "text": one.text}
        headers = self._headers | {"Idempotency-Key": one.key}
        try:
            async with self._session.post(self._url, json=body, headers=headers, allow_redirects=False) as answer:
                await answer.content.read(_ANSWER_BYTES_MAX)
                return judged(answer.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Verdict(sent=False, again=True, reason=f"网关连不上（{type(error).__name__}）")


def judged(status: int) -> Verdict:
    """What an HTTP status says of a message."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return _SENT
    again = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in (
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.REQUEST_TIMEOUT,
    )
    return Verdict(sent=False, again=again, reason=f"网关答复 HTTP {status}")


def check_gateway(settings: HubSettings) -> bool:
    """Whether messages are sent at all. Raises FolderError, in words, for settings that cannot work."""
    if settings.messages_dir is not None and settings.messages_url:
        raise FolderError("give --messages-dir or --messages-url, not both")
    if settings.messages_dir is not None and not settings.messages_dir.is_dir():
        raise FolderError(f"{settings.messages_dir} is no folder: make it, or correct --messages-dir")
    if settings.messages_url:
        if settings.messages_token is None:
            raise FolderError("--messages-url needs --messages-token, a file with the gateway's token")
        _token(settings.messages_token)
        try:
            checked_url(settings.messages_url, "--messages-url")
        except BadInput as error:
            raise FolderError("；".join(one.message for one in error.problems)) from error
    return settings.messages_dir is not None or bool(settings.messages_url)


def _token(path: Path) -> str:
    try:
        with path.open("rb") as file:
            token = file.read(_TOKEN_BYTES_MAX + 1).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise FolderError(f"{path} cannot be read: {type(error).__name__}") from error
    if not token or len(token) > _TOKEN_BYTES_MAX or not token.isprintable() or " " in token:
        raise FolderError(f"{path} holds no token: one line without spaces is expected")
    return token


@asynccontextmanager
async def open_gateway(settings: HubSettings) -> AsyncIterator[Gateway]:
    """The one that `check_gateway` found right."""
    if settings.messages_dir is not None:
        yield FileGateway(settings.messages_dir)
        return
    assert settings.messages_token is not None
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield HttpGateway(session, settings.messages_url, _token(settings.messages_token))
