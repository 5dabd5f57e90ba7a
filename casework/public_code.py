"""The code by which whoever holds a slip asks about one case (一码通): 128 bits, printed as 26 letters and digits.

The alphabet is RFC 4648's base32, capitals only: no input method composes it, and a scanner that types can send it with
any keyboard layout. A database holds the code's digest alone.
"""

from __future__ import annotations

import base64
import hashlib

CODE_BYTES = 16
CODE_CHARS = 26
_DIGEST_BYTES = 16
_PADDING = "======"


def code_text(code: bytes) -> str:
    """16 bytes -> 26 characters of A-Z and 2-7."""
    assert len(code) == CODE_BYTES
    return base64.b32encode(code).decode().rstrip("=")


def code_bytes(text: str) -> bytes | None:
    """The code that 26 characters say, small letters too; None for anything else."""
    if len(text) != CODE_CHARS or not text.isascii():
        return None
    try:
        code = base64.b32decode(text.upper() + _PADDING)
    except ValueError:
        return None
    return code if code_text(code) == text.upper() else None  # the last character's spare bits are zero


def code_digest(code: bytes) -> bytes:
    """What a case's row keeps of the code, 16 bytes; it opens nothing."""
    return hashlib.sha256(b"lianban/public-code-row/1\0" + code).digest()[:_DIGEST_BYTES]
