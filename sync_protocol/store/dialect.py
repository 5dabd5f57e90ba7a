"""Where the two databases differ for those who write rows: keys that may be there already, and locks.

SQLite has one writer at a time, so its locks are nothing. On PostgreSQL a transaction that speaks about a home holds
the home's lock from before it looks until its commit. Locks are taken in one order, so that two transactions seldom
wait for each other: staff, then homes from the lowest, then hub→all, then hub→hub; when they do, one is run again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Table, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from sync_protocol.feeds import FeedId
from sync_protocol.store.memory import memory

_OURS = 0x4C42 << 48
"""Keeps these locks apart from those of anything else in the same database."""
_STAFF, _NO_HOME, MIGRATION = 1 << 40, 2 << 40, 3 << 40


def is_postgresql(conn: Connection) -> bool:
    return conn.dialect.name == "postgresql"


def lock_homes(conn: Connection, homes: Iterable[int]) -> None:
    """Until the end of this transaction nobody else judges, appends to or accepts feeds of these homes."""
    _lock(conn, homes)


def lock_feeds(conn: Connection, feeds: Iterable[FeedId]) -> None:
    """The homes of these feeds; a feed without a home (hub→all, hub→hub) has a lock of its own."""
    _lock(conn, (_NO_HOME + feed.kind if feed.home is None else feed.home for feed in feeds))


def lock_staff(conn: Connection) -> None:
    """Logins and account numbers are the county's: one change of them at a time, before any home is locked."""
    _lock(conn, [_STAFF])


def lock_migration(conn: Connection) -> None:
    _lock(conn, [MIGRATION])


def _lock(conn: Connection, keys: Iterable[int]) -> None:
    if not is_postgresql(conn):
        return
    held = memory(conn).get("locks", frozenset())
    if wanted := set(keys) - held:
        for key in sorted(wanted):
            conn.execute(select(func.pg_advisory_xact_lock(literal(_OURS + key, BigInteger))))
        memory(conn).clear()  # what was read before the lock may be another's past by now
        memory(conn)["locks"] = held | wanted


def insert_absent(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those of the rows whose key is not there yet, nor written by another transaction just now."""
    if rows:
        conn.execute(_absent(table, postgres=is_postgresql(conn)), [dict(row) for row in rows])


def insert_or_set(conn: Connection, table: Table, row: Mapping[str, Any], setting: Collection[str]) -> None:
    """Insert the row; if its key is there, set these of its columns."""
    new = _insert(conn, table).values(**row)
    changed = {name: new.excluded[name] for name in setting}
    conn.execute(new.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed))


# asked at every message: made once, because to make a statement takes longer than to run it
@cache
def _absent(table: Table, *, postgres: bool) -> postgresql.Insert | sqlite.Insert:
    return (postgresql.insert(table) if postgres else sqlite.insert(table)).on_conflict_do_nothing()


def _insert(conn: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if is_postgresql(conn) else sqlite.insert(table)
