"""The code of the public page as text: 26 capitals and digits, and nothing else is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.public_code import CODE_BYTES, CODE_CHARS, code_bytes, code_digest, code_text


@given(st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES))
def test_what_is_printed_is_read_back(code: bytes) -> None:
    text = code_text(code)
    assert len(text) == CODE_CHARS and set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    assert code_bytes(text) == code == code_bytes(text.lower())


@given(st.text(max_size=40))
def test_nothing_else_is_a_code(text: str) -> None:
    code = code_bytes(text)
    assert code is None or code_text(code) == text.upper()


@pytest.mark.parametrize("text", ["", "A" * 25, "A" * 27, "A" * 25 + "1", "A" * 25 + "B", "é" * 26, "A" * 25 + "\n"])
def test_what_is_not_canonical_is_refused(text: str) -> None:
    assert code_bytes(text) is None


def test_the_row_keeps_what_opens_nothing() -> None:
    code = bytes(range(CODE_BYTES))
    assert code_digest(code) != code and len(code_digest(code)) == CODE_BYTES
    assert code_digest(code) != code_digest(bytes(CODE_BYTES))
