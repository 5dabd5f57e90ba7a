"""Who waits in one process hears of commits in another: NOTIFY in the transaction, a thread that listens.

PostgreSQL hands a notification out only once its transaction has committed. A payload has less than 8000 bytes, so
many names travel in several, and very many as "everything".
"""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable, Collection, Iterator
from itertools import count
from typing import Any

from sqlalchemy import Connection, Engine, func
from sqlalchemy import select as sql_select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from sync_protocol.bell import EVERYTHING

CHANNEL = "lianban"
PAYLOAD_BYTES_MAX = 7_900
PAYLOADS_MAX = 8
_HEARTBEAT_SECONDS = 20.0
_RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
_log = logging.getLogger("lianban.store")


def payloads(sender: int, names: Collection[str]) -> list[str]:
    """What to send so that everybody hears these names: lines, the first of which is the sender's number."""
    head = f"{sender}\n"
    found = list(_packed(head, names))
    return found if len(found) <= PAYLOADS_MAX else [head + EVERYTHING]


def _packed(head: str, names: Collection[str]) -> Iterator[str]:
    lines: list[str] = []
    size = len(head)
    for name in sorted(names):
        more = len(name.encode()) + 1
        if lines and size + more > PAYLOAD_BYTES_MAX:
            yield head + "\n".join(lines)
            lines, size = [], len(head)
        lines.append(name if more <= PAYLOAD_BYTES_MAX - len(head) else EVERYTHING)
        size += more
    if lines:
        yield head + "\n".join(lines)


def notify(conn: Connection, sender: int, names: Collection[str]) -> None:
    """Tell the other processes, if this transaction commits."""
    for payload in payloads(sender, names):
        conn.execute(sql_select(func.pg_notify(CHANNEL, payload)))


class Listener:
    """Rings `ring` with the names of other processes' commits; after a lost connection it rings everything.

    `number` is the server's number of the listening connection (0 while there is none): what this process sends
    under it, it does not hear again.
    """

    def __init__(self, engine: Engine, ring: Callable[[Collection[str]], None]) -> None:
        """Listens on return. Raises DBAPIError."""
        self._engine = engine
        self._ring = ring
        self._stop = threading.Event()
        self._stop_reads, self._stop_writes = os.pipe()
        self.number = 0
        self._connection = self._connect()
        self._thread = threading.Thread(target=self._work, name="store-listen", daemon=True)
        self._thread.start()

    def _connect(self) -> PoolProxiedConnection:
        proxied = self._engine.raw_connection()
        raw: Any = proxied.driver_connection
        try:
            raw.autocommit = True
            raw.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            proxied.invalidate()
            raise
        self.number = raw.info.backend_pid
        return proxied

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self._hear(self._connection.driver_connection)
            except self._errors() as error:
                self.number = 0
                _log.warning("the database's notifications are lost", extra={"reason": type(error).__name__})
                self._connection.invalidate()
                self._reconnect()
        self._connection.close()

    def _errors(self) -> tuple[type[Exception], ...]:
        """Of the driver itself, and of the engine that opens its connections."""
        assert self._engine.dialect.loaded_dbapi is not None
        return self._engine.dialect.loaded_dbapi.Error, DBAPIError, OSError

    def _hear(self, raw: Any) -> None:
        """Until asked to stop, or an error of the driver's."""
        ready = select.poll()  # not select(): a busy hub has more than 1024 files open
        for number in (raw.fileno(), self._stop_reads):
            ready.register(number, select.POLLIN)
        while not self._stop.is_set():
            if not ready.poll(_HEARTBEAT_SECONDS * 1000):
                raw.execute("SELECT 1")  # a peer that is gone without a word shows here
            for notification in raw.notifies(timeout=0):
                sender, _, names = notification.payload.partition("\n")
                if sender != str(self.number):
                    self._ring(names.split("\n"))

    def _reconnect(self) -> None:
        """Listen again, however long it takes, then ring everything: what was said meanwhile is not repeated."""
        for attempt in count():
            if self._stop.wait(_RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)]):
                return
            try:
                self._connection = self._connect()
            except self._errors():
                continue
            _log.info("the database's notifications are heard again")
            self._ring([EVERYTHING])
            return

    def close(self) -> None:
        self._stop.set()
        os.write(self._stop_writes, b"x")
        self._thread.join()
        os.close(self._stop_reads)
        os.close(self._stop_writes)
