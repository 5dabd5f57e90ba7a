"""The page on which staff verify a slip or a certificate that somebody shows: scanned, typed, or photographed.

What is scanned is posted, so that it stands in no address and no log.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from casework.errors import BadInput, NotFound, Problem
from casework.materials.opening import read_codes
from casework.materials.rules import MAX_UPLOAD_BYTES
from casework.scan_text import SCAN_CHARS_MAX
from casework.verify_command import ours_first
from casework.verify_scan import verify_scan
from casework.verifying import REASONS, VERDICT_WORDS, Finding
from casework.web import keys
from casework.web.case_keys import DESK, OFF_LOOP, SPOOL
from casework.web.forms import UploadedFile, form_of
from casework.web.i18n import N_
from casework.web.pages import MIB, Page, UploadLimits
from casework.web.render import render
from casework.web.site import NavEntry

_MARKS = {"genuine": "✓", "revoked": "✕", "expired": "!", "unconfirmed": "?"}


async def show_verify(request: web.Request) -> web.Response:
    """GET /verify."""
    return await _page(request)


async def verify_shown(request: web.Request) -> web.Response:
    """POST /verify: what was scanned or typed (text), or a photo."""
    form = form_of(request)
    text, photos = form.get("text"), form.files("photo")
    try:
        if not text and not photos:
            raise BadInput([Problem("text", N_("还没有扫码"), N_("请扫描二维码、输入查询码，或拍一张照片"))])
        if len(text) > SCAN_CHARS_MAX:
            raise BadInput([Problem("text", N_("内容太长，不是凭证上的二维码"), N_("请清空后重新扫描凭证上的二维码"))])
        read = text or await _read_photo(request, photos[0])
    except BadInput as error:
        return await _page(request, problems=error.problems, values={"text": text})
    desk, person = request.app[DESK], request[keys.PERSON]

    def run(conn: Connection) -> tuple[Finding, str]:
        found = verify_scan(conn, desk.log, read, request.app[keys.CLOCK]())
        topic = found.case.topic if found.case else b""
        try:
            return found, desk.view(conn, person, topic).topic.hex() if topic else ""
        except NotFound:
            return found, ""

    found, link = await request.app[keys.STORE].read(run)
    return await _page(request, found, link, values={} if found.kind else {"text": text})


async def _read_photo(request: web.Request, photo: UploadedFile) -> str:
    """The text of the QR on it. Raises BadInput."""
    spool = request.app[SPOOL]

    def run() -> list[str]:
        with tempfile.TemporaryDirectory(prefix="verify-", dir=spool) as folder:
            source = Path(folder) / "source"
            with source.open("wb") as copy:
                photo.file.seek(0)
                shutil.copyfileobj(photo.file, copy)
            return read_codes(source, name=photo.name, field="photo")

    text = ours_first(await request.app[OFF_LOOP](run))
    if not text:
        remedy = N_("请把纸铺平、光线足一些，让二维码占照片的大半，再拍一次")
        raise BadInput([Problem("photo", N_("照片上没有找到二维码"), remedy)])
    return text


async def _page(
    request: web.Request,
    found: Finding | None = None,
    link: str = "",
    *,
    problems: Sequence[Problem] = (),
    values: dict[str, Any] | None = None,
) -> web.Response:
    context: dict[str, Any] = {"found": found, "link": link, "most": SCAN_CHARS_MAX}
    if found is not None:
        reason = REASONS[found.reason]
        context |= {
            "verdict": VERDICT_WORDS[found.verdict],
            "mark": _MARKS[found.verdict.value],
            "why": found.why or reason.words,
            "remedy": reason.remedy,
        }
    return await render(request, "verify.html", context, problems=problems, values=values or {})


VERIFY_NAV = NavEntry(N_("核验"), "/verify")
VERIFY_PAGES = (
    Page("GET", "/verify", show_verify),
    Page(
        "POST",
        "/verify",
        verify_shown,
        upload=UploadLimits(files=1, file_bytes=MAX_UPLOAD_BYTES, total_bytes=MAX_UPLOAD_BYTES + MIB),
    ),
)
