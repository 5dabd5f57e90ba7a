"""代办: somebody acts for the applicant, with an identity of his own and the applicant's written authorisation."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from casework.applicant import CITIZEN_ID_TYPE, ID_TYPES, NAME_MAX_CHARS, USCC_TYPE, hidden_character
from casework.errors import Problem
from casework.identity import citizen_id_problem, compact_number, compact_phone, phone_problem

PROXY_KEYS = ("name", "id_type", "id", "phone", "authorisation")
_OTHER_ID = re.compile(r"[0-9A-Z()/.]{4,30}")


def clean_proxy(given: object) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """(numbers as stored, all PROXY_KEYS; what is wrong with the form of it). Whether it holds, `proxy_problems`."""
    if not isinstance(given, Mapping):
        return {}, (Problem("proxy", "代办人应当是一组键值", f"请写 {'、'.join(PROXY_KEYS)}"),)
    problems = [
        Problem(f"proxy.{str(key)[:40]}", "代办人没有这一项", f"可用的项：{'、'.join(PROXY_KEYS)}")
        for key in given
        if key not in PROXY_KEYS
    ]
    problems += [
        Problem(f"proxy.{key}", f"代办人的 {key} 应当是文字", "号码也请写成带引号的文字")
        for key in PROXY_KEYS
        if not isinstance(given.get(key), str | None)
    ]
    if problems:
        return {}, tuple(problems)
    clean = {key: (given.get(key) or "").strip() for key in PROXY_KEYS}
    clean["id_type"] = clean["id_type"] or CITIZEN_ID_TYPE
    return clean | {"id": compact_number(clean["id"]), "phone": compact_phone(clean["phone"])}, ()


def proxy_problems(proxy: Mapping[str, Any], applicant: Mapping[str, Any], given: Collection[str]) -> list[Problem]:
    """What keeps a clean proxy from acting. given: names of the materials that were brought."""
    found = [_name_problem(proxy["name"]), _id_problem(proxy["id_type"], proxy["id"])]
    found.append(phone_problem(proxy["phone"], "proxy.phone") if proxy["phone"] else None)
    if proxy["id"] and (proxy["id_type"], proxy["id"]) == (applicant.get("id_type"), applicant.get("id")):
        found.append(Problem("proxy.id", "代办人和申请人是同一个证件号码", "本人办理的不用填写代办人"))
    if proxy["authorisation"] not in given:
        said = f"缺少申请人的委托书「{proxy['authorisation'][:60]}」" if proxy["authorisation"] else "没有选择委托书"
        where = f"materials.{proxy['authorisation'][:60]}" if proxy["authorisation"] else "proxy.authorisation"
        found.append(Problem(where, said, "请选择委托书，并扫描或核对申请人签名的原件"))
    return [problem for problem in found if problem is not None]


def _name_problem(name: str) -> Problem | None:
    if not name:
        return Problem("proxy.name", "没有填写代办人姓名", "请填写代办人姓名；本人办理的请清空代办人各项")
    if len(name) > NAME_MAX_CHARS:
        return Problem("proxy.name", f"代办人姓名超过 {NAME_MAX_CHARS} 个字", "请缩短")
    hidden = hidden_character(name)
    return Problem("proxy.name", f"代办人姓名里有看不见的控制字符 {hidden}", "请删去后重新输入") if hidden else None


def _id_problem(id_type: str, number: str) -> Problem | None:
    if id_type not in ID_TYPES or id_type == USCC_TYPE:
        return Problem("proxy.id_type", "请选择代办人的证件类型", "代办人是自然人，居民身份证写 111")
    if id_type == CITIZEN_ID_TYPE:
        return citizen_id_problem(number, "proxy.id")
    if not _OTHER_ID.fullmatch(number):
        return Problem("proxy.id", "证件号码应当是 4 到 30 位字母和数字", "请对照证件重新录入")
    return None
