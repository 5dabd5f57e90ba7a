"""The courier's page: take a bundle along on a stick, bring one in. The same at every tier.

What a bundle is, the program knows; here are the forms. No bundle is kept in memory: it streams to the browser as it is
made, and what is brought lies in the spool while it is checked, also when the browser has gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, cast

from aiohttp import web

from casework.errors import BadInput, Problem
from casework.policy import Act
from casework.texts import N_
from casework.web import keys
from casework.web.amounts import size_text
from casework.web.carrying import WRITE, Carrying, Shelf
from casework.web.case_keys import OffLoop
from casework.web.case_reading import translator
from casework.web.courier_words import Carried, StickWords
from casework.web.forms import UploadedFile, form_of
from casework.web.pages import MIB, Page, UploadLimits
from casework.web.render import redirect, render, render_part

BUNDLE_BYTES_MAX = 16 * 1024 * MIB
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
_AT_ONCE_SECONDS = 2.0
"""What is over within this time is answered with what came of it; what takes longer, with how far it is."""

Heard = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Export:
    """A bundle about to be written: its pieces, its file's name, about how many bytes it will have."""

    pieces: Iterator[bytes]
    name: str
    expected: int


class Writer(Protocol):
    """A bundle about to be written."""

    @property
    def expected_bytes(self) -> int:
        """About how many bytes the file will have."""

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the file, once."""


class Sticks(Protocol):
    """See sync_protocol.courier.Sticks for what each promises; they raise BadInput."""

    def readers(self) -> list[tuple[int, str]]: ...
    def writer_for(self, word: str, now: int, *, everything: bool) -> tuple[Writer, str]: ...
    def take(self, file: BinaryIO, now: int, progress: Heard) -> Any: ...


@dataclass(frozen=True, slots=True)
class Courier:
    """What a program gives the page. `clock` is unix seconds. `run` does blocking work on a thread that nobody else
    waits for, `read` beside it: the page must show while a bundle is read. `taken` is told on the event loop."""

    sticks: Sticks
    words: StickWords
    clock: Callable[[], int]
    read: OffLoop
    run: OffLoop
    taken: Callable[[Carried], None] = lambda carried: None

    def readers(self) -> list[tuple[str, str]]:
        """(author, name) of every place that a bundle from here may be for."""
        return [(str(author), self.words.name_of(region)) for author, region in self.sticks.readers()]

    def export(self, reader: str, *, everything: bool) -> Export:
        """A bundle for a reader, with everything in it or what the reader lacks. Raises BadInput."""
        writer, name = self.sticks.writer_for(reader, self.clock(), everything=everything)
        return Export(writer.pieces(), name, writer.expected_bytes)

    def take(self, file: BinaryIO, heard: Heard) -> Carried:
        """Check a bundle and take it in; `heard` is told of each reading ("check", "take") how many more bytes it has
        read. Raises BadInput."""
        return self.words.carried(self.sticks.take(file, self.clock(), heard))


COURIER: web.AppKey[Courier] = web.AppKey("courier", Courier)
SHELF: web.AppKey[Shelf] = web.AppKey("shelf", Shelf)


def add_courier(app: web.Application, courier: Courier) -> None:
    """What the pages of this module need; before they are added."""
    app[COURIER], app[SHELF] = courier, Shelf()


async def show_courier(request: web.Request) -> web.Response:
    """GET /courier?reader=AUTHOR: the place that is chosen already, if a bundle from here may be for it."""
    return await _page(request)


async def show_courier_now(request: web.Request) -> web.Response:
    """GET /courier/now: what is carried now or was last, for a page that is open."""
    return render_part(request, "courier_now.html", _now(request))


def _now(request: web.Request) -> dict[str, Any]:
    shelf, _ = request.app[SHELF], translator(request)
    outcome = shelf.taken.carried.lines(_) if shelf.taken and shelf.taken.carried else []
    return {
        "taken": shelf.taken,
        "written": shelf.written,
        "outcome": outcome,
        "say": lambda carrying: carrying.words(_),
        "size": lambda size: size_text(size, _),
    }


async def export_bundle(request: web.Request) -> web.StreamResponse:
    """POST /courier/export: reader, everything ("1" or nothing). The file, as it is made."""
    form, courier = form_of(request), request.app[COURIER]
    try:
        if not form.get("reader"):
            raise BadInput([Problem("reader", N_("没有选择带给谁"), N_("请从列表中选择收件单位"))])
        everything = bool(form.get("everything"))
        export = await courier.run(lambda: courier.export(form.get("reader"), everything=everything))
    except BadInput as error:
        return await _page(request, error.problems)
    return await _stream(request, courier, export)


async def _stream(request: web.Request, courier: Courier, export: Export) -> web.StreamResponse:
    """A file cut short must not look whole to the browser: what fails on the way breaks the connection."""
    piece = await courier.run(lambda: next(export.pieces, b""))
    headers = _HEADERS | {"Content-Disposition": f'attachment; filename="{export.name}"'}
    response = web.StreamResponse(headers=headers)
    response.content_type = "application/octet-stream"
    carrying = Carrying(export.name, request.app[keys.CLOCK](), export.expected, WRITE)
    request.app[SHELF].written = carrying
    try:
        await response.prepare(request)
        while piece:
            await response.write(piece)
            carrying.heard(WRITE, len(piece))
            piece = await courier.run(lambda: next(export.pieces, b""))
        await response.write_eof()
    except BaseException:
        carrying.broken = True
        if request.transport is not None:
            request.transport.abort()
        raise
    finally:
        carrying.ended = True
    return response


async def import_bundle(request: web.Request) -> web.StreamResponse:
    """POST /courier/import: a file `bundle`. Goes on without the browser; the page says how far it is."""
    form = form_of(request)
    try:
        files = form.files("bundle")
        if not files:
            raise BadInput([Problem("bundle", N_("没有选择U盘包"), N_("请选择U盘上以 .bundle 结尾的文件"))])
        task = _begin(request, files[0])
    except BadInput as error:
        return await _page(request, error.problems)
    form.uploads.remove(files[0])  # it is closed by who takes it in
    await asyncio.wait([task], timeout=_AT_ONCE_SECONDS)
    return redirect("/courier")


def _begin(request: web.Request, upload: UploadedFile) -> asyncio.Task[None]:
    courier, file = request.app[COURIER], cast(BinaryIO, upload.file)
    carrying = Carrying(upload.name, request.app[keys.CLOCK](), upload.length)

    async def work(carrying: Carrying) -> Carried:
        return await courier.run(lambda: courier.take(file, carrying.heard))

    return request.app[SHELF].take(carrying, file, work, courier.taken)


async def _page(request: web.Request, problems: Sequence[Problem] = ()) -> web.Response:
    courier = request.app[COURIER]
    readers, asked = await courier.read(courier.readers), request.query.get("reader", "")
    context = {"readers": readers, "reader": asked if asked in dict(readers) else ""} | _now(request)
    return await render(request, "courier.html", context, problems=problems)


COURIER_PAGES = (
    Page("GET", "/courier", show_courier, Act.COURIER),
    Page("GET", "/courier/now", show_courier_now, Act.COURIER, polled=True),
    Page("POST", "/courier/export", export_bundle, Act.COURIER),
    Page(
        "POST",
        "/courier/import",
        import_bundle,
        Act.COURIER,
        upload=UploadLimits(files=1, file_bytes=BUNDLE_BYTES_MAX, total_bytes=BUNDLE_BYTES_MAX + MIB),
    ),
)
