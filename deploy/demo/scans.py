"""Scanned pages for the demo: rendered forms with camera noise, so that they weigh what real scans weigh."""

from __future__ import annotations

import io
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

A4_AT_150_DPI = (1240, 1753)
_FONTS = (
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
)


def page(title: str, lines: list[str], seed: int) -> bytes:
    """One A4 page at 150 dpi as JPEG; Chinese is drawn where the system has a font for it."""
    rng = random.Random(seed)
    image = Image.new("RGB", A4_AT_150_DPI, (246, 244, 238))
    draw = ImageDraw.Draw(image)
    font, heading = _font(34), _font(54)
    draw.text((140, 130), title, fill=(20, 20, 24), font=heading)
    for row, line in enumerate(lines):
        top = 280 + row * 84
        draw.line((130, top + 62, 1110, top + 62), fill=(120, 120, 120), width=2)
        draw.text((150, top), line, fill=(30, 30, 40), font=font)
    noise = Image.frombytes("L", (310, 438), rng.randbytes(310 * 438)).resize(A4_AT_150_DPI)
    image = Image.blend(image, Image.merge("RGB", (noise, noise, noise)), 0.06)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def document(title: str, lines: list[str]) -> bytes:
    """A one-page PDF, as a county would attach as the result."""
    picture = Image.open(io.BytesIO(page(title, lines, 0)))
    out = io.BytesIO()
    picture.save(out, "PDF", resolution=150)
    return out.getvalue()


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for path in _FONTS:
        if Path(path).exists():
            return ImageFont.truetype(path, size)
    return ImageFont.load_default(size)
