"""Who applies: a person or an organisation with a typed identity document.

Document types are the three-digit codes of GA/T 2000.156 (111 居民身份证, 414 普通护照, ...) and 001 for the
unified social credit code. Names are never normalised: a rare character or the dot · that was typed is the
character that is stored.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from casework.errors import Problem
from casework.identity import (
    citizen_id_problem,
    compact_number,
    compact_phone,
    phone_problem,
    uscc_problem,
)
from casework.service_item import SERVICE_OBJECTS, ServiceItem
from casework.texts import N_, joined, say

APPLICANT_KEYS = ("kind", "id_type", "id", "name", "phone", "address")
CITIZEN_ID_TYPE = "111"
USCC_TYPE = "001"
ID_TYPES: Mapping[str, str] = {
    "111": N_("居民身份证"), "112": N_("临时居民身份证"), "113": N_("居民户口簿"), "414": N_("普通护照"),
    "511": N_("台湾居民来往大陆通行证"), "516": N_("港澳居民来往内地通行证"), "553": N_("外国人永久居留身份证"),
    "990": N_("其他证件"), "001": N_("统一社会信用代码"),
}  # fmt: skip
NAME_MAX_CHARS = 100
ADDRESS_MAX_CHARS = 200
_OTHER_ID = re.compile(r"[0-9A-Z()/.]{4,30}")
# Joiners that some scripts of China need inside a word; all other format characters hide or reorder text.
_NEEDED_JOINERS = "\u180e\u200c\u200d"


def hidden_character(text: str, *, newlines: bool = False) -> str:
    """The first control or reordering character as U+XXXX, or "" when there is none."""
    for char in text:
        if newlines and char in "\n\t":
            continue
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") and char not in _NEEDED_JOINERS:
            return f"U+{ord(char):04X}"
    return ""


def check_applicant(applicant: object, item: ServiceItem) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """(clean applicant with all APPLICANT_KEYS, problems); fields are named applicant.KEY."""
    if not isinstance(applicant, Mapping):
        return {}, (
            Problem("applicant", N_("缺少申请人"), N_("请填写 applicant：kind、id_type、id、name、phone、address")),
        )
    raw = {key: _text(applicant.get(key, "")) for key in APPLICANT_KEYS}
    clean = {key: text.strip() for key, text in raw.items() if text is not None}
    problems = [_not_text(key) for key, text in raw.items() if text is None]
    problems += [
        Problem(
            f"applicant.{str(key)[:40]}",
            say("申请人里没有「{str}」这一项", str=str(key)[:40]),
            N_("请删去，或写到表单里"),
        )
        for key in applicant
        if key not in APPLICANT_KEYS
    ]
    if not problems:
        clean["id"], clean["phone"] = compact_number(clean["id"]), compact_phone(clean["phone"])
        problems = [p for p in _rules(clean, item) if p is not None]
    return clean, tuple(problems)


def _text(value: object) -> str | None:
    if value is None:
        return ""
    return value if isinstance(value, str) else None


def _not_text(key: str) -> Problem:
    return Problem(f"applicant.{key}", say("申请人的 {key} 应当是文字", key=key), N_("号码也请写成带引号的文字"))


def _rules(clean: Mapping[str, str], item: ServiceItem) -> list[Problem | None]:
    return [
        _kind_problem(clean["kind"], item),
        _id_problem(clean["kind"], clean["id_type"], clean["id"]),
        _line_problem("name", N_("姓名或名称"), clean["name"], NAME_MAX_CHARS, required=True),
        phone_problem(clean["phone"], "applicant.phone") if clean["phone"] else None,
        _line_problem("address", N_("地址"), clean["address"], ADDRESS_MAX_CHARS, required=False),
    ]


def _kind_problem(kind: str, item: ServiceItem) -> Problem | None:
    field = "applicant.kind"
    if kind not in ("person", "org"):
        return Problem(field, N_("申请人类型不对"), N_("请写 person(自然人)或 org(单位)"))
    served = item.service_object
    if (kind == "person" and 1 in served) or (kind == "org" and set(served) - {1}):
        return None
    objects = joined(N_("、"), (SERVICE_OBJECTS[code] for code in served))
    return Problem(
        field, say("「{name}」的服务对象是{objects}", name=item.name, objects=objects), N_("请核对事项和申请人类型")
    )


def _id_problem(kind: str, id_type: str, number: str) -> Problem | None:
    if not re.fullmatch(r"[0-9]{3}", id_type):
        return Problem(
            "applicant.id_type", N_("证件类型应当是三位代码"), N_("居民身份证写 111，统一社会信用代码写 001")
        )
    if kind == "person" and id_type == USCC_TYPE:
        return Problem("applicant.id_type", N_("自然人不能用统一社会信用代码"), N_("请改用居民身份证 111 等个人证件"))
    if kind == "org" and id_type == CITIZEN_ID_TYPE:
        return Problem("applicant.id_type", N_("单位不能用居民身份证"), N_("请改用统一社会信用代码 001"))
    if id_type == CITIZEN_ID_TYPE:
        return citizen_id_problem(number, "applicant.id")
    if id_type == USCC_TYPE:
        return uscc_problem(number, "applicant.id")
    if not _OTHER_ID.fullmatch(number):
        return Problem("applicant.id", N_("证件号码应当是 4 到 30 位字母和数字"), N_("请对照证件重新录入"))
    return None


def _line_problem(key: str, label: str, text: str, most: int, *, required: bool) -> Problem | None:
    field = f"applicant.{key}"
    if required and not text:
        return Problem(field, say("没有填写{label}", label=label), say("请填写{label}", label=label))
    if len(text) > most:
        return Problem(
            field, say("{label}有 {n} 个字，最多 {most} 个字", label=label, n=len(text), most=most), N_("请缩短")
        )
    hidden = hidden_character(text)
    if hidden:
        return Problem(
            field,
            say("{label}里有看不见的控制字符 {hidden}", label=label, hidden=hidden),
            N_("请删去后重新输入，不要从别处粘贴"),
        )
    return None
