"""JPEG and PNG files without their metadata, the compressed pixels untouched. Pure.

Neither walk parses or inflates what it drops: EXIF (GPS), XMP, comments, colour profiles, thumbnails,
animation and whatever hangs behind the end of the picture.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from casework.materials.rules import Fault, Refused

PNG_START: Final = b"\x89PNG\r\n\x1a\n"
PNG_PIXELS: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
PNG_WITH_ORIENTATION: Final = PNG_PIXELS | {b"eXIf"}

_JFIF, _ADOBE, _COMMENT = 0xE0, 0xEE, 0xFE
_PLAIN_JFIF: Final = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
"""Says that colours are YCbCr; without the thumbnail that the original may carry."""
_SCAN, _END = 0xDA, 0xD9


def png_parts(data: bytes, wanted: frozenset[bytes]) -> bytes:
    """The chunks of a PNG whose types are `wanted`, up to IEND. Raises Refused if they do not add up."""
    if not data.startswith(PNG_START):
        raise Refused(Fault.BROKEN)
    kept = [PNG_START]
    for name, chunk in _png_chunks(data):
        if name in wanted:
            kept.append(chunk)
        if name == b"IEND":
            return b"".join(kept)
    raise Refused(Fault.BROKEN)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(PNG_START)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 12 + length
        if end > len(data):
            raise Refused(Fault.BROKEN)
        yield data[at + 4 : at + 8], data[at:end]
        at = end


def jpeg_pixels(data: bytes) -> bytes:
    """A JPEG from SOI to EOI: tables, frames, scans, and the Adobe colour mark, which decoding needs.

    Raises Refused(BROKEN) when the segments do not add up or the end mark is missing.
    """
    if not data.startswith(b"\xff\xd8"):
        raise Refused(Fault.BROKEN)
    kept, at = [b"\xff\xd8"], 2
    while True:
        at = _next_marker(data, at)
        marker = data[at + 1]
        if marker == _END:
            kept.append(b"\xff\xd9")
            return b"".join(kept)
        end = _segment_end(data, at)
        if marker == _SCAN:
            end = _scan_end(data, end)
        kept.append(_kept_segment(marker, data[at:end]))
        at = end


def _kept_segment(marker: int, segment: bytes) -> bytes:
    if marker == _JFIF:
        return _PLAIN_JFIF if segment[4:9] == b"JFIF\x00" else b""
    if marker == _COMMENT or (0xE0 <= marker <= 0xEF and marker != _ADOBE):
        return b""
    return segment


def _next_marker(data: bytes, at: int) -> int:
    """Skips fill bytes; a marker must stand here."""
    while at + 1 < len(data) and data[at] == 0xFF and data[at + 1] == 0xFF:
        at += 1
    if at + 1 >= len(data) or data[at] != 0xFF or data[at + 1] < 0xC0 or 0xD0 <= data[at + 1] <= 0xD8:
        raise Refused(Fault.BROKEN)
    return at


def _segment_end(data: bytes, at: int) -> int:
    if at + 4 > len(data):
        raise Refused(Fault.BROKEN)
    (length,) = struct.unpack_from(">H", data, at + 2)
    end = at + 2 + int(length)
    if length < 2 or end > len(data):
        raise Refused(Fault.BROKEN)
    return end


def _scan_end(data: bytes, at: int) -> int:
    """Where entropy-coded data stop: the first FF that is not stuffed (FF 00), a restart mark or fill."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise Refused(Fault.BROKEN)
        follower = data[at + 1]
        if follower == 0xFF:
            at += 1
        elif follower == 0 or 0xD0 <= follower <= 0xD7:
            at += 2
        else:
            return at
