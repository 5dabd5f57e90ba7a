"""Numbers that identify people and organisations: is it well formed, what does it tell, how is it shown.

Citizen numbers follow GB 11643 (公民身份号码): length, check digit and a real date, nothing else. The area is
advisory: numbers of abolished areas (341822 广德县) stay valid, and lists lag behind new ones (341882).
Unified social credit codes follow GB 32100. No message repeats the number.
"""

from __future__ import annotations

import re
from datetime import date

from stdnum.cn.ric import calc_check_digit as citizen_check_digit
from stdnum.cn.uscc import calc_check_digit as uscc_check_digit

from casework.errors import Problem
from casework.texts import N_, say

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_CITIZEN_ID = re.compile(r"[0-9]{17}[0-9X]")
# The first two places may be letters: N2 is a village's collective economic organisation (农村集体经济组织).
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_PHONE = re.compile(r"\+?[0-9]{5,15}")
_EARLIEST_BIRTH_YEAR = 1800


def half_width(text: str) -> str:
    """ASCII for the full-width characters that a Chinese input method types. Never for names."""
    return text.translate(_FULL_WIDTH)


def compact_number(text: str) -> str:
    """An identity number as stored: half width, upper case, without spaces and hyphens."""
    return re.sub(r"[\s\-]", "", half_width(text)).upper()


def compact_phone(text: str) -> str:
    """A telephone number as stored: half width, without spaces, hyphens and brackets."""
    return re.sub(r"[\s\-()]", "", half_width(text))


def citizen_id_problem(number: str, field: str = "id") -> Problem | None:
    """None if `number` (compact) is a well-formed 公民身份号码, else what is wrong with it."""
    if len(number) != 18:
        return Problem(field, say("公民身份号码应当是 18 位，现在是 {n} 位", n=len(number)), N_("请对照身份证重新录入"))
    if not _CITIZEN_ID.fullmatch(number):
        return Problem(field, N_("公民身份号码应当是 17 位数字加 1 位数字或 X"), N_("请对照身份证重新录入"))
    if birth_date(number) is None:
        return Problem(field, N_("公民身份号码第 7 到 14 位不是一个真实的日期"), N_("请核对出生年月日这 8 位"))
    if citizen_check_digit(number) != number[-1]:
        return Problem(field, N_("公民身份号码的校验位不对，多半有一位录错了"), N_("请对照身份证逐位核对"))
    return None


def birth_date(number: str) -> date | None:
    """The date of birth in a compact 18-digit citizen number, None when there is no real date."""
    if not _CITIZEN_ID.fullmatch(number) or int(number[6:10]) < _EARLIEST_BIRTH_YEAR:
        return None
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def uscc_problem(number: str, field: str = "id") -> Problem | None:
    """None if `number` (compact) is a well-formed 统一社会信用代码, else what is wrong with it."""
    if len(number) != 18:
        return Problem(
            field,
            say("统一社会信用代码应当是 18 位，现在是 {n} 位", n=len(number)),
            N_("请对照营业执照或登记证重新录入"),
        )
    if not _USCC.fullmatch(number):
        return Problem(
            field, N_("统一社会信用代码里有不该出现的字符"), N_("不含字母 I、O、Z、S、V，第 3 到 8 位是数字，请核对")
        )
    if uscc_check_digit(number[:-1]) != number[-1]:
        return Problem(
            field, N_("统一社会信用代码的校验位不对，多半有一位录错了"), N_("请对照营业执照或登记证逐位核对")
        )
    return None


def phone_problem(number: str, field: str = "phone") -> Problem | None:
    """None if `number` (compact) can be a telephone number: an 11-digit mobile, a landline, or one abroad."""
    if not _PHONE.fullmatch(number):
        return Problem(field, N_("电话号码应当是 5 到 15 位数字"), N_("请核对，固定电话请带区号"))
    if number.startswith("1") and len(number) >= 9 and not re.fullmatch(r"1[3-9][0-9]{9}", number):
        return Problem(field, N_("手机号码应当是 11 位，以 13 到 19 开头"), N_("请核对有没有多录或漏录"))
    return None


def mask_id(number: str) -> str:
    """The number for lists and notices: the first three and the last four characters stay."""
    if len(number) <= 8:
        return "*" * len(number)
    return number[:3] + "*" * (len(number) - 7) + number[-4:]


def mask_name(name: str) -> str:
    """The name for lists and notices: the first character stays, and the last of three or more."""
    if len(name) <= 2:
        return name[:1] + "*" * (len(name) - 1)
    return name[0] + "*" * min(len(name) - 2, 4) + name[-1]


def mask_phone(number: str) -> str:
    """The telephone number for lists: the first three and the last four digits stay."""
    if len(number) < 8:
        return "*" * len(number)
    return number[:3] + "*" * (len(number) - 7) + number[-4:]
