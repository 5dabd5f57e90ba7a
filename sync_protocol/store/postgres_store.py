"""The seam over PostgreSQL: several threads and several programs write to one database at once.

A write runs under READ COMMITTED: the locks of `dialect` make what it reads stay true, and a statement after the lock
sees what was committed before it. It is run again, a bounded number of times, when the server ends it for a deadlock
or a serialisation failure, and never after a lost connection: that commit may count. A read sees one snapshot.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool, QueuePool
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from sync_protocol.errors import DiskFull
from sync_protocol.store.dialect import lock_migration
from sync_protocol.store.postgres_wakes import Listener, notify
from sync_protocol.store.seam import Store, StoreError, StoreUnavailable

T = TypeVar("T")
VERSION_FLOOR = 13
_AGAIN = frozenset({"40001", "40P01"})
"""Serialisation failure, deadlock: the server has undone the transaction and says that it may be run again."""
_ATTEMPTS = 12
_DRIVER = "postgresql+psycopg"
_UNSAFE = "allow_fsync_off"
_log = logging.getLogger("lianban.store")

_NETWORK = {
    "client_encoding": "utf8",
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
    "application_name": "lianban",
}
_EVERY_SESSION = (
    """SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')""",
    "SET jit = off",
    "SET client_min_messages = warning",
)
_WRITING_SESSION = ("SET idle_in_transaction_session_timeout = '60s'",)
"""A program that stands still inside a write would keep a home locked for everybody."""
_READING_SESSION = ("SET plan_cache_mode = force_custom_plan",)
"""A plan for any value is a bad one for a list of what is rare; making one costs less than a millisecond."""


def parse_url(typed: str) -> URL:
    """A database's address as an operator gives it. Raises StoreError, without repeating it: it may hold a password."""
    try:
        url = make_url(typed)
    except (ArgumentError, ValueError):
        raise StoreError(f"not a database address of the form {_DRIVER}://USER@HOST/DATABASE") from None
    if url.drivername not in (_DRIVER, "postgresql", "postgres"):
        raise StoreError(f"a hub's database is {_DRIVER}://…, not {url.drivername}://")
    if not url.database:
        raise StoreError("the database address names no database")
    return url.set(drivername=_DRIVER)


def without_password(url: URL) -> str:
    """The address as it may be written down."""
    kept = {name: value for name, value in url.query.items() if name not in ("password", "sslpassword")}
    bare = URL.create(url.drivername, url.username, None, url.host, url.port, url.database, kept)
    return bare.render_as_string(hide_password=False)


