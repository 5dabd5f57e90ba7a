"""Tables as CSV that a spreadsheet opens and no cell of which it runs. Pure.

RFC 4180: CRLF, texts in double quotes, a quote doubled. UTF-8 with a byte order mark, without which Excel in China
takes a file for GBK. Against formula injection as OWASP describes it («CSV Injection»): a text that begins with = + -
@, a tab, a CR or LF, or the full-width form of a sign, gets an apostrophe in front, so that it is shown, not reckoned.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

Cell = str | int | Decimal
"""Numbers are written as they are, a negative one too: they come from reckoning, never from what somebody typed."""
BOM = "\ufeff"
MEDIA_TYPE = "text/csv"
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_bytes(rows: Iterable[Sequence[Cell]]) -> bytes:
    """A whole file."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerows([_harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return (BOM + out.getvalue()).encode()


def _harmless(text: str) -> str:
    """Blanks in front are looked past, as some programs do."""
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) or text.lstrip().startswith(_BEGINS_A_FORMULA) else text
