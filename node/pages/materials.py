"""The materials of a draft: pages brought, taken out, put in order, cut again. What is good is kept whatever is not."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Sequence

from aiohttp import web
from sqlalchemy import Connection

from casework.errors import BadInput, NotFound, Problem
from casework.intake import PAGES_PER_CHANGE, HeldPage, too_many_pages
from casework.materials.quad import TURNS, WHOLE, Cut, cut_of
from casework.materials.rules import Mode
from casework.own_rules import PREVIEW_TYPE
from casework.standing_papers import paper_list
from casework.texts import N_
from casework.web import keys
from casework.web.case_files import HASH_BYTES, stream_file
from casework.web.case_keys import DESK, OFF_LOOP
from casework.web.case_reading import hex_bytes, translator
from casework.web.forms import Form, UploadedFile, form_of
from casework.web.intake_fields import GivenMaterial, given_materials
from casework.web.page_opening import discard, open_file, open_files, read_cut
from casework.web.render import field_id, flash, redirect, render
from node import drafts
from node.draft_pages import EARLIER, LATER, moved, recut, with_pages, without
from node.drafts import Draft, DraftMaterial, Shot
from node.pages.drafting import Open, draft_context, draft_problems, opened

_CUT_TYPES = ("image/jpeg", "image/png")


async def show_materials(request: web.Request) -> web.Response:
    """GET /drafts/{id}/materials."""
    return await render(request, "draft_materials.html", draft_context(await opened(request)))


async def save_materials(request: web.Request) -> web.Response:
    """POST /drafts/{id}/materials: materials.N.file, .cut, .seen or .exempt, whole=1, go=next|stay; or for one page
    remove=HASH, turn=HASH, earlier=HASH, later=HASH.

    Good files are kept even when others are refused. With whole=1 a box that is not ticked means not seen.
    """
    open_, form = await opened(request), form_of(request)
    problems, added = await _add_pages(request, open_, form)
    place, said = await _change_page(request, open_, form)
    open_ = await opened(request)
    if problems:
        return await render(request, "draft_materials.html", draft_context(open_), problems=problems)
    if form.get("go") != "next":
        _ = translator(request)
        flash(request, _("已保存，新增 {n} 页。").format(n=added) if added else said)
        return redirect(f"/drafts/{open_.draft.id}/materials{place}")
    if missing := [problem for problem in draft_problems(open_) if problem.field.startswith("materials")]:
        return await render(request, "draft_materials.html", draft_context(open_), problems=missing)
    return redirect(f"/drafts/{open_.draft.id}/check")


async def _add_pages(request: web.Request, open_: Open, form: Form) -> tuple[list[Problem], int]:
    """What was wrong with the files, and how many pages were added."""
    problems: list[Problem] = []
    count, added = len(open_.draft.pages), 0
    given = {material.name: material for material in given_materials(form, open_.item)}
    for name, material in given.items():
        pages, shots, found = await _opened_files(request, open_.draft.key, material)
        problems.extend(found)
        if count + len(pages) > PAGES_PER_CHANGE:
            problems.append(too_many_pages(material.field))
            await discard(request, [*pages, *(shot.photo for shot in shots)])
            continue
        more = await _keep(request, open_.draft.id, name, DraftMaterial(material.seen, tuple(pages), tuple(shots)))
        count, added = count + more, added + more
    if form.get("whole"):
        for rule in paper_list(open_.item):
            if rule.name not in given and open_.draft.materials.get(rule.name, DraftMaterial()).seen:
                await _keep(request, open_.draft.id, rule.name, DraftMaterial())
    return problems, added


async def _opened_files(
    request: web.Request, key: bytes, material: GivenMaterial
) -> tuple[list[HeldPage], list[Shot], list[Problem]]:
    pages: list[HeldPage] = []
    shots: list[Shot] = []
    problems: list[Problem] = []
    for number, file in enumerate(material.files):
        text = material.cut_of(number)
        if not text:
            found, wrong = await open_files(request, key, [file], material.field)
            pages, problems = pages + found, problems + wrong
            continue
        try:
            cut = read_cut(text, file.name, material.field)
            page, photo = await open_file(request, key, file, material.field, Mode.SHOT, cut=cut)
        except BadInput as error:
            problems.extend(error.problems)
            continue
        pages.append(page)
        shots.append(Shot(page.hash, photo, cut.text))
    return pages, shots, problems


async def _keep(request: web.Request, id_: str, name: str, new: DraftMaterial) -> int:
    """Add pages to a material and set whether it was seen; how many pages that were not there already."""

    def change(known: DraftMaterial) -> DraftMaterial:
        return with_pages(known, new.seen, new.pages, new.shots)

    return await _write(request, id_, name, change, new.stored)


async def _write(
    request: web.Request,
    id_: str,
    name: str,
    change: Callable[[DraftMaterial], DraftMaterial],
    new: Sequence[HeldPage] = (),
) -> int:
    """Change one material; how many pages it gained. Files that nothing of the draft names any more are removed."""
    now = request.app[keys.CLOCK]()

    def write(conn: Connection) -> tuple[Draft, Draft]:
        draft = drafts.load(conn, id_)
        known = draft.materials.get(name, DraftMaterial())
        changed = draft.with_material(name, change(known))
        if changed.materials[name] != known:
            drafts.save(conn, changed, now)
        return draft, changed

    try:
        before, after = await request.app[keys.STORE].write(write)
    except asyncio.CancelledError:
        raise  # the browser has gone, but what was asked for is done: the files are the draft's
    except BaseException:
        await discard(request, new)
        raise
    left = {page.hash for page in after.stored}
    await discard(request, [page for page in (*before.stored, *new) if page.hash not in left])
    return len(after.pages) - len(before.pages)


async def _change_page(request: web.Request, open_: Open, form: Form) -> tuple[str, str]:
    """Take a page out, move it, or turn it clockwise: the place on the page to go back to, and what to say."""
    _ = translator(request)
    word = next((word for word in ("remove", "turn", EARLIER, LATER) if form.get(word)), "")
    name, page = _page(open_.draft, form.get(word)) if word else ("", None)
    if page is None:
        return "", _("已保存。")
    if word == "turn":
        cut = _cut(open_.draft.materials[name], page)
        await _cut_again(request, open_, name, page, _turned(cut))
        said = _("已旋转。")
    elif word == "remove":
        await _write(request, open_.draft.id, name, lambda known: without(known, page.hash))
        said = _("已移去一页。")
    else:
        await _write(request, open_.draft.id, name, lambda known: moved(known, page.hash, word))
        said = _("已调整顺序。")
    return _place(open_, name), said


def _page(draft: Draft, text: str) -> tuple[str, HeldPage | None]:
    """The page of this hash, and the material that it shows."""
    for name, material in draft.materials.items():
        for page in material.pages:
            if page.hash.hex() == text:
                return name, page
    return "", None


def _place(open_: Open, name: str) -> str:
    index = next((n for n, rule in enumerate(paper_list(open_.item)) if rule.name == name), None)
    return "" if index is None else "#" + field_id(f"materials.{index}")


def _cut(material: DraftMaterial, page: HeldPage) -> Cut:
    shot = material.shot_of(page.hash)
    return cut_of(shot.cut) if shot else Cut()


def _turned(cut: Cut) -> Cut:
    return Cut(cut.quad, TURNS[(TURNS.index(cut.turn) + 1) % len(TURNS)])


async def show_page(request: web.Request) -> web.Response:
    """GET /drafts/{id}/page/{hash}: one page with the photo that it comes from, to set its corners and turn it."""
    return await _page_form(request, await opened(request))


async def _page_form(request: web.Request, open_: Open, problems: Sequence[Problem] = ()) -> web.Response:
    name, page = _page(open_.draft, request.match_info["hash"])
    if page is None or page.type not in _CUT_TYPES:
        raise NotFound(N_("草稿里没有这一页"))
    material = open_.draft.materials[name]
    shot, cut = material.shot_of(page.hash), _cut(material, page)
    context = draft_context(open_) | {
        "name": name,
        "number": material.pages.index(page) + 1,
        "page": page,
        "photo": shot.photo if shot else page,
        "cut": cut,
        "back": f"/drafts/{open_.draft.id}/materials{_place(open_, name)}",
    }
    return await render(request, "draft_page.html", context, problems=problems)


async def cut_page(request: web.Request) -> web.Response:
    """POST /drafts/{id}/page/{hash}: cut=CORNERS;TURN, go=save|turn|whole."""
    open_, form = await opened(request), form_of(request)
    name, page = _page(open_.draft, request.match_info["hash"])
    if page is None or page.type not in _CUT_TYPES:
        raise NotFound(N_("草稿里没有这一页"))
    _ = translator(request)
    material = open_.draft.materials[name]
    number = material.pages.index(page) + 1
    try:
        now = _cut(material, page)
        cut = (
            read_cut(form.get("cut"), _("{name} 第 {n} 页").format(name=name, n=number), "cut")
            if form.get("cut")
            else now
        )
        cut = {"turn": _turned(cut), "whole": Cut(WHOLE, cut.turn)}.get(form.get("go"), cut)
        await _cut_again(request, open_, name, page, cut)
    except BadInput as error:
        return await _page_form(request, open_, error.problems)
    flash(request, _("第 {n} 页已重新裁剪。").format(n=number))
    return redirect(f"/drafts/{open_.draft.id}/materials{_place(open_, name)}")


async def _cut_again(request: web.Request, open_: Open, name: str, page: HeldPage, cut: Cut) -> None:
    """From the photo that was kept, so that nothing gets worse with the number of tries. Raises BadInput."""
    material, key = open_.draft.materials[name], open_.draft.key
    if cut == _cut(material, page):
        return
    shot = material.shot_of(page.hash)
    photo = shot.photo if shot else page
    number = material.pages.index(page) + 1
    plain = await request.app[OFF_LOOP](lambda: b"".join(request.app[DESK].bytes_of(key, photo.hash)))
    file = UploadedFile("cut", f"{name} {number}", photo.type, len(plain), io.BytesIO(plain))
    (new,) = await open_file(request, key, file, "cut", Mode.CUT, cut=cut)
    again = Shot(new.hash, photo, cut.text)
    await _write(request, open_.draft.id, name, lambda known: recut(known, page.hash, new, again), [new])


async def show_draft_file(request: web.Request) -> web.StreamResponse:
    """GET /drafts/{id}/file/{hash}: one scanned page of a draft, its preview, or the photo that it comes from."""
    open_ = await opened(request)
    hash_ = hex_bytes(request.match_info["hash"], HASH_BYTES)
    desk = request.app[DESK]
    page = next((page for page in open_.draft.stored if hash_ in page.hashes), None)
    if page is None or not desk.log.holds(hash_):
        raise NotFound(N_("草稿里没有这一页"))
    kind = page.type if hash_ == page.hash else PREVIEW_TYPE
    return await stream_file(request, desk.bytes_of(open_.draft.key, hash_), kind, hash_)
