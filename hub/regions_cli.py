"""`lianban-hub regions …`: compare a region file with what is out, and publish what has changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from casework.regions import Region, load_regions
from hub import app as program
from hub.cli_options import AsJson, Db, Dir, KeyFile, show
from hub.reference_data import new_regions, publish_regions
from sync_protocol.journal import Writing
from sync_protocol.store.data_folder import DataFolder

regions = typer.Typer(help="The region tree.", no_args_is_help=True)

RegionFile = Annotated[Path, typer.Argument(help="The region file (CSV).")]


@regions.command("publish")
def regions_publish(
    file: RegionFile,
    folder: Dir,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be published, write nothing.")] = False,
    key_file: KeyFile = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Tell all stations of new, renamed and abolished divisions."""
    tree = load_regions(file)
    county = program.opened(DataFolder(folder, key_file, db))
    try:
        if dry_run:
            new = county.store.read(lambda conn: new_regions(conn, tree))
        else:
            writing = Writing(0, program.now(), 1)
            new = county.store.write(lambda conn: publish_regions(conn, county.replica.journal, tree, writing))
    finally:
        county.close()
    report = {"published": not dry_run, "regions": [region.row for region in new]}
    show(report, as_json, "\n".join([f"{len(new)} 条区划{'将' if dry_run else '已'}下发", *map(_line, new)]))


def _line(region: Region) -> str:
    into = f"，并入 {region.successor}" if region.successor else ""
    return f"- {region.code} {region.shown_name}{into}"
