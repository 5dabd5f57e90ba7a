"""What one database has compiled, another one of its kind finds."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from sync_protocol.store.seam import SqliteStore
from tests.postgres import Cluster


def _found(store: object, statement: sa.Select[tuple[str]]) -> bool:
    """Whether it had been compiled before."""
    return store.read(lambda conn: conn.execute(statement).context.cache_hit is conn.dialect.CACHE_HIT)


def test_a_statement_is_compiled_once_for_all_databases_of_a_kind(tmp_path: Path, cluster: Cluster) -> None:
    statement = sa.select(sa.literal("that nobody else asks").label("compiled_once"))
    stores = [SqliteStore(tmp_path / name, b"k" * 32) for name in ("a.db", "b.db")]
    name = cluster.database()
    stores += [cluster.store(name), cluster.store(name)]
    assert [_found(store, statement) for store in stores] == [False, True, False, True]
    for store in stores:
        store.close()
