"""Real children over good and hostile files: each ends as pages or as words, and leaves nothing behind."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from casework.errors import BadInput
from casework.materials.opening import CHILD_PROGRAM, PageFile, open_material
from casework.materials.rules import (
    LONG_EDGE_PIXELS,
    MAX_UPLOAD_BYTES,
    PAGE_TARGET_BYTES,
    PREVIEW_EDGE_PIXELS,
    PREVIEW_TARGET_BYTES,
    Fault,
    Mode,
    bounded_size,
)
from casework.materials.wording import problem_for
from tests.casework.materials import samples

# A process between: a child starts with the memory peak of whoever forks it, and pytest's is not meant.
METER = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[2:])
_, status, used = os.wait4(child.pid, 0)
open(sys.argv[1], "w").write(str(used.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status) & 127)
"""
MAX_CHILD_RSS_KIB = 300 * 1000


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def opened(out: Path, data: bytes, mode: Mode = Mode.PAGES, name: str = "材料.jpg") -> list[PageFile]:
    return open_material(samples.put(out.parent, data), out, name=name, mode=mode)


def assert_refused(out: Path, data: bytes, fault: Fault, mode: Mode = Mode.PAGES) -> None:
    with pytest.raises(BadInput) as bad:
        opened(out, data, mode)
    assert bad.value.problems == (problem_for(fault, name="材料.jpg", field="materials"),)
    assert list(out.iterdir()) == []


def peak_kib(out: Path, data: bytes) -> tuple[int, list[PageFile]]:
    note = out.parent / "peak"
    program = (sys.executable, "-I", "-c", METER, str(note), *CHILD_PROGRAM)
    pages = open_material(samples.put(out.parent, data), out, name="a", program=program)
    return int(note.read_text()), pages


def looks(page: PageFile) -> Image.Image:
    """The page as anyone would open it, after what is promised of every page was checked."""
    data = page.path.read_bytes()
    assert len(data) == page.length_bytes <= PAGE_TARGET_BYTES
    assert samples.GPS_MARK not in data and b"Exif" not in data
    picture = Image.open(io.BytesIO(data))
    assert picture.size == (page.width, page.height) and max(picture.size) <= LONG_EDGE_PIXELS
    assert Image.MIME[picture.format or ""] == page.media_type
    assert_preview(page, picture)
    return picture.convert("RGB")


def assert_preview(page: PageFile, picture: Image.Image) -> None:
    """Small, WebP, of the page's shape, the same way up, and without what a camera says about itself."""
    assert page.preview is not None
    data = page.preview.read_bytes()
    assert samples.GPS_MARK not in data and b"EXIF" not in data and len(data) <= PREVIEW_TARGET_BYTES
    preview = Image.open(io.BytesIO(data))
    assert preview.format == "WEBP" and max(preview.size) <= PREVIEW_EDGE_PIXELS
    assert preview.size == bounded_size(*picture.size, max(preview.size))
    small = picture.convert("L").resize((8, 8), Image.Resampling.BOX)
    again = preview.convert("L").resize((8, 8), Image.Resampling.BOX)
    assert max(abs(a - b) for a, b in zip(small.tobytes(), again.tobytes(), strict=True)) < 40


def is_red(pixel: object) -> bool:
    assert isinstance(pixel, tuple)
    return bool(pixel[0] > 180 and pixel[1] < 80)


# Where the camera's top left block must end up, as (right, bottom), for each EXIF orientation.
CORNERS = {
    1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1),
}  # fmt: skip


@pytest.mark.parametrize(("orientation", "corner"), CORNERS.items())
def test_a_photo_is_turned_upright_and_forgets_where_it_was_taken(
    out: Path, orientation: int, corner: tuple[int, int]
) -> None:
    data = samples.jpeg(samples.corner_marked(400, 200), orientation=orientation)
    assert samples.GPS_MARK in data
    (page,) = opened(out, data)
    picture = looks(page)
    assert picture.size == ((200, 400) if orientation >= 5 else (400, 200))
    reds = [
        (right, bottom)
        for right in (0, 1)
        for bottom in (0, 1)
        if is_red(picture.getpixel((10 + right * (picture.width - 20), 10 + bottom * (picture.height - 20))))
    ]
    assert reds == [corner]


