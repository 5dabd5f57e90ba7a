"""Many rows with one statement, without SQLAlchemy's work per row: for plain integers, text and bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, Insert, Table, Update, bindparam, insert


def insert_plain(table: Table) -> Insert:
    """A whole row of a table, every column given."""
    return insert(table).values({column.name: bindparam(column.name) for column in table.c})


def run_many(conn: Connection, statement: Insert | Update | Delete, rows: Sequence[Mapping[str, Any]]) -> None:
    """Run a statement that lives as long as its module once for each row; every row has all of its parameters,
    of which there are at least two."""
    text, names = _compiled(statement, conn.dialect)
    if names is None:
        conn.exec_driver_sql(text, [dict(row) for row in rows])
    else:
        pick = itemgetter(*names)
        conn.exec_driver_sql(text, [_unadapted(pick(row)) for row in rows])


def _unadapted(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """SQLite's driver looks for an adapter for each value but integers, text and bytearrays: three times as long as to
    store it."""
    return tuple([bytearray(value) if type(value) is bytes else value for value in values])


@lru_cache(maxsize=64)
def _compiled(statement: Insert | Update | Delete, dialect: Dialect) -> tuple[str, list[str] | None]:
    """The SQL text, and the parameters' names in their order where the driver takes them by position."""
    compiled = statement.compile(dialect=dialect)
    return str(compiled), list(compiled.positiontup) if compiled.positiontup is not None else None
