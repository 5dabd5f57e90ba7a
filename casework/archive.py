"""A whole case as one PDF (归档): cover with its story, all its papers, all scans, result documents.

Synchronous and slow: callers run it off the event loop. Memory holds one scan at a time; what is being made lies in the
folder that the caller gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PIL import Image

from casework.changes import kind_name
from casework.errors import BadInput
from casework.materials.opening import open_material
from casework.materials.rules import MAX_UPLOAD_BYTES, check_pixels
from casework.materials.rules import Kind as FileKind
from casework.paper_drawing import Draw, draw_papers
from casework.paper_form import Facts, Kind, Paper, Table, base_facts, day_words
from casework.paper_formats import A4
from casework.papers import offers, paper
from casework.pdf_append import Picture, append_pictures, jpeg_as_it_is, pages_of, size_of
from casework.states import OFFICE_NAMES, STATE_NAMES

ATTACHMENTS_MAX = 1_000
_QUALITY = 80
MISSING = "不在本机"
BROKEN = "打不开"
TOO_MANY = f"超过一卷 {ATTACHMENTS_MAX} 页的上限"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A scan or a result document: what it is called, its media type, and how to read it (None: not here)."""

    title: str
    media_type: str
    read: Callable[[], Iterator[bytes]] | None


@dataclass(frozen=True, slots=True)
class Laid:
    """What became of an attachment: its pages, or why there are none."""

    title: str
    pictures: tuple[Picture, ...]
    why: str


def build(
    facts: Facts,
    moments: Callable[[int], str],
    attachments: Sequence[Attachment],
    folder: Path,
    at: datetime,
    draw: Draw = draw_papers,
) -> Path:
    """The finished file, inside `folder`, which exists and is the caller's to delete. moments: how a time is said."""
    laid = [_laid(one, folder, number) for number, one in enumerate(attachments)]
    made = [paper(facts, offer.slug) for offer in offers(facts.state, facts.to_come) if not offer.why]
    base = _drawn(facts, moments, made, laid, 0, at, draw)
    if any(one.pictures for one in laid):
        # Drawn twice: how many pages come first is known only now, and numbers of one width change nothing.
        base = _drawn(facts, moments, made, laid, pages_of(base), at, draw)
    target = folder / "archive.pdf"
    with target.open("wb") as file:
        append_pictures(base, (picture for one in laid for picture in one.pictures), file)
    return target


def _drawn(
    facts: Facts,
    moments: Callable[[int], str],
    made: Sequence[Paper],
    laid: Sequence[Laid],
    before: int,
    at: datetime,
    draw: Draw,
) -> bytes:
    absent = [_absent(facts, laid)] if any(one.why for one in laid) else []
    papers = [cover(facts, moments, made, laid, before), *made, *absent]
    return draw(papers, f"{facts.item_name} {facts.applicant} 办件全卷", A4, at)


def cover(
    facts: Facts, moments: Callable[[int], str], made: Sequence[Paper], laid: Sequence[Laid], before: int
) -> Paper:
    """The first page. before: pages that come before the scans, 0 while that is not known."""
    state = facts.state
    rows, page = [], before
    for number, one in enumerate(laid, 1):
        where = one.why or f"第 {page + 1:04d} 页" + (f"起，共 {len(one.pictures)} 页" if len(one.pictures) > 1 else "")
        rows.append((str(number), one.title, where))
        page += len(one.pictures)
    story = tuple(
        (
            moments(line.time),
            kind_name(line.kind),
            OFFICE_NAMES.get(line.office, line.office),
            _standing(line.standing, line.note),
        )
        for line in state.timeline
    )
    absent = sum(bool(one.why) for one in laid)
    return Paper(
        Kind.ARCHIVE,
        "办件全卷",
        f"{state.code}-QJ1",
        f"{facts.applicant}申请办理「{facts.item_name}」的全部文书、材料扫描件和结果文书。",
        (
            *base_facts(facts),
            ("收件", f"{day_words(state.received)}，{facts.home_name}"),
            ("办理状态", STATE_NAMES[state.state] if state.state else "内容未能读出"),
            ("档号", state.archive_no),
        ),
        (f"注意：有 {absent} 份扫描件或结果文书没有收入本卷，见下表和「缺页说明」。",) if absent else (),
        (
            Table("办件经过", ("时间", "事项", "办理方", "说明"), story),
            Table("文书", ("文书", "编号"), tuple((one.title, one.number) for one in made)),
            Table("扫描件和结果文书", ("序号", "名称", "在本卷"), tuple(rows) or (("—", "没有", "—"),)),
        ),
        qr=facts.case_qr,
        qr_words="扫码查看办理进度",
        tentative=made[0].tentative if made else "",
        printed=f"生成 {facts.now} · {facts.station}",
    )


def _standing(standing: str, note: str) -> str:
    word = {"tentative": "（待县级确认）", "held": "（待县级核对）", "refused": "（已退回）"}.get(standing, "")
    return f"{note}{word}" or "—"


def _absent(facts: Facts, laid: Sequence[Laid]) -> Paper:
    """The page that stands in for what is not there."""
    rows = tuple((one.title, one.why) for one in laid if one.why)
    return Paper(
        Kind.ARCHIVE,
        "缺页说明",
        f"{facts.state.code}-QJ1",
        "下列内容没有收入本卷。它们仍在收件站点或者正在传输；传到本机后请重新生成。",
        tables=(Table("没有收入的内容", ("名称", "原因"), rows),),
        printed=f"生成 {facts.now} · {facts.station}",
    )


def _laid(one: Attachment, folder: Path, number: int) -> Laid:
    if one.read is None:
        return Laid(one.title, (), MISSING)
    if number >= ATTACHMENTS_MAX:
        return Laid(one.title, (), TOO_MANY)
    source = folder / f"{number:04d}"
    with source.open("wb") as file:
        length = 0
        for piece in one.read():
            length += len(piece)
            if length > MAX_UPLOAD_BYTES:
                return Laid(one.title, (), BROKEN)
            file.write(piece)
    try:
        return Laid(one.title, tuple(_pictures(source, one, folder)), "")
    except (BadInput, OSError, ValueError, SyntaxError):  # what a page of somebody else's making may turn out to be
        return Laid(one.title, (), BROKEN)


def _pictures(source: Path, one: Attachment, folder: Path) -> list[Picture]:
    """A clean JPEG stays as it is; anything else is opened in the confined child, which makes bounded pages of it."""
    if one.media_type == FileKind.JPEG and (picture := _plain_jpeg(source)):
        return [picture]
    return [_opened(page.path) for page in open_material(source, folder, name=one.title)]


def _plain_jpeg(source: Path) -> Picture | None:
    data = source.read_bytes()
    if not jpeg_as_it_is(data):
        return None
    width, height, mode = size_of(data)
    return Picture(source, width, height, mode == "L") if mode in ("L", "RGB") else None


def _opened(path: Path) -> Picture:
    """A page from the child: a JPEG, or a PNG whose pixels the child has decoded without harm and which gets flat."""
    if path.suffix == ".jpg" and (picture := _plain_jpeg(path)):
        return picture
    with Image.open(path, formats=("JPEG", "PNG")) as page:
        check_pixels(FileKind.PNG, *page.size)
        flat = Image.new("RGB", page.size, "white")
        shown = page.convert("RGBA")
        flat.paste(shown, mask=shown.getchannel("A"))
    target = path.with_suffix(".flat.jpg")
    flat.save(target, "JPEG", quality=_QUALITY)
    return Picture(target, *flat.size, grey=False)
