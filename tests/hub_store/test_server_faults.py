"""A database server that is away, goes in the middle, is set up badly, or is asked with a wrong word."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from hub.county import migrate, open_county
from hub.founding import found_county
from sync_protocol.errors import DiskFull
from sync_protocol.store import tables as t
from sync_protocol.store.data_folder import DataFolder, FolderError
from sync_protocol.store.me import put
from sync_protocol.store.postgres_store import PostgresStore, parse_url
from sync_protocol.store.seam import StoreError, StoreUnavailable
from tests.postgres import PASSWORD, Cluster, running_cluster

NOW = 1_790_000_000
COUNTY = "341882"


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A server of this test alone, to be stopped."""
    with running_cluster() as cluster:
        yield cluster


def _names(store: PostgresStore) -> set[str]:
    return set(store.read(lambda conn: conn.execute(sa.select(t.identity.c.name)).scalars().all()))


def test_a_server_that_goes_and_comes_back_is_found_again(own_cluster: Cluster) -> None:
    store = own_cluster.store(own_cluster.database())
    store.migrate(migrate)
    heard = threading.Event()
    store.listen(lambda names: heard.set() if "*" in names else None)
    store.write(lambda conn: put(conn, "before", b""))
    own_cluster.stop("QUIT")
    for ask in (lambda: _names(store), lambda: store.write(lambda conn: put(conn, "while away", b""))):
        with pytest.raises(StoreUnavailable, match="does not answer"):
            ask()
    own_cluster.start()
    assert _names(store) == {"before"}, "what was committed is there after the power went"
    store.write(lambda conn: put(conn, "after", b""))
    assert _names(store) == {"before", "after"}
    assert heard.wait(30), "who waits is told to look again"
    store.close()


def test_a_connection_lost_inside_a_write_leaves_no_trace_and_is_not_run_again(cluster: Cluster, database: str) -> None:
    store, runs = cluster.store(database), []

    def fn(conn: Connection) -> None:
        runs.append(1)
        put(conn, "lost", b"")
        me = conn.execute(sa.text("select pg_backend_pid()")).scalar_one()
        with cluster.admin() as admin:
            admin.execute(sa.text("select pg_terminate_backend(:pid)"), {"pid": me})
        put(conn, "lost too", b"")

    with pytest.raises(StoreUnavailable):
        store.write(fn)
    assert runs == [1]
    store.write(lambda conn: put(conn, "kept", b""))
    assert _names(store) == {"kept"}
    store.close()


def test_a_full_disk_of_the_server_is_told_apart(cluster: Cluster, database: str) -> None:
    store = cluster.store(database)
    full = "DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"
    with pytest.raises(DiskFull):
        store.write(lambda conn: conn.execute(sa.text(full)))
    store.close()


def test_a_program_that_stands_still_inside_a_write_does_not_keep_its_lock(cluster: Cluster, database: str) -> None:
    store = cluster.store(database)
    said = store.write(lambda conn: conn.execute(sa.text("show idle_in_transaction_session_timeout")).scalar())
    assert said == "1min"
    store.close()


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_may_lose_commits_is_refused_unless_told(setting: str) -> None:
    with running_cluster(f"{setting}=off") as cluster:
        url = cluster.url(cluster.database())
        with pytest.raises(StoreError, match=f"{setting} off"):
            PostgresStore(parse_url(url))
        PostgresStore(parse_url(url + "?allow_fsync_off=1")).close()


def test_commits_wait_for_the_disk_whatever_the_servers_default(own_cluster: Cluster) -> None:
    show = sa.text("show synchronous_commit")
    for default, used in (("off", "on"), ("local", "on"), ("on", "on"), ("remote_apply", "remote_apply")):
        name = own_cluster.database()
        with own_cluster.admin() as conn:
            conn.execute(sa.text(f"alter database {name} set synchronous_commit = {default}"))
        store = own_cluster.store(name)
        assert store.write(lambda conn: conn.execute(show).scalar()) == used
        store.close()


def test_another_encoding_is_refused(cluster: Cluster) -> None:
    with cluster.admin() as conn:
        conn.execute(sa.text("create database latin encoding 'SQL_ASCII' template template0"))
    with pytest.raises(StoreError, match="UTF8"):
        cluster.store("latin")
    cluster.drop("latin")


