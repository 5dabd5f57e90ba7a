"""Pictures added to a PDF file as A4 pages by an incremental update (ISO 32000-1, 7.5.6): one picture in memory at a
time, whatever the file grows to.
"""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image

_PAGES = re.compile(rb"\n(\d+) 0 obj\n<<\n/Count (\d+)\n/Kids \[([^\]]*)\]\n/MediaBox (\[[^\]]*\])\n/Type /Pages\n>>")
_TRAILER = re.compile(rb"trailer\n<<\n/Size (\d+)\n(.*?)\n>>\nstartxref\n(\d+)\n%%EOF\s*\Z", re.DOTALL)
_A4 = (595.28, 841.89)
_MARGIN = 18.0


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG on disk: its size in pixels, and whether it is grey."""

    path: Path
    width: int
    height: int
    grey: bool


def pages_of(base: bytes) -> int:
    """How many pages a PDF has. Raises ValueError for one that fpdf2 did not make."""
    pages = _PAGES.search(base)
    if pages is None:
        raise ValueError("not a PDF as fpdf2 writes it")
    return int(pages[2])


def append_pictures(base: bytes, pictures: Iterable[Picture], target: BinaryIO) -> None:
    """Write `base`, a PDF as fpdf2 makes it, with each picture on a page of its own after the others."""
    pages, trailer = _PAGES.search(base), _TRAILER.search(base)
    if pages is None or trailer is None:
        raise ValueError("not a PDF as fpdf2 writes it")
    target.write(base)
    root, first = int(pages[1]), int(trailer[1])
    at: list[int] = []
    kids = []
    for picture in pictures:
        number = first + len(at)
        kids.append(f"{number + 2} 0 R")
        at += _page(target, picture, number, root)
    whole = " ".join([pages[3].decode(), *kids])
    root_at = target.tell()
    count = int(pages[2]) + len(kids)
    _write(
        target,
        f"{root} 0 obj\n<<\n/Count {count}\n/Kids [{whole}]\n/MediaBox {pages[4].decode()}\n/Type /Pages\n>>\nendobj\n",
    )
    xref_at = target.tell()
    rows = "".join(f"{place:010d} 00000 n \n" for place in at)
    section = f"{first} {len(at)}\n{rows}" if at else ""
    _write(target, f"xref\n{root} 1\n{root_at:010d} 00000 n \n{section}")
    rest = trailer[2].decode("latin-1")
    _write(target, f"trailer\n<<\n/Size {first + len(at)}\n{rest}\n/Prev {int(trailer[3])}\n>>\n")
    _write(target, f"startxref\n{xref_at}\n%%EOF\n")


def _write(target: BinaryIO, text: str) -> None:
    target.write(text.encode("latin-1"))


def _page(target: BinaryIO, picture: Picture, number: int, root: int) -> list[int]:
    """Three objects: the image, how it is placed, the page. Returns where they stand."""
    upright = picture.height >= picture.width
    wide, high = _A4 if upright else (_A4[1], _A4[0])
    scale = min((wide - 2 * _MARGIN) / picture.width, (high - 2 * _MARGIN) / picture.height)
    w, h = picture.width * scale, picture.height * scale
    place = f"q {w:.2f} 0 0 {h:.2f} {(wide - w) / 2:.2f} {(high - h) / 2:.2f} cm /Im Do Q"
    space = "DeviceGray" if picture.grey else "DeviceRGB"
    image_at = target.tell()
    _write(
        target,
        f"{number} 0 obj\n<<\n/Type /XObject\n/Subtype /Image\n/Width {picture.width}\n/Height {picture.height}\n"
        f"/ColorSpace /{space}\n/BitsPerComponent 8\n/Filter /DCTDecode\n/Length {picture.path.stat().st_size}\n>>\n"
        "stream\n",
    )
    with picture.path.open("rb") as source:
        shutil.copyfileobj(source, target)
    _write(target, "\nendstream\nendobj\n")
    place_at = target.tell()
    _write(target, f"{number + 1} 0 obj\n<<\n/Length {len(place)}\n>>\nstream\n{place}\nendstream\nendobj\n")
    page_at = target.tell()
    _write(
        target,
        f"{number + 2} 0 obj\n<<\n/Type /Page\n/Parent {root} 0 R\n/MediaBox [0 0 {wide} {high}]\n"
        f"/Resources <<\n/XObject <<\n/Im {number} 0 R\n>>\n>>\n/Contents {number + 1} 0 R\n>>\nendobj\n",
    )
    return [image_at, place_at, page_at]


def jpeg_as_it_is(data: bytes) -> bool:
    """Whether a PDF shows these bytes as browsers do: baseline colours, nothing that says it lies on its side."""
    return data.startswith(b"\xff\xd8\xff") and b"Exif\0" not in data[:65_536]


def size_of(data: bytes) -> tuple[int, int, str]:
    """Width, height and colours (Pillow's mode) by the header; no pixel is decoded. Raises what Pillow raises."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
        return picture.width, picture.height, picture.mode
