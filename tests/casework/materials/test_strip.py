from __future__ import annotations

import io

import pytest
from PIL import Image

from casework.materials.rules import Refused
from casework.materials.strip import PNG_PIXELS, jpeg_pixels, png_parts
from tests.casework.materials import samples


def pixels(data: bytes) -> bytes:
    return Image.open(io.BytesIO(data)).tobytes()


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_keeps_its_pixels_and_loses_all_else(progressive: bool) -> None:
    data = samples.jpeg(samples.photo(300, 200), progressive=progressive) + b"trailing video" + samples.GPS_MARK
    bare = jpeg_pixels(data)
    assert samples.GPS_MARK in data and samples.GPS_MARK not in bare and b"Exif" not in bare
    assert bare.endswith(b"\xff\xd9") and b"trailing" not in bare
    assert pixels(bare) == pixels(data)


def test_a_cmyk_jpeg_keeps_the_mark_that_its_colours_need() -> None:
    data = samples.encoded(samples.corner_marked(64, 64).convert("CMYK"), "JPEG")
    assert pixels(jpeg_pixels(data)) == pixels(data)


@pytest.mark.parametrize("cut", [1, 2, 3, 19, 21, 200, 1000, -1, -2, -3])
def test_a_jpeg_cut_anywhere_is_refused(cut: int) -> None:
    data = samples.jpeg(samples.photo(300, 200))
    with pytest.raises(Refused):
        jpeg_pixels(data[:cut])


def test_a_png_keeps_its_pixels_and_loses_all_else() -> None:
    text = samples.png_chunk(b"tEXt", b"Comment\0" + samples.GPS_MARK)
    data = samples.png(40, 30, text) + b"behind the end"
    bare = png_parts(data, PNG_PIXELS)
    assert samples.GPS_MARK not in bare and b"behind" not in bare
    assert bare == samples.png(40, 30)
    assert pixels(bare) == pixels(data)


@pytest.mark.parametrize("cut", [0, 8, 20, 40, -1, -13])
def test_a_png_cut_anywhere_is_refused(cut: int) -> None:
    with pytest.raises(Refused):
        png_parts(samples.png(40, 30)[:cut], PNG_PIXELS)
