"""Reference data as replicated from the county: items by version, calendar years, regions. Rows only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from casework.case_tables import calendar_year, catalogue_item, region_row, serial, station_address
from casework.catalogue import item_from_plain
from casework.catalogue_delta import is_delta, rebuilt
from casework.errors import BadInput, NotFound, Problem
from casework.regions import Region, RegionTree
from casework.service_item import ServiceItem
from casework.tables import storable
from casework.texts import N_, say
from casework.workdays import Calendar, year_from_plain


def save_item(conn: Connection, plain: Mapping[str, Any]) -> None:
    """Keep one version of an item; the same again changes nothing. Raises BadInput for what is no item."""
    item = item_from_plain(dict(plain), lenient=True)
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True)
    row = {"key": item.key, "version": item.version, "name": item.name, "plain": text}
    _replace(conn, catalogue_item, [row])


def take_item(conn: Connection, body: Mapping[str, Any]) -> None:
    """Keep one version of an item as it travelled, whole or as what differs from an earlier one. Raises BadInput."""
    if not is_delta(body):
        save_item(conn, body)
        return
    known = conn.execute(_VERSION, {"key": storable(str(body["key"])), "version": body["base"]}).scalar()
    if known is None:
        said = say(
            "事项 {str} 的第 {base} 版不在本机，第 {version} 版无法还原",
            str=str(body["key"])[:40],
            base=body["base"],
            version=body["version"],
        )
        raise BadInput([Problem("base", said, N_("请由县级下发这一版的完整内容"))])
    save_item(conn, rebuilt(json.loads(known), body))


# asked for each case: made once, because to make a statement takes longer than to run it
_OF_KEY = sa.select(catalogue_item.c.plain).where(catalogue_item.c.key == sa.bindparam("key"))
_NEWEST = _OF_KEY.order_by(catalogue_item.c.version.desc()).limit(1)
_VERSION = _OF_KEY.where(catalogue_item.c.version == sa.bindparam("version"))
_YEARS = sa.select(calendar_year.c.plain).order_by(calendar_year.c.year)


def item(conn: Connection, key: str, version: int | None = None) -> ServiceItem | None:
    """One version of an item, or its newest; None when it is not held here."""
    if version is None:
        plain = conn.execute(_NEWEST, {"key": storable(key)}).scalar()
    else:
        plain = conn.execute(_VERSION, {"key": storable(key), "version": version}).scalar()
    return _parsed_item(plain) if plain else None


class Once:
    """What many cases ask of the reference data, asked of the database once; lives no longer than a transaction."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, int], ServiceItem | None] = {}
        self._calendar: Calendar | None = None

    def item(self, conn: Connection, key: str, version: int) -> ServiceItem | None:
        if (key, version) not in self._items:
            self._items[key, version] = item(conn, key, version)
        return self._items[key, version]

    def calendar(self, conn: Connection) -> Calendar:
        if self._calendar is None:
            self._calendar = calendar(conn)
        return self._calendar


def once(memory: dict[Any, Any]) -> Once:
    """That of a write, by what it remembers (`CaseLog.memory`)."""
    found: Once = memory.setdefault("reference", Once())
    return found


def forget(memory: dict[Any, Any]) -> None:
    """The reference data has changed in this write."""
    memory.pop("reference", None)


@lru_cache(maxsize=512)
def _parsed_item(plain: str) -> ServiceItem:
    """Items are read for every change of every case; their text decides what they are."""
    return item_from_plain(json.loads(plain), lenient=True)


def newest_item(conn: Connection, key: str) -> ServiceItem:
    """Raises NotFound in words for the person at the window."""
    found = item(conn, key)
    if found is None:
        raise NotFound(say("本站没有事项「{key}」，请先同步事项目录，或核对事项编号", key=key[:40]))
    return found


def items(conn: Connection) -> list[ServiceItem]:
    """The newest version of every item, in the order of their keys."""
    c = catalogue_item.c
    newest = sa.select(c.key, sa.func.max(c.version).label("version")).group_by(c.key).subquery()
    join = sa.and_(c.key == newest.c.key, c.version == newest.c.version)
    rows = conn.execute(sa.select(c.plain).join(newest, join).order_by(c.key)).scalars()
    return [_parsed_item(plain) for plain in rows]


def offices(conn: Connection) -> list[str]:
    """The county's departments in charge of any item, each once."""
    return list(dict.fromkeys(found.office for found in items(conn)))


