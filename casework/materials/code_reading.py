"""The QR codes on a photo or scan. Runs in the child only: it decodes hostile bytes."""

from __future__ import annotations

import io
from itertools import islice
from pathlib import Path

import zxingcpp
from PIL import Image

from casework.materials.image_pages import picture_pages
from casework.materials.pdf_pages import pdf_pages
from casework.materials.rules import CODE_CHARS_MAX, CODE_PAGES_MAX, CODES_MAX, Kind

_FORMATS = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def read_codes(source: Path, kind: Kind) -> list[str]:
    """The texts of at most CODES_MAX codes on the first pages, each once, as bounded pages show them. Raises as
    `picture_pages` does."""
    pages = pdf_pages(source) if kind is Kind.PDF else picture_pages(source, kind)
    found: dict[str, None] = {}
    for page in islice(pages, CODE_PAGES_MAX):
        with Image.open(io.BytesIO(page.data)) as picture:
            for code in zxingcpp.read_barcodes(picture.convert("L"), formats=_FORMATS):
                if 0 < len(code.text) <= CODE_CHARS_MAX:
                    found[code.text] = None
    return list(found)[:CODES_MAX]