def test_an_upright_small_photo_keeps_its_compressed_pixels(out: Path) -> None:
    data = samples.jpeg(samples.photo(900, 1200), quality=85)
    (page,) = opened(out, data)
    assert looks(page).tobytes() == Image.open(io.BytesIO(data)).tobytes()


def test_a_photo_of_twelve_megapixels_stays_below_300_mb(out: Path) -> None:
    peak, (page,) = peak_kib(out, samples.jpeg(samples.photo(4000, 3000), orientation=6, quality=95))
    assert (page.width, page.height) == (1920, 2560)
    looks(page)
    assert peak < MAX_CHILD_RSS_KIB


def test_a_scan_of_35_megapixels_stays_below_300_mb(out: Path) -> None:
    peak, (page,) = peak_kib(out, samples.encoded(Image.new("RGB", (4960, 7016), "white"), "PNG", compress_level=1))
    assert (page.width, page.height) == (1810, 2560)
    assert peak < MAX_CHILD_RSS_KIB


def test_a_photo_of_62_megapixels_is_shrunk_while_it_is_decoded(out: Path) -> None:
    peak, (page,) = peak_kib(out, samples.encoded(Image.new("RGB", (8900, 7000), "white"), "JPEG"))
    assert page.width == 2560
    assert peak < MAX_CHILD_RSS_KIB * 2 / 3


def test_noise_that_compresses_badly_still_gives_a_small_page(out: Path) -> None:
    noise = Image.effect_noise((2600, 2600), 90)
    (page,) = opened(out, samples.encoded(noise, "JPEG", quality=95))
    assert page.length_bytes < 2 * PAGE_TARGET_BYTES and page.width < LONG_EDGE_PIXELS


@pytest.mark.parametrize(
    ("mode", "format_name"),
    [
        ("1", "TIFF"), ("L", "BMP"), ("RGB", "WEBP"), ("CMYK", "JPEG"), ("P", "PNG"), ("I;16", "PNG"),
        ("LA", "PNG"), ("CMYK", "TIFF"),
    ],
)  # fmt: skip
def test_other_kinds_of_pictures_become_legible_pages(out: Path, mode: str, format_name: str) -> None:
    grey = Image.new("L", (300, 200), 255)
    grey.paste(0, (0, 0, 100, 100))
    picture = grey.convert("I").point(lambda v: v * 257).convert("I;16") if mode == "I;16" else grey.convert(mode)
    (page,) = opened(out, samples.encoded(picture, format_name))
    seen = looks(page).convert("L")
    assert seen.getpixel((50, 50)) in range(25) and seen.getpixel((250, 150)) in range(230, 256)


def test_what_is_transparent_is_shown_on_white(out: Path) -> None:
    clear = Image.new("RGBA", (3000, 100), (0, 0, 0, 0))
    (page,) = opened(out, samples.encoded(clear, "PNG"))
    assert looks(page).getpixel((5, 5)) == (255, 255, 255)


def test_a_tiff_of_a_scanner_gives_one_page_per_sheet_in_order(out: Path) -> None:
    sheets = [Image.new("L", (100, 150), grey) for grey in (0, 128, 255)]
    pages = opened(out, samples.encoded(sheets[0], "TIFF", save_all=True, append_images=sheets[1:]))
    assert [looks(page).getpixel((50, 50)) for page in pages] == [(g, g, g) for g in (0, 128, 255)]


def test_a_tiff_of_51_sheets_is_refused(out: Path) -> None:
    sheets = [Image.new("L", (10, 15), 200)] * 51
    many = samples.encoded(sheets[0], "TIFF", save_all=True, append_images=sheets[1:])
    assert_refused(out, many, Fault.TOO_MANY_PAGES)


def test_a_pdf_gives_its_pages_in_order(out: Path) -> None:
    sheets = [Image.new("RGB", (595, 842), colour) for colour in ("red", "lime", "blue")]
    pages = opened(out, samples.encoded(sheets[0], "PDF", save_all=True, append_images=sheets[1:], resolution=72))
    assert [page.path.name for page in pages] == ["001.jpg", "002.jpg", "003.jpg"]
    colours = [looks(page).resize((1, 1)).tobytes() for page in pages]
    strongest = [colour.index(max(colour)) for colour in colours]
    assert strongest == [0, 1, 2]
    assert all(1650 <= page.width <= 1660 and 2335 <= page.height <= 2345 for page in pages)


