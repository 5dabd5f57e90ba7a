"""The pages of a case's papers: what can be printed, each one for A4 and for an 80 mm roll, and as a PDF."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from aiohttp import web
from sqlalchemy import Connection

from casework import reference
from casework.archive import Attachment, build
from casework.case_needs import lacking_of
from casework.desk import CaseView, Desk
from casework.errors import NotFound
from casework.hall import hall
from casework.paper_drawing import draw_papers
from casework.paper_form import SEAL_PLACE, Facts, Paper, day_words
from casework.paper_formats import A4, FORMATS, ROLL, Format
from casework.papers import offers, paper
from casework.policy import Act, Person
from casework.qr import qr_svg
from casework.states import COUNTY, HOME, TOWNSHIP, deciding_office
from casework.texts import N_
from casework.web import keys
from casework.web.case_keys import DESK, OFF_LOOP, SPOOL
from casework.web.case_reading import pretty_code, view_of
from casework.web.custody_words import custody_words
from casework.web.pages import Page
from casework.web.render import moment, render

_AT_COUNTY = 2
_PIECE_BYTES = 64 * 1024
_COUNTY_DIGITS, _TOWNSHIP_DIGITS, _CODE_DIGITS = 6, 9, 12


async def list_papers(request: web.Request) -> web.Response:
    """GET /cases/{topic}/papers."""
    view = await view_of(request)
    return await render(
        request,
        "papers.html",
        {
            "view": view,
            "path_of_case": f"/cases/{view.topic.hex()}",
            "code": pretty_code(view.state.code),
            "offers": offers(view.state, _to_come(view)),
        },
    )


async def show_paper(request: web.Request) -> web.Response:
    """GET /cases/{topic}/paper/{kind}?size=a4|80."""
    view, form, made = await _asked(request)
    path = f"/cases/{view.topic.hex()}"
    context = {
        "paper": made,
        "size": form.name,
        "other": ROLL.name if form is A4 else A4.name,
        "path_of_case": path,
        "path_of_paper": f"{path}/paper/{request.match_info['kind']}",
        "qr": qr_svg(made.qr) if made.qr else "",
        "number": f"编号：{made.number}",
        "day": day_words(made.day),
        "seal_place": SEAL_PLACE,
    }
    return await render(request, "paper.html", context)


async def show_paper_pdf(request: web.Request) -> web.Response:
    """GET /cases/{topic}/paper/{kind}.pdf?size=a4|80."""
    _view, form, made = await _asked(request)
    at = datetime.fromtimestamp(request.app[keys.CLOCK](), UTC)
    data = await request.app[OFF_LOOP](lambda: draw_papers([made], made.title, form, at))
    return web.Response(body=data, content_type="application/pdf", headers=pdf_headers(f"{made.title}-{made.number}"))


async def _asked(request: web.Request) -> tuple[CaseView, Format, Paper]:
    """Raises NotFound, for a paper of the case that is not due yet with the reason."""
    form = FORMATS.get(request.query.get("size", A4.name))
    if form is None:
        raise NotFound(N_("纸张只有 A4 和 80 毫米两种"))
    view = await view_of(request)
    return view, form, paper(await facts_of(request, view), request.match_info["kind"])


def pdf_headers(title: str) -> dict[str, str]:
    """A PDF that the browser shows, kept by no cache."""
    name = quote(f"{title}.pdf", safe="")
    return {
        "Content-Disposition": f"inline; filename=\"paper.pdf\"; filename*=UTF-8''{name}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": PDF_CSP,
        "Cache-Control": "no-store",
    }


# Chromium's own viewer of PDFs does not start in a sandbox or without inline style.
PDF_CSP = "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


async def facts_of(request: web.Request, view: CaseView) -> Facts:
    """All that papers are made from."""
    person, site = request[keys.PERSON], request.app[keys.SITE]
    edge = await request.app[keys.STORE].read(lambda conn: _edge(request, conn, person, view))
    return Facts(
        state=view.state,
        item=view.item,
        home_name=view.home_name,
        clocks=view.clocks,
        confirmed=view.custody.tier >= _AT_COUNTY and view.custody.settled,
        code=pretty_code(view.state.code),
        now=moment(request.app[keys.CLOCK]()),
        station=site.station,
        to_come=_to_come(view),
        custody=custody_words(view.custody, view.state, view.office).text,
        **edge,
    )


def _edge(request: web.Request, conn: Connection, person: Person, view: CaseView) -> dict[str, Any]:
    """What is read beside the case: names of the places above it, what the county says of itself, the QR codes."""
    county = reference.region_name(conn, _padded(view.home_region[:_COUNTY_DIGITS]))
    township = reference.region_name(conn, _padded(view.home_region[:_TOWNSHIP_DIGITS]))
    office = view.state.office or (view.item.office if view.item else "")
    deciding = {HOME: view.home_name, TOWNSHIP: f"{township}人民政府", COUNTY: f"{county}{office}"}
    return {
        "county_name": county,
        "township_name": township,
        "authority": deciding[deciding_office(view.state.course())],
        **_codes(request, conn, person, view),
    }


def _codes(request: web.Request, conn: Connection, person: Person, view: CaseView) -> dict[str, str]:
    """The texts of the QR codes, and the county's name and telephones."""
    desk, said = request.app[DESK], hall(conn)
    return {
        "hall": said.name,
        "phone": said.phone,
        "complaints": said.complaints,
        "case_qr": desk.case_qr(conn, person, view.topic),
        "result_qr": desk.result_qr(conn, person, view.topic),
    }


