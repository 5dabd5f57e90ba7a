"""A program's folder on disk: the encrypted database, the blobs, a spool, and who serves it now.

The database key lies in a file of its own, by default beside the folder and not in it: a copy of the folder alone
(a backup stick, a lent disk) opens nothing. Whoever has the whole machine has both; disk encryption is for that.

A hub's database may be a PostgreSQL server's instead. Then the folder holds its address without the password, several
programs serve it at once, and the key file seals the hub's own keys.
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

from sqlalchemy import URL, Connection

from sync_protocol.store.blob_files import BlobFiles, process_lives, sync_file, sync_folder
from sync_protocol.store.me import Seal
from sync_protocol.store.postgres_store import PostgresStore, parse_url, without_password
from sync_protocol.store.seam import SqliteStore, Store, StoreError

KEY_BYTES = 32
_DATABASE = "lianban.db"
_ADDRESS = "database"
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

    def __init__(self, path: Path, key_file: Path | None = None, db: str | None = None) -> None:
        """`db` is the address of a PostgreSQL database; default: the one that the folder was founded with, if any."""
        self.path = path.resolve()
        self.key_file = (key_file or self.path.with_name(self.path.name + ".key")).resolve()
        self._db = db
        self._lock: IO[str] | None = None

    @property
    def database(self) -> Path:
        return self.path / _DATABASE

    @property
    def _address(self) -> Path:
        return self.path / _ADDRESS

    @property
    def server(self) -> URL | None:
        """The PostgreSQL database of this folder, None when its database is a file. Raises FolderError, StoreError."""
        typed = self._db
        if not typed and self._address.exists():
            typed = self._address.read_text(encoding="utf-8").strip()
        if not typed:
            return None
        if self.database.exists():
            raise FolderError(f"{self.path} holds a database of its own; a server's is for a folder without one")
        return parse_url(typed)

    @property
    def founded(self) -> bool:
        """Whether the folder has a database to open. Of a server that is not asked here."""
        return self.server is not None or self.database.exists()

    @property
    def spool(self) -> Path:
        """For files on their way in; emptied at start."""
        return self.path / "spool"

    @property
    def free_bytes(self) -> int:
        """Free disk under the folder."""
        disk = os.statvfs(self.path)
        return disk.f_bavail * disk.f_frsize

    def create(self, random_bytes: Callable[[int], bytes]) -> None:
        """Make the folder and its key, on disk; what is there already, or was begun by a killed process, is kept.

        Raises FolderError when the folder belongs to another database than the one that was named.
        """
        if self._db and self._address.exists() and self._address.read_text(encoding="utf-8") != self._shown():
            raise FolderError(f"{self.path} belongs to another database")
        for folder in (self.path, self.key_file.parent):
            made = [one for one in (folder, *folder.parents) if not one.exists()]
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for one in reversed(made):
                sync_folder(one.parent)
        self.path.chmod(0o700)
        if not self.key_file.exists() and not self.database.exists():
            write_secret(self.key_file, random_bytes(KEY_BYTES))

    def remember(self) -> None:
        """Write the server's address down, so that later commands find the database; never its password."""
        if self.server is not None:
            self._address.write_text(self._shown(), encoding="utf-8")

    def _shown(self) -> str:
        return without_password(self.server) + "\n" if self.server is not None else ""

    def store(self, migrate: Callable[[Connection], None], *, new: bool = False) -> Store:
        """Open the database and bring it to this program's schema. Raises FolderError or StoreError."""
        if not new and not self.founded:
            raise FolderError(f"{self.path} holds no database: run init first")
        server = self.server
        store = PostgresStore(server) if server is not None else SqliteStore(self.database, self._key())
        try:
            store.migrate(migrate)
        except BaseException:
            store.close()
            raise
        return store

    def seal(self, random_bytes: Callable[[int], bytes]) -> Seal | None:
        """Keeps the hub's own keys in a database that is not encrypted as a whole. Raises StoreError."""
        return Seal(self._key(), random_bytes) if self.server is not None else None

    def _key(self) -> bytes:
        try:
            key = bytes.fromhex(self.key_file.read_text(encoding="ascii").strip())
        except (OSError, ValueError) as error:
            raise StoreError(f"the key file {self.key_file} cannot be read") from error
        if len(key) != KEY_BYTES:
            raise StoreError(f"the key file {self.key_file} does not hold 32 bytes in hex")
        return key

    def blobs(self) -> BlobFiles:
        machine = os.uname().nodename if self.server is not None else ""
        return BlobFiles(self.path / "blobs", shared=machine)

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
        """Become the one server of this folder, or one of several over PostgreSQL; False when another process is."""
        shared = self.server is not None
        if shared:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)  # a further machine's, which init has not seen
        file = (self.path / "serve.lock").open("w")
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
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

    @contextmanager
    def serving_room(self) -> Iterator[Path]:
        """Where the server puts files on their way in: a room of its own where it is not the only one."""
        if self.server is None:
            yield self.spool
            return
        with self.room() as room:
            yield room

    def unlock(self) -> None:
        """Stop being the server."""
        if self.server is None:
            (self.path / "serve.json").unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def announce(self, serving: Serving) -> None:
        """Write down where the running server is asked; readable by this user alone. Of several, none is *the* one."""
        if self.server is not None:
            return
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
