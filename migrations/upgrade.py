"""Bring a database to this program's schema at start, unattended, in one transaction; refuse a newer one.

Almost every start finds the schema right: then the migration library, which is large, is not even loaded.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table

_HERE = Path(__file__).parent
_VERSION = table("alembic_version", column("version_num"))


class SchemaTooNew(Exception):
    """The database was written by a newer program; nothing was touched."""

    def __init__(self, found: str) -> None:
        super().__init__(f"database schema {found} is newer than this program")
        self.found = found


def newest(program: str) -> str:
    """The last revision that this program knows; revisions' files are named after them, in order."""
    return max(path.name.split("_")[0] for path in (_HERE / program / "versions").glob("[0-9]*_*.py"))


def upgrade(conn: Connection, program: str) -> None:
    """Raises SchemaTooNew. `program` is "node" or "hub"."""
    current = None
    if inspect(conn).has_table(_VERSION.name):
        current = conn.execute(select(_VERSION.c.version_num)).scalar()
    if current != newest(program):
        _migrate(conn, program, current)


def _migrate(conn: Connection, program: str, current: str | None) -> None:
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_HERE / program))
    config.set_main_option("path_separator", "os")
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise SchemaTooNew(current)
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