def _padded(code: str) -> str:
    return code.ljust(_CODE_DIGITS, "0")


def _to_come(view: CaseView) -> tuple[str, ...]:
    if view.item is None or view.state.state is None:
        return ()
    return tuple(one.name for one in lacking_of(view.item, view.state))


async def show_archive(request: web.Request) -> web.StreamResponse:
    """GET /cases/{topic}/archive.pdf: the whole case as one file."""
    view = await view_of(request)
    facts, off_loop = await facts_of(request, view), request.app[OFF_LOOP]
    desk, person = request.app[DESK], request[keys.PERSON]
    readable = view.readable
    key = await request.app[keys.STORE].read(lambda conn: desk.key_for(conn, person, view.topic)) if readable else None
    attached = list(_attachments(desk, view, key))
    at = datetime.fromtimestamp(request.app[keys.CLOCK](), UTC)
    spool = request.app[SPOOL]
    file = await off_loop(lambda: _built(facts, attached, spool, at))
    try:
        response = web.StreamResponse(headers=pdf_headers(f"办件全卷-{view.state.code}"))
        response.content_type = "application/pdf"
        await response.prepare(request)
        while piece := await off_loop(lambda: file.read(_PIECE_BYTES)):
            await response.write(piece)
        await response.write_eof()
        return response
    finally:
        file.close()


def _built(facts: Facts, attached: Sequence[Attachment], spool: Path, at: datetime) -> BinaryIO:
    """The archive, open for reading; its name is gone, so that nothing of it stays behind whatever happens."""
    with tempfile.TemporaryDirectory(prefix="archive-", dir=spool) as folder:
        return build(facts, moment, attached, Path(folder), at).open("rb")


def _attachments(desk: Desk, view: CaseView, key: bytes | None) -> Iterator[Attachment]:
    """The scans in the order of the case, then what came down as its result."""

    def reader(blob: bytes, sealed: bytes) -> Callable[[], Iterator[bytes]] | None:
        if key is None or blob in view.missing:
            return None
        return lambda: desk.bytes_of(key, blob, sealed)

    for material in view.state.materials:
        for number, page in enumerate(material.pages, 1):
            title = f"{material.name} 第 {number} 页" if len(material.pages) > 1 else material.name
            yield Attachment(title, page.type, reader(page.blob, page.key))
    for document in view.state.results:
        yield Attachment(f"结果文书：{document.title}", document.type, reader(document.blob, b""))
    receipt = view.state.delivery.receipt if view.state.delivery is not None else None
    if receipt is not None:
        yield Attachment("送达回证（已签收）", receipt.type, reader(receipt.blob, receipt.key))


PAPER_PAGES = [
    Page("GET", "/cases/{topic}/archive.pdf", show_archive, act=Act.VIEW_CASE),
    Page("GET", "/cases/{topic}/papers", list_papers, act=Act.VIEW_CASE),
    Page("GET", "/cases/{topic}/paper/{kind}.pdf", show_paper_pdf, act=Act.VIEW_CASE),
    Page("GET", "/cases/{topic}/paper/{kind}", show_paper, act=Act.VIEW_CASE),
]
