"""What a command says while the work it waits for goes on."""

from __future__ import annotations

import asyncio

import pytest

from node import control
from sync_protocol.store.data_folder import FolderError


async def test_it_says_what_changed_and_ends_with_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_TELL_EVERY_SECONDS", 0.001)
    said: list[str] = []
    steps: list[str | None] = ["1/3", "1/3", None, "2/3", ""]
    over = asyncio.Event()

    async def situation() -> str:
        if not steps:
            over.set()
            return ""
        step = steps.pop(0)
        if step is None:
            raise FolderError("busy")
        return step

    async def work() -> str:
        await over.wait()
        return "done"

    assert await control.telling(work(), situation, said.append) == "done"
    assert said == ["1/3", "2/3"]
    asked = len(steps)
    await asyncio.sleep(0.01)
    assert len(steps) == asked and len(asyncio.all_tasks()) == 1
