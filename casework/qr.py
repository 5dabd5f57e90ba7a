"""QR codes (ISO/IEC 18004) as SVG and PNG: small enough for an 80 mm roll and old scanners, hard to spoil.

Runs of capitals and digits go in alphanumeric mode, which costs five and a half bits a character instead of eight.
Pure.
"""

from __future__ import annotations

import io
import re
from itertools import groupby

import segno

MAX_VERSION = 20
"""97 modules a side: at 203 dots an inch five dots each on the 72 mm that an 80 mm roll can print."""
QUIET_MODULES = 4
LEVELS = ("q", "m")
"""Tried in turn, until the text fits MAX_VERSION. Level M mends 15 % of the codewords, and a stain over a tenth of the
symbol cuts into more codewords than that; Q mends 25 %."""
MAX_CHARS = 1000

# The alphabet of alphanumeric mode. Going there and back costs about 32 bits, which thirteen characters save.
_RUNS = re.compile(r"[0-9A-Z $%*+\-./:]{13,}")


def qr_svg(text: str) -> str:
    """One <svg> to stand inside a page: a path of dark modules, one unit each, and 4 of quiet zone around.

    Raises ValueError where the text is not ASCII, empty, or too long for version 20-M.
    """
    rows = _matrix(text)
    side = len(rows) + 2 * QUIET_MODULES
    path = "".join(_svg_row(row, y) for y, row in enumerate(rows, QUIET_MODULES))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="qr" viewBox="0 0 {side} {side}" shape-rendering="crispEdges" '
        f'role="img" aria-label="二维码"><path fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path fill="#000" d="{path}"/></svg>'
    )


def qr_png(text: str, dots: int) -> bytes:
    """A PNG of two colours, `dots` pixels a module, with 4 modules of quiet zone. Raises ValueError like qr_svg."""
    if not 1 <= dots <= 100:
        raise ValueError("dots a module must be 1 to 100")
    out = io.BytesIO()
    _made(text).save(out, kind="png", scale=dots, border=QUIET_MODULES)
    return out.getvalue()


def qr_side(text: str) -> int:
    """Modules of one side, quiet zone and all. Raises ValueError like qr_svg."""
    return len(_matrix(text)) + 2 * QUIET_MODULES


def _svg_row(row: list[bool], y: int) -> str:
    parts, x = [], QUIET_MODULES
    for dark, run in groupby(row):
        length = len(list(run))
        if dark:
            parts.append(f"M{x} {y}h{length}v1h-{length}z")
        x += length
    return "".join(parts)


def _matrix(text: str) -> list[list[bool]]:
    return [[bool(module) for module in row] for row in _made(text).matrix]


def _made(text: str) -> segno.QRCode:
    if not text or not text.isascii() or len(text) > MAX_CHARS:
        raise ValueError(f"a QR text is 1 to {MAX_CHARS} ASCII characters")
    for level in LEVELS:
        made = _fitting(_segments(text), level)
        if made is not None:
            return made
    raise ValueError(f"{len(text)} characters do not fit QR version {MAX_VERSION}")


def _fitting(segments: list[str], level: str) -> segno.QRCode | None:
    try:
        # segno takes a list of segments, which its types do not say.
        made = segno.make(segments, error=level, micro=False, boost_error=False)  # type: ignore[arg-type]
    except segno.DataOverflowError:
        return None
    assert isinstance(made.version, int)
    return made if made.version <= MAX_VERSION else None


def _segments(text: str) -> list[str]:
    """The text cut where the mode changes; segno gives each piece the mode that holds it."""
    pieces, at = [], 0
    for run in _RUNS.finditer(text):
        pieces += [text[at : run.start()], run.group()]
        at = run.end()
    return [piece for piece in [*pieces, text[at:]] if piece]
