"""What a process killed between a write and its fsync left: it is synced before anybody is told of it."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from sync_protocol.store import blob_files, seam
from sync_protocol.store.blob_files import BlobFiles, DiskFailed
from sync_protocol.store.seam import SqliteStore

KEY = bytes(32)
DATA = b"a scan" * 100
HASH = hashlib.sha256(DATA).digest()


@pytest.fixture
def synced(monkeypatch) -> list[str]:
    """Names of files and folders in the order in which they are synced."""
    names: list[str] = []

    def note(fd: int) -> None:
        names.append(Path(os.readlink(f"/proc/self/fd/{fd}")).name)

    monkeypatch.setattr(seam, "sync_file", note)
    monkeypatch.setattr(blob_files, "sync_file", note)
    return names


@pytest.fixture
def left(tmp_path) -> Path:
    """A database as a killed process leaves it: a transaction that is only in the log."""
    (tmp_path / "living").mkdir()
    store = SqliteStore(tmp_path / "living" / "x.db", KEY)
    store.write(lambda conn: conn.exec_driver_sql("CREATE TABLE one (x)"))
    shutil.copytree(tmp_path / "living", tmp_path / "left")
    store.close()
    return tmp_path / "left" / "x.db"


def test_a_log_that_was_left_is_synced_with_its_name_before_the_database_opens(left, synced, monkeypatch):
    opened: list[int] = []
    monkeypatch.setattr(SqliteStore, "_assert_settings", lambda self: opened.append(len(synced)))
    store = SqliteStore(left, KEY)
    assert synced == ["x.db-wal", "left"] and opened == [2]
    assert store.read(lambda conn: conn.execute(sa.text("SELECT count(*) FROM one")).scalar()) == 0
    store.close()


def test_a_disk_that_fails_then_does_not_open(left, monkeypatch):
    def fail(fd: int) -> None:
        raise DiskFailed("no")

    monkeypatch.setattr(seam, "sync_file", fail)
    with pytest.raises(DiskFailed):
        SqliteStore(left, KEY)


def test_a_blob_that_has_its_name_already_is_acknowledged_after_its_name_is_synced(tmp_path, synced):
    files = BlobFiles(tmp_path / "blobs")
    target = files.path(HASH)
    target.parent.mkdir()
    target.write_bytes(DATA)
    assert files.extend(HASH, len(DATA), 0, DATA)
    assert synced == ["blobs", tmp_path.name, target.parent.name]


def test_a_blobs_own_folder_is_synced_into_the_folders_above_though_it_was_there(tmp_path, synced):
    files = BlobFiles(tmp_path / "blobs")
    files.path(HASH).parent.mkdir()
    files.put([DATA])
    assert synced[0].startswith("new-") and synced[1:] == ["blobs", tmp_path.name, files.path(HASH).parent.name]
