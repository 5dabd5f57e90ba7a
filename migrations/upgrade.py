"""Bring a database to this program's schema at start, unattended, in one transaction; refuse a newer one.

Almost every start finds the schema right, or nothing at all: an empty database is given the tables as they are now,
which is what the revisions come to (tests/processes/test_schema.py holds them to it). Then the migration library, which
is large, is not even loaded.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select

from migrations.schema import schema_of

_HERE = Path(__file__).parent
_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


class SchemaTooNew(Exception):
    """The database was written by a newer program; nothing was touched."""

    def __init__(self, found: str) -> None:
        super().__init__(f"database schema {found} is newer than this program")
        self.found = found


def newest(program: str) -> str:
    """The last revision that this program knows; revisions' files are named after them, in order."""
    return max(_known(program))


def _known(program: str) -> set[str]:
    return {path.name.split("_")[0] for path in (_HERE / program / "versions").glob("[0-9]*_*.py")}


def upgrade(conn: Connection, program: str) -> None:
    """Raises SchemaTooNew. `program` is "node" or "hub"."""
    current = None
    tables = inspect(conn).get_table_names()
    if not tables:
        found(conn, program)
        return
    if _VERSION.name in tables:
        current = conn.execute(select(_VERSION.c.version_num)).scalar()
    if current != newest(program):
        migrate(conn, program, current)


def found(conn: Connection, program: str) -> None:
    """Make the tables of an empty database."""
    schema_of(program).create_all(conn)
    _VERSION.create(conn)
    conn.execute(insert(_VERSION).values(version_num=newest(program)))


def migrate(conn: Connection, program: str, current: str | None) -> None:
    """Run the revisions after `current`, all of them for None."""
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415

    if current is not None and current not in _known(program):
        raise SchemaTooNew(current)
    config = Config()
    config.set_main_option("script_location", str(_HERE / program))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
