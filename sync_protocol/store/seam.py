"""The one seam to the database: `store.write(fn)` and `store.read(fn)`; `fn` takes a connection and returns a value.

`fn` has no effect but on the database: a store with several writers (`postgres_store`) may run it again. SQLite is
opened through SQLCipher with a raw key. There is one writer connection; a write runs under BEGIN IMMEDIATE and is on
disk (WAL, synchronous=FULL) before `write` returns. Several writes that wait at the same time share one commit, each
in a savepoint of its own. Whoever must be told of a change names it with `wake`; listeners hear of it only after the
commit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from sync_protocol.errors import DiskFull
from sync_protocol.store import memory
from sync_protocol.store.blob_files import DiskFailed, sync_file, sync_folder

T = TypeVar("T")
SQLITE_FLOOR = (3, 51, 3)
"""Below this SQLite can lose committed pages when two connections write and checkpoint together."""
_BUSY_MS = 15_000
_WRITER_CACHE_KIB = 8_000
_READER_CACHE_KIB = 2_000
"""Several readers each go through many pages once for a list: what they kept would be memory of a small PC, no time."""


class StoreError(Exception):
    """The database cannot be used: too old a library, wrong key, newer schema."""


class StoreUnavailable(StoreError):
    """The database server cannot be reached just now. Whether a commit that was under way counts is not known."""


class Projector(Protocol):
    """Keeps the application's tables true, inside the transaction that changed the log."""

    def __call__(self, conn: Connection, touched: Iterable[tuple[int, bytes]], told: Sequence[Told]) -> None:
        """`touched` are (home, topic) whose changes or order changed; `told` are entries that concern no topic."""


@dataclass(frozen=True, slots=True)
class Told:
    """An entry of the application's own types without a topic: feed as text, its author, type, actor and body."""

    feed: str
    author: int
    audience: int
    number: int
    type: int
    actor: int
    time: int
    body: bytes


def touch(conn: Connection, home: int, topic: bytes) -> None:
    """Note that a topic's changes or their order changed in this transaction."""
    conn.info.setdefault("touched", {})[(home, topic)] = None


def touched(conn: Connection) -> dict[int, list[bytes]]:
    """By home the topics that were touched in this transaction so far."""
    found: dict[int, list[bytes]] = {}
    for home, topic in conn.info.get("touched", {}):
        found.setdefault(home, []).append(topic)
    return found


def hear(conn: Connection, told: Told) -> None:
    """Note an entry for the application in this transaction."""
    conn.info.setdefault("told", []).append(told)


def wake(conn: Connection, *names: str) -> None:
    """Tell listeners, after the commit, that these things changed."""
    conn.info.setdefault("wakes", set()).update(names)


