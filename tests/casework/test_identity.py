"""Citizen numbers, credit codes and how they are shown."""

from __future__ import annotations

from datetime import date

import pytest
from stdnum.cn.ric import calc_check_digit

from casework.example_intake import example_citizen_id, example_uscc
from casework.identity import (
    birth_date,
    citizen_id_problem,
    compact_number,
    mask_id,
    mask_name,
    mask_phone,
    phone_problem,
    uscc_problem,
)


def with_check(body: str) -> str:
    return body + calc_check_digit(body + "0")


@pytest.mark.parametrize("area", ["341822", "341882", "999999"])
def test_area_is_only_advisory(area: str) -> None:
    assert citizen_id_problem(with_check(area + "18850208" + "001")) is None


def test_known_number_with_x() -> None:
    assert citizen_id_problem("11010519491231002X") is None
    assert citizen_id_problem(compact_number("110105 19491231 002x")) is None


def test_every_wrong_single_digit_is_found() -> None:
    number = example_citizen_id(42)
    for place in range(18):
        for digit in set("0123456789") - {number[place]}:
            assert citizen_id_problem(number[:place] + digit + number[place + 1 :]) is not None


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("34182218850208001", "17 位"),
        ("3418821885020800١1", "数字"),
        (with_check("34182218850230001"), "日期"),
        (with_check("34182217990228001"), "日期"),
        ("34182218850208ABCD", "数字"),
        ("", "0 位"),
    ],
)
def test_wrong_citizen_number_says_what_and_how(number: str, says: str) -> None:
    problem = citizen_id_problem(number, "applicant.id")
    assert problem is not None
    assert says in problem.message
    assert problem.remedy
    assert problem.field == "applicant.id"


def test_birth_date_comes_out() -> None:
    assert birth_date(with_check("34182218840229001")) == date(1884, 2, 29)
    assert birth_date("nonsense") is None


@pytest.mark.parametrize("number", ["91110000600037341L", "11340202003011960J", "11440232MB2D06811W", example_uscc(9)])
def test_real_credit_codes_pass(number: str) -> None:
    assert uscc_problem(number) is None


def test_village_collectives_start_with_a_letter() -> None:
    from stdnum.cn.uscc import calc_check_digit as check

    body = "N2341882MF0000000"
    assert uscc_problem(body + check(body)) is None


@pytest.mark.parametrize(
    ("number", "says"),
    [("91110000600037341A", "校验位"), ("9111000060003734", "16 位"), ("9111000060003734IL", "字符")],
)
def test_wrong_credit_code_says_what(number: str, says: str) -> None:
    problem = uscc_problem(number)
    assert problem is not None
    assert says in problem.message


@pytest.mark.parametrize("number", ["13900000000", "05636022222", "12345", "+85291234567", "110000"])
def test_phone_numbers_that_exist(number: str) -> None:
    assert phone_problem(number) is None


@pytest.mark.parametrize("number", ["", "1234", "139000000001", "12800000000", "1" * 16, "电话"])
def test_phone_numbers_that_do_not(number: str) -> None:
    assert phone_problem(number) is not None


def test_masks_hide_the_middle() -> None:
    assert mask_id("34182218850208001X") == "341***********001X"
    assert mask_id("E1234567") == "********"
    assert mask_phone("13912345678") == "139****5678"
    assert mask_phone("12345") == "*****"
    assert [mask_name(n) for n in ("", "王", "王明", "王小明", "𠮷田一郎")] == [
        "",
        "王",
        "王*",
        "王*明",
        "𠮷**郎",
    ]
    assert mask_name("阿" * 60) == "阿****阿"
