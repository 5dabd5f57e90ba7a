"""The store as asyncio programs use it: over SQLite one thread writes and waiting writes share a commit, over
PostgreSQL several write at once; a few threads read.

Only `app.py` of a program makes one.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any, NoReturn, TypeVar

from sqlalchemy import Connection

from sync_protocol.store.blob_files import DiskFailed
from sync_protocol.store.seam import Store

T = TypeVar("T")
EXIT_DISK_FAILED = 74
_log = logging.getLogger("lianban.store")
_GROUP_MAX = 64


def ending_on_disk_failure(fn: Callable[[], T], end: Callable[[int], NoReturn] = os._exit) -> T:
    """Run blocking work; a disk that does not keep what it is given ends the process at once.

    Whoever supervises it starts it anew, and it then believes only what it reads back.
    """
    try:
        return fn()
    except DiskFailed:
        _log.critical("the disk does not keep what is written: the process ends", exc_info=True)
        end(EXIT_DISK_FAILED)


def threads(count: int, name: str) -> Executor:
    """A pool of threads; the other way to run blocking work is a simulation's."""
    return ThreadPoolExecutor(count, thread_name_prefix=name)


def _outlasting(future: asyncio.Future[T]) -> asyncio.Future[T]:
    """Goes on where its waiter is cancelled. A write that fails after that has nobody left to acknowledge it to, and is
    no surprise to the loop: `shield` alone no longer listens to it then (https://docs.python.org/3/library/asyncio-task.html#asyncio.shield).
    """
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return asyncio.shield(future)


class AsyncStore:
    """`await store.write(fn)` returns when the effect is on disk; `await store.read(fn)` sees one snapshot."""

    def __init__(
        self,
        store: Store,
        *,
        readers: int | None = None,
        pool: Callable[[int, str], Executor] = threads,
        end: Callable[[int], NoReturn] = os._exit,
    ) -> None:
        self.sync = store
        self._writer = pool(store.writers, "store-write")
        self._readers = pool(readers or store.readers, "store-read")
        self._end = end
        self._queue: list[tuple[Callable[[Connection], Any], asyncio.Future[Any]]] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, fn: Callable[[Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        if self.sync.writers > 1:
            alone = partial(self.sync.write, fn)
            return await _outlasting(loop.run_in_executor(self._writer, ending_on_disk_failure, alone, self._end))
        future: asyncio.Future[T] = loop.create_future()
        self._queue.append((fn, future))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._drain())
        return await _outlasting(future)

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue:
            group, self._queue = self._queue[:_GROUP_MAX], self._queue[_GROUP_MAX:]
            try:
                write = partial(self.sync.write_many, [fn for fn, _ in group])
                results = await loop.run_in_executor(self._writer, ending_on_disk_failure, write, self._end)
            except Exception as error:  # noqa: BLE001 - the commit failed: every waiter must hear of it
                results = [error] * len(group)
            for (_, future), result in zip(group, results, strict=True):
                if future.cancelled():
                    continue
                if isinstance(result, BaseException):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    async def read(self, fn: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.sync.read, fn)

    async def off_loop(self, fn: Callable[[], T]) -> T:
        """Blocking file work (blobs), off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, ending_on_disk_failure, fn, self._end)

    async def close(self) -> None:
        if self._task is not None:
            await asyncio.wait([self._task])
        self._writer.shutdown()
        self._readers.shutdown()
        self.sync.close()
