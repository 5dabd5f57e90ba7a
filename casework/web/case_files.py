"""Pages and result documents of a case, decrypted on the way out and shut in while a browser shows them."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web

from casework.errors import NotFound
from casework.materials.rules import MAX_UPLOAD_BYTES
from casework.web import keys
from casework.web.case_keys import DESK, OFF_LOOP
from casework.web.case_reading import hex_bytes, topic_of
from casework.web.error_pages import error_page

HASH_BYTES = 32
_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "application/pdf": "pdf"}
_CSP = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
# Chromium's own viewer of PDFs does not start in a sandbox or without inline style; it shuts their scripts in itself.
_PDF_CSP = "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PDF = "application/pdf"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


async def show_file(request: web.Request) -> web.StreamResponse:
    """GET /cases/{topic}/file/{hash}: the plain bytes; 404 with the reason when they are not here or not ours."""
    desk, person = request.app[DESK], request[keys.PERSON]
    topic, hash_ = topic_of(request), hex_bytes(request.match_info["hash"], HASH_BYTES)
    try:
        found = await request.app[keys.STORE].read(lambda conn: desk.file(conn, person, topic, hash_))
    except NotFound as error:
        return await error_page(request, 404, what=str(error))
    media_type, key, sealed_key = found
    return await stream_file(request, desk.bytes_of(key, hash_, sealed_key), media_type, hash_)


async def stream_file(
    request: web.Request, pieces: Iterator[bytes], media_type: str, hash_: bytes
) -> web.StreamResponse:
    """Send pieces as they are decrypted. The first one is read before the answer starts, so that a fault has a page."""
    off_loop = request.app[OFF_LOOP]
    piece = await off_loop(lambda: next(pieces, b""))
    ending = _ENDINGS.get(media_type)
    how = f'inline; filename="{hash_.hex()[:12]}.{ending}"' if ending else "attachment"
    shut_in = {"Content-Security-Policy": _PDF_CSP if media_type == _PDF else _CSP}
    response = web.StreamResponse(headers=_HEADERS | shut_in | {"Content-Disposition": how})
    response.content_type = media_type if ending else "application/octet-stream"
    await response.prepare(request)
    sent = 0
    while piece and sent + len(piece) <= MAX_UPLOAD_BYTES:
        await response.write(piece)
        sent += len(piece)
        piece = await off_loop(lambda: next(pieces, b""))
    await response.write_eof()
    return response
