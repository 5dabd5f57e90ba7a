"""The four corners of a sheet on a photo, and the perspective that lays it flat. Pure.

Corners are whole ten-thousandths of the upright picture's width and height, so that they fit it at any size. They are
named as they are seen: top left, top right, bottom right, bottom left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

SCALE: Final = 10_000
LEAST_AREA: Final = 2 * SCALE * SCALE // 100
"""A fiftieth of the picture: less is a slip of the finger."""
LEAST_SIDE: Final = 300
TURNS: Final = (0, 90, 180, 270)
"""Clockwise degrees."""

Point = tuple[int, int]
Place = tuple[float, float]
_SHAPE: Final = re.compile(r"-?[0-9]{1,6}(,-?[0-9]{1,6}){7}", re.ASCII)


class BadQuad(ValueError):
    """These corners do not make a sheet; `reason` is one of the words below."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


UNREADABLE: Final = "unreadable"
OUTSIDE: Final = "outside"
CROSSED: Final = "crossed"
TINY: Final = "tiny"


@dataclass(frozen=True, slots=True)
class Quad:
    """Four corners that make a sheet: inside the picture, convex, in order, not tiny. `quad_of` checks it."""

    corners: tuple[Point, Point, Point, Point]

    @property
    def text(self) -> str:
        return ",".join(f"{x},{y}" for x, y in self.corners)

    def on(self, width: int, height: int) -> tuple[Place, Place, Place, Place]:
        """The corners in pixels of a picture of this size."""
        a, b, c, d = ((x * width / SCALE, y * height / SCALE) for x, y in self.corners)
        return a, b, c, d


WHOLE: Final = Quad(((0, 0), (SCALE, 0), (SCALE, SCALE), (0, SCALE)))


def quad_of(text: str) -> Quad:
    """Corners as a form carries them, "x,y,x,y,x,y,x,y". Raises BadQuad."""
    if _SHAPE.fullmatch(text) is None:
        raise BadQuad(UNREADABLE)
    numbers = [int(part) for part in text.split(",")]
    if not all(0 <= number <= SCALE for number in numbers):
        raise BadQuad(OUTSIDE)
    a, b, c, d = zip(numbers[::2], numbers[1::2], strict=True)
    ring = (a, b, c, d, a, b)
    if any(_turn(ring[n], ring[n + 1], ring[n + 2]) <= 0 for n in range(4)):
        raise BadQuad(CROSSED)
    sides = [(q[0] - p[0]) ** 2 + (q[1] - p[1]) ** 2 for p, q in pairwise(ring[:5])]
    if _turn(a, b, c) + _turn(a, c, d) < 2 * LEAST_AREA or min(sides) < LEAST_SIDE**2:
        raise BadQuad(TINY)
    return Quad((a, b, c, d))


def _turn(a: Point, b: Point, c: Point) -> int:
    """Above 0 where the way from a over b to c bends clockwise, y pointing down; twice the triangle's area."""
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])


def flat_size(corners: tuple[Place, Place, Place, Place]) -> tuple[int, int]:
    """Width and height of the sheet once it lies flat, from the longer of each two opposite sides; in pixels."""
    a, b, c, d = corners
    width, height = max(_length(a, b), _length(d, c)), max(_length(a, d), _length(b, c))
    return max(1, round(width)), max(1, round(height))


def _length(p: Place, q: Place) -> float:
    return float(((q[0] - p[0]) ** 2 + (q[1] - p[1]) ** 2) ** 0.5)


def perspective(corners: tuple[Place, Place, Place, Place], width: int, height: int) -> tuple[float, ...]:
    """Coefficients (a..h) of the way from the flat sheet of this size back into the photo:
    x' = (ax + by + c) / (gx + hy + 1), y' = (dx + ey + f) / (gx + hy + 1).

    After P. Heckbert, Fundamentals of Texture Mapping and Image Warping (1989), 2.2.3. `corners` is convex.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
    dx1, dx2, dy1, dy2 = x1 - x2, x3 - x2, y1 - y2, y3 - y2
    sx, sy = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    area = dx1 * dy2 - dx2 * dy1
    g, h = (sx * dy2 - dx2 * sy) / area, (dx1 * sy - sx * dy1) / area
    a, b = x1 - x0 + g * x1, x3 - x0 + h * x3
    d, e = y1 - y0 + g * y1, y3 - y0 + h * y3
    return a / width, b / height, x0, d / width, e / height, y0, g / width, h / height


@dataclass(frozen=True, slots=True)
class Cut:
    """How a page is made of a photo: the sheet's corners, then turned clockwise."""

    quad: Quad = WHOLE
    turn: int = 0

    @property
    def nothing(self) -> bool:
        """Whether the photo is the page."""
        return self.quad == WHOLE and self.turn == 0

    @property
    def text(self) -> str:
        return f"{self.quad.text};{self.turn}"


def cut_of(text: str) -> Cut:
    """Inverse of `Cut.text`; also the bare corners. Raises BadQuad."""
    corners, _, turn = text.partition(";")
    if turn not in ("", *map(str, TURNS)):
        raise BadQuad(UNREADABLE)
    return Cut(quad_of(corners), int(turn or "0"))