@pytest.mark.parametrize(
    "typed",
    [
        f"sqlite:////tmp/{PASSWORD}",
        f"mysql://lianban:{PASSWORD}@db/lianban",
        f"lianban:{PASSWORD}",
        f"postgresql://lianban:{PASSWORD}@db:port/lianban",
        f"postgresql+psycopg://lianban:{PASSWORD}@db",
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(typed: str) -> None:
    with pytest.raises(StoreError) as caught:
        parse_url(typed)
    assert PASSWORD not in str(caught.value) and caught.value.__cause__ is None


def test_a_wrong_password_is_named_and_not_repeated(cluster: Cluster, database: str) -> None:
    wrong = cluster.store_url(database).set(password="wrong-word-17")
    with pytest.raises(StoreUnavailable, match="password authentication failed") as caught:
        PostgresStore(wrong)
    assert "wrong-word-17" not in str(caught.value) + str(caught.value.__cause__)


def test_a_role_that_may_not_make_tables_is_told_so(cluster: Cluster) -> None:
    name = cluster.database()
    with cluster.admin(name) as conn:
        conn.execute(sa.text("drop role if exists guest"))
        conn.execute(sa.text("create role guest login password 'guest'"))
        conn.execute(sa.text("revoke create on schema public from public"))
    store = PostgresStore(cluster.store_url(name).set(username="guest", password="guest"))
    with pytest.raises(StoreError, match="the tables cannot be made: permission denied"):
        store.migrate(migrate)
    store.close()
    cluster.drop(name)


def test_a_store_can_be_closed_while_the_server_is_away(own_cluster: Cluster) -> None:
    store = own_cluster.store(own_cluster.database())
    lost = threading.Event()
    store.listen(lambda names: lost.set())
    own_cluster.stop("QUIT")
    with pytest.raises(StoreUnavailable):
        store.read(lambda conn: None)
    store.close()


def _found(folder: DataFolder) -> None:
    found_county(folder, COUNTY, None, os.urandom, lambda: NOW)


def test_the_folder_remembers_its_database_without_the_password(cluster: Cluster, tmp_path: Path, monkeypatch) -> None:
    name = cluster.database()
    _found(DataFolder(tmp_path / "hub", db=cluster.url(name) + f"?password={quote_plus(PASSWORD)}"))
    assert not (tmp_path / "hub" / "lianban.db").exists()
    written = (tmp_path / "hub" / "database").read_text(encoding="utf-8")
    assert written == f"postgresql+psycopg://lianban@127.0.0.1:{cluster.port}/{name}\n"
    with pytest.raises(StoreUnavailable, match="password"):
        open_county(DataFolder(tmp_path / "hub"), os.urandom, lambda: NOW)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    county = open_county(DataFolder(tmp_path / "hub"), os.urandom, lambda: NOW)
    assert county.me.author == 1
    county.close()
    with pytest.raises(FolderError, match="already holds a county"):
        _found(DataFolder(tmp_path / "hub"))
    with pytest.raises(FolderError, match="already holds a county"):
        _found(DataFolder(tmp_path / "another", db=cluster.url(name)))
    with pytest.raises(FolderError, match="belongs to another database"):
        _found(DataFolder(tmp_path / "hub", db=cluster.url("other")))


def test_the_hubs_keys_open_with_its_key_file_only(cluster: Cluster, tmp_path: Path) -> None:
    name = cluster.database()
    folder = DataFolder(tmp_path / "hub", db=cluster.url(name))
    _found(folder)
    county = open_county(folder, os.urandom, lambda: NOW)
    rows = county.store.read(lambda conn: conn.execute(sa.select(t.identity.c.value)).scalars().all())
    assert not any(seed in row for row in rows for seed in (county.me.signer.seed, county.me.box.seed))
    county.close()
    second = DataFolder(tmp_path / "second", folder.key_file, cluster.url(name))
    again = open_county(second, os.urandom, lambda: NOW)
    assert again.me == county.me
    again.close()
    other = tmp_path / "other.key"
    other.write_text("ab" * 32, encoding="ascii")
    with pytest.raises(StoreError, match="do not open with this key file"):
        open_county(DataFolder(tmp_path / "second", other, cluster.url(name)), os.urandom, lambda: NOW)
    with pytest.raises(StoreError, match="cannot be read"):
        open_county(DataFolder(tmp_path / "second", tmp_path / "none", cluster.url(name)), os.urandom, lambda: NOW)


def test_a_folder_with_a_database_of_its_own_takes_no_servers(cluster: Cluster, tmp_path: Path) -> None:
    _found(DataFolder(tmp_path / "hub"))
    with pytest.raises(FolderError, match="of its own"):
        open_county(DataFolder(tmp_path / "hub", db=cluster.url("t1")), os.urandom, lambda: NOW)


def test_a_database_without_a_county_is_named(cluster: Cluster, database: str, tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "hub", db=cluster.url(database))
    folder.create(os.urandom)
    with pytest.raises(FolderError, match="run lianban-hub init"):
        open_county(folder, os.urandom, lambda: NOW)
