"""Runs a program's own command with something changed first: a protection taken away, or a point at which it dies.

`python -m tests.durability.launch CHANGES PROGRAM WORD...`, CHANGES being JSON; the product has no switch for this.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.durability.points import POINTS, Point


def synchronous_normal() -> None:
    """SQLite no longer syncs the log at each commit."""
    from sync_protocol.store.seam import SqliteStore

    whole = SqliteStore.__init__

    def init(self: SqliteStore, path: Path, key: bytes) -> None:
        whole(self, path, key, synchronous="NORMAL")

    SqliteStore.__init__ = init  # type: ignore[method-assign]


def blob_names_unsynced() -> None:
    """A blob's name and its folder's are no longer synced."""
    from sync_protocol.store.blob_files import Disk

    Disk.sync_folder = lambda self, folder: None  # type: ignore[method-assign]


def blob_bytes_unsynced() -> None:
    """A blob gets its name without its bytes being synced."""
    from sync_protocol.store.blob_files import Disk

    Disk.sync = lambda self, file: None  # type: ignore[method-assign]


CONTROLS: dict[str, Callable[[], None]] = {
    "synchronous=NORMAL": synchronous_normal,
    "no fsync of blob names": blob_names_unsynced,
    "no fsync of blob bytes": blob_bytes_unsynced,
}


def arm(name: str, nth: int, fired: Path) -> None:
    """SIGKILL this process when the point is passed for the nth time; `fired` is written first."""
    point = POINTS[name]
    owner, attribute = _find(point)
    whole = getattr(owner, attribute)
    passed = 0

    def strike() -> None:
        nonlocal passed
        passed += 1
        if passed == nth:
            fired.write_text(name, encoding="utf-8")
            os.kill(os.getpid(), signal.SIGKILL)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if point.when == "before":
            strike()
        result = whole(*args, **kwargs)
        if point.when == "after":
            strike()
        return result

    async def wrapped_coroutine(*args: Any, **kwargs: Any) -> Any:
        if point.when == "before":
            strike()
        result = await whole(*args, **kwargs)
        if point.when == "after":
            strike()
        return result

    setattr(owner, attribute, wrapped_coroutine if point.waits else wrapped)


def _find(point: Point) -> tuple[Any, str]:
    module, _, dotted = point.where.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, attribute = dotted.split(".")
    for name in outer:
        owner = getattr(owner, name)
    return owner, attribute


def change(changes: dict[str, Any]) -> None:
    """{"control": name} or {"point": name, "nth": n, "fired": path} or {}."""
    if control := changes.get("control"):
        CONTROLS[control]()
    if point := changes.get("point"):
        arm(point, changes["nth"], Path(changes["fired"]))


def main() -> None:
    changes, program, *words = sys.argv[1:]
    change(json.loads(changes))
    sys.argv = [f"lianban-{program}", *words]
    importlib.import_module(f"{program}.cli").main()


if __name__ == "__main__":
    main()
