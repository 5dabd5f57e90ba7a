"""代办: somebody acts for the applicant, with an identity of his own and the applicant's written authorisation."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from casework.applicant import CITIZEN_ID_TYPE, ID_TYPES, NAME_MAX_CHARS, USCC_TYPE, hidden_character
from casework.errors import Problem
from casework.identity import citizen_id_problem, compact_number, compact_phone, phone_problem
from casework.texts import N_, joined, say

PROXY_KEYS = ("name", "id_type", "id", "phone", "authorisation")
_OTHER_ID = re.compile(r"[0-9A-Z()/.]{4,30}")


def clean_proxy(given: object) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """(numbers as stored, all PROXY_KEYS; what is wrong with the form of it). Whether it holds, `proxy_problems`."""
    if not isinstance(given, Mapping):
        return {}, (
            Problem("proxy", N_("代办人应当是一组键值"), say("请写 {names}", names=joined(N_("、"), PROXY_KEYS))),
        )
    problems = [
        Problem(
            f"proxy.{str(key)[:40]}",
            N_("代办人没有这一项"),
            say("可用的项：{names}", names=joined(N_("、"), PROXY_KEYS)),
        )
        for key in given
        if key not in PROXY_KEYS
    ]
    problems += [
        Problem(f"proxy.{key}", say("代办人的 {key} 应当是文字", key=key), N_("号码也请写成带引号的文字"))
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
        found.append(Problem("proxy.id", N_("代办人和申请人是同一个证件号码"), N_("本人办理的不用填写代办人")))
    if proxy["authorisation"] not in given:
        said = (
            say("缺少申请人的委托书「{authorisation}」", authorisation=proxy["authorisation"][:60])
            if proxy["authorisation"]
            else N_("没有选择委托书")
        )
        where = f"materials.{proxy['authorisation'][:60]}" if proxy["authorisation"] else "proxy.authorisation"
        found.append(Problem(where, said, N_("请选择委托书，并扫描或核对申请人签名的原件")))
    return [problem for problem in found if problem is not None]


def _name_problem(name: str) -> Problem | None:
    if not name:
        return Problem("proxy.name", N_("没有填写代办人姓名"), N_("请填写代办人姓名；本人办理的请清空代办人各项"))
    if len(name) > NAME_MAX_CHARS:
        return Problem(
            "proxy.name", say("代办人姓名超过 {name_max_chars} 个字", name_max_chars=NAME_MAX_CHARS), N_("请缩短")
        )
    hidden = hidden_character(name)
    return (
        Problem("proxy.name", say("代办人姓名里有看不见的控制字符 {hidden}", hidden=hidden), N_("请删去后重新输入"))
        if hidden
        else None
    )


def _id_problem(id_type: str, number: str) -> Problem | None:
    if id_type not in ID_TYPES or id_type == USCC_TYPE:
        return Problem("proxy.id_type", N_("请选择代办人的证件类型"), N_("代办人是自然人，居民身份证写 111"))
    if id_type == CITIZEN_ID_TYPE:
        return citizen_id_problem(number, "proxy.id")
    if not _OTHER_ID.fullmatch(number):
        return Problem("proxy.id", N_("证件号码应当是 4 到 30 位字母和数字"), N_("请对照证件重新录入"))
    return None
