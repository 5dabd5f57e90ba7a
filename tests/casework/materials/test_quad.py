"""Corners: what makes a sheet, and that the perspective takes each corner to its place and straight lines to lines."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from casework.materials.quad import (
    CROSSED,
    OUTSIDE,
    SCALE,
    TINY,
    TURNS,
    UNREADABLE,
    WHOLE,
    BadQuad,
    Cut,
    Quad,
    cut_of,
    flat_size,
    perspective,
    quad_of,
)

near, far = st.integers(0, SCALE * 4 // 10), st.integers(SCALE * 6 // 10, SCALE)
quads: Any = st.tuples(st.tuples(near, near), st.tuples(far, near), st.tuples(far, far), st.tuples(near, far)).map(Quad)
sizes = st.integers(1, 2560)


def reason_of(text: str) -> str:
    with pytest.raises(BadQuad) as bad:
        quad_of(text)
    return bad.value.reason


def sent_back(ways: tuple[float, ...], x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f, g, h = ways
    under = g * x + h * y + 1
    return (a * x + b * y + c) / under, (d * x + e * y + f) / under


@given(quads, sizes, sizes, sizes, sizes)
def test_every_corner_of_the_flat_page_comes_from_its_corner_of_the_sheet(
    quad: Quad, width: int, height: int, photo_width: int, photo_height: int
) -> None:
    corners = quad.on(photo_width, photo_height)
    assume(_convex(corners))
    ways = perspective(corners, width, height)
    for place, corner in zip(((0, 0), (width, 0), (width, height), (0, height)), corners, strict=True):
        assert math.dist(sent_back(ways, *place), corner) < 1e-6 * max(photo_width, photo_height)


@given(quads, sizes, sizes, st.floats(0, 1), st.floats(0, 1))
def test_no_point_of_the_flat_page_comes_from_beside_the_sheet(
    quad: Quad, width: int, height: int, across: float, down: float
) -> None:
    corners = quad.on(1000, 1000)
    assume(_convex(corners))
    x, y = sent_back(perspective(corners, width, height), across * width, down * height)
    ring = (*corners, corners[0])
    for (px, py), (qx, qy) in pairwise(ring):
        assert (qx - px) * (y - py) - (qy - py) * (x - px) >= -1e-5


@given(sizes, sizes)
def test_the_whole_photo_stays_as_it_is(width: int, height: int) -> None:
    corners = WHOLE.on(width, height)
    assert flat_size(corners) == (width, height)
    assert perspective(corners, width, height) == pytest.approx((1, 0, 0, 0, 1, 0, 0, 0))


@given(quads, st.sampled_from(TURNS))
def test_a_cut_comes_back_from_its_text(quad: Quad, turn: int) -> None:
    assume(not _reason(Cut(quad, turn).text))
    assert cut_of(Cut(quad, turn).text) == Cut(quad, turn)


@given(st.text(max_size=60))
def test_any_text_is_a_cut_or_is_refused(text: str) -> None:
    assert _reason(text) in ("", UNREADABLE, OUTSIDE, CROSSED, TINY)


@given(quads)
def test_corners_in_another_order_are_refused(quad: Quad) -> None:
    a, b, c, d = quad.corners
    assert reason_of(Quad((a, c, b, d)).text) == CROSSED
    assert reason_of(Quad((d, c, b, a)).text) == CROSSED


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", UNREADABLE),
        ("0,0,10000,0,10000,10000,0", UNREADABLE),
        ("0,0,10000,0,10000,10000,0,1e3", UNREADABLE),
        ("0,0,10000,0,10000,10000,0,٣", UNREADABLE),
        ("0,0,9999999,0,10000,10000,0,10000", UNREADABLE),
        ("-1,0,10000,0,10000,10000,0,10000", OUTSIDE),
        ("0,0,10001,0,10000,10000,0,10000", OUTSIDE),
        ("0,0,10000,0,2000,2000,0,10000", CROSSED),  # one corner is bent inwards
        ("0,0,5000,5000,10000,10000,0,10000", CROSSED),  # three on a line
        ("0,0,10000,0,10000,100,0,100", TINY),
        ("4000,4000,5000,4000,5000,5000,4000,5000", TINY),
    ],
)
def test_what_is_no_sheet_is_refused_by_its_reason(text: str, reason: str) -> None:
    assert reason_of(text) == reason


@pytest.mark.parametrize("turn", ["45", "-90", "360", "90;", " 90"])
def test_only_quarter_turns_are_known(turn: str) -> None:
    with pytest.raises(BadQuad):
        cut_of(f"{WHOLE.text};{turn}")


def _reason(text: str) -> str:
    try:
        cut_of(text)
    except BadQuad as bad:
        return bad.reason
    return ""


def _convex(corners: tuple[tuple[float, float], ...]) -> bool:
    ring = (*corners, *corners[:2])
    return all(
        (ring[n + 1][0] - ring[n][0]) * (ring[n + 2][1] - ring[n + 1][1])
        - (ring[n + 1][1] - ring[n][1]) * (ring[n + 2][0] - ring[n + 1][0])
        > 1e-3
        for n in range(4)
    )
