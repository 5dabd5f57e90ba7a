"""Drafts of intakes: rows of one station that never travel, with their scans sealed and stored already.

A draft has the topic and the key that the case will have, so that submitting it writes one entry and moves no file.
Every function takes the connection first and runs in the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_tables import draft as table
from casework.errors import NotFound
from casework.intake import HeldMaterial, HeldPage, HeldPreview, Intake
from casework.texts import N_

_D = table.c
LIST_ROWS = 100
HELD_SECONDS = 120
"""A window that has not saved for so long gives its draft up to another."""


@dataclass(frozen=True, slots=True)
class Shot:
    """The photo that the page of this hash was cut out of, and how (casework.materials.quad.Cut.text)."""

    page: bytes
    photo: HeldPage
    cut: str


@dataclass(frozen=True, slots=True)
class DraftMaterial:
    """What was brought for one material so far: pages, or seen against the original."""

    seen: str = ""
    pages: tuple[HeldPage, ...] = ()
    shots: tuple[Shot, ...] = ()
    """Of those pages that were cut out of a photo, which, so that they can be cut again; never handed in."""

    def shot_of(self, page: bytes) -> Shot | None:
        return next((shot for shot in self.shots if shot.page == page), None)

    @property
    def stored(self) -> list[HeldPage]:
        """Everything of it that lies on the disk."""
        return [*self.pages, *(shot.photo for shot in self.shots)]


@dataclass(frozen=True, slots=True)
class Seat:
    """Who fills in a draft and from where: the account, the browser's window ("" without script), and which save of the
    draft the page showed."""

    account: int
    tab: str = ""
    turn: int = 0


ANOTHER_WINDOW, COLLEAGUE = "window", "colleague"


def held_by(draft: Draft, seat: Seat, now: int) -> str:
    """Why this seat must not write over what is there: ANOTHER_WINDOW has it open or, like a COLLEAGUE, has saved since
    the page was shown, however long ago; "" when it may."""
    is_old, elsewhere = seat.turn < draft.turn, bool(seat.tab and draft.tab and draft.tab != seat.tab)
    if elsewhere and 0 <= now - draft.tab_at < HELD_SECONDS:
        return ANOTHER_WINDOW
    if is_old and draft.by not in (0, seat.account):
        return COLLEAGUE
    return ANOTHER_WINDOW if is_old and elsewhere else ""


def overtaken(draft: Draft, seat: Seat) -> bool:
    """Whether what a page sent in the background came after somebody had gone on from it. A page whose last answer
    was lost is not late, old as its turn is."""
    return seat.turn < draft.left


@dataclass(frozen=True, slots=True)
class Draft:
    """One intake in the making; everything as typed, nothing checked. Moments in unix seconds."""

    id: str
    key: bytes
    item: str
    version: int
    account: int
    created: int
    saved: int
    applicant: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    household: str = ""
    ref: str = ""
    """The caller's own key when the draft came from a file."""
    materials: Mapping[str, DraftMaterial] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    commitment: bool = False
    green: str = ""
    first_asked: str = ""
    proxy: Mapping[str, str] = field(default_factory=dict)
    started: str = ""
    """Names the page on which it was begun; "" for one that began elsewhere."""
    step: str = ""
    """Where its filling stands (node.draft_steps); "" at the beginning."""
    turn: int = 0
    """Counts its saves."""
    left: int = 0
    """The turn of the last save with which somebody left a page, or took the draft over."""
    by: int = 0
    """The account that last filled in something."""
    tab: str = ""
    """The browser window that last filled in something, 0 or 32 hex digits, and when."""
    tab_at: int = 0

    @property
    def topic(self) -> bytes:
        return bytes.fromhex(self.id)

    @property
    def pages(self) -> list[HeldPage]:
        return [page for material in self.materials.values() for page in material.pages]

    @property
    def stored(self) -> list[HeldPage]:
        """The pages, and the photos that they were cut out of."""
        return [one for material in self.materials.values() for one in material.stored]

    def taken_by(self, seat: Seat, now: int) -> Draft:
        """The draft as that window has it from now on."""
        return replace(self, by=seat.account, tab=seat.tab, tab_at=now)

    def left_by(self, seat: Seat, now: int) -> Draft:
        """As taken_by, by somebody who goes on to another page with this very save."""
        return replace(self.taken_by(seat, now), left=self.turn + 1)

    def with_material(self, name: str, material: DraftMaterial) -> Draft:
        return replace(self, materials={**self.materials, name: material})

    def intake(self) -> Intake:
        """What the desk collects."""
        held = [
            HeldMaterial(n, "" if m.pages else m.seen, m.pages) for n, m in self.materials.items() if m.pages or m.seen
        ]
        return Intake(
            dict(self.applicant),
            dict(self.form),
            self.household or None,
            self.ref or None,
            tuple(held),
            dict(self.answers),
            self.commitment,
            self.green,
            self.first_asked,
            dict(self.proxy),
        )


