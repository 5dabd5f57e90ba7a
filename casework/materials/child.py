"""The child that opens one file: `python -m casework.materials.child SOURCE FOLDER MODE [CUT]`.

Writes page files and their previews into FOLDER and prints one JSON line, {"pages": [{file, type, width, height,
bytes, preview}]}, {"codes": [text]} or {"problem": code} with a code of rules.Fault. For any other end (a signal, an
exit code above 0) `opening`, which starts it, finds the code. It opens nothing but SOURCE and may die at any moment
without harm.
"""

from __future__ import annotations

import errno
import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from casework.materials.code_reading import read_codes
from casework.materials.confinement import allow_cpu, confine
from casework.materials.image_pages import Page, check_picture, picture_pages, shot_pages
from casework.materials.pdf_pages import check_pdf, pdf_pages
from casework.materials.quad import WHOLE, BadQuad, Cut, cut_of
from casework.materials.rules import (
    MAX_UPLOAD_BYTES,
    RESULT_KINDS,
    SNIFF_BYTES,
    Fault,
    Kind,
    Mode,
    Refused,
    sniff,
)

EXTENSIONS: Final = {Kind.JPEG: "jpg", Kind.PNG: "png", Kind.PDF: "pdf"}
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

Row = dict[str, str | int]


def main(arguments: list[str]) -> int:
    """Runs the child's one task; always 0, the reply says how it went."""
    source, folder, mode = Path(arguments[0]), Path(arguments[1]), Mode(arguments[2])
    cut = arguments[3] if len(arguments) > 3 else WHOLE.text
    confine()
    sys.stdout.write(json.dumps(reply(source, folder, mode, cut)) + "\n")
    return 0


def reply(source: Path, folder: Path, mode: Mode, cut: str = WHOLE.text) -> dict[str, object]:
    """The task as one reply; every fault of the file becomes a code."""
    try:
        if mode is Mode.CODES:
            return {"codes": read_codes(source, _kind_of(source))}
        return {"pages": list(_opened(source, folder, mode, cut_of(cut)))}
    except Refused as refused:
        fault = refused.fault
    except BadQuad:
        fault = Fault.BAD_CORNERS
    except MemoryError:
        fault = Fault.TOO_COSTLY
    except OSError as error:
        fault = Fault.DISK_FULL if error.errno in _NO_SPACE else Fault.BROKEN
    except Exception:  # noqa: BLE001 (the child's outermost frame; decoders raise all sorts of things)
        fault = Fault.BROKEN
    return {"problem": fault.value}


def _opened(source: Path, folder: Path, mode: Mode, cut: Cut) -> Iterable[Row]:
    kind = _kind_of(source)
    if mode is Mode.CHECK:
        return _checked(source, folder, kind)
    if mode is Mode.PAGES:
        return _written(folder, pdf_pages(source) if kind is Kind.PDF else picture_pages(source, kind))
    if kind is Kind.PDF:
        raise Refused(Fault.NOT_A_PHOTO)
    return _written(folder, shot_pages(source, kind, cut, with_photo=mode is Mode.SHOT))


def _kind_of(source: Path) -> Kind:
    size = source.stat().st_size
    if size > MAX_UPLOAD_BYTES:
        raise Refused(Fault.TOO_BIG)
    with source.open("rb") as file:
        kind = sniff(file.read(SNIFF_BYTES))
    allow_cpu(kind)
    return kind


def _written(folder: Path, pages: Iterable[Page]) -> Iterator[Row]:
    for number, page in enumerate(pages, start=1):
        name = f"{number:03d}.{EXTENSIONS[Kind(page.media_type)]}"
        preview = f"{number:03d}.webp" if page.preview else ""
        (folder / name).write_bytes(page.data)
        if preview:
            (folder / preview).write_bytes(page.preview)
        yield _row(name, page.media_type, page.width, page.height, len(page.data)) | {"preview": preview}


def _checked(source: Path, folder: Path, kind: Kind) -> Iterator[Row]:
    if kind not in RESULT_KINDS:
        raise Refused(Fault.NOT_A_RESULT)
    width = height = 0
    if kind is Kind.PDF:
        check_pdf(source)
    else:
        width, height = check_picture(source.read_bytes(), kind)
    name = f"001.{EXTENSIONS[kind]}"
    shutil.copyfile(source, folder / name)
    yield _row(name, kind.value, width, height, (folder / name).stat().st_size)


def _row(file: str, media_type: str, width: int, height: int, size_bytes: int) -> Row:
    return {"file": file, "type": media_type, "width": width, "height": height, "bytes": size_bytes, "preview": ""}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
