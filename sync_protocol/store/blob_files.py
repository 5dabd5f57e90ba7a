"""Blobs as files named by their hash; complete ones are on disk before anybody is told.

Write, fsync, rename, fsync the folder. An fsync that fails ends the process: what the kernel dropped cannot be
written again with confidence.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sync_protocol.errors import BadBytes, DiskFull

_READ_BYTES = 64 * 1024
_LOCKS = 64


class DiskFailed(BaseException):
    """fsync failed. Not an Exception on purpose: nothing but the outermost loop may catch it."""


def sync_file(fd: int) -> None:
    """What was written to an open file or folder is on disk on return. Raises DiskFailed."""
    try:
        os.fsync(fd)
    except OSError as error:
        raise DiskFailed(str(error)) from error


def sync_folder(folder: Path) -> None:
    """The names in a folder are on disk on return. Raises DiskFailed."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        sync_file(fd)
    finally:
        os.close(fd)


@contextmanager
def _room() -> Iterator[None]:
    """Raises DiskFull where there is none."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull("the disk has no room for scans") from error
        raise


class Disk:
    """What makes a file last; a simulation puts one in this place that forgets what was not synced."""

    def write(self, file: BinaryIO, data: bytes) -> None:
        """Raises OSError when there is no room; some of the bytes may stand there then."""
        file.write(data)

    def sync(self, file: BinaryIO) -> None:
        """The file's bytes are on the medium on return. Raises DiskFailed."""
        sync_file(file.fileno())

    def sync_folder(self, folder: Path) -> None:
        """The names in the folder are on the medium on return. Raises DiskFailed."""
        sync_folder(folder)

    def rename(self, source: Path, target: Path) -> None:
        """Atomic; lasts once the target's folder is synced."""
        source.replace(target)


def process_lives(pid: str) -> bool:
    """Whether a process of this number runs; False for what is no number."""
    if not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


