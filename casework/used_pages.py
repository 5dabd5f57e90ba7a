"""A page that this station has handed in before, for the same person or household, is named again, not sent again.

Pages of a new change are sealed like all others; here, inside the transaction that writes the change, each is compared
with what was handed in before. A page that is found gives its blob, with the key sealed under the new case's key; the
new file is then named by nobody, and whoever sealed it discards it. The table can be lost without harm: the next scan
is sent once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_log import CaseLog
from casework.case_tables import used_page
from casework.intake import HeldMaterial, HeldPage, HeldPreview

_U = used_page.c
_LOOKS_MAX = 20
"""Pages of one length that are compared; lengths of scans hardly ever coincide."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose papers these are: identity number and 户名, "" for unknown."""

    person: str
    household: str


@dataclass(frozen=True, slots=True)
class Case:
    """The case that is being written: its home, topic and key."""

    home: int
    topic: bytes
    key: bytes


def named_once(
    conn: Connection, log: CaseLog, case: Case, bearer: Bearer, materials: Sequence[HeldMaterial]
) -> tuple[HeldMaterial, ...]:
    """The materials with every page that is here already under the name it has."""
    found: dict[bytes, HeldPage] = {}
    for page in (page for material in materials for page in material.pages):
        if page.plain not in found:
            found[page.plain] = _used_before(conn, log, case, bearer, page) or page
    return tuple(replace(material, pages=tuple(found[page.plain] for page in material.pages)) for material in materials)


def _used_before(conn: Connection, log: CaseLog, case: Case, bearer: Bearer, page: HeldPage) -> HeldPage | None:
    rows = _same_length(conn, bearer, page.length)
    plain = b"".join(log.read(case.key, page.hash)) if rows else b""
    for row in rows:
        key = log.key_of(conn, case.home, row.topic)
        if key is None or not log.holds(row.blob) or not log.matches(key, plain, row.plain):
            continue
        preview = _preview(log, row, key, case.key) or page.preview
        again = log.key_again(key, row.blob, row.key, case.key)
        return HeldPage(row.blob, row.length, page.plain, page.type, preview, again)
    return None


def _preview(log: CaseLog, row: sa.Row[Any], key: bytes, new_key: bytes) -> HeldPreview | None:
    if row.preview is None or not log.holds(row.preview):
        return None
    again = log.key_again(key, row.preview, row.preview_key, new_key)
    return HeldPreview(row.preview, row.preview_length, again)


def _same_length(conn: Connection, bearer: Bearer, length: int) -> Sequence[sa.Row[Any]]:
    whose = [
        column == value for column, value in ((_U.person, bearer.person), (_U.household, bearer.household)) if value
    ]
    if not whose:
        return []
    query = sa.select(used_page).where(_U.length == length, sa.or_(*whose)).limit(_LOOKS_MAX)
    return conn.execute(query).all()


def note(conn: Connection, topic: bytes, bearer: Bearer, materials: Sequence[HeldMaterial]) -> None:
    """Remember the pages of a change that was just written."""
    for page in {page.hash: page for material in materials for page in material.pages}.values():
        known = sa.select(_U.blob).where(_U.topic == topic, _U.blob == page.hash)
        if conn.execute(known).first() is None:
            conn.execute(sa.insert(used_page).values(**_row(topic, bearer, page)))


def _row(topic: bytes, bearer: Bearer, page: HeldPage) -> dict[str, Any]:
    preview = page.preview
    return {
        "topic": topic,
        "blob": page.hash,
        "length": page.length,
        "plain": page.plain,
        "key": page.key,
        "preview": preview.hash if preview else None,
        "preview_length": preview.length if preview else 0,
        "preview_key": preview.key if preview else b"",
        "person": bearer.person,
        "household": bearer.household,
    }


def forget(conn: Connection, topic: bytes) -> None:
    """The case was erased, and with it whose pages they were."""
    conn.execute(sa.delete(used_page).where(_U.topic == topic))
