"""A write goes on where its waiter is gone, and its failure then surprises nobody."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any, cast

import pytest

from sync_protocol.errors import DiskFull
from sync_protocol.store.async_store import AsyncStore
from sync_protocol.store.seam import Store


class FullStore:
    """Its disk fills up while a write is under way."""

    readers = 1

    def __init__(self, writers: int) -> None:
        self.writers = writers
        self.begun, self.go_on = threading.Event(), threading.Event()

    def write(self, fn: object) -> object:
        self.begun.set()
        self.go_on.wait()
        raise DiskFull("no room")

    def write_many(self, fns: list[object]) -> list[object]:
        return [self.write(fn) for fn in fns]

    def close(self) -> None:
        pass


@pytest.mark.parametrize("writers", [1, 4])
async def test_a_write_that_fails_after_its_waiter_was_cancelled_is_no_surprise(writers: int) -> None:
    surprises: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: surprises.append(context))
    below = FullStore(writers)
    store = AsyncStore(cast("Store", below))
    waiter = loop.create_task(store.write(lambda conn: None))
    await loop.run_in_executor(None, below.begun.wait)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    below.go_on.set()
    await store.close()
    await asyncio.sleep(0)
    gc.collect()
    assert surprises == []


@pytest.mark.parametrize("writers", [1, 4])
async def test_a_waiter_hears_that_its_write_failed(writers: int) -> None:
    below = FullStore(writers)
    below.go_on.set()
    store = AsyncStore(cast("Store", below))
    with pytest.raises(DiskFull):
        await store.write(lambda conn: None)
    await store.close()
