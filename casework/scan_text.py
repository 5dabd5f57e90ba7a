"""What a scanner types into any box, found in spite of the input method it was typed through.

A keyboard-wedge scanner types the text of a QR code as if by hand. With a Chinese input method on, the address in
small letters may be composed into characters and punctuation becomes full-width; the code and the statement behind it
are capitals and digits, which no input method composes. Pure.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

from casework.identity import half_width
from casework.public_code import CODE_CHARS, code_bytes

SCAN_CHARS_MAX = 2_000
_PUNCTUATION = str.maketrans({"。": ".", "、": "/", "：": ":", "＃": "#", "／": "/", "．": "."})
_TYPED_BETWEEN = re.compile(r"[\s'’‘`´\u200b\ufeff]")
"""Spaces and the apostrophes by which input methods part syllables."""
_FOUND = re.compile(rf"(?<![A-Z2-7])([A-Z2-7]{{{CODE_CHARS}}})(?:[#£]([A-Z2-7]*)|(?![A-Z2-7]))")
_HOST = re.compile(r"://([A-Z0-9.-]{1,100}(?::[0-9]{1,5})?)/")


@dataclass(frozen=True, slots=True)
class Scan:
    """A case's public code (16 bytes), and the statement that stood behind it, None where none did.

    whole: False where the text of the statement breaks off inside a byte. host: the address that was scanned, in small
    letters, "" where it could not be read.
    """

    code: bytes
    statement: bytes | None = None
    whole: bool = True
    host: str = ""


def scanned(text: str) -> Scan | None:
    """What was scanned; None for anything else that people type into a box."""
    if len(text) > SCAN_CHARS_MAX:
        return None
    plain = _TYPED_BETWEEN.sub("", half_width(text.translate(_PUNCTUATION))).upper()
    host = _HOST.search(plain)
    for code, behind in _candidates(plain):
        statement = statement_bytes(behind) if behind else None
        whole = statement is not None or not behind
        return Scan(code, statement, whole, host[1].lower() if host else "")
    return None


def _candidates(plain: str) -> Iterator[tuple[bytes, str]]:
    for found in _FOUND.finditer(plain):
        code = code_bytes(found[1])
        if code is not None:
            yield code, found[2] or ""


def statement_text(data: bytes) -> str:
    """Base32 (RFC 4648) in capitals without padding."""
    return base64.b32encode(data).decode().rstrip("=")


def statement_bytes(text: str) -> bytes | None:
    """Inverse of `statement_text`; None for anything that it would not have written."""
    try:
        data = base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError:
        return None
    return data if statement_text(data) == text else None
