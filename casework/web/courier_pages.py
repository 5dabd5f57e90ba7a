"""The courier's page: take a bundle along on a stick, bring one in. The same at every tier.

What a bundle is, the program knows; here are the forms. No bundle is kept in memory: it streams to the browser as it is
made, and what is brought lies in the spool while it is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, cast

from aiohttp import web

from casework.errors import BadInput, Problem
from casework.policy import Act
from casework.web.case_keys import OffLoop
from casework.web.case_reading import translator
from casework.web.courier_words import Carried, StickWords
from casework.web.forms import form_of
from casework.web.pages import MIB, Page, UploadLimits
from casework.web.render import render

BUNDLE_BYTES_MAX = 16 * 1024 * MIB
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class Writer(Protocol):
    """A bundle about to be written."""

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the file, once."""


class Sticks(Protocol):
    """See sync_protocol.courier.Sticks for what each promises; they raise BadInput."""

    def readers(self) -> list[tuple[int, str]]: ...
    def writer_for(self, word: str, now: int, *, everything: bool) -> tuple[Writer, str]: ...
    def take(self, file: BinaryIO, now: int, progress: Callable[[str, int], None]) -> Any: ...


@dataclass(frozen=True, slots=True)
class Courier:
    """What a program gives the page. `clock` is unix seconds. `run` does blocking work on a thread that nobody else
    waits for. `taken` is told on the event loop."""

    sticks: Sticks
    words: StickWords
    clock: Callable[[], int]
    run: OffLoop
    taken: Callable[[Carried], None] = lambda carried: None

    def readers(self) -> list[tuple[str, str]]:
        """(author, name) of every place that a bundle from here may be for."""
        return [(str(author), self.words.name_of(region)) for author, region in self.sticks.readers()]

    def export(self, reader: str, *, everything: bool) -> tuple[Iterator[bytes], str]:
        """A bundle's pieces and file name, with everything in it or what the reader lacks."""
        writer, name = self.sticks.writer_for(reader, self.clock(), everything=everything)
        return writer.pieces(), name

    def take(self, file: BinaryIO) -> Carried:
        """Check a bundle and take it in."""
        return self.words.carried(self.sticks.take(file, self.clock(), lambda what, length: None))


COURIER: web.AppKey[Courier] = web.AppKey("courier", Courier)


async def show_courier(request: web.Request) -> web.Response:
    """GET /courier."""
    return await _page(request)


async def export_bundle(request: web.Request) -> web.StreamResponse:
    """POST /courier/export: reader, everything ("1" or nothing). The file, as it is made."""
    form, courier = form_of(request), request.app[COURIER]
    try:
        if not form.get("reader"):
            raise BadInput([Problem("reader", "没有选择带给谁", "请从列表中选择收件单位")])
        everything = bool(form.get("everything"))
        pieces, name = await courier.run(lambda: courier.export(form.get("reader"), everything=everything))
    except BadInput as error:
        return await _page(request, error.problems)
    return await _stream(request, courier, pieces, name)


async def _stream(request: web.Request, courier: Courier, pieces: Iterator[bytes], name: str) -> web.StreamResponse:
    """A file cut short must not look whole to the browser: what fails on the way breaks the connection."""
    piece = await courier.run(lambda: next(pieces, b""))
    response = web.StreamResponse(headers=_HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'})
    response.content_type = "application/octet-stream"
    await response.prepare(request)
    try:
        while piece:
            await response.write(piece)
            piece = await courier.run(lambda: next(pieces, b""))
    except BaseException:
        if request.transport is not None:
            request.transport.abort()
        raise
    await response.write_eof()
    return response


async def import_bundle(request: web.Request) -> web.Response:
    """POST /courier/import: a file `bundle`. Says what came of it."""
    courier = request.app[COURIER]
    files = form_of(request).files("bundle")
    try:
        if not files:
            raise BadInput([Problem("bundle", "没有选择U盘包", "请选择U盘上以 .bundle 结尾的文件")])
        carried = await courier.run(lambda: courier.take(cast(BinaryIO, files[0].file)))
    except BadInput as error:
        return await _page(request, error.problems)
    courier.taken(carried)
    return await _page(request, carried=carried)


async def _page(request: web.Request, problems: Sequence[Problem] = (), carried: Carried | None = None) -> web.Response:
    courier = request.app[COURIER]
    readers = await courier.run(courier.readers)
    outcome = carried.lines(translator(request)) if carried is not None else []
    return await render(request, "courier.html", {"readers": readers, "outcome": outcome}, problems=problems)


COURIER_PAGES = (
    Page("GET", "/courier", show_courier, Act.COURIER),
    Page("POST", "/courier/export", export_bundle, Act.COURIER),
    Page(
        "POST",
        "/courier/import",
        import_bundle,
        Act.COURIER,
        upload=UploadLimits(files=1, file_bytes=BUNDLE_BYTES_MAX, total_bytes=BUNDLE_BYTES_MAX + MIB),
    ),
)
