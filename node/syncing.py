"""`sync --until-idle`: exchange until the county has received (or ordered) everything, and say what happened."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Literal

from node.standing import Outstanding, outstanding
from sync_protocol.client import Link, LinkState
from sync_protocol.errors import SyncError
from sync_protocol.server import StoreLike

Until = Literal["received", "ordered"]
EXIT_DONE, EXIT_FAILED, EXIT_HELD = 0, 1, 3
_POLL_SECONDS = 20
_RETRY_SECONDS = 1.0


async def sync_until(
    link: Link, store: StoreLike, author: int, until: Until, timeout_seconds: float
) -> tuple[int, dict[str, Any]]:
    """The exit code and the report; see docs/commands.md for its keys."""
    loop = asyncio.get_running_loop()
    began, before = loop.time(), replace(link.state)
    error = ""
    try:
        async with asyncio.timeout(timeout_seconds):
            await _until(link, store, author, until)
    except TimeoutError:
        error = link.state.error or "timeout"
    except SyncError as failure:
        error = failure.code
    work = await store.read(lambda conn: outstanding(conn, author))
    report = _report(before, link.state, work, loop.time() - began)
    if error not in ("", "timeout") or not _done(work, until):
        return EXIT_FAILED, report | {"error": error or "not_done", "pending": work.pending, "blobs": work.blobs}
    return (EXIT_HELD if work.held else EXIT_DONE), report


async def _until(link: Link, store: StoreLike, author: int, until: Until) -> None:
    """Returns when it is done; raises SyncError for what only a person elsewhere can mend."""
    wait = 0
    while True:
        try:
            progress = await link.exchange(wait)
        except SyncError as error:
            if error.verdict == "stop":
                raise
            await asyncio.sleep(_RETRY_SECONDS)
            continue
        wait = 0
        if progress.again:
            continue
        work = await store.read(lambda conn: outstanding(conn, author))
        if _done(work, until):
            return
        wait = _POLL_SECONDS


def _done(work: Outstanding, until: Until) -> bool:
    waiting = until == "ordered" and any(item["code"] == "awaits" for item in work.held)
    return work.received and not waiting


def _report(before: LinkState, after: LinkState, work: Outstanding, seconds: float) -> dict[str, Any]:
    names = ("entries_sent", "entries_received", "blobs_sent", "bytes_up", "bytes_down", "requests")
    counts: dict[str, Any] = {name: getattr(after, name) - getattr(before, name) for name in names}
    return counts | {"seconds": round(seconds, 3), "refused": work.refused, "held": work.held}
