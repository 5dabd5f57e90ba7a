"""`init`: found a county: its root, its keys, its regions, items and calendar."""

from __future__ import annotations

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
from sync_protocol.store.data_folder import DataFolder, FolderError, write_secret
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
    """Run again after a failure, it goes on. Raises FolderError when the folder is taken, BadInput for a bad file."""
    tree = load_regions(regions) if regions is not None else built_in_regions(code[:6])
    _check_code(code, tree)
    catalogue, calendar = load_catalogue(), load_calendar()
    root_file = folder.path.with_name(folder.path.name + ".root-key")
    unnamed = root_file.with_name(root_file.name + ".new")

    def found(conn: Connection) -> None:
        """The root's secret is on disk before the county that it signed for is; it gets its name after."""
        lock_feeds(conn, [TO_ALL])
        if identity.get(conn, "author") is not None:
            if unnamed.exists() and identity.get(conn, REGION) == tree.county.code.encode():
                return
            raise FolderError(f"{folder.path} already holds a county")
        if root_file.exists():
            raise FolderError(f"{root_file} is another county's: move it away first")
        me, root_secret = authority.found(conn, tree.county.code, random_bytes, now(), seal)
        identity.put(conn, REGION, tree.county.code.encode())
        county = assemble(folder, store, me, tree.county.code, random_bytes, now)
        publish(conn, county.replica.journal, catalogue, calendar, tree, Writing(0, now(), 1))
        write_secret(unnamed, root_secret)

    folder.create(random_bytes)
    seal = folder.seal(random_bytes)
    with folder.locked():
        store = folder.store(migrate, new=True)
        try:
            store.write(found)
        finally:
            store.close()
        folder.remember()
        unnamed.replace(root_file)
        sync_folder(root_file.parent)
    count = 1 + sum(1 + len(tree.children(t.code)) for t in tree.children(tree.county.code))
    return Founded(tree.county.code, tree.county.name, count, len(catalogue), root_file)


def _check_code(code: str, tree: RegionTree) -> None:
    if tree.county.code != code.ljust(12, "0"):
        raise ValueError(f"the region file is of county {tree.county.code}, not of {code}")
