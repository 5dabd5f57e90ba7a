"""Bring a database to this program's schema at start, unattended, in one transaction; refuse a newer one."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_HERE = Path(__file__).parent


class SchemaTooNew(Exception):
    """The database was written by a newer program; nothing was touched."""

    def __init__(self, found: str) -> None:
        super().__init__(f"database schema {found} is newer than this program")
        self.found = found


def _config(program: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE / program))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(conn: Connection, program: str) -> None:
    """Raises SchemaTooNew. `program` is "node" or "hub"."""
    config = _config(program)
    current = MigrationContext.configure(conn).get_current_revision()
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise SchemaTooNew(current)
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
