"""Stations as a page lists them: filtered, sorted, in townships, with the address of each other way to look. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from casework.texts import N_
from casework.web.station_signs import GROUP_TONES, GROUP_WORDS, SHAPES, Group, Look, counts

ROWS = 60
FIND_CHARACTERS_MAX = 40
_PAGES_MAX = 100
_AMISS = "amiss"
"""All but those in order and those not there yet."""
_NEVER = 2**53

SORTS = {
    "": N_("按乡镇"),
    "worst": N_("问题重的在前"),
    "contact": N_("久未联系的在前"),
    "gap": N_("缺口大的在前"),
    "oldest": N_("等得最久的在前"),
    "held": N_("待核多的在前"),
    "missing": N_("缺扫描件多的在前"),
    "skew": N_("时钟差大的在前"),
    "expiry": N_("证书先到期的在前"),
    "name": N_("按名称"),
}
_TONE_ORDER = ("bad", "warn", "info", "good")
_KEYS: dict[str, Callable[[Look], Any]] = {
    "worst": lambda look: (_TONE_ORDER.index(look.tone), -look.facts.gap),
    "contact": lambda look: look.facts.heard,
    "gap": lambda look: -look.facts.gap,
    "oldest": lambda look: look.facts.oldest or _NEVER,
    "held": lambda look: -look.facts.held,
    "missing": lambda look: -look.facts.bytes_missing,
    "skew": lambda look: -abs(look.facts.skew),
    "expiry": lambda look: look.facts.not_after or _NEVER,
    "name": lambda look: look.facts.name,
}


@dataclass(frozen=True, slots=True)
class View:
    """What somebody asked to see; made by `view_of`, which lets nothing else through."""

    path: str
    only: str = ""
    table: bool = False
    sort: str = ""
    find: str = ""
    page: int = 1

    def to(self, *, page: int = 1, **changes: Any) -> str:
        """The address of the same list, looked at otherwise; from its first page."""
        other = replace(self, page=page, **changes)
        plain = {
            "only": other.only,
            "view": "table" if other.table else "",
            "sort": other.sort,
            "find": other.find,
            "page": str(page) if page > 1 else "",
        }
        said = {name: value for name, value in plain.items() if value}
        return f"{other.path}?{urlencode(said)}" if said else other.path


def view_of(path: str, query: Mapping[str, str]) -> View:
    """Of an address's query: only, view, sort, find, page. What is unknown counts as not said."""
    only, sort, page = query.get("only", ""), query.get("sort", ""), query.get("page", "1")
    return View(
        path=path,
        only=only if only in (*(group.value for group in Group), _AMISS) else "",
        table=query.get("view") == "table",
        sort=sort if sort in SORTS else "",
        find=query.get("find", "").strip()[:FIND_CHARACTERS_MAX],
        page=int(page) if page.isascii() and page.isdigit() and 1 <= int(page[:4]) <= _PAGES_MAX else 1,
    )


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that leads to those it counts."""

    word: str
    count: int
    shape: str
    tone: str
    link: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Area:
    """A township: its own station where there is one, and the villages in it."""

    name: str
    code: str
    hall: Look | None
    villages: tuple[Look, ...]


@dataclass(frozen=True, slots=True)
class StationList:
    """What a page shows: `areas` of a grid or `rows` of a table, of `shown` of all stations."""

    view: View
    all: int
    shown: int
    tiles: tuple[Tile, ...]
    areas: tuple[Area, ...]
    rows: tuple[Look, ...]
    first: int
    more: bool


def station_list(looks: Sequence[Look], view: View) -> StationList:
    chosen = [look for look in looks if _is_chosen(look, view)]
    if view.sort:
        chosen.sort(key=_KEYS[view.sort])  # of equals, those in the order of townships
    first = (view.page - 1) * ROWS if view.table else 0
    return StationList(
        view=view,
        all=len(looks),
        shown=len(chosen),
        tiles=_tiles(looks, view),
        areas=() if view.table else _areas(chosen),
        rows=tuple(chosen[first : first + ROWS]) if view.table else (),
        first=first,
        more=view.table and len(chosen) > first + ROWS,
    )


def _is_chosen(look: Look, view: View) -> bool:
    if view.only == _AMISS and look.group in (Group.FINE, Group.NOT_YET):
        return False
    if view.only not in ("", _AMISS) and look.group != view.only:
        return False
    return not view.find or view.find in look.facts.name or view.find in look.facts.region


def _tiles(looks: Sequence[Look], view: View) -> tuple[Tile, ...]:
    number = counts(looks)
    everything = Tile(N_("全部站点"), len(looks), "", "plain", view.to(only=""), not view.only)
    amiss = sum(number[group] for group in (Group.TROUBLE, Group.SILENT, Group.NOTICE))
    problems = Tile(N_("只看有问题的"), amiss, "", "plain", view.to(only=_AMISS), view.only == _AMISS)
    groups = (
        Tile(
            GROUP_WORDS[group],
            number[group],
            "○" if group is Group.NOT_YET else SHAPES[GROUP_TONES[group]],
            GROUP_TONES[group],
            view.to(only=group.value),
            view.only == group.value,
        )
        for group in Group
    )
    return (everything, problems, *groups)


def _areas(looks: Iterable[Look]) -> tuple[Area, ...]:
    """In the order in which their first station comes."""
    inside: dict[str, list[Look]] = {}
    for look in looks:
        inside.setdefault(look.facts.region[:9], []).append(look)
    return tuple(_area(code, found) for code, found in inside.items())


def _area(code: str, looks: Sequence[Look]) -> Area:
    hall = next((look for look in looks if look.facts.tier == "township"), None)
    villages = tuple(look for look in looks if look is not hall)
    name = looks[0].facts.area or (hall.facts.name if hall else looks[0].facts.region[:9])
    return Area(name, code, hall, villages)
