"""A file that is there whole or not at all: written under another name, synced, renamed, its folder synced.

For a medium that is not ours, a stick: it may be full or be pulled out, and an error of it ends nothing but this file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def write_whole(target: Path, pieces: Iterable[bytes]) -> None:
    """Write `pieces` to `target`. Raises FileExistsError before anything is written, OSError when the medium fails or
    is full; nothing of the file is left then."""
    if target.exists():
        raise FileExistsError(f"{target} exists already")
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        _sync_names(target.parent)
    except BaseException:
        with suppress(OSError):  # a stick that was pulled out has nothing to remove
            part.unlink(missing_ok=True)
        raise


def _sync_names(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