class BlobFiles:
    """A folder of blobs; unfinished ones lie in `partial/` and are continued where they stopped."""

    def __init__(self, folder: Path, disk: Disk | None = None, *, shared: str = "") -> None:
        """`shared` is this machine's name where several programs, on several machines, use the folder at once."""
        self._folder = folder
        self._disk = disk or Disk()
        self._partial = folder / "partial"
        self._partial.mkdir(parents=True, exist_ok=True)
        self._lasting: set[Path] = set()
        self._locks = [threading.Lock() for _ in range(_LOCKS)]
        self._shared = shared

    def sweep(self) -> None:
        """Remove what a killed process left half written; for the one server of the folder, at its start.

        A command that takes cases in may be writing beside it just now.
        """
        for left in self._partial.glob("new-*"):
            _, pid, _, *machine = left.name.split("-", 3)
            if "".join(machine) == self._shared and not process_lives(pid):
                left.unlink(missing_ok=True)

    def path(self, hash_: bytes) -> Path:
        name = hash_.hex()
        return self._folder / name[:2] / name

    def _part(self, hash_: bytes) -> Path:
        return self._partial / hash_.hex()

    def holds(self, hash_: bytes) -> bool:
        return self.path(hash_).exists()

    @_room()
    def put(self, pieces: Iterable[bytes]) -> tuple[bytes, int]:
        """Store a new blob; its hash and length. Durable on return. Raises DiskFull."""
        with self._written(pieces) as (temporary, hash_, length):
            self._settle(temporary, hash_)
        return hash_, length

    @_room()
    def put_named(self, hash_: bytes, pieces: Iterable[bytes]) -> bool:
        """Store a whole blob that came under a name, beside whatever `extend` has of it; False when it lies here
        already. Durable on return.

        Raises BadBytes, and keeps nothing, when it does not have its hash. Raises DiskFull.
        """
        if self.holds(hash_):  # perhaps only since a process was killed between its new name and the folder's fsync
            self._keep_folder(self.path(hash_).parent)
            self._disk.sync_folder(self.path(hash_).parent)
            return False
        with self._written(pieces) as (temporary, found, _), self._alone(hash_[0] % _LOCKS):
            if found != hash_:
                raise BadBytes("the blob does not have its hash", blob=hash_.hex())
            self._settle(temporary, hash_)
            self._part(hash_).unlink(missing_ok=True)
        return True

    @contextmanager
    def _written(self, pieces: Iterable[bytes]) -> Iterator[tuple[Path, bytes, int]]:
        """A new file with these bytes, on disk, gone afterwards if it was not renamed; its hash and length."""
        state, length = hashlib.sha256(), 0
        machine = f"-{self._shared}" if self._shared else ""
        temporary = self._partial / f"new-{os.getpid()}-{id(pieces):x}{machine}"
        try:
            with temporary.open("wb") as file:
                for piece in pieces:
                    state.update(piece)
                    length += len(piece)
                    self._disk.write(file, piece)
                file.flush()
                self._disk.sync(file)
            yield temporary, state.digest(), length
        finally:
            temporary.unlink(missing_ok=True)

    def offset(self, hash_: bytes) -> int:
        """How many bytes of an unfinished blob lie here."""
        part = self._part(hash_)
        return part.stat().st_size if part.exists() else 0

    @_room()
    def extend(self, hash_: bytes, length: int, offset: int, data: bytes) -> bool:
        """Continue an unfinished blob; True when it is now whole, checked and durable.

        Bytes that do not continue exactly where the file ends are left out. Raises BadBytes, and starts over, when
        the whole does not have its hash. Raises DiskFull; what found room stays.
        """
        with self._alone(hash_[0] % _LOCKS):  # the same scan may come twice at once, by a long poll and beside it
            return self._extend(hash_, length, offset, data)

    @contextmanager
    def _alone(self, number: int) -> Iterator[None]:
        with self._locks[number]:
            if not self._shared:
                yield
                return
            with (self._partial / f"lock-{number}").open("wb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield

    def _extend(self, hash_: bytes, length: int, offset: int, data: bytes) -> bool:
        if self.holds(hash_):  # perhaps only since a process was killed between its new name and the folder's fsync
            self._keep_folder(self.path(hash_).parent)
            self._disk.sync_folder(self.path(hash_).parent)
            return True
        part, have = self._part(hash_), self.offset(hash_)
        if have < length:
            if offset != have or offset + len(data) > length:
                return False
            with part.open("ab") as file:
                self._disk.write(file, data)
            if offset + len(data) < length:
                return False
        self._finish(part, hash_)  # also what lay here whole when the process was killed: nobody will send more of it
        return True

    def _finish(self, part: Path, hash_: bytes) -> None:
        with part.open("r+b") as file:
            self._disk.sync(file)
        if self._hash(part) != hash_:
            part.unlink()
            raise BadBytes("the blob does not have its hash", blob=hash_.hex())
        self._settle(part, hash_)

    def _settle(self, source: Path, hash_: bytes) -> None:
        target = self.path(hash_)
        self._keep_folder(target.parent)
        self._disk.rename(source, target)
        self._disk.sync_folder(target.parent)

    def _keep_folder(self, folder: Path) -> None:
        """A folder of blobs is there and lasts; one that is there may be a killed process's, never synced."""
        if folder not in self._lasting:
            folder.mkdir(exist_ok=True)
            self._disk.sync_folder(self._folder)
            self._disk.sync_folder(self._folder.parent)
            self._lasting.add(folder)

    def open(self, hash_: bytes) -> BinaryIO:
        return self.path(hash_).open("rb")

    def read_range(self, hash_: bytes, offset: int, bytes_max: int) -> bytes:
        with self.open(hash_) as file:
            file.seek(offset)
            return file.read(bytes_max)

    def pieces(self, hash_: bytes) -> Iterator[bytes]:
        with self.open(hash_) as file:
            while piece := file.read(_READ_BYTES):
                yield piece

    def check(self, hash_: bytes) -> bool:
        """Whether the file still has the hash it is named by."""
        return self.holds(hash_) and self._hash(self.path(hash_)) == hash_

    @staticmethod
    def _hash(path: Path) -> bytes:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
