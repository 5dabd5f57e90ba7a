"""The form of an intake, held against the item's rules.

Nothing is guessed: a value either has the field's type or is a problem that names the field's label and the
remedy. Keys that the item does not define are kept under `extra`, so that a caller's own data is never lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from casework.applicant import hidden_character
from casework.errors import Problem
from casework.identity import (
    citizen_id_problem,
    compact_number,
    compact_phone,
    half_width,
    phone_problem,
    uscc_problem,
)
from casework.service_item import FormField, ServiceItem
from casework.texts import N_, joined, say

TEXT_MAX_CHARS = 200
MULTILINE_MAX_CHARS = 1000
EXTRA_MAX_KEYS = 50
EXTRA_MAX_DEPTH = 4
EXTRA_MAX_CHARS = 4000
DATE_YEARS = range(1800, 2200)
_INT64 = 2**63
_DATE = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
_DATE_DIGITS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")


@dataclass(frozen=True, slots=True)
class FormResult:
    """clean: defined keys, text or integer values; extra: all other keys, plain; problems: what is wrong."""

    clean: Mapping[str, str | int]
    extra: Mapping[str, Any]
    problems: tuple[Problem, ...]


class _Unfit(Exception):
    """A value that does not fit its field: the message and the remedy."""


def check_form(item: ServiceItem, form: object, *, complete: bool = True) -> FormResult:
    """Checks a form for submission; problems name form.KEY and the field's label.

    Empty values of optional fields are left out of `clean`. Dates are kept as YYYY-MM-DD. With complete=False
    (a correction, a supplement) required keys may be absent, but not empty.
    """
    if not isinstance(form, Mapping):
        return FormResult({}, {}, (Problem("form", N_("表单应当是一组键值"), N_("请写成 {键: 值}")),))
    clean: dict[str, str | int] = {}
    problems: list[Problem] = []
    for field in item.form:
        if not complete and field.key not in form:
            continue
        try:
            value = _value(field, form.get(field.key))
        except _Unfit as unfit:
            problems.append(
                Problem(
                    f"form.{field.key}", say("「{label}」{args}", label=field.label, args=unfit.args[0]), unfit.args[1]
                )
            )
            continue
        if value is not None:
            clean[field.key] = value
    others = {str(key): value for key, value in form.items() if item.field(str(key)) is None}
    extra, extra_problem = _extra(others)
    problems += [extra_problem] if extra_problem else []
    return FormResult(clean, extra, tuple(problems))


def _value(field: FormField, raw: object) -> str | int | None:
    text = _as_text(raw)
    if not text:
        if field.required:
            raise _Unfit(N_("没有填写"), say("请填写{label}", label=field.label))
        return None
    return _READERS[field.type](field, text)


def _as_text(raw: object) -> str:
    if raw is None:
        return ""
    if isinstance(raw, int) and not isinstance(raw, bool) and -_INT64 <= raw < _INT64:
        return str(raw)
    if not isinstance(raw, str):
        raise _Unfit(N_("应当是文字或整数"), N_("请改成文字，小数请换成更小的单位"))
    return raw.strip()


def _read_text(field: FormField, text: str) -> str:
    multiline = field.type == "multiline"
    least, most = field.least or 0, field.most or (MULTILINE_MAX_CHARS if multiline else TEXT_MAX_CHARS)
    if not least <= len(text) <= most:
        raise _Unfit(
            say("有 {n} 个字，应当是 {least} 到 {most} 个字", n=len(text), least=least, most=most), N_("请补充或缩短")
        )
    text = text.replace("\r\n", "\n") if multiline else text
    hidden = hidden_character(text, newlines=multiline)
    if hidden:
        raise _Unfit(say("里有看不见的控制字符 {hidden}", hidden=hidden), N_("请删去后重新输入，不要从别处粘贴"))
    return text


def _read_integer(field: FormField, text: str) -> int:
    digits = half_width(text)
    if not re.fullmatch(r"[+-]?[0-9]{1,16}", digits):
        raise _Unfit(
            N_("应当是整数"), say("请只写数字，单位是{unit}", unit=field.unit) if field.unit else N_("请只写数字")
        )
    number = int(digits)
    least = -_INT64 if field.least is None else field.least
    most = _INT64 - 1 if field.most is None else field.most
    if number < least:
        raise _Unfit(say("不能小于 {least}{unit}", least=least, unit=field.unit), N_("请核对"))
    if number > most:
        raise _Unfit(say("不能大于 {most}{unit}", most=most, unit=field.unit), N_("请核对"))
    return number


def _read_date(field: FormField, text: str) -> str:
    ascii_text = half_width(text)
    parts = _DATE.fullmatch(ascii_text) or _DATE_DIGITS.fullmatch(ascii_text)
    try:
        if parts is None:
            raise ValueError
        day = date(int(parts[1]), int(parts[2]), int(parts[3]))
        if day.year not in DATE_YEARS:
            raise ValueError
        return day.isoformat()
    except ValueError:
        raise _Unfit(N_("不是一个真实的日期"), N_("请按 2026-01-31 的样子填写")) from None


def _read_choice(field: FormField, text: str) -> str:
    if text not in field.choices:
        raise _Unfit(N_("不是给出的选项"), say("请从以下选择：{names}", names=joined(N_("、"), field.choices)))
    return text


def _read_bank_card(field: FormField, text: str) -> str:
    number = compact_number(text)
    if not re.fullmatch(r"[0-9]{10,25}", number):
        raise _Unfit(N_("应当是 10 到 25 位数字"), N_("请对照银行卡或存折重新录入"))
    return number


def _read_checked(
    compact: Callable[[str], str], problem: Callable[[str], Problem | None]
) -> Callable[[FormField, str], str]:
    def read(field: FormField, text: str) -> str:
        number = compact(text)
        found = problem(number)
        if found is not None:
            raise _Unfit(say("：{message}", message=found.message), found.remedy)
        return number

    return read


_READERS: Mapping[str, Callable[[FormField, str], str | int]] = {
    "text": _read_text,
    "multiline": _read_text,
    "integer": _read_integer,
    "date": _read_date,
    "choice": _read_choice,
    "bank_card": _read_bank_card,
    "phone": _read_checked(compact_phone, phone_problem),
    "citizen_id": _read_checked(compact_number, citizen_id_problem),
    "uscc": _read_checked(compact_number, uscc_problem),
}


def _extra(others: Mapping[str, object]) -> tuple[dict[str, Any], Problem | None]:
    """Bounded plain values; a float or a huge integer is kept as its text, since the log holds neither."""
    budget = [EXTRA_MAX_CHARS]
    try:
        if len(others) > EXTRA_MAX_KEYS:
            raise _Unfit
        return {key: _plain(value, EXTRA_MAX_DEPTH, budget) for key, value in others.items()}, None
    except _Unfit:
        limits = say(
            "{extra_max_keys} 个键、{extra_max_depth} 层、{extra_max_chars} 个字",
            extra_max_keys=EXTRA_MAX_KEYS,
            extra_max_depth=EXTRA_MAX_DEPTH,
            extra_max_chars=EXTRA_MAX_CHARS,
        )
        return {}, Problem(
            "form.extra", say("事项没有定义的键太多或太长，最多 {limits}", limits=limits), N_("请删去不需要的内容")
        )


def _plain(value: object, depth: int, budget: list[int]) -> Any:
    if depth < 0:
        raise _Unfit
    if isinstance(value, Mapping):
        return {_spend(str(k), budget): _plain(v, depth - 1, budget) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v, depth - 1, budget) for v in value]
    if isinstance(value, int) and value.bit_length() > EXTRA_MAX_CHARS:
        raise _Unfit  # str() itself refuses integers of more than some thousand digits
    text = _spend(str(value), budget)
    whole = isinstance(value, int) and -_INT64 <= value < _INT64
    return value if value is None or isinstance(value, bool) or whole else text


def _spend(text: str, budget: list[int]) -> str:
    budget[0] -= len(text) + 1
    if budget[0] < 0 or any("\ud800" <= char <= "\udfff" for char in text):
        raise _Unfit
    return text
