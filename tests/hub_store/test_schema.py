"""The schema that the migrations make on PostgreSQL is that of the code."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from hub.county import migrate
from migrations.schema import schema_of
from migrations.upgrade import SchemaTooNew
from tests.postgres import Cluster


def _differences(conn: sa.Connection) -> list[Any]:
    found: list[Any] = compare_metadata(MigrationContext.configure(conn, opts={"compare_type": True}), schema_of("hub"))
    return found


def test_the_migrated_schema_is_that_of_the_code(cluster: Cluster, database: str) -> None:
    store = cluster.store(database)
    assert store.read(_differences) == []
    store.write(lambda conn: conn.execute(sa.text("alter table tip add column surplus integer")))
    assert store.read(_differences) != []
    store.close()


def test_a_newer_schema_is_refused_and_left_as_it_is(cluster: Cluster, database: str) -> None:
    store = cluster.store(database)
    store.write(lambda conn: conn.execute(sa.text("update alembic_version set version_num = '9999_later'")))
    with pytest.raises(SchemaTooNew):
        store.migrate(migrate)
    version = sa.text("select version_num from alembic_version")
    assert store.read(lambda conn: conn.execute(version).scalar()) == "9999_later"
    store.close()
