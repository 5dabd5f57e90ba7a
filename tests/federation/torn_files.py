"""Blob files that forget at a power cut what was not synced: contents, and names in folders (rename, mkdir)."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from sync_protocol.store.blob_files import Disk, DiskFailed


class TornFiles(Disk):
    """The files below one folder. What it knows: which bytes and names last; the rest is on the real files."""

    def __init__(
        self, root: Path, step: Callable[[], None], is_dead: Callable[[], bool], is_full: Callable[[], bool]
    ) -> None:
        self._root = root
        self._step = step
        self._is_dead = is_dead
        self._is_full = is_full
        self._renames: list[tuple[Path, Path]] = []
        self._folders: set[Path] = set()
        self._contents: dict[int, bytes] = {}
        if root.exists():
            self._folders = {path for path in root.iterdir() if path.is_dir()}
            self._contents = {path.stat().st_ino: path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def _tick(self) -> None:
        if not self._is_dead():
            self._step()
        if self._is_dead():
            raise DiskFailed("the machine lost its power")

    def write(self, file: BinaryIO, data: bytes) -> None:
        if self._is_full():
            file.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        file.write(data)

    def sync(self, file: BinaryIO) -> None:
        self._tick()
        file.flush()
        self._contents[os.fstat(file.fileno()).st_ino] = Path(file.name).read_bytes()

    def sync_folder(self, folder: Path) -> None:
        """Names of the folder last, and with them every earlier change of names: folders have one journal."""
        self._tick()
        if folder == self._root:
            self._folders |= {path for path in folder.iterdir() if path.is_dir()}
        ends = [at for at, (_, target) in enumerate(self._renames) if target.parent == folder]
        if ends:
            del self._renames[: ends[-1] + 1]

    def rename(self, source: Path, target: Path) -> None:
        self._tick()
        source.replace(target)
        self._renames.append((source, target))

    def power_cut(self, rng: random.Random) -> int:
        """Leave on the real files what a machine finds after a power cut; how many changes were lost."""
        lost = 0
        kept = rng.randrange(len(self._renames) + 1)
        for source, target in reversed(self._renames[kept:]):
            if target.exists():
                target.replace(source)
                lost += 1
        for path in sorted(self._root.rglob("*")):
            if path.is_file():
                lost += self._tear(path, rng)
        for folder in [path for path in self._root.iterdir() if path.is_dir() and path not in self._folders]:
            if folder.name != "partial" and rng.random() < 0.5:
                for path in folder.iterdir():
                    path.unlink()
                    lost += 1
                folder.rmdir()
        return lost

    def _tear(self, path: Path, rng: random.Random) -> int:
        """A file whose bytes were not all synced: shorter, or with zeros where nothing was written yet."""
        content = path.read_bytes()
        lasting = self._contents.get(path.stat().st_ino)
        if lasting == content:
            return 0
        lasting = lasting or b""
        match rng.randrange(4):
            case 0 if not lasting:
                path.unlink()
            case 0 | 1:
                path.write_bytes(lasting)
            case 2:
                path.write_bytes(lasting + content[len(lasting) : len(lasting) + rng.randrange(1 + len(content))])
            case _:
                path.write_bytes(lasting + bytes(max(0, len(content) - len(lasting))))
        return 1
