"""What the county publishes to all: items, the work calendar, the region tree. Saying it again writes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import reference
from casework.case_tables import calendar_year, catalogue_item
from casework.catalogue_delta import difference, rebuilt
from casework.catalogue_format import CatalogueError, item_to_plain
from casework.changes import ChangeKind
from casework.errors import Problem
from casework.regions import Region, RegionError, RegionTree
from casework.service_item import ServiceItem
from casework.workdays import Calendar
from sync_protocol import canonical
from sync_protocol.feeds import TO_ALL
from sync_protocol.journal import Journal, Writing
from sync_protocol.limits import BODY_BYTES_MAX
from sync_protocol.store.dialect import lock_feeds

REGION_ROWS_MAX = 400


@dataclass(frozen=True, slots=True)
class Published:
    """How much was new: item versions, calendar years, region rows."""

    items: int
    years: int
    regions: int


def publish(
    conn: Connection,
    journal: Journal,
    catalogue: Iterable[ServiceItem],
    calendar: Calendar,
    regions: RegionTree,
    writing: Writing,
) -> Published:
    """Tell everybody what has not been told yet; compares with the projection of what was.

    Raises CatalogueError when an item was changed but keeps the version that is already out, or is too large.
    """
    items = publish_items(conn, journal, catalogue, writing)
    years = _new_years(conn, calendar)
    rows = _new_regions(conn, regions)
    for plain in years:
        _tell(conn, journal, ChangeKind.CALENDAR_YEAR, plain, writing)
    _tell_regions(conn, journal, rows, writing)
    return Published(items, len(years), len(rows))


def new_regions(conn: Connection, regions: RegionTree) -> list[Region]:
    """What a region file says otherwise than what is out. Raises RegionError where it leaves out what is out: a
    division does not vanish, cases and stations are named after it; it is abolished.
    """
    known = reference.regions(conn)
    here = {region.code for region in regions}
    gone = [region for region in known or () if region.code not in here]
    if gone:
        remedy = "请保留这些行；已撤销的填写 until（最后一天）和 successor（并入的代码）"
        raise RegionError(
            [Problem(f"regions.{one.code}", f"文件里没有 {one.code} {one.name}", remedy) for one in gone[:_GONE_MAX]]
        )
    return [region for region in regions if known is None or region not in set(known)]


def publish_regions(conn: Connection, journal: Journal, regions: RegionTree, writing: Writing) -> list[Region]:
    """Tell everybody what has changed in the region tree; see `new_regions`."""
    lock_feeds(conn, [TO_ALL])
    new = new_regions(conn, regions)
    _tell_regions(conn, journal, [region.row for region in new], writing)
    return new


_GONE_MAX = 20


def _tell_regions(conn: Connection, journal: Journal, rows: Sequence[list[str]], writing: Writing) -> None:
    for group in _groups(rows):
        _tell(conn, journal, ChangeKind.REGION_ROWS, {"rows": group}, writing)


def publish_items(conn: Connection, journal: Journal, catalogue: Iterable[ServiceItem], writing: Writing) -> int:
    """Tell everybody the item versions that have not been told yet, and how many those were. Raises as `publish`."""
    lock_feeds(conn, [TO_ALL])
    bodies = _new_items(conn, catalogue)
    for body in bodies:
        _tell(conn, journal, ChangeKind.CATALOGUE_ITEM, body, writing)
    return len(bodies)


def _tell(conn: Connection, journal: Journal, kind: ChangeKind, plain: dict[str, Any], writing: Writing) -> None:
    journal.tell(conn, TO_ALL, int(kind), canonical.pack(plain), writing)


def _new_items(conn: Connection, catalogue: Iterable[ServiceItem]) -> list[dict[str, Any]]:
    c = catalogue_item.c
    known = {(row.key, row.version): row.plain for row in conn.execute(sa.select(c.key, c.version, c.plain))}
    newest: dict[str, int] = {}
    for key, version in known:
        newest[key] = max(version, newest.get(key, 0))
    new, problems = [], []
    for item in catalogue:
        plain = item_to_plain(item)
        out = known.get((item.key, item.version))
        if out is None and len(canonical.pack(plain)) > BODY_BYTES_MAX:
            problems.append(Problem(item.key, f"事项「{item.name}」太长，放不进一条下发内容", "请精简材料说明或依据"))
        elif out is None:
            base = known.get((item.key, newest.get(item.key, 0)))
            new.append(_body(plain, json.loads(base) if base is not None else None))
        elif json.loads(out) != json.loads(json.dumps(plain)):
            problems.append(_changed(item))
    if problems:
        raise CatalogueError(problems)
    return new


def _body(plain: dict[str, Any], base: dict[str, Any] | None) -> dict[str, Any]:
    """What travels: the difference from the newest version that is out where that is shorter, else the whole item.

    Whoever reads hub→all has all of it, from the first entry on, so the base is held wherever this entry is; it is
    rebuilt here before it is written.
    """
    if base is None:
        return plain
    shorter = difference(base, json.loads(json.dumps(plain)))
    if len(canonical.pack(shorter)) >= len(canonical.pack(plain)):
        return plain
    assert rebuilt(base, canonical.unpack(canonical.pack(shorter), bytes_max=BODY_BYTES_MAX)) == plain
    return shorter


def _changed(item: ServiceItem) -> Problem:
    message = f"事项「{item.name}」改过内容，但第 {item.version} 版已经下发"
    return Problem(f"{item.key}.version", message, f"请把 version 改为 {item.version + 1}")


def _new_years(conn: Connection, calendar: Calendar) -> list[dict[str, Any]]:
    rows = conn.execute(sa.select(calendar_year.c.year, calendar_year.c.plain))
    known = {row.year: json.loads(row.plain) for row in rows}
    return [plain for plain in calendar.to_plain() if known.get(plain["year"]) != plain]


def _new_regions(conn: Connection, regions: RegionTree) -> list[list[str]]:
    known = set(reference.regions(conn) or ())
    return [region.row for region in regions if region not in known]


def _groups(rows: Sequence[list[str]]) -> Iterator[list[list[str]]]:
    """At most REGION_ROWS_MAX rows and one body's bytes together."""
    group: list[list[str]] = []
    size = 0
    for row in rows:
        more = len(canonical.pack(row))
        if group and (len(group) == REGION_ROWS_MAX or size + more > BODY_BYTES_MAX - 64):
            yield group
            group, size = [], 0
        group.append(row)
        size += more
    if group:
        yield group