class Store:
    """What every database behind the seam does alike."""

    writers = 1
    """How many writes run at once; with one, those that wait share its commit."""
    readers = 2
    """How many reads run at once."""
    hears_others = False
    """Whether listeners hear of other processes' commits as well."""

    def __init__(self) -> None:
        self.projector: Projector | None = None
        self._listeners: list[Callable[[frozenset[str]], None]] = []

    def listen(self, listener: Callable[[frozenset[str]], None]) -> None:
        """`listener` is called with the woken names after each commit, on a thread of the store's."""
        self._listeners.append(listener)

    def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in a transaction of its own; on return its effect is on disk."""
        raise NotImplementedError

    def write_many(self, fns: Sequence[Callable[[Connection], T]]) -> list[T | BaseException]:
        """Run each `fn`; a failing one leaves no trace and yields its error."""
        return [self._write_one(fn) for fn in fns]

    def _write_one(self, fn: Callable[[Connection], T]) -> T | BaseException:
        try:
            return self.write(fn)
        except Exception as error:  # noqa: BLE001 - handed to the caller who asked for this write
            return error

    def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` over one consistent snapshot."""
        raise NotImplementedError

    def migrate(self, run: Callable[[Connection], T]) -> T:
        """Run migrations in one transaction, nobody else's beside it."""
        raise NotImplementedError

    def data_version(self) -> int:
        """Changes whenever any process commits; only where `hears_others` is False."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def _run(self, conn: Connection, fn: Callable[[Connection], T]) -> tuple[T, set[str]]:
        """Run `fn` and let the application follow; the result and the names to wake after the commit."""
        conn.info["wakes"] = set()
        conn.info.pop("touched", None)
        conn.info.pop("told", None)
        memory.begin(conn)
        try:
            result = fn(conn)
            self._project(conn)
        finally:
            memory.end(conn)
        return result, conn.info["wakes"]

    def _project(self, conn: Connection) -> None:
        """Let the application follow; what it writes itself is followed too."""
        while True:
            touched, told = conn.info.pop("touched", {}), conn.info.pop("told", [])
            if self.projector is None or not (touched or told):
                return
            self.projector(conn, list(touched), told)

    def _ring(self, wakes: Iterable[str]) -> None:
        names = frozenset(wakes)
        for listener in self._listeners:
            listener(names)


def _sync_what_was_left(path: Path) -> None:
    """A process killed between its last write and its fsync leaves a transaction that is read as committed from now
    on: nothing of it may be told before it is on disk."""
    wal = path.with_name(path.name + "-wal")
    if wal.exists():
        with wal.open("rb") as file:
            sync_file(file.fileno())
        sync_folder(path.parent)


def _named(error: Exception) -> Exception:
    """DiskFull for SQLite's words for it (https://sqlite.org/rescode.html#full), anything else as it is.

    It may stand below another error: SQLite then ends the whole transaction, whose savepoint is gone too.
    """
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, DBAPIError) and "is full" in str(below.orig):
            return DiskFull(str(below.orig))
        below = below.__context__
    return error


class SqliteStore(Store):
    """An encrypted SQLite database file."""

    def __init__(self, path: Path, key: bytes, *, synchronous: str = "FULL") -> None:
        """`key` is 32 raw bytes. Raises StoreError when the key does not open the file."""
        super().__init__()
        version = tuple(int(part) for part in sqlcipher.sqlite_version.split("."))
        if version < SQLITE_FLOOR:
            raise StoreError(f"SQLite {sqlcipher.sqlite_version} is older than 3.51.3 and may lose committed pages")
        _sync_what_was_left(path)
        self.path = path
        self._key = key
        self._synchronous = synchronous
        self._lock = threading.Lock()
        self._writer = self._engine(1, "BEGIN IMMEDIATE", _WRITER_CACHE_KIB)
        self._readers = self._engine(4, "BEGIN", _READER_CACHE_KIB)
        self._writing = self._writer.connect()
        self._assert_settings()

    def _engine(self, size: int, begin: str, cache_kib: int) -> Engine:
        engine = create_engine(
            "sqlite+pysqlite://",
            module=sqlcipher,
            creator=lambda: self._connect(cache_kib),
            poolclass=QueuePool,
            pool_size=size,
            max_overflow=0,
            pool_timeout=60,
        )
        event.listen(engine, "begin", lambda conn: conn.exec_driver_sql(begin))
        return engine

    def _connect(self, cache_kib: int) -> Any:
        raw = sqlcipher.connect(str(self.path), check_same_thread=False, isolation_level=None)
        try:
            raw.execute("PRAGMA cipher_log_level = NONE").fetchone()  # what goes wrong is raised, not written to stderr
            raw.execute(f"PRAGMA key = \"x'{self._key.hex()}'\"")
            raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
            for pragma in (
                "journal_mode = WAL",
                f"synchronous = {self._synchronous}",
                f"busy_timeout = {_BUSY_MS}",
                "foreign_keys = ON",
                "temp_store = MEMORY",
                "secure_delete = ON",
                "trusted_schema = OFF",
                "mmap_size = 0",
                "journal_size_limit = 67108864",
                f"cache_size = -{cache_kib}",
            ):
                raw.execute(f"PRAGMA {pragma}").fetchone()
        except sqlcipher.DatabaseError as error:
            raw.close()
            raise StoreError(f"{self.path.name} does not open with this key, or is not a database") from error
        return raw

    def _assert_settings(self) -> None:
        with self._lock, self._writing.begin():
            mode = self._writing.exec_driver_sql("PRAGMA journal_mode").scalar()
            if mode != "wal":
                raise StoreError(f"journal mode is {mode}, not WAL")

    def write(self, fn: Callable[[Connection], T]) -> T:
        result = self.write_many([fn])[0]
        if isinstance(result, BaseException):
            raise result
        return result

    def write_many(self, fns: Sequence[Callable[[Connection], T]]) -> list[T | BaseException]:
        """Run each `fn` in a savepoint; one commit for all. A failing one leaves no trace and yields its error.

        A single one needs no savepoint: it raises its error.
        """
        with self._lock:
            conn = self._writing
            wakes: set[str] = set()
            results: list[T | BaseException]
            try:
                with conn.begin():
                    if len(fns) == 1:
                        result, wakes = self._run(conn, fns[0])
                        results = [result]
                        self._still_open(conn, [])
                    else:
                        results = []
                        for fn in fns:
                            results.append(self._savepoint(conn, fn, wakes))
                            self._still_open(conn, results)
            except DBAPIError as error:
                if "disk I/O error" in str(error.orig):
                    raise DiskFailed(str(error.orig)) from error
                raise _named(error) from error
        self._ring(wakes)
        return results

    def _still_open(self, conn: Connection, results: Sequence[object]) -> None:
        """A full disk makes SQLite end the whole transaction, not the statement alone: then nothing was saved."""
        if not conn.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
            errors = [result for result in results if isinstance(result, BaseException)]
            raise errors[-1] if errors else StoreError("the transaction was ended by the database")

    def _savepoint(self, conn: Connection, fn: Callable[[Connection], T], wakes: set[str]) -> T | BaseException:
        try:
            with conn.begin_nested():
                result, woken = self._run(conn, fn)
        except Exception as error:  # noqa: BLE001 - handed to the caller who asked for this write
            return _named(error)
        wakes |= woken
        return result

    def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` over one consistent snapshot."""
        with self._readers.connect() as conn, conn.begin():
            return fn(conn)

    def data_version(self) -> int:
        """Changes whenever any process commits; cheap enough to ask twice a second."""
        with self._readers.connect() as conn:
            return int(conn.execute(text("PRAGMA data_version")).scalar_one())

    def engine(self) -> Engine:
        """For migrations only."""
        return self._writer

    def migrate(self, run: Callable[[Connection], T]) -> T:
        with self._lock, self._writing.begin():
            return run(self._writing)

    def close(self) -> None:
        self._writing.close()
        self._writer.dispose()
        self._readers.dispose()
