"""`sync --until-idle`: exchange until the county has received (or ordered) everything, and say what happened."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Literal

from node.standing import Outstanding, outstanding
from sync_protocol.bell import EVERYTHING, Bell
from sync_protocol.client import Link, LinkState
from sync_protocol.errors import SyncError
from sync_protocol.server import StoreLike
from sync_protocol.under_way import Progress

Until = Literal["received", "ordered"]
EXIT_DONE, EXIT_FAILED, EXIT_HELD = 0, 1, 3
_POLL_SECONDS = 20
_RETRY_SECONDS = 0.2


async def sync_until(
    link: Link, store: StoreLike, bell: Bell, author: int, until: Until, timeout_seconds: float
) -> tuple[int, dict[str, Any]]:
    """The exit code and the report; see docs/commands.md for its keys."""
    loop = asyncio.get_running_loop()
    began, before = loop.time(), replace(link.state)
    error = ""
    try:
        async with asyncio.timeout(timeout_seconds):
            await _until(link, store, bell, author, until)
    except TimeoutError:
        error = link.state.error or "timeout"
    except SyncError as failure:
        error = failure.code
    work = await store.read(lambda conn: outstanding(conn, author))
    report = _report(before, link.state, work, loop.time() - began)
    if error not in ("", "timeout") or not _done(work, until):
        return EXIT_FAILED, report | {"error": error or "not_done", "pending": work.pending, "blobs": work.blobs}
    return (EXIT_HELD if work.held else EXIT_DONE), report


async def _until(link: Link, store: StoreLike, bell: Bell, author: int, until: Until) -> None:
    """Returns when it is done; raises SyncError for what only a person elsewhere can mend."""
    while True:
        try:
            await link.say_all()
            if await _poll(link, store, bell, author, until):
                return
        except SyncError as error:
            if error.verdict == "stop":
                raise
            await asyncio.sleep(_RETRY_SECONDS)


async def _poll(link: Link, store: StoreLike, bell: Bell, author: int, until: Until) -> bool:
    """Hold one long poll open until it ends, or until it is done: a running server's own poll may bring the answer."""
    poll: asyncio.Task[Progress] | None = None
    try:
        while True:
            with bell.listen([EVERYTHING]) as waiter:
                if _done(await store.read(lambda conn: outstanding(conn, author)), until):
                    return True
                poll = poll or asyncio.create_task(link.exchange(_POLL_SECONDS))
                rung = asyncio.create_task(waiter.wait(_POLL_SECONDS))
                await asyncio.wait([poll, rung], return_when=asyncio.FIRST_COMPLETED)
                rung.cancel()
            if poll.done():
                await poll
                return False
    finally:
        if poll is not None:
            poll.cancel()


def _done(work: Outstanding, until: Until) -> bool:
    waiting = until == "ordered" and any(item["code"] == "awaits" for item in work.held)
    return work.received and not waiting


def _report(before: LinkState, after: LinkState, work: Outstanding, seconds: float) -> dict[str, Any]:
    names = ("entries_sent", "entries_received", "blobs_sent", "bytes_up", "bytes_down", "requests")
    counts: dict[str, Any] = {name: getattr(after, name) - getattr(before, name) for name in names}
    return counts | {"seconds": round(seconds, 3), "refused": work.refused, "held": work.held}
