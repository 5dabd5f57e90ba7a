"""What a program compiles once, a test run would compile for each of its thousands of databases."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache

_STATEMENTS_MAX = 2_000


def _kind(dialect: Any) -> tuple[type, object]:
    return type(dialect), dialect.dbapi


@cache
def _compiled(_kind: tuple[type, object]) -> LRUCache[Any, Any]:
    return LRUCache(_STATEMENTS_MAX)


def compile_statements_once() -> None:
    """From now on each engine finds what another one of its kind has compiled.

    SQLAlchemy's own cache is of one engine, and its keys hold the engine's dialect.
    """
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        dialect.__hash__ = lambda self: hash(_kind(self))  # type: ignore[method-assign, assignment]
        dialect.__eq__ = lambda self, other: _kind(self) == _kind(other)  # type: ignore[method-assign, assignment]
    Engine._compiled_cache = property(  # type: ignore[assignment]
        lambda engine: _compiled(_kind(engine.dialect)), lambda engine, its_own: None
    )