def route(conn: Connection, key: str, version: int) -> dict[str, object] | None:
    """The route that a case of this item and version must name."""
    found = item(conn, key, version)
    return route_of(found) if found else None


def route_of(found: ServiceItem) -> dict[str, object]:
    """The facts of an item that are pinned in each of its cases."""
    return {
        "first_review": found.first_review,
        "decision": found.decision_tier,
        "township_reads": found.township_reads,
    }


def save_calendar_year(conn: Connection, plain: Mapping[str, Any]) -> None:
    """Keep a year's table; the county's later word replaces an earlier one. Raises BadInput."""
    year = year_from_plain(dict(plain), lenient=True).year
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True)
    _replace(conn, calendar_year, [{"year": year, "plain": text}])


def calendar(conn: Connection) -> Calendar:
    return _parsed_calendar(tuple(conn.execute(_YEARS).scalars()))


@lru_cache(maxsize=8)
def _parsed_calendar(years: tuple[str, ...]) -> Calendar:
    tables = [year_from_plain(json.loads(plain), lenient=True) for plain in years]
    return Calendar({table.year: table for table in tables})


def save_regions(conn: Connection, rows: Sequence[Sequence[str]]) -> None:
    """Keep region rows: code, level, parent, name; of an abolished one also its last day and its successor."""
    names = ("code", "level", "parent", "name", "until", "successor")
    full = [dict(zip(names, (*row, "", "")[:6], strict=True)) for row in rows]
    _replace(conn, region_row, full)


def region_name(conn: Connection, code: str) -> str:
    """The region's own name, with its last day where it was abolished; its code where it is not known here."""
    row = conn.execute(sa.select(region_row).where(region_row.c.code == code)).one_or_none()
    return _region(row).shown_name if row is not None else code


def _region(row: Any) -> Region:
    return Region(row.code, row.level, row.parent, row.name, row.until, row.successor)


URL_CHARACTERS_MAX = 300


def save_address(conn: Connection, plain: Mapping[str, Any]) -> None:
    """Keep where a station is reached, or forget it ("" for its URL). Raises BadInput for what is no address."""
    author, url = plain["author"], plain["url"]
    if type(author) is not int or not 0 < author < 2**32 or not isinstance(url, str):
        raise BadInput([Problem("author", N_("网址内容不完整"), N_("请由县级重新下发"))])
    if not url:
        conn.execute(sa.delete(station_address).where(station_address.c.author == author))
        return
    _replace(conn, station_address, [{"author": author, "url": checked_url(url, "url")}])


def checked_url(url: str, name: str) -> str:
    """Without a slash at its end. `name` is what its giver calls it. Raises BadInput."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets without an end, a port that is no number
        good = False
    if not good or len(url) > URL_CHARACTERS_MAX:
        raise BadInput(
            [
                Problem(
                    name,
                    say("{name}：「{url}」不是网址", name=name, url=url[:60]),
                    N_("请填写如 https://hall.example:8080 的网址"),
                )
            ]
        )
    return url.rstrip("/")


def addresses(conn: Connection) -> dict[int, str]:
    """Where stations are reached, by author, as far as the county has said."""
    rows = conn.execute(sa.select(station_address))
    return {row.author: row.url for row in rows}


def regions(conn: Connection) -> RegionTree | None:
    rows = conn.execute(sa.select(region_row)).all()
    return RegionTree([_region(row) for row in rows]) if rows else None


def _replace(conn: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Rows with the same keys are gone; of two given with one key the later counts."""
    key = [column.name for column in table.primary_key]
    new = {tuple(row[name] for name in key): row for row in rows}
    if new:
        old = sa.delete(table).where(*(table.c[name] == sa.bindparam(f"old_{name}") for name in key))
        conn.execute(old, [{f"old_{name}": row[name] for name in key} for row in new.values()])
        conn.execute(sa.insert(table), list(new.values()))


def next_serials(conn: Connection, name: str, count: int = 1) -> range:
    """The next numbers of a counter, from 1; gone with the transaction if that fails."""
    s, name = serial.c, storable(name)
    count_up = sa.update(serial).where(s.name == name).values(last=s.last + count).returning(s.last)
    last = conn.execute(count_up).scalar()
    if last is None:
        try:
            with conn.begin_nested():
                conn.execute(sa.insert(serial).values(name=name, last=count))
            last = count
        except IntegrityError:  # another program on the same database was first
            last = conn.execute(count_up).scalar_one()
    return range(int(last) - count + 1, int(last) + 1)