def test_a_pdf_of_fifty_pages_is_taken_and_of_51_is_not(out: Path) -> None:
    assert_refused(out, samples.pdf(51), Fault.TOO_MANY_PAGES)
    peak, pages = peak_kib(out, samples.pdf(50, 120, 80))
    assert len(pages) == 50
    assert peak < MAX_CHILD_RSS_KIB


def test_a_pdf_sheet_of_five_metres_square_is_drawn_small_from_the_start(out: Path) -> None:
    peak, (page,) = peak_kib(out, samples.pdf(1, 14_400, 14_400))
    assert 2558 <= page.width == page.height <= 2560
    assert peak < MAX_CHILD_RSS_KIB


def test_a_pdf_whose_picture_is_a_bomb_stays_bounded(out: Path) -> None:
    peak, pages = peak_kib(out, samples.pdf_with_bomb(12_000))
    assert len(pages) == 1
    assert peak < MAX_CHILD_RSS_KIB


HOSTILE: dict[str, tuple[Callable[[], bytes], Fault]] = {
    "an empty file": (lambda: b"", Fault.EMPTY),
    "a zip named jpg": (lambda: b"PK\x03\x04" + bytes(400), Fault.ARCHIVE),
    "a program named jpg": (lambda: b"MZ\x90\0" + bytes(400), Fault.UNSUPPORTED),
    "a text named jpg": (lambda: "兹证明".encode() * 50, Fault.UNSUPPORTED),
    "a jpeg cut in half": (lambda: half(samples.jpeg(samples.photo(800, 600))), Fault.BROKEN),
    "a turned jpeg cut in half": (
        lambda: half(samples.jpeg(samples.photo(800, 600), orientation=6)),
        Fault.BROKEN,
    ),
    "a jpeg that is only a start": (lambda: b"\xff\xd8\xff\xe0" + bytes(40), Fault.BROKEN),
    "a png of 50,000 x 50,000": (lambda: samples.png(50_000, 50_000, rows=1), Fault.TOO_MANY_PIXELS),
    "a png above its own limit": (lambda: samples.png(8_000, 6_000, rows=1), Fault.TOO_MANY_PIXELS),
    "a bmp that claims 60,000 rows": (lambda: bmp_claiming(60_000), Fault.TOO_MANY_PIXELS),
    "a tiff of noise": (lambda: b"II*\0\x08\0\0\0" + bytes(range(256)), Fault.BROKEN),
    "a pdf of noise": (lambda: b"%PDF-1.7\n" + bytes(range(256)) * 20, Fault.BROKEN),
    "a pdf cut in half": (lambda: half(samples.locked_pdf()), Fault.BROKEN),
    "a pdf with a password": (samples.locked_pdf, Fault.ENCRYPTED),
    "a pdf sheet above any reader's limit": (lambda: samples.pdf(1, 90_000, 90_000), Fault.BROKEN),
}


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def bmp_claiming(rows: int) -> bytes:
    data = bytearray(samples.encoded(Image.new("RGB", (10, 10)), "BMP"))
    data[18:26] = rows.to_bytes(4, "little") * 2
    return bytes(data)


@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_file_is_refused_in_words(out: Path, title: str) -> None:
    make, fault = HOSTILE[title]
    assert_refused(out, make(), fault)


def test_a_file_above_the_upload_limit_is_not_even_opened(out: Path) -> None:
    source = samples.put(out.parent, samples.jpeg(samples.photo(100, 100)))
    with source.open("r+b") as file:
        file.truncate(MAX_UPLOAD_BYTES + 1)
    with pytest.raises(BadInput, match="30 MB"):
        open_material(source, out, name="a.jpg")


@pytest.mark.parametrize(
    ("chunk", "before"),
    [(b"zTXt", b"Comment\0\0"), (b"iCCP", b"icc\0\0"), (b"iTXt", b"Comment\0\1\0\0\0")],
)
def test_a_bomb_in_a_png_text_or_profile_is_dropped_unopened(out: Path, chunk: bytes, before: bytes) -> None:
    hidden = samples.png_chunk(chunk, before + samples.bomb(256 << 20))
    peak, (page,) = peak_kib(out, samples.png(100, 80, hidden))
    assert (page.width, page.height) == (100, 80)
    assert page.path.read_bytes() == samples.png(100, 80)
    assert peak < 100 * 1000


