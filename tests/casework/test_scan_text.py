"""A scan lands where it was typed, whatever the input method made of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.public_code import code_text
from casework.scan_text import SCAN_CHARS_MAX, Scan, scanned, statement_bytes, statement_text

CODE = bytes(range(100, 116))
STATEMENT = bytes(range(200))
C, S = code_text(CODE), statement_text(STATEMENT)
WHOLE = f"https://ban.guangde.gov.cn/q/{C}#{S}"
FULL_WIDTH = str.maketrans({chr(n): chr(n + 0xFEE0) for n in range(0x21, 0x7F)})


@pytest.mark.parametrize(
    "typed",
    [
        WHOLE,
        WHOLE + "\r\n",
        WHOLE.upper(),
        WHOLE.lower(),
        WHOLE.translate(FULL_WIDTH),
        f"https：、、ban。guangde。gov。cn、q、{C}＃{S}",
        f"和天天平水：、、办。广德。gov。cn、去、{C}#{S}",
        f"ban.guangde.gov.cn/q/{C}#{S}",
        f"q/{C}#{S}",
        f"/{C}#{S}",
        f"{C}#{S}",
        f"{C}£{S}",
        f"  {C[:9]}'{C[9:]}#{S[:50]} {S[50:]}。",
        f"扫码：{WHOLE}",
    ],
)
def test_a_slip_is_found(typed):
    found = scanned(typed)
    assert found is not None
    assert (found.code, found.statement, found.whole) == (CODE, STATEMENT, True)


@pytest.mark.parametrize("typed", [C, C.lower(), f"https://h/q/{C}", f"https://h/q/{C}#", f"查{C}。"])
def test_a_bare_code_counts(typed):
    found = scanned(typed)
    assert found is not None
    assert (found.code, found.statement, found.whole) == (CODE, None, True)


def test_the_host_is_told():
    assert scanned(WHOLE).host == "ban.guangde.gov.cn"
    assert scanned(f"http://10.0.0.2:8080/q/{C}").host == "10.0.0.2:8080"
    assert scanned(C).host == ""


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "王建国",
        "342524188001010011",
        "341882-103201-000301-261120-0017",
        C[:-1],
        C + "A",
        C[:-1] + ("B" if C[-1] != "B" else "C"),  # spare bits
        "A" * 5_000,
        WHOLE + " " * SCAN_CHARS_MAX,
    ],
)
def test_other_things_are_no_scan(typed):
    assert scanned(typed) is None


def test_what_breaks_off_inside_a_byte_says_so():
    for cut in range(1, len(S)):
        found = scanned(f"q/{C}#{S[:cut]}")
        assert found is not None
        assert found.statement is None or STATEMENT.startswith(found.statement)
        assert found.whole == (found.statement is not None)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=1, max_size=300))
def test_whatever_is_written_is_read_back(code, statement):
    assert scanned(f"https://h/q/{code_text(code)}#{statement_text(statement)}") == Scan(code, statement, host="h")


@given(st.text(max_size=400))
def test_text_never_raises(text):
    scanned(text)


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567=", max_size=40))
def test_a_statement_has_one_text(text):
    data = statement_bytes(text)
    assert data is None or statement_text(data) == text
