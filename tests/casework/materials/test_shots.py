"""A sheet on a desk, photographed from the side, comes out straight; what cannot be cut is said in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from casework.errors import BadInput
from casework.materials import child
from casework.materials.opening import PageFile, open_material
from casework.materials.quad import SCALE, WHOLE, Cut, Quad, quad_of
from casework.materials.rules import LONG_EDGE_PIXELS, PAGE_TARGET_BYTES, Fault, Mode
from casework.materials.wording import problem_for
from tests.casework.materials import samples

DESK, PAPER, INK = (30, 60, 50), (250, 250, 245), (0, 0, 0)
MARKS = ((200, 0, 0), (0, 150, 0), (0, 0, 200), (170, 0, 170))
SHEET = ((420, 180), (1500, 240), (1620, 1330), (330, 1260))
CUT = Cut(quad_of(",".join(f"{x * SCALE // 2000},{y * SCALE // 1500}" for x, y in SHEET)))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def on_a_desk() -> Image.Image:
    """A sheet seen from the side: a mark in each corner, and its two diagonals, which stay straight lines."""
    seen = Image.new("RGB", (2000, 1500), DESK)
    draw = ImageDraw.Draw(seen)
    draw.polygon(SHEET, fill=PAPER)
    draw.line((*SHEET[0], *SHEET[2]), fill=INK, width=14)
    draw.line((*SHEET[1], *SHEET[3]), fill=INK, width=14)
    for at, colour in enumerate(MARKS):
        corner, before, after = SHEET[at], SHEET[at - 1], SHEET[(at + 1) % 4]
        draw.polygon((corner, _towards(corner, before), _towards(corner, after)), fill=colour)
    return seen


def _towards(start: tuple[int, int], end: tuple[int, int]) -> tuple[int, int]:
    return start[0] + (end[0] - start[0]) // 4, start[1] + (end[1] - start[1]) // 4


def cut_out(out: Path, data: bytes, cut: Cut, mode: Mode = Mode.SHOT) -> list[PageFile]:
    return open_material(samples.put(out.parent, data), out, name="材料.jpg", mode=mode, cut=cut)


def close_to(seen: object, wanted: tuple[int, int, int]) -> bool:
    assert isinstance(seen, tuple)
    return all(abs(a - b) < 40 for a, b in zip(seen, wanted, strict=True))


def test_a_sheet_seen_from_the_side_comes_out_straight(out: Path) -> None:
    page, photo = cut_out(out, samples.jpeg(on_a_desk()), CUT)
    with Image.open(page.path) as flat:
        width, height = flat.size
        assert (width, height) == (1292, 1096)  # the longer of each two opposite sides
        inset = 12
        places = ((inset, inset), (width - inset, inset), (width - inset, height - inset), (inset, height - inset))
        for place, colour in zip(places, MARKS, strict=True):
            assert close_to(flat.getpixel(place), colour), place
        # The crossing of the diagonals is the middle of the sheet, however it was seen.
        assert close_to(flat.getpixel((width // 2, height // 2)), INK)
        for across in (0.35, 0.65):
            assert close_to(flat.getpixel((round(across * width), round(across * height))), INK)
            assert close_to(flat.getpixel((round(across * width), height - round(across * height))), INK)
            assert close_to(flat.getpixel((round(across * width), height // 2)), PAPER)
        edges = [(x, y) for x in range(8, width, 40) for y in (5, height - 5)]
        assert not any(close_to(flat.getpixel(place), DESK) for place in edges)
    assert page.preview is not None and page.length_bytes <= PAGE_TARGET_BYTES
    assert photo.preview is None and (photo.width, photo.height) == (2000, 1500)
    with Image.open(photo.path) as kept:
        assert close_to(kept.getpixel((5, 5)), DESK)


@pytest.mark.parametrize(("turn", "first"), [(90, MARKS[3]), (180, MARKS[2]), (270, MARKS[1])])
def test_a_turn_is_clockwise_and_comes_after_the_cut(out: Path, turn: int, first: tuple[int, int, int]) -> None:
    (page,) = cut_out(out, samples.jpeg(on_a_desk()), Cut(CUT.quad, turn), Mode.CUT)
    with Image.open(page.path) as flat:
        assert flat.size == ((1096, 1292) if turn != 180 else (1292, 1096))
        assert close_to(flat.getpixel((12, 12)), first)


def test_the_kept_photo_is_bounded_bare_and_cuts_the_same_again(out: Path) -> None:
    large = on_a_desk().resize((4000, 3000))
    page, photo = cut_out(out, samples.jpeg(large, orientation=6), Cut(WHOLE, 90))
    assert max(photo.width, photo.height) == LONG_EDGE_PIXELS and photo.width < photo.height
    assert samples.GPS_MARK not in photo.path.read_bytes() and samples.GPS_MARK not in page.path.read_bytes()
    (again,) = cut_out(out, photo.path.read_bytes(), Cut(WHOLE, 90), Mode.CUT)
    assert (again.width, again.height) == (page.width, page.height)


def test_the_same_photo_gives_the_same_page_byte_for_byte(out: Path) -> None:
    data = samples.jpeg(on_a_desk())
    first, second = (cut_out(out, data, CUT)[0].path.read_bytes() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("mode", [Mode.SHOT, Mode.CUT])
@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (samples.pdf(1), Fault.NOT_A_PHOTO),
        (samples.encoded(samples.photo(300, 300), "TIFF"), Fault.NOT_A_PHOTO),
        (samples.jpeg(samples.photo(900, 900))[:6000], Fault.BROKEN),
        (samples.png(50_000, 50_000, rows=1), Fault.TOO_MANY_PIXELS),
    ],
)
def test_what_cannot_be_cut_is_refused_and_leaves_nothing(out: Path, mode: Mode, data: bytes, fault: Fault) -> None:
    with pytest.raises(BadInput) as bad:
        cut_out(out, data, CUT, mode)
    assert bad.value.problems == (problem_for(fault, name="材料.jpg", field="materials"),)
    assert list(out.iterdir()) == []


def test_the_child_checks_the_corners_itself(out: Path) -> None:
    crossed = Cut(Quad(((0, 0), (SCALE, SCALE), (SCALE, 0), (0, SCALE))))
    with pytest.raises(BadInput) as bad:
        cut_out(out, samples.jpeg(samples.photo(300, 300)), crossed)
    assert bad.value.problems == (problem_for(Fault.BAD_CORNERS, name="材料.jpg", field="materials"),)
    source = samples.put(out.parent, samples.jpeg(samples.photo(300, 300)))
    assert child.reply(source, out, Mode.CUT, "nonsense") == {"problem": "bad_corners"}
