"""PDF pages to bounded pictures. Runs in the child only: pdfium is native code that reads hostile bytes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pypdfium2
import pypdfium2.raw as pdfium_c

from casework.materials.image_pages import Page, encode_page
from casework.materials.rules import LONG_EDGE_PIXELS, MAX_PAGES_PER_FILE, PDF_DOTS_PER_INCH, Fault, Refused

POINTS_PER_INCH: Final = 72
MAX_PAGE_POINTS: Final = 14_400
"""The largest side that PDF readers agree on (ISO 32000-1, annex C)."""


def open_pdf(source: Path) -> pypdfium2.PdfDocument:
    """The document, opened without a password, with 1 to MAX_PAGES_PER_FILE pages. Raises Refused."""
    try:
        document = pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code in (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY)
        raise Refused(Fault.ENCRYPTED if locked else Fault.BROKEN) from None
    if len(document) < 1:
        raise Refused(Fault.BROKEN)
    if len(document) > MAX_PAGES_PER_FILE:
        raise Refused(Fault.TOO_MANY_PAGES)
    return document


def pdf_pages(source: Path) -> Iterator[Page]:
    """Each page as a JPEG, filled-in form fields drawn. Raises Refused."""
    document = open_pdf(source)
    document.init_forms()
    for number in range(len(document)):
        page = _page(document, number)
        bitmap = page.render(scale=_scale(*page.get_size()))
        yield encode_page(bitmap.to_pil().convert("RGB"))
        bitmap.close()
        page.close()


def check_pdf(source: Path) -> None:
    """Opens the document and the structure of every page; draws the first. Raises Refused."""
    document = open_pdf(source)
    for number in range(len(document)):
        page = _page(document, number)
        scale = _scale(*page.get_size())
        if number == 0:
            page.render(scale=scale)
        page.close()


def _page(document: pypdfium2.PdfDocument, number: int) -> pypdfium2.PdfPage:
    try:
        return document[number]
    except pypdfium2.PdfiumError:
        raise Refused(Fault.BROKEN) from None


def _scale(width_points: float, height_points: float) -> float:
    """Pixels per point: PDF_DOTS_PER_INCH, or less so that the longer side stays inside LONG_EDGE_PIXELS."""
    sides = (width_points, height_points)
    if not all(math.isfinite(side) and 0 < side <= MAX_PAGE_POINTS for side in sides):
        raise Refused(Fault.BROKEN)
    # pdfium rounds each side up, so one pixel is left for it.
    return min(PDF_DOTS_PER_INCH / POINTS_PER_INCH, (LONG_EDGE_PIXELS - 1) / max(sides))