def create(conn: Connection, draft: Draft) -> None:
    conn.execute(sa.insert(table).values(**_row(draft)))


def load(conn: Connection, id_: str) -> Draft:
    """Raises NotFound: submitted, discarded, or never here."""
    row = conn.execute(sa.select(table).where(_D.id == id_)).one_or_none()
    if row is None:
        raise NotFound(N_("没有这份草稿，可能已经提交或删除"))
    return _draft(row)


def by_ref(conn: Connection, ref: str) -> str | None:
    """The draft that a caller's own key stands for."""
    return conn.execute(sa.select(_D.id).where(_D.ref == ref, _D.ref != "").limit(1)).scalar()


def by_start(conn: Connection, started: str) -> str | None:
    """The draft that was begun on the page with this name."""
    return conn.execute(sa.select(_D.id).where(_D.started == started, _D.started != "").limit(1)).scalar()


def save(conn: Connection, draft: Draft, now: int) -> None:
    """Raises NotFound if it was submitted or discarded meanwhile."""
    values = _row(replace(draft, saved=now, turn=draft.turn + 1))
    if conn.execute(sa.update(table).where(_D.id == draft.id).values(**values)).rowcount == 0:
        raise NotFound(N_("没有这份草稿，可能已经提交或删除"))


def remove(conn: Connection, id_: str) -> None:
    """The row only: whoever discards the draft removes its files after the commit."""
    conn.execute(sa.delete(table).where(_D.id == id_))


def newest(conn: Connection, limit: int = LIST_ROWS) -> list[Draft]:
    """All drafts of the station, last saved first: colleagues finish each other's."""
    rows = conn.execute(sa.select(table).order_by(_D.saved.desc(), _D.id).limit(limit))
    return [_draft(row) for row in rows]


def of_account(conn: Connection, account: int, limit: int) -> list[Draft]:
    """Those that this account began, last saved first."""
    rows = conn.execute(sa.select(table).where(_D.account == account).order_by(_D.saved.desc(), _D.id).limit(limit))
    return [_draft(row) for row in rows]


def count(conn: Connection) -> int:
    return conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _row(draft: Draft) -> dict[str, Any]:
    content = {
        "applicant": dict(draft.applicant),
        "form": dict(draft.form),
        "household": draft.household,
        "materials": {name: _material_plain(material) for name, material in draft.materials.items()},
        "answers": dict(draft.answers),
        "commitment": draft.commitment,
        "green": draft.green,
        "first_asked": draft.first_asked,
        "proxy": dict(draft.proxy),
        "step": draft.step,
        "turn": draft.turn,
        "left": draft.left,
        "by": draft.by,
        "tab": draft.tab,
        "tab_at": draft.tab_at,
    }
    return {
        "id": draft.id,
        "key": draft.key,
        "item": draft.item,
        "version": draft.version,
        "account": draft.account,
        "ref": draft.ref,
        "content": json.dumps(content, ensure_ascii=False),
        "created": draft.created,
        "saved": draft.saved,
        "started": draft.started,
    }


def _draft(row: sa.Row[Any]) -> Draft:
    content = json.loads(row.content)
    materials = {name: _material(plain) for name, plain in content["materials"].items()}
    return Draft(
        row.id,
        bytes(row.key),
        row.item,
        row.version,
        row.account,
        row.created,
        row.saved,
        content["applicant"],
        content["form"],
        content["household"],
        row.ref,
        materials,
        content.get("answers", {}),
        content.get("commitment", False),
        content.get("green", ""),
        content.get("first_asked", ""),
        content.get("proxy", {}),
        row.started,
        content.get("step", ""),
        content.get("turn", 0),
        content.get("left", 0),
        content.get("by", 0),
        content.get("tab", ""),
        content.get("tab_at", 0),
    )


def _material_plain(material: DraftMaterial) -> dict[str, Any]:
    plain: dict[str, Any] = {"seen": material.seen, "pages": [_page_plain(page) for page in material.pages]}
    if material.shots:
        plain["shots"] = [[shot.page.hex(), shot.cut, *_page_plain(shot.photo)] for shot in material.shots]
    return plain


def _page_plain(page: HeldPage) -> list[Any]:
    preview = [page.preview.hash.hex(), page.preview.length] if page.preview else []
    return [page.hash.hex(), page.length, page.plain.hex(), page.type, *preview]


def _material(plain: Mapping[str, Any]) -> DraftMaterial:
    shots = tuple(Shot(bytes.fromhex(page), _page(photo), cut) for page, cut, *photo in plain.get("shots", []))
    return DraftMaterial(plain["seen"], tuple(_page(row) for row in plain["pages"]), shots)


def _page(row: Sequence[Any]) -> HeldPage:
    """A draft of an older program has pages without previews."""
    hash_, length, plain, type_, *preview = row
    held = HeldPreview(bytes.fromhex(preview[0]), preview[1]) if preview else None
    return HeldPage(bytes.fromhex(hash_), length, bytes.fromhex(plain), type_, held)
