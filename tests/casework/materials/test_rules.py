from __future__ import annotations

import pytest

from casework.materials.rules import (
    MAX_PIXELS,
    Fault,
    Kind,
    Refused,
    bounded_size,
    check_pixels,
    sniff,
)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe1..Exif", Kind.JPEG),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Kind.PNG),
        (b"RIFF\x10\0\0\0WEBPVP8 ", Kind.WEBP),
        (b"II*\0\x08\0\0\0", Kind.TIFF),
        (b"MM\0*\0\0\0\x08", Kind.TIFF),
        (b"BM\x36\0\0\0\0\0\0\0\x36", Kind.BMP),
        (b"%PDF-1.7\n", Kind.PDF),
        (b"\xef\xbb\xbf\r\n%PDF-1.4", Kind.PDF),
    ],
)
def test_the_first_bytes_tell_the_kind(head: bytes, kind: Kind) -> None:
    assert sniff(head) is kind


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        (b"", Fault.EMPTY),
        (b"PK\x03\x04word/document.xml", Fault.ARCHIVE),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Fault.ARCHIVE),
        (b"\0\0\0\x18ftypheic\0\0\0\0", Fault.HEIC),
        (b"MZ\x90\0\x03", Fault.UNSUPPORTED),
        (b"\x7fELF\x02\x01", Fault.UNSUPPORTED),
        (b"<html><script>", Fault.UNSUPPORTED),
        (b"<?xml version='1.0'?><svg>", Fault.UNSUPPORTED),
        (b"GIF89a", Fault.UNSUPPORTED),
        (b"BMW 530", Fault.UNSUPPORTED),
        (b"<script>%PDF-", Fault.UNSUPPORTED),
        (b"\xff\xd8", Fault.UNSUPPORTED),
    ],
)
def test_everything_else_is_refused_with_its_reason(head: bytes, fault: Fault) -> None:
    with pytest.raises(Refused) as refused:
        sniff(head)
    assert refused.value.fault is fault


def test_the_pixel_limit_is_exact() -> None:
    limit = MAX_PIXELS[Kind.PNG]
    check_pixels(Kind.PNG, limit, 1)
    with pytest.raises(Refused, match=Fault.TOO_MANY_PIXELS):
        check_pixels(Kind.PNG, limit + 1, 1)
    with pytest.raises(Refused, match=Fault.BROKEN):
        check_pixels(Kind.PNG, 0, 10)


def test_a_progressive_jpeg_is_held_to_less() -> None:
    check_pixels(Kind.JPEG, 8000, 6000)
    with pytest.raises(Refused, match=Fault.TOO_MANY_PIXELS):
        check_pixels(Kind.JPEG, 8000, 6000, progressive=True)


@pytest.mark.parametrize(
    ("size", "bounded"),
    [
        ((4000, 3000), (2560, 1920)),
        ((3000, 4000), (1920, 2560)),
        ((800, 600), (800, 600)),
        ((90000, 1), (2560, 1)),
    ],
)
def test_the_long_edge_is_bounded_and_nothing_vanishes(size: tuple[int, int], bounded: tuple[int, int]) -> None:
    assert bounded_size(*size, 2560) == bounded
