"""Background work that both programs need while they serve. asyncio only; started by `app.py`."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence

from sync_protocol.bell import EVERYTHING, Bell
from sync_protocol.store.async_store import AsyncStore

_WATCH_SECONDS = 0.5
_NEW_OBJECTS = 50_000


def collect_seldom() -> None:
    """Spare the collector of cycles what it would find in vain, a sixth of a bulk's processor time.

    What the program has imported lives as long as it does; and a message makes thousands of objects, none in a cycle.
    """
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 10, 10)


async def until_stopped(stop: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Until asked to stop, or until a background task fails: then its error ends the process, to be started anew."""
    waiting = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for task in done:
        if task is not waiting:
            task.result()


async def end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel and wait."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def watch_commits(store: AsyncStore, bell: Bell) -> None:
    """Ring when another process (a command on the same folder) has committed."""
    seen = -1
    while True:
        version = await store.off_loop(store.sync.data_version)
        if version != seen:
            seen = version
            bell.ring([EVERYTHING])
        await asyncio.sleep(_WATCH_SECONDS)
