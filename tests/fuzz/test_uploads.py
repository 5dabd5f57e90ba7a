"""Uploaded files: the walks over hostile bytes, what a child may answer, and the child itself over spoiled pictures."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from casework.materials.opening import _taken_over
from casework.materials.rules import MAX_PAGES_PER_FILE, Kind, Mode, Refused, sniff
from casework.materials.strip import PNG_PIXELS, PNG_WITH_ORIENTATION, jpeg_pixels, png_parts
from casework.materials.wording import problem_for, shown_name
from tests.casework.materials.samples import encoded, jpeg, locked_pdf, pdf, photo, png, png_chunk
from tests.fuzz.spoil import RECIPES, copied, encode, spoil_tree, spoiled_bytes, steps_of, tree

FUZZ = settings.get_profile("fuzz")
SMALL = photo(40, 30)
JPEGS = [
    jpeg(SMALL),
    jpeg(SMALL, progressive=True),
    jpeg(SMALL.convert("L"), orientation=6),
    jpeg(SMALL.convert("CMYK")),
]
PNGS = [png(40, 30), png(4, 3, png_chunk(b"eXIf", bytes(20)), png_chunk(b"tEXt", b"a\0b")), encoded(SMALL, "PNG")]
OTHERS = [
    encoded(SMALL, "WEBP"),
    encoded(SMALL, "WEBP", lossless=True),
    encoded(SMALL, "TIFF"),
    encoded(SMALL, "TIFF", compression="tiff_lzw", save_all=True, append_images=[SMALL]),
    encoded(SMALL, "BMP"),
    encoded(SMALL, "GIF"),
    pdf(2),
    locked_pdf(),
    b"PK\x03\x04" + bytes(40),
    b"\0\0\0\x18ftypheic" + bytes(40),
    b"",
]
SAMPLES = [*JPEGS, *PNGS, *OTHERS]
LENGTHS = (0, 1, 2, 3, 4, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@st.composite
def files(draw: st.DrawFn, samples: Sequence[bytes] = SAMPLES) -> bytes:
    """A file spoiled in bytes, and perhaps with a length in it (at any place, of 16 or 32 bits) that lies."""
    data = spoiled_bytes(samples, draw(RECIPES))
    if data and draw(st.booleans()):
        at, form = draw(st.integers(0, 2**16)) % len(data), draw(st.sampled_from([">H", "<H", ">I", "<I"]))
        lie = struct.pack(form, LENGTHS[draw(st.integers(0, 11))] % 2 ** (8 * struct.calcsize(form)))
        data = data[:at] + lie + data[at + len(lie) :]
    return data


@FUZZ
@given(data=files())
def test_a_file_is_of_a_kind_that_is_taken_or_refused_with_a_reason(data):
    try:
        kind = sniff(data[:64])
    except Refused as refused:
        told = problem_for(refused.fault, name="a", field="b")
    else:
        told = None
        assert isinstance(kind, Kind)
    assert told is None or (told.message and told.remedy)


@FUZZ
@given(data=files(JPEGS))
def test_a_stripped_jpeg_is_made_of_the_original_and_strips_to_itself(data):
    try:
        bare = jpeg_pixels(data)
    except Refused:
        return
    assert (
        bare.startswith(b"\xff\xd8")
        and bare.endswith(b"\xff\xd9")
        and len(bare) <= len(data) + 20 * data.count(b"JFIF")
    )
    assert jpeg_pixels(bare) == bare


@FUZZ
@given(data=files(PNGS), wanted=st.sampled_from([PNG_PIXELS, PNG_WITH_ORIENTATION]))
def test_a_stripped_png_has_the_wanted_chunks_only(data, wanted):
    try:
        bare = png_parts(data, wanted)
    except Refused:
        return
    assert len(bare) <= len(data) and png_parts(bare, wanted) == bare


@FUZZ
@given(name=st.text(max_size=90))
def test_whatever_a_client_calls_a_file_is_shown_on_one_line(name):
    shown = shown_name(name)
    assert 0 < len(shown) <= 60 and "/" not in shown and "\n" not in shown and shown.encode()


# --- what the child says --------------------------------------------------------------------------------------------

ROW = {"bytes": 3, "file": "001.jpg", "height": 30, "type": "image/jpeg", "width": 40}
REPLIES = [tree({"pages": [ROW, ROW | {"file": "002.png", "type": "image/png"}]}), tree({"problem": "broken"})]
NAMES = [
    "../../etc/passwd",
    "/etc/passwd",
    "001.jpg\0",
    "link.jpg",
    "001.exe",
    "0" * 5_000,
    "００1.jpg",
    "004.jpg",
    "003.jpg",
]


def as_json(packed: bytes) -> bytes:
    """The spoiled value as JSON; what JSON cannot say stays as it is."""
    try:
        value = msgpack.unpackb(packed, strict_map_key=False, object_pairs_hook=_as_object)
        return json.dumps(value, default=repr).encode()
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
        return packed


def _as_object(pairs: list[tuple[object, object]]) -> dict[str, object]:
    return {str(key): value for key, value in pairs}


@FUZZ
@given(recipe=RECIPES, name=st.sampled_from([None] * 6 + NAMES), byte=st.booleans())
def test_a_child_that_was_taken_over_gives_pages_of_its_folder_or_a_fault(recipe, name, byte, tmp_path_factory):
    folder = _folder(tmp_path_factory)
    steps = steps_of(recipe)
    sample = REPLIES[recipe[0] % 2] if name is None else tree({"pages": [ROW | {"file": name}]})
    said = as_json(encode(spoil_tree(sample if not steps else copied(sample), steps)))
    try:
        pages = _taken_over(folder, spoiled_bytes([said], recipe) if byte else said)
    except Refused:
        return
    assert 1 <= len(pages) <= MAX_PAGES_PER_FILE
    for page in pages:
        assert (
            page.path.parent == folder and not page.path.is_symlink() and page.path.stat().st_size == page.length_bytes
        )


def _folder(factory: pytest.TempPathFactory) -> Path:
    folder = factory.getbasetemp() / "taken-over"
    if not folder.exists():
        folder.mkdir()
        for name in ("001.jpg", "002.png"):
            (folder / name).write_bytes(b"abc")
        (folder / "003.jpg").symlink_to("/etc/passwd")
    return folder


# --- the child ------------------------------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[2]
BATCH = """
import sys
from pathlib import Path
from casework.materials.child import reply
from casework.materials.confinement import confine
from casework.materials.rules import Mode
import json
confine()
for line in sys.stdin:
    name, mode = line.split()
    out = Path(name + ".out")
    out.mkdir()
    print(json.dumps([name, reply(Path(name), out, Mode(mode))]), flush=True)
"""


@settings.get_profile("fuzz-hundredth")
@given(made=st.lists(files(), min_size=12, max_size=12), mode=st.sampled_from(Mode))
def test_a_confined_child_makes_pages_of_spoiled_files_or_says_why_not(made, mode, tmp_path_factory):
    """Twelve files a child: what one leaves behind in the decoders meets the next."""
    folder = tmp_path_factory.mktemp("batch")
    for number, data in enumerate(made):
        (folder / f"{number}").write_bytes(data)
    lines = "".join(f"{folder / str(number)} {mode.value}\n" for number in range(len(made)))
    command = [sys.executable, "-c", BATCH]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False, cwd=ROOT)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and len(answers) == len(made), (done.returncode, done.stderr[-500:])
    for name, said in answers:
        try:
            pages = _taken_over(Path(name + ".out"), json.dumps(said).encode())
        except Refused as refused:
            SEEN[refused.fault.value] += 1
            continue
        SEEN["pages"] += 1
        for page in pages:
            _check_page(page.path, page.media_type)


SEEN: Counter[str] = Counter()


def _check_page(path: Path, media_type: str) -> None:
    if media_type != Kind.PDF.value:
        with Image.open(path) as picture:
            assert max(picture.size) > 0