def test_a_png_with_more_pixel_data_than_it_says_stays_bounded(out: Path) -> None:
    peak, (page,) = peak_kib(out, samples.png(1000, 10, rows=200_000))
    assert (page.width, page.height) == (1000, 10)
    assert peak < 100 * 1000


@pytest.mark.parametrize("make", [lambda: samples.pdf(3), lambda: samples.jpeg(samples.photo(200, 300))])
def test_a_result_document_is_checked_and_keeps_its_bytes(out: Path, make: Callable[[], bytes]) -> None:
    data = make()
    (page,) = opened(out, data, Mode.CHECK)
    assert page.path.read_bytes() == data
    assert page.media_type == ("application/pdf" if data[:4] == b"%PDF" else "image/jpeg")


def test_a_result_document_that_does_not_open_is_refused(out: Path) -> None:
    assert_refused(out, b"%PDF-1.7\n" + bytes(500), Fault.BROKEN, Mode.CHECK)
    assert_refused(out, samples.locked_pdf(), Fault.ENCRYPTED, Mode.CHECK)
    assert_refused(out, half(samples.jpeg(samples.photo(400, 300))), Fault.BROKEN, Mode.CHECK)
    assert_refused(out, samples.encoded(Image.new("L", (9, 9)), "TIFF"), Fault.NOT_A_RESULT, Mode.CHECK)
    note = bytearray(samples.png(40, 30, samples.png_chunk(b"tEXt", b"a\0b")))
    note[note.index(b"tEXt") + 4] ^= 1  # beside the pixels, but no viewer need open it
    assert_refused(out, bytes(note), Fault.BROKEN, Mode.CHECK)


# Children that misbehave in place of the real one; source, folder and mode arrive as arguments 1 to 3.
GOOD_ROW = {"file": "001.jpg", "type": "image/jpeg", "width": 1, "height": 1, "bytes": 3, "preview": ""}


def acting(out: Path, code: str, wall_seconds: float = 20) -> list[PageFile]:
    source = samples.put(out.parent, b"abc")
    program = (sys.executable, "-I", "-S", "-c", "import os, sys, time; " + code)
    return open_material(source, out, name="材料.jpg", program=program, wall_seconds=wall_seconds)


def saying(rows: object) -> str:
    return f"open(sys.argv[2] + '/001.jpg', 'wb').write(b'abc'); print({json.dumps({'pages': rows})!r})"


def test_a_stand_in_that_behaves_is_believed(out: Path) -> None:
    assert [page.length_bytes for page in acting(out, saying([GOOD_ROW]))] == [3]


def test_a_child_that_hangs_is_ended_with_all_that_it_started(out: Path) -> None:
    pid_file = out.parent / "grandchild"
    code = f"pid = os.fork(); pid and open({str(pid_file)!r}, 'w').write(str(pid)); time.sleep(60)"
    began = time.monotonic()
    with pytest.raises(BadInput, match="超出限制"):
        acting(out, code, wall_seconds=0.8)
    assert time.monotonic() - began < 10
    assert list(out.iterdir()) == []
    assert_gone(int(pid_file.read_text()))


