"""Intake codes are unique, survive typing and scanning, and show a slip of the hand."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_36

from casework.catalogue import load_catalogue
from casework.errors import BadInput
from casework.intake_code import CODE_CHARS, COUNTER_MAX, EPOCH_MAX, STATION_MAX, case_no, mint, parse

REGION = "341882103200"
DAY = date(2026, 11, 21)
CODE = mint(REGION, 17, 1, DAY, 1)


def test_golden_code() -> None:
    assert "341882103200" + "000H" + "01" + "261121" + "001" + CODE[-1] == CODE
    assert mod_37_36.validate(CODE)
    assert parse(CODE).pretty() == f"341882-103200-000H01-261121-001{CODE[-1]}"


@settings(max_examples=80, deadline=None)
@given(
    region=st.from_regex(r"[1-9][0-9]{11}", fullmatch=True, alphabet=st.characters(codec="ascii")),
    station=st.integers(0, STATION_MAX),
    epoch=st.integers(0, EPOCH_MAX),
    day=st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    counter=st.integers(0, COUNTER_MAX),
)
def test_what_is_minted_is_read_back(region: str, station: int, epoch: int, day: date, counter: int) -> None:
    text = mint(region, station, epoch, day, counter)
    code = parse(text)
    assert text.isascii()
    assert len(text) == CODE_CHARS
    assert (code.region, code.station, code.epoch, code.day, code.counter) == (
        region,
        station,
        epoch,
        day,
        counter,
    )


@pytest.mark.parametrize(
    "typed",
    [
        CODE.lower(),
        f"  {CODE}\r\n",
        parse(CODE).pretty(),
        " ".join(CODE),
        "—".join((CODE[:12], CODE[12:])),
        CODE.translate({n: n + 0xFEE0 for n in range(0x21, 0x7F)}),
    ],
    ids=["lower", "scanner", "pretty", "spaced", "dash", "full width"],
)
def test_ways_of_typing_are_forgiven(typed: str) -> None:
    assert parse(typed).text == CODE


def test_every_single_wrong_character_is_found() -> None:
    for place in range(CODE_CHARS):
        for char in set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") - {CODE[place]}:
            with pytest.raises(BadInput):
                parse(CODE[:place] + char + CODE[place + 1 :])


def test_neighbours_swapped_are_found() -> None:
    for place in range(CODE_CHARS - 1):
        swapped = CODE[:place] + CODE[place + 1] + CODE[place] + CODE[place + 2 :]
        if swapped != CODE:
            with pytest.raises(BadInput):
                parse(swapped)


def checked(body: str) -> str:
    return body + mod_37_36.calc_check_digit(body)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0 位"),
        (CODE[:-1], "27 位"),
        (CODE[:-1] + "中", "字符"),
        (checked("34188210320A" + CODE[12:-1]), "字符"),
        (CODE[:-1] + ("0" if CODE[-1] != "0" else "1"), "校验位"),
        (checked(CODE[:18] + "260230" + "001"), "日期"),
    ],
)
def test_wrong_code_says_what_and_how(text: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(text)
    (problem,) = caught.value.problems
    assert problem.field == "intake_code"
    assert says in problem.message
    assert problem.remedy


@pytest.mark.parametrize(
    ("region", "station", "epoch", "counter"),
    [
        ("341882", 1, 1, 1),
        ("04188210320０", 1, 1, 1),
        (REGION, STATION_MAX + 1, 1, 1),
        (REGION, -1, 1, 1),
        (REGION, 1, EPOCH_MAX + 1, 1),
        (REGION, 1, 1, COUNTER_MAX + 1),
    ],
)
def test_what_does_not_fit_is_not_minted(region: str, station: int, epoch: int, counter: int) -> None:
    with pytest.raises(ValueError, match=r"region|outside"):
        mint(region, station, epoch, DAY, counter)


def test_year_must_fit_two_digits() -> None:
    with pytest.raises(ValueError, match="year 2100"):
        mint(REGION, 1, 1, date(2100, 1, 1), 1)


def test_case_number() -> None:
    assert case_no("341882", "dibao", DAY, 7) == "341882-DIBAO-20261121-0007"
    assert all(len(case_no("341882", item.key, DAY, 9999)) <= 50 for item in load_catalogue())


@pytest.mark.parametrize(("county", "serial"), [("34188", 1), ("341882", 0)])
def test_case_number_needs_county_and_serial(county: str, serial: int) -> None:
    with pytest.raises(ValueError, match="county"):
        case_no(county, "dibao", DAY, serial)
