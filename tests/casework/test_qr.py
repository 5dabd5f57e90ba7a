"""QR codes as old scanners and thermal paper need them; read back by zxing-cpp."""

from __future__ import annotations

import io
import math
import random

import pytest
import zxingcpp
from PIL import Image

from casework.qr import MAX_VERSION, QUIET_MODULES, qr_png, qr_side, qr_svg

ROLL_DOTS = 576
"""What a printer of 80 mm rolls prints: 72 mm at 203 dots an inch."""
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_RNG = random.Random(6)
_CODE, _SLIP = ("".join(_RNG.choices(_ALPHABET, k=length)) for length in (26, 420))
CASE = f"https://lianban.county.example/q/{_CODE}#{_SLIP}"


def read(image: Image.Image) -> str | None:
    found = zxingcpp.read_barcodes(image)
    return found[0].text if found else None


def picture(text: str, dots: int) -> Image.Image:
    return Image.open(io.BytesIO(qr_png(text, dots))).convert("L")


def on_roll(text: str) -> Image.Image:
    """A strip of roll with the QR as large as it goes."""
    code = picture(text, ROLL_DOTS // qr_side(text))
    strip = Image.new("L", (ROLL_DOTS, code.height + 40), 255)
    strip.paste(code, ((ROLL_DOTS - code.width) // 2, 20))
    return strip


@pytest.mark.parametrize("text", [CASE, "q/" + CASE.split("/q/")[1], "HTTPS://A.CN/Q/B", "a", "12345", "x" * 300])
def test_what_is_drawn_is_read(text: str) -> None:
    assert read(picture(text, 4)) == text


def test_the_longest_agreed_text_fits_and_is_read_from_a_roll() -> None:
    text = CASE + "A" * (500 - len(CASE))
    assert len(text) == 500
    assert qr_side(text) <= 17 + 4 * MAX_VERSION + 2 * QUIET_MODULES
    assert ROLL_DOTS // qr_side(text) >= 5, "thinner modules than five dots bleed into each other on thermal paper"
    assert read(on_roll(text)) == text


def test_capitals_go_in_alphanumeric_mode() -> None:
    assert qr_side(CASE) < qr_side(CASE[:33] + CASE[33:].lower())


def test_where_the_better_level_does_not_fit_the_smaller_one_is_taken() -> None:
    text = "x" * 600
    assert qr_side(text) == 17 + 4 * 19 + 2 * QUIET_MODULES, "600 bytes are 19-M; at level Q they would be past 20"
    assert read(picture(text, 3)) == text


@pytest.mark.parametrize("text", ["", "张三", "x" * 700, "A" * 1001, "x" * 100_000])
def test_what_no_old_scanner_reads_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="QR"):
        qr_svg(text)
    with pytest.raises(ValueError, match="QR"):
        qr_png(text, 4)


def test_the_svg_is_the_same_picture_without_script_style_or_address() -> None:
    svg = qr_svg(CASE)
    assert "script" not in svg and "style" not in svg and "data:" not in svg and "href" not in svg
    side = qr_side(CASE)
    drawn = Image.new("L", (side, side), 255)
    for stroke in svg.split('fill="#000" d="M')[1].split('"')[0].split("M"):
        corner, _, rest = stroke.partition("h")
        x, y = map(int, corner.split())
        for dx in range(int(rest.split("v")[0])):
            drawn.putpixel((x + dx, y), 0)
    assert drawn.tobytes() == picture(CASE, 1).tobytes()


def stained(ink: str, x: float, y: float, seed: int) -> Image.Image:
    """The QR of CASE with a round stain over a tenth of its modules, the middle at x, y (0 to 1 of the room that
    keeps it inside)."""
    dots, rng = 5, random.Random(seed)
    image = picture(CASE, dots)
    side = qr_side(CASE) - 2 * QUIET_MODULES
    radius = math.sqrt(side * side / 10 / math.pi)
    cx, cy = (radius + part * (side - 2 * radius) for part in (x, y))
    spoilt = 0
    for row in range(side):
        for column in range(side):
            if (column + 0.5 - cx) ** 2 + (row + 0.5 - cy) ** 2 < radius**2:
                spoilt += 1
                shade = {"white": 255, "black": 0, "noise": rng.choice((0, 255))}[ink]
                at = ((column + QUIET_MODULES) * dots, (row + QUIET_MODULES) * dots)
                image.paste(shade, (*at, at[0] + dots, at[1] + dots))
    assert abs(spoilt / side**2 - 0.1) < 0.005
    return image


# The three finder patterns are spared: they are how a reader sees that there is a symbol, no level mends them.
_PLACES = [(0.5, 0.5), (1, 1), (0.5, 0), (0, 0.5), (1, 0.5), (0.5, 1), (0.3, 0.6), (0.8, 0.8)]


@pytest.mark.parametrize("ink", ["white", "black", "noise"])
@pytest.mark.parametrize("place", _PLACES)
def test_a_stain_over_a_tenth_of_it_does_not_matter(ink: str, place: tuple[float, float]) -> None:
    for seed in range(3 if ink == "noise" else 1):
        assert read(stained(ink, *place, seed)) == CASE


def test_crumbs_of_several_modules_that_spoil_a_tenth_do_not_matter() -> None:
    """Twelve spots in seeded places. Single modules flipped at random are another thing: they hit more than half of
    the codewords at a tenth (1 - 0.9**8), which no level mends."""
    dots, read_back = 5, 0
    side = qr_side(CASE) - 2 * QUIET_MODULES
    spot = round(math.sqrt(side * side / 10 / 12))
    for seed in range(20):
        rng, image = random.Random(seed), picture(CASE, dots)
        made: list[tuple[int, int]] = []
        while len(made) < 12:
            x, y = rng.randrange(side - spot), rng.randrange(side - spot)
            finder = (x < 9 or x + spot > side - 9) and (y < 9 or y + spot > side - 9) and not (x > 9 and y > 9)
            if finder or any(abs(x - a) < spot and abs(y - b) < spot for a, b in made):
                continue
            made.append((x, y))
            at = ((x + QUIET_MODULES) * dots, (y + QUIET_MODULES) * dots)
            image.paste(255, (*at, at[0] + spot * dots, at[1] + spot * dots))
        read_back += read(image) == CASE
    assert read_back >= 18