class PostgresStore(Store):
    """One database of a PostgreSQL server."""

    writers = 8
    readers = 4
    hears_others = True

    def __init__(self, url: URL, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Raises StoreUnavailable when it does not answer, StoreError when it would lose what it was given."""
        super().__init__()
        unsafe = url.query.get(_UNSAFE) == "1"
        self._url = url.difference_update_query([_UNSAFE])
        self._sleep = sleep
        self._listener: Listener | None = None
        self._writing = self._engine("READ COMMITTED", self.writers, _WRITING_SESSION)
        self._reading = self._engine("REPEATABLE READ", self.readers, _READING_SESSION, postgresql_readonly=True)
        try:
            with _reaching(), self._reading.connect() as conn:
                _assert_safe(conn, unsafe=unsafe)
        except BaseException:
            self.close()
            raise

    def _engine(self, isolation: Any, size: int, session: Sequence[str], **options: object) -> Engine:
        engine = create_engine(
            self._url,
            isolation_level=isolation,
            poolclass=QueuePool,
            pool_size=size,
            max_overflow=0,
            pool_timeout=60,
            pool_pre_ping=True,
            connect_args=dict(_NETWORK),
            hide_parameters=True,
            execution_options=options,
        )
        statements = (*_EVERY_SESSION, *session)

        @event.listens_for(engine, "connect")
        def settle(raw: Any, _record: object) -> None:
            for statement in statements:
                raw.execute(statement)
            raw.commit()

        return engine

    def listen(self, listener: Callable[[frozenset[str]], None]) -> None:
        super().listen(listener)
        if self._listener is None:
            with _reaching():
                engine = create_engine(self._url, poolclass=NullPool, connect_args=dict(_NETWORK))
                self._listener = Listener(engine, self._ring)

    def write(self, fn: Callable[[Connection], T]) -> T:
        trying = Retrying(
            retry=retry_if_exception(_may_run_again),
            wait=wait_random_exponential(multiplier=0.01, max=1.0),
            stop=stop_after_attempt(_ATTEMPTS),
            sleep=self._sleep,
            before_sleep=_say_again,
            reraise=True,
        )
        result: T
        result, wakes = trying(self._once, fn)
        self._ring(wakes)
        return result

    def _once(self, fn: Callable[[Connection], T]) -> tuple[T, set[str]]:
        with _reaching(), self._writing.connect() as conn, conn.begin():
            result, wakes = self._run(conn, fn)
            notify(conn, self._listener.number if self._listener else 0, wakes)
        return result, wakes

    def read(self, fn: Callable[[Connection], T]) -> T:
        with _reaching(), self._reading.connect() as conn, conn.begin():
            return fn(conn)

    def migrate(self, run: Callable[[Connection], T]) -> T:
        """Programs that start at once wait for each other here. Raises StoreError when the role may not make tables."""
        try:
            with _reaching(), self._writing.connect() as conn, conn.begin():
                lock_migration(conn)
                return run(conn)
        except ProgrammingError as error:
            raise StoreError(f"the tables cannot be made: {str(error.orig).splitlines()[0]}") from error

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._writing.dispose()
        self._reading.dispose()


def _assert_safe(conn: Connection, *, unsafe: bool) -> None:
    """Raises StoreError for a server that may lose commits, or that is not what the program was written for."""
    names = ("server_version_num", "server_encoding", "fsync", "full_page_writes", "synchronous_commit")
    said = {name: str(conn.execute(text(f"SHOW {name}")).scalar_one()) for name in names}
    if int(said["server_version_num"]) < VERSION_FLOOR * 10_000:
        raise StoreError(f"PostgreSQL {said['server_version_num']} is older than {VERSION_FLOOR}")
    if said["server_encoding"] != "UTF8":
        raise StoreError(f"the database's encoding is {said['server_encoding']}, not UTF8")
    if conn.execute(text("SELECT pg_is_in_recovery()")).scalar_one():
        raise StoreError("the server is a standby and takes no writes")
    off = [name for name in ("fsync", "full_page_writes") if said[name] != "on"]
    if off and not unsafe:
        raise StoreError(f"the server runs with {' and '.join(off)} off and can lose what was saved")
    if said["synchronous_commit"] not in ("on", "remote_apply"):
        raise StoreError(f"synchronous_commit is {said['synchronous_commit']} and cannot be set")


def _sqlstate(error: BaseException) -> str:
    return getattr(error.orig, "sqlstate", None) or "" if isinstance(error, DBAPIError) else ""


def _may_run_again(error: BaseException) -> bool:
    return _sqlstate(error) in _AGAIN


def _say_again(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    _log.info("a write is run again", extra={"sqlstate": _sqlstate(error) if error else "", "n": state.attempt_number})


_DISK_FULL = "53100"
_NO_SERVER = ("08", "57P")
"""Classes of states in which the server is gone, going or not yet there."""


@contextmanager
def _reaching() -> Iterator[None]:
    """A lost or refused connection is told apart from a statement that failed."""
    try:
        yield
    except OperationalError as error:
        state = _sqlstate(error)
        if state == _DISK_FULL:
            raise DiskFull("the database server's disk is full") from error
        if error.connection_invalidated or not state or state.startswith(_NO_SERVER):
            reason = str(error.orig).strip().splitlines()[:1]  # of the server or the network; it holds no password
            raise StoreUnavailable(f"the database does not answer: {''.join(reason)}") from error
        raise
