"""What this machine's own commands ask of the program that serves the same folder."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from casework.web.listen import CONTROL_HEADER, client_context
from node.syncing import Until
from sync_protocol.store.data_folder import FolderError, Serving

_TELL_EVERY_SECONDS = 2.0
_STATUS_SECONDS = 10.0
_SPARE_SECONDS = 30.0

Situation = Callable[[], Awaitable[str]]
"""One sentence on the transfer under way, "" for none."""


async def ask_sync(serving: Serving, until: Until, seconds: float) -> tuple[int, dict[str, Any]]:
    """Have the running program sync; exit code and report. Raises FolderError."""
    asked = {"until": until, "timeout": seconds}
    answer = await _ask(serving, "POST", "/control/sync", seconds + _SPARE_SECONDS, asked)
    return int(answer["exit"]), answer["report"]


async def ask_status(serving: Serving) -> dict[str, Any]:
    """What only the running program knows of its link, see `node.watching.report`. Raises FolderError."""
    return await _ask(serving, "GET", "/control/status", _STATUS_SECONDS, None)


async def _ask(serving: Serving, method: str, path: str, seconds: float, asked: Any) -> dict[str, Any]:
    headers = {CONTROL_HEADER: serving.control}
    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=seconds), connector=aiohttp.TCPConnector(ssl=client_context(None))
            ) as session,
            session.request(method, serving.admin_url + path, json=asked, headers=headers) as response,
        ):
            if response.status != 200:
                raise FolderError(f"the running server answered {response.status}")
            answer: dict[str, Any] = await response.json()
            return answer
    except (aiohttp.ClientError, TimeoutError) as error:
        raise FolderError(f"the running server does not answer on {serving.admin_url} ({error})") from error


async def telling(work: Awaitable[Any], situation: Situation, say: Callable[[str], None]) -> Any:
    """Await `work`, and say now and then how far the transfer is, when that has changed."""
    teller = asyncio.create_task(_tell(situation, say))
    try:
        return await work
    finally:
        teller.cancel()


async def _tell(situation: Situation, say: Callable[[str], None]) -> None:
    said = ""
    while True:
        await asyncio.sleep(_TELL_EVERY_SECONDS)
        try:
            text = await situation()
        except FolderError:
            continue  # it is busy; whoever waits for the work hears what became of it
        if text and text != said:
            say(text)
            said = text
