"""Limits for uploaded materials, and what kind of file a first block of bytes announces. Pure.

The limits follow OWASP ASVS 5.0, 5.2.1 to 5.2.6 (file size, unpacked size, pixel flood): each one is checked
before the work that it bounds. The declared type and the extension of a file play no part.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
MEGAPIXEL: Final = 1_000_000

MAX_UPLOAD_BYTES: Final = 30 * MIB
MAX_PAGES_PER_FILE: Final = 50
LONG_EDGE_PIXELS: Final = 2560
PDF_DOTS_PER_INCH: Final = 200
"""A4 becomes 1654 x 2339 pixels, inside LONG_EDGE_PIXELS; larger sheets are bounded by that instead."""
PAGE_TARGET_BYTES: Final = 600 * KIB
"""75 seconds of a 64 kbit/s link."""
PAGE_QUALITIES: Final = (80, 70, 60)
PAGE_EDGES_PIXELS: Final = (LONG_EDGE_PIXELS, 2048, 1600)
"""Tried in turn, each with every quality, until a page fits PAGE_TARGET_BYTES; the last is kept anyway."""

SHOT_QUALITY: Final = 88
SHOT_BYTES: Final = 3 * MIB
"""A photo is kept at the station while its page may still be cut again: it never travels, so it may be ten times a
page; a second pass of JPEG over it is not to be seen."""

PREVIEW_EDGE_PIXELS: Final = 1000
PREVIEW_TARGET_BYTES: Final = 25_000
"""Three seconds of a 64 kbit/s link."""
PREVIEW_TRIES: Final = ((PREVIEW_EDGE_PIXELS, 40), (PREVIEW_EDGE_PIXELS, 10), (860, 8))
"""(long edge, quality), until a preview fits PREVIEW_TARGET_BYTES; the last is kept anyway. Quality gives way before
size: small strokes that are blurred can still be read, strokes that are gone cannot."""

ADDRESS_SPACE_BYTES: Final = 600 * MIB
ONE_PICTURE_CPU_SECONDS: Final = 20
MANY_PAGES_CPU_SECONDS: Final = 100
"""Fifty pages with previews at two seconds each on a slow station."""
WALL_SECONDS: Final = 130
OPEN_FILES: Final = 64
REPLY_BYTES: Final = 64 * KIB

SNIFF_BYTES: Final = 64

CODE_PAGES_MAX: Final = 3
CODES_MAX: Final = 8
CODE_CHARS_MAX: Final = 2_000
"""Of the QR codes that are read from one file; larger ones are none of ours."""


class Kind(StrEnum):
    """What is accepted, by media type."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    TIFF = "image/tiff"
    BMP = "image/bmp"
    PDF = "application/pdf"


class Mode(StrEnum):
    """PAGES makes clean page images of the file. CHECK proves that it opens and keeps its bytes (results). CODES makes
    nothing of it but the texts of the QR codes on its first pages. SHOT makes two of a photo: the page cut out of it,
    and the photo itself, bounded, from which it can be cut again. CUT makes the page only."""

    PAGES = "pages"
    CHECK = "check"
    CODES = "codes"
    SHOT = "shot"
    CUT = "cut"


class Fault(StrEnum):
    """Why a file gave no pages. The words for people are in `wording`."""

    EMPTY = "empty"
    TOO_BIG = "too_big"
    HEIC = "heic"
    ARCHIVE = "archive"
    UNSUPPORTED = "unsupported"
    NOT_A_RESULT = "not_a_result"
    NOT_A_PHOTO = "not_a_photo"
    BAD_CORNERS = "bad_corners"
    BROKEN = "broken"
    ENCRYPTED = "encrypted"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_PAGES = "too_many_pages"
    TOO_COSTLY = "too_costly"
    DISK_FULL = "disk_full"


MAX_PIXELS: Final = {
    Kind.JPEG: 64 * MEGAPIXEL,
    Kind.PNG: 40 * MEGAPIXEL,
    Kind.TIFF: 40 * MEGAPIXEL,
    Kind.BMP: 40 * MEGAPIXEL,
    Kind.WEBP: 14 * MEGAPIXEL,
}
"""By what decoding costs: 4 bytes a pixel (A4 at 600 dpi: 35 MP); JPEG shrinks on the way, WebP takes 16."""
MAX_PROGRESSIVE_PIXELS: Final = 24 * MEGAPIXEL
"""A progressive JPEG keeps all its coefficients in memory, 6 bytes a pixel, until the first row comes out."""

RESULT_KINDS: Final = frozenset({Kind.PDF, Kind.JPEG, Kind.PNG})
"""What every browser shows without a plug-in."""

assert max(MAX_PIXELS[k] * 4 for k in (Kind.PNG, Kind.TIFF, Kind.BMP)) < ADDRESS_SPACE_BYTES / 2
assert PAGE_EDGES_PIXELS[0] == LONG_EDGE_PIXELS
assert min(PAGE_EDGES_PIXELS) > PREVIEW_EDGE_PIXELS


class Refused(Exception):
    """This file gives no pages, and why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


_BY_START: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"II*\x00", Kind.TIFF),
    (b"MM\x00*", Kind.TIFF),
    (b"%PDF-", Kind.PDF),
)
_FOREIGN: Final[tuple[tuple[bytes, Fault], ...]] = (
    (b"PK\x03\x04", Fault.ARCHIVE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Fault.ARCHIVE),
    (b"Rar!\x1a\x07", Fault.ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", Fault.ARCHIVE),
)
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif"})


def sniff(head: bytes) -> Kind:
    """The kind that the first SNIFF_BYTES of a file announce; Refused for all that is not on the list."""
    if not head:
        raise Refused(Fault.EMPTY)
    for start, kind in _BY_START:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind.WEBP
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return Kind.BMP
    if head.lstrip(b"\xef\xbb\xbf\r\n\t \x00").startswith(b"%PDF-"):
        return Kind.PDF
    raise Refused(_foreign(head))


def _foreign(head: bytes) -> Fault:
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return Fault.HEIC
    return next((fault for start, fault in _FOREIGN if head.startswith(start)), Fault.UNSUPPORTED)


def check_pixels(kind: Kind, width: int, height: int, *, progressive: bool = False) -> None:
    """Refused if decoding a picture of this size would cost too much; call it before any pixel is decoded."""
    limit = MAX_PIXELS[kind]
    if progressive:
        limit = min(limit, MAX_PROGRESSIVE_PIXELS)
    if width < 1 or height < 1:
        raise Refused(Fault.BROKEN)
    if width * height > limit:
        raise Refused(Fault.TOO_MANY_PIXELS)


def bounded_size(width: int, height: int, long_edge: int) -> tuple[int, int]:
    """The same shape, its longer side at most `long_edge` pixels; never enlarged, never below one pixel."""
    longest = max(width, height)
    if longest <= long_edge:
        return width, height
    return max(1, round(width * long_edge / longest)), max(1, round(height * long_edge / longest))
