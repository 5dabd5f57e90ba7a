"""Opens one uploaded file in a confined child and takes over the pages that it made.

Synchronous, a few tenths of a second for a photo, up to WALL_SECONDS at worst: callers run it in a thread and
bound how many run at once. Whatever happens to the child, the caller gets pages, or BadInput in words that a
clerk can act on.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import casework
from casework.materials.quad import Cut
from casework.materials.rules import (
    CODE_CHARS_MAX,
    CODES_MAX,
    MAX_PAGES_PER_FILE,
    MAX_UPLOAD_BYTES,
    PAGE_TARGET_BYTES,
    REPLY_BYTES,
    WALL_SECONDS,
    Fault,
    Kind,
    Mode,
    Refused,
)
from casework.materials.wording import bad_file

# -I drops the current folder, the user's packages and PYTHON* variables; our own root comes last in the path.
_BOOT: Final = (
    "import runpy, sys; sys.path.append(sys.argv.pop(1)); "
    "runpy.run_module('casework.materials.child', run_name='__main__', alter_sys=True)"
)
_ROOT: Final = str(Path(casework.__file__).resolve().parents[1])
CHILD_PROGRAM: Final = (sys.executable, "-I", "-B", "-X", "utf8", "-c", _BOOT, _ROOT)

_PAGE_NAME: Final = re.compile(r"[0-9]{3}\.(jpg|png|pdf)", re.ASCII)
_PREVIEW_NAME: Final = re.compile(r"[0-9]{3}\.webp", re.ASCII)
_PAGE_TYPES: Final = frozenset({Kind.JPEG.value, Kind.PNG.value, Kind.PDF.value})
_OVERSPENT: Final = frozenset({-signal.SIGXCPU, -signal.SIGXFSZ, -signal.SIGALRM, -signal.SIGKILL})


@dataclass(frozen=True, slots=True)
class PageFile:
    """One page on disk: media type, size in pixels (0 x 0 for a PDF kept as it is), length in bytes.

    preview: the small WebP beside it; None for a file that was only checked, or is only kept.
    """

    path: Path
    media_type: str
    width: int
    height: int
    length_bytes: int
    preview: Path | None


def open_material(
    source: Path,
    out_dir: Path,
    *,
    name: str,
    mode: Mode = Mode.PAGES,
    cut: Cut | None = None,
    field: str = "materials",
    program: Sequence[str] = CHILD_PROGRAM,
    wall_seconds: float = WALL_SECONDS,
) -> list[PageFile]:
    """The pages of the file `source`, in order, in a new folder of their own inside `out_dir` (which exists).

    `name` and `field` are for messages: the client's file name and the form field. Mode.CHECK gives one PageFile with
    exactly the bytes of `source`; Mode.SHOT and Mode.CUT go by `cut`. The caller owns `source` and, after success, the
    new folder.
    Raises BadInput, with nothing left in `out_dir`.
    """
    folder = Path(tempfile.mkdtemp(prefix="pages-", dir=out_dir))
    command = [*program, str(source.resolve()), str(folder.resolve()), mode.value]
    if cut is not None:
        command.append(cut.text)
    try:
        return _taken_over(folder, _run(command, wall_seconds))
    except Refused as refused:
        shutil.rmtree(folder)
        raise bad_file(refused.fault, name=name, field=field) from None
    except BaseException:
        shutil.rmtree(folder)
        raise


def read_codes(
    source: Path,
    *,
    name: str,
    field: str = "photo",
    program: Sequence[str] = CHILD_PROGRAM,
    wall_seconds: float = WALL_SECONDS,
) -> list[str]:
    """The texts of the QR codes on a photo or scan, as the confined child reads them. Raises BadInput as above."""
    with tempfile.TemporaryDirectory(prefix="codes-") as folder:
        try:
            answer = json.loads(_run([*program, str(source.resolve()), folder, Mode.CODES.value], wall_seconds))
            if "problem" in answer:
                raise Refused(Fault(answer["problem"]))
            return [text[:CODE_CHARS_MAX] for text in answer["codes"][:CODES_MAX] if isinstance(text, str)]
        except Refused as refused:
            raise bad_file(refused.fault, name=name, field=field) from None
        except (ValueError, TypeError, KeyError, RecursionError):
            raise bad_file(Fault.BROKEN, name=name, field=field) from None


def _run(command: Sequence[str], wall_seconds: float) -> bytes:
    """The child's reply. Raises Refused when the child hung, died or ran into a limit."""
    with tempfile.TemporaryFile() as out:
        status = _exit_status(command, out, wall_seconds)
        if status in _OVERSPENT:
            raise Refused(Fault.TOO_COSTLY)
        if status != 0:
            raise Refused(Fault.BROKEN)
        out.seek(0)
        return out.read(REPLY_BYTES)


def _exit_status(command: Sequence[str], out: IO[bytes], wall_seconds: float) -> int:
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.DEVNULL,
        env={"LANG": "C.UTF-8"},
        cwd="/",
        start_new_session=True,
    )
    try:
        return child.wait(wall_seconds)
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _taken_over(folder: Path, said: bytes) -> list[PageFile]:
    """The pages that the child lists, each compared with the disk: a hostile file may speak through it."""
    try:
        answer: Any = json.loads(said)
        if "problem" in answer:
            raise Refused(Fault(answer["problem"]))
        pages = [_page_file(folder, row) for row in answer["pages"]]
    except (ValueError, TypeError, KeyError, FileNotFoundError, RecursionError):
        raise Refused(Fault.BROKEN) from None
    if not 1 <= len(pages) <= MAX_PAGES_PER_FILE:
        raise Refused(Fault.BROKEN)
    return pages


def _page_file(folder: Path, row: dict[str, Any]) -> PageFile:
    preview = _preview_file(folder, row["preview"]) if row["preview"] else None
    page = PageFile(folder / row["file"], row["type"], row["width"], row["height"], row["bytes"], preview)
    numbers = (page.width, page.height, page.length_bytes)
    sound = (
        _PAGE_NAME.fullmatch(row["file"]) is not None
        and page.media_type in _PAGE_TYPES
        and all(type(n) is int and n >= 0 for n in numbers)
        and not page.path.is_symlink()
        and page.path.is_file()
        and page.path.stat().st_size == page.length_bytes <= MAX_UPLOAD_BYTES
    )
    if not sound:
        raise ValueError(row["file"])
    return page


def _preview_file(folder: Path, name: str) -> Path:
    path = folder / name
    named = _PREVIEW_NAME.fullmatch(name) is not None
    if not named or path.is_symlink() or not 0 < path.stat().st_size <= PAGE_TARGET_BYTES:
        raise ValueError(name)
    return path
