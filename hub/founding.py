"""`init`: found a county: its root, its keys, its regions, items and calendar."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from casework.catalogue import load_catalogue
from casework.regions import RegionTree, built_in_regions, load_regions
from casework.workdays import load_calendar
from hub.county import REGION, assemble, migrate
from hub.reference_data import publish
from sync_protocol import authority
from sync_protocol.feeds import TO_ALL
from sync_protocol.journal import Writing
from sync_protocol.store import me as identity
from sync_protocol.store.blob_files import sync_folder
from sync_protocol.store.data_folder import DataFolder, FolderError
from sync_protocol.store.dialect import lock_feeds


@dataclass(frozen=True, slots=True)
class Founded:
    """The county's code and name, how much reference data it has, and where the root's secret was put."""

    county: str
    name: str
    regions: int
    items: int
    root_key_file: Path


def found_county(
    folder: DataFolder, code: str, regions: Path | None, random_bytes: Callable[[int], bytes], now: Callable[[], int]
) -> Founded:
    """Raises FolderError when the folder is taken, BadInput for a bad region file or catalogue."""
    tree = load_regions(regions) if regions is not None else built_in_regions(code[:6])
    _check_code(code, tree)
    catalogue, calendar = load_catalogue(), load_calendar()
    folder.create(random_bytes)
    root_file = folder.path.with_name(folder.path.name + ".root-key")
    store = folder.store(migrate, new=True)
    try:
        seal = folder.seal(random_bytes)
        me, root_secret = store.write(lambda conn: _found(conn, tree.county.code, random_bytes, now(), seal))
        county = assemble(folder, store, me, tree.county.code, random_bytes, now)
        writing = Writing(0, now(), 1)
        store.write(lambda conn: publish(conn, county.replica.journal, catalogue, calendar, tree, writing))
        _write_secret(root_file, root_secret)
        folder.remember()
    finally:
        store.close()
    count = 1 + sum(1 + len(tree.children(t.code)) for t in tree.children(tree.county.code))
    return Founded(tree.county.code, tree.county.name, count, len(catalogue), root_file)


def _check_code(code: str, tree: RegionTree) -> None:
    if tree.county.code != code.ljust(12, "0"):
        raise ValueError(f"the region file is of county {tree.county.code}, not of {code}")


def _found(
    conn: Connection, region: str, random_bytes: Callable[[int], bytes], now: int, seal: identity.Seal | None
) -> tuple[identity.Me, bytes]:
    lock_feeds(conn, [TO_ALL])
    if identity.get(conn, "author") is not None:
        raise FolderError("the database holds a county already")
    me, root_secret = authority.found(conn, region, random_bytes, now, seal)
    identity.put(conn, REGION, region.encode())
    return me, root_secret


def _write_secret(path: Path, secret: bytes) -> None:
    """The county root signs hub keys only: its file belongs on a medium that is kept offline."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(secret.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
