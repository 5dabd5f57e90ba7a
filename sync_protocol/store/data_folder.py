"""A program's folder on disk: the encrypted database, the blobs, a spool, and who serves it now.

The database key lies in a file of its own, by default beside the folder and not in it: a copy of the folder alone
(a backup stick, a lent disk) opens nothing. Whoever has the whole machine has both; disk encryption is for that.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection

from sync_protocol.store.blob_files import BlobFiles, process_lives, sync_file, sync_folder
from sync_protocol.store.seam import SqliteStore, StoreError

KEY_BYTES = 32
_DATABASE = "lianban.db"
_ROOM = "command-"


class FolderError(Exception):
    """The folder cannot be used as asked; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Where a running server of this folder can be asked: its pages, its admin listener, and the control secret."""

    pid: int
    url: str
    admin_url: str
    control: str


def write_secret(path: Path, secret: bytes) -> None:
    """A file in hex for this user alone; whole and on disk, or not there at all."""
    part = path.with_name(path.name + ".part")
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(secret.hex() + "\n")
        file.flush()
        sync_file(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


class DataFolder:
    """`path` is the folder, `key_file` the database key's file (default: the folder's name + ".key", beside it)."""

    def __init__(self, path: Path, key_file: Path | None = None) -> None:
        self.path = path.resolve()
        self.key_file = (key_file or self.path.with_name(self.path.name + ".key")).resolve()
        self._lock: IO[str] | None = None

    @property
    def database(self) -> Path:
        return self.path / _DATABASE

    @property
    def spool(self) -> Path:
        """For files on their way in; emptied at start."""
        return self.path / "spool"

    def create(self, random_bytes: Callable[[int], bytes]) -> None:
        """Make the folder and its key, on disk; what is there already, or was begun by a killed process, is kept."""
        for folder in (self.path, self.key_file.parent):
            made = [one for one in (folder, *folder.parents) if not one.exists()]
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for one in reversed(made):
                sync_folder(one.parent)
        self.path.chmod(0o700)
        if not self.key_file.exists() and not self.database.exists():
            write_secret(self.key_file, random_bytes(KEY_BYTES))

    def store(self, migrate: Callable[[Connection], None], *, new: bool = False) -> SqliteStore:
        """Open the database and bring it to this program's schema. Raises FolderError or StoreError."""
        if not new and not self.database.exists():
            raise FolderError(f"{self.path} holds no database: run init first")
        store = SqliteStore(self.database, self._key())
        try:
            store.migrate(migrate)
        except BaseException:
            store.close()
            raise
        return store

    def _key(self) -> bytes:
        try:
            key = bytes.fromhex(self.key_file.read_text(encoding="ascii").strip())
        except (OSError, ValueError) as error:
            raise StoreError(f"the key file {self.key_file} cannot be read") from error
        if len(key) != KEY_BYTES:
            raise StoreError(f"the key file {self.key_file} does not hold 32 bytes in hex")
        return key

    def blobs(self) -> BlobFiles:
        return BlobFiles(self.path / "blobs")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process that makes or serves this folder for a while. Raises FolderError when another one is."""
        if not self.lock():
            raise FolderError(f"{self.path} is used by another process")
        try:
            yield
        finally:
            self.unlock()

    def lock(self) -> bool:
        """Become the one server of this folder; False when another process is."""
        file = (self.path / "serve.lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._lock = file
        self.spool.mkdir(exist_ok=True, mode=0o700)
        self._empty_spool("*")
        self.blobs().sweep()
        return True

    def _empty_spool(self, names: str) -> None:
        """Remove what killed processes left: it holds scans in the clear. A living command's room stays."""
        for left in self.spool.glob(names):
            if left.name.startswith(_ROOM) and process_lives(left.name.removeprefix(_ROOM)):
                continue
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)

    @contextmanager
    def room(self) -> Iterator[Path]:
        """A folder in the spool for one command that runs beside the server or alone; gone when it ends."""
        self.spool.mkdir(exist_ok=True, mode=0o700)
        self._empty_spool(_ROOM + "*")
        room = self.spool / f"{_ROOM}{os.getpid()}"
        room.mkdir(mode=0o700)
        try:
            yield room
        finally:
            shutil.rmtree(room, ignore_errors=True)

    def unlock(self) -> None:
        """Stop being the server."""
        (self.path / "serve.json").unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def announce(self, serving: Serving) -> None:
        """Write down where the running server is asked; readable by this user alone."""
        target = self.path / "serve.json"
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as file:
            json.dump({name: getattr(serving, name) for name in Serving.__slots__}, file)

    def serving(self) -> Serving | None:
        """The running server of this folder, None when there is none."""
        file = self.path / "serve.lock"
        if not file.exists():
            return None
        with file.open("r+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return self._announced()
        return None

    def _announced(self) -> Serving | None:
        try:
            said: dict[str, Any] = json.loads((self.path / "serve.json").read_text(encoding="utf-8"))
            return Serving(**said)
        except (OSError, ValueError, TypeError):
            return None
