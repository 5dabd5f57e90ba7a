"""A catalogue file held against what is published: what is new, what contradicts open cases, and telling it to all.

An item's versions never change once they are out, because cases are pinned to them: a case goes on under the version
under which it was taken in, however many come after.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_tables import case_row, catalogue_item
from casework.catalogue_format import CatalogueError, item_to_plain
from casework.errors import Problem
from casework.service_item import ServiceItem
from casework.states import State
from hub.catalogue_words import FIELD_WORDS, ROUTE, change_lines, changed_fields
from hub.reference_data import publish_items
from sync_protocol.journal import Journal, Writing

OVER = (State.CLOSED, State.DELIVERED, State.ARCHIVED, State.REFUSED_ACCEPTANCE, State.WITHDRAWN)
NEW, CHANGED, DROPPED, SAME = "new", "changed", "dropped", "same"


@dataclass(slots=True)
class ItemChange:
    """One item: what becomes of it, from which version to which, in words; cases that go on, by version."""

    key: str
    name: str
    what: str
    before: int | None
    after: int | None
    lines: list[str] = field(default_factory=list)
    open_cases: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Look:
    """A file against what is published. With problems nothing of it can be published."""

    changes: list[ItemChange]
    problems: list[Problem]
    warnings: list[str]


def look(conn: Connection, catalogue: Iterable[ServiceItem]) -> Look:
    """Compare; writes nothing."""
    published = _published(conn)
    going_on = _open_cases(conn)
    items = {item.key: item for item in catalogue}
    found = Look([], [], [])
    for item in items.values():
        _compare(item, published.get(item.key, {}), going_on.get(item.key, {}), found)
    for key in sorted(set(published) - set(items)):
        newest = max(published[key])
        cases = going_on.get(key, {})
        name = str(published[key][newest]["name"])
        found.changes.append(ItemChange(key, name, DROPPED, newest, None, [], cases))
        said = f"事项「{name}」（{key}）不在文件里：已下发的第 {newest} 版继续有效，各站仍可收件"
        found.warnings.append(said + (f"，现有 {sum(cases.values())} 件在办" if cases else ""))
    return found


def _compare(item: ServiceItem, versions: Mapping[int, dict[str, Any]], cases: dict[int, int], found: Look) -> None:
    if not versions:
        found.changes.append(ItemChange(item.key, item.name, NEW, None, item.version))
        return
    newest = max(versions)
    plain = json.loads(json.dumps(item_to_plain(item)))
    if item.version in versions and versions[item.version] != plain:
        found.problems.append(_altered(item, versions[item.version], plain, cases.get(item.version, 0)))
    elif item.version < newest:
        said = f"事项「{item.name}」是第 {item.version} 版，低于已下发的第 {newest} 版"
        found.problems.append(Problem(f"{item.key}.version", said, f"请把 version 改为 {newest + 1}，或用最新的内容"))
    elif item.version == newest:
        found.changes.append(ItemChange(item.key, item.name, SAME, newest, newest, [], cases))
    else:
        lines = change_lines(versions[newest], plain)
        found.changes.append(ItemChange(item.key, item.name, CHANGED, newest, item.version, lines, cases))


def _altered(item: ServiceItem, out: Mapping[str, Any], plain: Mapping[str, Any], cases: int) -> Problem:
    fields = changed_fields(out, plain)
    words = "、".join(FIELD_WORDS.get(name, name) for name in fields)
    said = f"事项「{item.name}」的{words}改过，但第 {item.version} 版已经下发"
    if cases:
        said += f"，有 {cases} 件按这一版在办"
    if set(fields) & set(ROUTE):
        said += "；流转路线写在每一件里，同一版不能改"
    return Problem(f"{item.key}.version", said, f"请把 version 改为 {item.version + 1}，在办的仍按原版办完")


def _published(conn: Connection) -> dict[str, dict[int, dict[str, Any]]]:
    """Plain forms by key and version."""
    c = catalogue_item.c
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for row in conn.execute(sa.select(c.key, c.version, c.plain)):
        found.setdefault(row.key, {})[row.version] = json.loads(row.plain)
    return found


def _open_cases(conn: Connection) -> dict[str, dict[int, int]]:
    """How many cases are not over, by item and version."""
    c = case_row.c
    counted = (
        sa.select(c.item, c.version, sa.func.count().label("cases"))
        .where(c.state.not_in([state.value for state in OVER]), c.state != "")
        .group_by(c.item, c.version)
        .order_by(c.item, c.version)
    )
    found: dict[str, dict[int, int]] = {}
    for row in conn.execute(counted):
        found.setdefault(row.item, {})[row.version] = row.cases
    return found


def publish_catalogue(conn: Connection, journal: Journal, catalogue: Iterable[ServiceItem], writing: Writing) -> Look:
    """Tell all stations the versions that are new; again writes nothing. Raises CatalogueError with every problem."""
    items = list(catalogue)
    found = look(conn, items)
    if found.problems:
        raise CatalogueError(found.problems)
    publish_items(conn, journal, items, writing)
    return found
