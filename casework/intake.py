"""From what was typed and scanned at a window to a 收件: every problem named, nothing guessed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from casework.applicant import check_applicant, hidden_character
from casework.changes import ChangeKind
from casework.errors import BadInput, Problem
from casework.form_check import check_form
from casework.journal import BLOB_PAGE, BLOB_PREVIEW, BLOB_RESULT
from casework.material_check import check_materials
from casework.proxy import clean_proxy, proxy_problems
from casework.reference import route_of
from casework.scenario import all_answers, check_answers, requirements
from casework.service_item import INSTEAD_OF_PAPER, ServiceItem
from casework.texts import N_, say

HOUSEHOLD_MAX_CHARS = 200
GREEN_MAX_CHARS = 200
FIRST_ASKED_MAX_CHARS = 100
PAGES_PER_CHANGE = 60
"""One change names at most so many scans, each with its preview; the log takes 128 blobs an entry."""


def too_many_pages(field: str) -> Problem:
    """More scans than one change may bring."""
    return Problem(
        field,
        say("一次最多提交 {pages_per_change} 页扫描件", pages_per_change=PAGES_PER_CHANGE),
        N_("请去掉不需要的页，或把次要材料改为核对原件"),
    )


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob named in a change; satisfies casework.journal.BlobRef."""

    hash: bytes
    length: int
    role: int


@dataclass(frozen=True, slots=True)
class HeldPreview:
    """The small copy of a page, sealed and stored: hash and length of the stored bytes; key as in HeldPage."""

    hash: bytes
    length: int
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class HeldPage:
    """A page that is sealed and stored: hash and length of the stored bytes, salted hash of the plain, type.

    key: the blob's key, sealed under the case's key, if another case brought the page first; else b"".
    """

    hash: bytes
    length: int
    plain: bytes
    type: str
    preview: HeldPreview | None = None
    key: bytes = b""

    @property
    def hashes(self) -> list[bytes]:
        """The stored files: the page's, and its preview's."""
        return [self.hash, self.preview.hash] if self.preview else [self.hash]


@dataclass(frozen=True, slots=True)
class HeldMaterial:
    """One material as brought: its pages, or `seen`: "seen" against the original by the clerk, or one of
    INSTEAD_OF_PAPER (免提交)."""

    name: str
    seen: str = ""
    pages: tuple[HeldPage, ...] = ()


