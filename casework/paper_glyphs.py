"""Which characters the papers' font draws, and pictures of those it does not."""

from __future__ import annotations

import io
from functools import cache, lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

FONT = Path(__file__).parent / "fonts" / "NotoSansSC-Regular.ttf"
"""Brought by deploy/fonts.sh."""
RARE_FONTS = tuple(Path("/usr/share/fonts/truetype/hanazono") / name for name in ("HanaMinB.ttf", "HanaMinA.ttf"))
"""Debian's fonts-hanazono, where it is installed: Unicode's ideographs up to extension F."""
_EM = 128
"""Pixels of a character's square: 300 dots an inch at 30 points."""


@cache
def _characters(font: Path) -> frozenset[int]:
    with TTFont(font, lazy=True) as opened:
        return frozenset(opened.getBestCmap())


def is_drawn(char: str) -> bool:
    """Whether the papers' own font has this character."""
    return ord(char) in _characters(FONT)


@lru_cache(maxsize=512)
def picture(char: str, fonts: tuple[Path, ...] = RARE_FONTS) -> bytes:
    """A character as a PNG of _EM pixels each way, grey on white: from the first of these fonts that has it, else a box
    with its code point."""
    font = next((font for font in fonts if font.is_file() and ord(char) in _characters(font)), None)
    square = Image.new("L", (_EM, _EM), 255)
    draw = ImageDraw.Draw(square)
    if font is not None:
        # Anchored in the middle: fonts put their ideographs at different heights.
        draw.text((_EM / 2, _EM / 2), char, font=ImageFont.truetype(font, _EM - 4), fill=0, anchor="mm")
    else:
        _boxed(draw, f"{ord(char):04X}")
    out = io.BytesIO()
    square.save(out, "PNG")
    return out.getvalue()


def _boxed(draw: ImageDraw.ImageDraw, code: str) -> None:
    draw.rectangle((6, 6, _EM - 7, _EM - 7), outline=0, width=5)
    half = (len(code) + 1) // 2
    font = ImageFont.truetype(FONT, 44)
    for row, part in ((0.3, code[:half]), (0.7, code[half:])):
        draw.text((_EM / 2, _EM * row), part, font=font, fill=0, anchor="mm")
