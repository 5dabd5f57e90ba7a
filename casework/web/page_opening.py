"""From files in a form to sealed pages: each opened in the confined child, each page encrypted and stored.

What is sealed here is named by no change yet; whoever does not go on to write one calls `discard`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from aiohttp import web
from sqlalchemy import Connection

from casework.desk import Desk
from casework.errors import BadInput, Problem
from casework.intake import PAGES_PER_CHANGE, HeldMaterial, HeldPage, too_many_pages
from casework.journal import BLOB_PAGE, BLOB_RESULT
from casework.materials.opening import PageFile, open_material
from casework.materials.quad import CROSSED, OUTSIDE, TINY, UNREADABLE, BadQuad, Cut, cut_of
from casework.materials.rules import MAX_UPLOAD_BYTES, Mode
from casework.materials.wording import shown_name
from casework.texts import N_, say
from casework.web import keys
from casework.web.case_keys import DESK, OFF_LOOP, SPOOL
from casework.web.forms import UploadedFile
from casework.web.intake_fields import GivenMaterial
from casework.web.pages import MIB, UploadLimits

PAGE_UPLOADS = UploadLimits(files=PAGES_PER_CHANGE, file_bytes=MAX_UPLOAD_BYTES, total_bytes=200 * MIB)
RESULT_UPLOAD = UploadLimits(files=1, file_bytes=MAX_UPLOAD_BYTES, total_bytes=MAX_UPLOAD_BYTES + MIB)


async def open_materials(request: web.Request, key: bytes, given: Iterable[GivenMaterial]) -> list[HeldMaterial]:
    """All the materials or none: raises BadInput with every bad file, and leaves nothing stored then."""
    held: list[HeldMaterial] = []
    problems: list[Problem] = []
    for material in given:
        pages, found = await open_files(request, key, material.files, material.field, material.cuts)
        problems.extend(found)
        held.append(HeldMaterial(material.name, "" if pages else material.seen, tuple(pages)))
    pages = [page for material in held for page in material.pages]
    if len(pages) > PAGES_PER_CHANGE:
        problems.append(too_many_pages("materials"))
    if problems:
        await discard(request, pages)
        raise BadInput(problems)
    return held


async def open_files(
    request: web.Request, key: bytes, files: Iterable[UploadedFile], field: str, cuts: Sequence[str] = ()
) -> tuple[list[HeldPage], list[Problem]]:
    """The pages of the files that could be opened, and what is wrong with the others. `cuts`: see GivenMaterial."""
    pages: list[HeldPage] = []
    problems: list[Problem] = []
    for number, file in enumerate(files):
        text = cuts[number] if number < len(cuts) else ""
        try:
            cut = read_cut(text, file.name, field) if text else None
            pages.extend(await open_file(request, key, file, field, Mode.CUT if cut else Mode.PAGES, cut=cut))
        except BadInput as error:
            problems.extend(error.problems)
    return pages, problems


async def open_result(request: web.Request, key: bytes, file: UploadedFile, field: str) -> HeldPage:
    """A result document, byte for byte as it was signed or stamped. Raises BadInput."""
    return (await open_file(request, key, file, field, Mode.CHECK, BLOB_RESULT))[0]


_CORNERS = {
    UNREADABLE: N_("的四个角没有认出来"),
    OUTSIDE: N_("有一个角在照片外面"),
    CROSSED: N_("的四个角连成的线交叉或向内折，围不成一张纸"),
    TINY: N_("的四个角围得太小"),
}


def read_cut(text: str, name: str, field: str) -> Cut:
    """Corners and turn as a form carries them; `name` is the page, for the message. Raises BadInput."""
    try:
        return cut_of(text)
    except BadQuad as bad:
        said = say("「{page}」{what}", page=shown_name(name), what=_CORNERS[bad.reason])
        raise BadInput([Problem(field, said, N_("请把四个角分别拖到纸的四角，或选择“用整张照片”"))]) from None


async def open_file(
    request: web.Request,
    key: bytes,
    file: UploadedFile,
    field: str,
    mode: Mode,
    role: int = BLOB_PAGE,
    *,
    cut: Cut | None = None,
) -> list[HeldPage]:
    """One file opened in the child, its pages sealed and stored. Raises BadInput."""
    desk, spool = request.app[DESK], request.app[SPOOL]
    return await request.app[OFF_LOOP](lambda: _sealed(desk, key, file, spool, field, mode, role, cut))


def _sealed(
    desk: Desk, key: bytes, file: UploadedFile, spool: Path, field: str, mode: Mode, role: int, cut: Cut | None
) -> list[HeldPage]:
    folder = Path(tempfile.mkdtemp(prefix="material-", dir=spool))
    try:
        source = folder / "source"
        with source.open("wb") as copy:
            file.file.seek(0)
            shutil.copyfileobj(file.file, copy)
        pages = open_material(source, folder, name=file.name, mode=mode, cut=cut, field=field)
        return [_sealed_page(desk, key, page, role) for page in pages]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sealed_page(desk: Desk, key: bytes, page: PageFile, role: int) -> HeldPage:
    preview = page.preview.read_bytes() if page.preview else b""
    return desk.seal(key, page.path.read_bytes(), page.media_type, role, preview=preview)


async def discard(request: web.Request, pages: Iterable[HeldPage]) -> None:
    """Remove stored pages that no change names; those that one names stay."""
    desk, hashes = request.app[DESK], [hash_ for page in pages for hash_ in page.hashes]

    def run(conn: Connection) -> None:
        for hash_ in hashes:
            desk.log.discard(conn, hash_)

    if hashes:
        await request.app[keys.STORE].write(run)