@dataclass(frozen=True, slots=True)
class Intake:
    """What a window hands over: everything as typed, pages already stored."""

    applicant: dict[str, Any]
    form: dict[str, Any]
    household: str | None = None
    ref: str | None = None
    materials: tuple[HeldMaterial, ...] = field(default_factory=tuple)
    answers: dict[str, Any] = field(default_factory=dict)
    commitment: bool = False
    green: str = ""
    first_asked: str = ""
    proxy: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the station adds: its tier, the intake code and the day of receipt (China)."""

    tier: str
    code: str
    received: str


@dataclass(frozen=True, slots=True)
class Checked:
    """An intake as it will be written: `how` holds the optional fields of the body that say how it came about."""

    applicant: dict[str, Any]
    form: dict[str, Any]
    extra: dict[str, Any]
    how: dict[str, Any]


def checked(item: ServiceItem, intake: Intake, *, day: date, complete: bool) -> Checked:
    """The intake as it will be written, by the rules of `day` (China). Raises BadInput with every problem found."""
    applicant, problems = check_applicant(intake.applicant, item)
    answers, unanswered = check_answers(item, intake.answers, applicant, day, complete=complete)
    form = check_form(item, intake.form, complete=complete)
    found: list[Problem] = [*unanswered, *problems, *form.problems]
    needs = requirements(item, all_answers(item, answers, applicant, day), commitment=intake.commitment)
    claims = [_claim(material) for material in intake.materials]
    found.extend(check_materials(item, claims, complete=complete, needs=needs))
    how, wrong = _how(item, intake, applicant)
    found.extend(wrong if complete else [])
    if intake.household is not None and len(intake.household) > HOUSEHOLD_MAX_CHARS:
        found.append(
            Problem(
                "household",
                say("户名超过 {household_max_chars} 字", household_max_chars=HOUSEHOLD_MAX_CHARS),
                N_("请缩短户名"),
            )
        )
    if found:
        raise BadInput(found)
    said = [{"question": key, "answer": answers[key]} for key in answers]
    return Checked(applicant, dict(form.clean), dict(form.extra), how | ({"answers": said} if said else {}))


def _how(item: ServiceItem, intake: Intake, applicant: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """告知承诺, 绿色通道, 首问, 代办; only what was said is written."""
    problems: list[Problem] = []
    if intake.commitment and item.commitment is None:
        problems.append(
            Problem("commitment", say("「{name}」不适用告知承诺", name=item.name), N_("请取消勾选，按材料清单收取"))
        )
    green, first_asked = intake.green.strip(), intake.first_asked.strip()
    for name, word, text, most in (
        ("green", N_("绿色通道的理由"), green, GREEN_MAX_CHARS),
        ("first_asked", N_("首问人"), first_asked, FIRST_ASKED_MAX_CHARS),
    ):
        if len(text) > most:
            problems.append(Problem(name, say("{word}超过 {most} 个字", word=word, most=most), N_("请缩短")))
        elif hidden := hidden_character(text):
            problems.append(
                Problem(
                    name, say("{word}里有看不见的控制字符 {hidden}", word=word, hidden=hidden), N_("请删去后重新输入")
                )
            )
    how: dict[str, Any] = {"green": green, "first_asked": first_asked}
    if intake.proxy:
        proxy, wrong = clean_proxy(intake.proxy)
        problems += wrong or proxy_problems(proxy, applicant, [material.name for material in intake.materials])
        how["proxy"] = proxy
    if intake.commitment:
        how["commitment"] = True
    return {name: value for name, value in how.items() if value}, problems


def _claim(material: HeldMaterial) -> dict[str, Any]:
    return _vouched(material) if material.seen else {"name": material.name, "file": "pages"}


def _vouched(material: HeldMaterial) -> dict[str, Any]:
    said = {"exempt": material.seen} if material.seen in INSTEAD_OF_PAPER else {"seen": True}
    return {"name": material.name, **said}


def collect_body(item: ServiceItem, intake: Intake, stamp: Stamp) -> tuple[dict[str, Any], list[StoredBlob]]:
    """The body of a 收件 and the blobs its indexes point into. Raises BadInput."""
    good = checked(item, intake, day=date.fromisoformat(stamp.received), complete=True)
    if sum(len(material.pages) for material in intake.materials) > PAGES_PER_CHANGE:
        raise BadInput([too_many_pages("materials")])
    materials, blobs = material_entries(intake.materials)
    body: dict[str, Any] = {
        "item": item.key,
        "version": item.version,
        "code": stamp.code,
        "tier": stamp.tier,
        "route": route_of(item),
        "applicant": good.applicant,
        "form": good.form,
        "household": intake.household,
        "received": stamp.received,
        "materials": materials,
        **good.how,
    }
    if good.extra:
        body["extra"] = good.extra
    if intake.ref is not None:
        body["ref"] = intake.ref
    return body, blobs


def material_entries(materials: Sequence[HeldMaterial]) -> tuple[list[dict[str, Any]], list[StoredBlob]]:
    """Materials in the form a body has, and the blobs in the order of their indexes."""
    entries: list[dict[str, Any]] = []
    blobs: list[StoredBlob] = []
    for material in materials:
        if material.seen:
            entries.append(_vouched(material))
        else:
            entries.append({"name": material.name, "pages": [_page_entry(page, blobs) for page in material.pages]})
    return entries, blobs


def _page_entry(page: HeldPage, blobs: list[StoredBlob]) -> dict[str, Any]:
    """A page as a body has it; its blobs are appended."""
    blob = _index(StoredBlob(page.hash, page.length, BLOB_PAGE), blobs)
    entry: dict[str, Any] = {"blob": blob, "plain": page.plain, "type": page.type}
    if page.key:
        entry["key"] = page.key
    if page.preview is not None:
        entry["preview"] = _index(StoredBlob(page.preview.hash, page.preview.length, BLOB_PREVIEW), blobs)
        if page.preview.key:
            entry["preview_key"] = page.preview.key
    return entry


def _index(blob: StoredBlob, blobs: list[StoredBlob]) -> int:
    """Where the blob stands; appended unless it is named already."""
    if blob not in blobs:
        blobs.append(blob)
    return blobs.index(blob)


def with_blobs(
    kind: ChangeKind, body: dict[str, Any], materials: Sequence[HeldMaterial], result: HeldPage | None
) -> tuple[dict[str, Any], list[StoredBlob]]:
    """The body with its files, and the blobs that it names. Raises BadInput."""
    if result is not None and kind is ChangeKind.DELIVER:
        signed: list[StoredBlob] = []
        return body | {"receipt": _page_entry(result, signed)}, signed
    if result is not None:
        more = {"blob": 0, "plain": result.plain, "type": result.type}
        return body | more, [StoredBlob(result.hash, result.length, BLOB_RESULT)]
    if sum(len(material.pages) for material in materials) > PAGES_PER_CHANGE:
        raise BadInput([too_many_pages("materials")])
    entries, blobs = material_entries(materials)
    needed = kind is ChangeKind.SUPPLEMENT
    return (body | {"materials": entries} if materials or needed else body), blobs
