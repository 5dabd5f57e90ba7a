"""Numbers of a case that people read aloud, type and scan.

The 收件码 is minted by a station alone, without any link, and is unique because a station number is given out
once, an epoch is granted once, and the station counts within a day. 28 ASCII characters, so that an input
method cannot spoil a scan:

    region 12 digits · station 4 base-36 · epoch 2 base-36 · day yymmdd · counter 3 base-36 · check 1

The check character is ISO 7064 MOD 37,36 over the other 27. The 办件编号 is given by the hub at acceptance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from stdnum.iso7064 import mod_37_36

from casework.errors import BadInput, Problem
from casework.identity import half_width
from casework.texts import N_, say

CODE_CHARS = 28
STATION_MAX = 36**4 - 1
EPOCH_MAX = 36**2 - 1
COUNTER_MAX = 36**3 - 1
CASE_NO_MAX_CHARS = 50
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SHAPE = re.compile(r"([1-9][0-9]{11})([0-9A-Z]{4})([0-9A-Z]{2})([0-9]{6})([0-9A-Z]{3})[0-9A-Z]")
_DASHES = re.compile(r"[\s\-‐-―−_·]")


@dataclass(frozen=True, slots=True)
class IntakeCode:
    """What a 收件码 says. text is the canonical 28 characters."""

    text: str
    region: str
    station: int
    epoch: int
    day: date
    counter: int

    def pretty(self) -> str:
        """Groups for printing and reading aloud; `parse` takes them back."""
        cuts = (0, 6, 12, 18, 24, CODE_CHARS)
        return "-".join(self.text[a:b] for a, b in pairwise(cuts))


def mint(region: str, station: int, epoch: int, day: date, counter: int) -> str:
    """A 收件码 of a 12-digit region, station number, epoch, local day and the day's counter.

    ValueError when a number is over STATION_MAX, EPOCH_MAX or COUNTER_MAX, or the region is not 12 digits.
    """
    if not re.fullmatch(r"[1-9][0-9]{11}", region):
        raise ValueError(f"region {region!r} is not a 12-digit code")
    if not 2000 <= day.year <= 2099:
        raise ValueError(f"year {day.year} does not fit in two digits")
    body = (
        region
        + _base36(station, 4, STATION_MAX)
        + _base36(epoch, 2, EPOCH_MAX)
        + f"{day:%y%m%d}"
        + _base36(counter, 3, COUNTER_MAX)
    )
    code = body + mod_37_36.calc_check_digit(body)
    assert parse(code).text == code
    return code


def parse(text: str) -> IntakeCode:
    """Reads a 收件码 typed or scanned: hyphens, spaces, lower case and full width are forgiven.

    BadInput (field intake_code) when the length, a character, the check character or the day is wrong.
    """
    code = _DASHES.sub("", half_width(text)).upper()
    if len(code) != CODE_CHARS:
        raise _bad(
            say("收件码应当是 {code_chars} 位，现在是 {n} 位", code_chars=CODE_CHARS, n=len(code)),
            N_("请对照回执重新输入，或重新扫码"),
        )
    shape = _SHAPE.fullmatch(code)
    if shape is None:
        raise _bad(N_("收件码里有不该出现的字符"), N_("只有数字和英文字母，请对照回执重新输入"))
    if not mod_37_36.is_valid(code):
        raise _bad(N_("收件码的校验位不对，多半有一位输错了"), N_("请对照回执逐位核对，或重新扫码"))
    region, station, epoch, day, counter = shape.groups()
    return IntakeCode(code, region, int(station, 36), int(epoch, 36), _day(day), int(counter, 36))


def _day(yymmdd: str) -> date:
    try:
        return date(2000 + int(yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:]))
    except ValueError:
        raise _bad(N_("收件码里的日期不存在"), N_("请对照回执逐位核对，或重新扫码")) from None


def _bad(message: str, remedy: str) -> BadInput:
    return BadInput([Problem("intake_code", message, remedy)])


def _base36(number: int, width: int, most: int) -> str:
    if not 0 <= number <= most:
        raise ValueError(f"{number} is outside 0..{most}")
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits


def case_no(county: str, item_key: str, day: date, serial: int) -> str:
    """The hub's 办件编号: 6-digit county, item key, yyyymmdd, the item's serial of that day.

    GB/T 39046 gives 办件编号 up to 50 characters; line systems keep numbers of their own beside it.
    """
    if not re.fullmatch(r"[1-9][0-9]{5}", county) or serial < 1:
        raise ValueError(f"county {county!r} is not 6 digits, or serial {serial} is below 1")
    number = f"{county}-{item_key.upper()}-{day:%Y%m%d}-{serial:04d}"
    if len(number) > CASE_NO_MAX_CHARS:
        raise ValueError(f"{number} is longer than {CASE_NO_MAX_CHARS} characters")
    return number