def assert_gone(pid: int) -> None:
    state = Path(f"/proc/{pid}/stat")
    for _ in range(50):
        if not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the grandchild still runs")


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("os.kill(os.getpid(), 11)", Fault.BROKEN),
        ("os.kill(os.getpid(), 6)", Fault.BROKEN),
        ("os.kill(os.getpid(), 24)", Fault.TOO_COSTLY),
        ("os.kill(os.getpid(), 9)", Fault.TOO_COSTLY),
        ("sys.exit(1)", Fault.BROKEN),
        ("print('')", Fault.BROKEN),
        ("print('[1]')", Fault.BROKEN),
        ("print('x' * 200000)", Fault.BROKEN),
        ("print('[' * 60000)", Fault.BROKEN),
        ('print(\'{"problem": "no such code"}\')', Fault.BROKEN),
        ('print(\'{"problem": "disk_full"}\')', Fault.DISK_FULL),
        (saying([]), Fault.BROKEN),
        (saying([GOOD_ROW] * 51), Fault.BROKEN),
        (saying([GOOD_ROW | {"file": "../upload"}]), Fault.BROKEN),
        (saying([GOOD_ROW | {"file": "002.jpg"}]), Fault.BROKEN),
        (saying([GOOD_ROW | {"type": "text/html"}]), Fault.BROKEN),
        (saying([GOOD_ROW | {"bytes": 4}]), Fault.BROKEN),
        (saying([GOOD_ROW | {"width": -1}]), Fault.BROKEN),
        (saying([GOOD_ROW | {"width": 1.5}]), Fault.BROKEN),
        (saying([GOOD_ROW | {"preview": "../../source"}]), Fault.BROKEN),
        (saying([GOOD_ROW | {"preview": "001.webp"}]), Fault.BROKEN),
        ("open(sys.argv[2] + '/001.webp', 'w'); " + saying([GOOD_ROW | {"preview": "001.webp"}]), Fault.BROKEN),
        (
            "os.symlink('/etc/hostname', sys.argv[2] + '/001.webp'); " + saying([GOOD_ROW | {"preview": "001.webp"}]),
            Fault.BROKEN,
        ),
        (
            "os.symlink('/etc/hostname', sys.argv[2] + '/002.jpg'); " + saying([GOOD_ROW | {"file": "002.jpg"}]),
            Fault.BROKEN,
        ),
    ],
)
def test_a_child_that_dies_or_lies_becomes_words(out: Path, code: str, fault: Fault) -> None:
    with pytest.raises(BadInput) as bad:
        acting(out, code)
    assert bad.value.problems == (problem_for(fault, name="材料.jpg", field="materials"),)
    assert list(out.iterdir()) == []


def test_the_child_sees_nothing_of_our_environment(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANBAN_SECRET", "x")
    code = "assert 'LIANBAN_SECRET' not in os.environ and not sys.stdin.read() and os.getcwd() == '/'; "
    assert acting(out, code + saying([GOOD_ROW]))


# The real child up to where it would decode; what it does there instead is the last part.
IN_THE_CHILD = """
import json, resource, signal, sys
sys.path.append(sys.argv.pop(1))
from casework.materials import child
child.picture_pages = child.pdf_pages = lambda *_: instead()
"""
LIMITS = """
def instead():
    names = ("AS", "CPU", "FSIZE", "NOFILE", "NPROC", "CORE")
    limits = {n: resource.getrlimit(getattr(resource, "RLIMIT_" + n)) for n in names}
    print(json.dumps(limits | {"alarm": signal.alarm(0)}))
    sys.exit()
child.main(sys.argv[1:])
"""
GREED = """
def instead():
    bytearray(600 << 20)
child.main(sys.argv[1:])
"""
ENDLESS = """
def instead():
    resource.setrlimit(resource.RLIMIT_CPU, (1, 100))
    while True: pass
child.main(sys.argv[1:])
"""


def in_the_child(instead: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-c", IN_THE_CHILD + instead, CHILD_PROGRAM[-1])


@pytest.mark.parametrize(("data", "cpu_seconds"), [(b"\xff\xd8\xff", 20), (b"II*\0", 100), (b"%PDF-1.7", 100)])
def test_the_child_confines_itself_before_it_decodes(out: Path, data: bytes, cpu_seconds: int) -> None:
    command = (*in_the_child(LIMITS), str(samples.put(out.parent, data)), str(out), "pages")
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    mib = 1024 * 1024
    assert said == {
        "AS": [600 * mib] * 2, "CPU": [cpu_seconds, 100], "FSIZE": [31 * mib] * 2, "NOFILE": [64] * 2,
        "NPROC": [0, 0], "CORE": [0, 0], "alarm": 130,
    }  # fmt: skip


@pytest.mark.parametrize("instead", [GREED, ENDLESS])
def test_a_file_that_eats_memory_or_time_is_given_up(out: Path, instead: str) -> None:
    source = samples.put(out.parent, b"\xff\xd8\xff")
    with pytest.raises(BadInput, match="超出限制"):
        open_material(source, out, name="a", program=in_the_child(instead), wall_seconds=20)
    assert list(out.iterdir()) == []
