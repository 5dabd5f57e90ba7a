"""How an application came about, in words: answers, 告知承诺, 绿色通道, 首问, 代办, and the way that follows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from casework.applicant import ID_TYPES
from casework.case_parts import Material
from casework.identity import mask_id, mask_phone
from casework.scenario import Requirements
from casework.service_item import TRUST_LEVELS, ServiceItem

Translate = Callable[[str], str]
Rows = list[tuple[str, str]]


def answer_rows(item: ServiceItem | None, answers: Mapping[str, str | int], _: Translate = str) -> Rows:
    """Question and answer, in the item's order; an answer to a question that is not known here keeps its key."""
    rows = []
    for question in item.questions if item else ():
        if question.key in answers:
            rows.append((question.text, _answer(question.fact, answers[question.key], _)))
    known = {question.key for question in item.questions} if item else set()
    return rows + [(key, str(answers[key])) for key in answers if key not in known]


def _answer(fact: str, answer: str | int, _: Translate) -> str:
    if fact == "age":
        return _("{n} 周岁").format(n=answer)
    if fact == "applicant_kind":
        return _("单位") if answer == "org" else _("自然人")
    return str(answer)


class HowApplied(Protocol):
    """A case's state or a draft: what was said beside applicant and form."""

    @property
    def commitment(self) -> bool: ...
    @property
    def green(self) -> str: ...
    @property
    def first_asked(self) -> str: ...
    @property
    def proxy(self) -> Mapping[str, Any]: ...


def how_rows(said: HowApplied, reveal: str, _: Translate = str) -> Rows:
    """Label and value of each thing that was said. reveal: as in `applicant_rows`."""
    rows = [(_("办理方式"), _("告知承诺"))] if said.commitment else []
    rows += [(_("绿色通道"), said.green)] if said.green else []
    rows += [(_("首问人"), said.first_asked)] if said.first_asked else []
    if proxy := said.proxy:
        number, phone = str(proxy.get("id", "")), str(proxy.get("phone", ""))
        if reveal != "full":
            number, phone = mask_id(number), mask_phone(phone)
        id_type = str(proxy.get("id_type", ""))
        rows.append((_("代办人"), str(proxy.get("name", ""))))
        rows.append((_("代办人：") + (_(ID_TYPES[id_type]) if id_type in ID_TYPES else _("证件")), number))
        rows += [(_("代办人电话"), phone)] if phone else []
        rows.append((_("委托书"), str(proxy.get("authorisation", ""))))
    return rows


def way_rows(needs: Requirements, _: Translate = str) -> Rows:
    """The stages of the way, and those that are spared with the reason; nothing where the way is as published."""
    if not needs.omitted:
        return []
    way = " → ".join(step.stage for step in needs.steps)
    return [(_("办理环节"), way), *((_("免去「{stage}」").format(stage=stage), why) for stage, why in needs.omitted)]


def trust_words(item: ServiceItem | None, materials: Iterable[Material], _: Translate = str) -> dict[str, str]:
    """Material -> its level of trust in words, of those that are there."""
    found = {}
    for one in materials:
        rule = item.material(one.name) if item else None
        if rule is not None:
            level = rule.trust_when(seen=one.seen, exempt=one.exempt != "")
            found[one.name] = _("{level} 级：{word}").format(level=level, word=_(TRUST_LEVELS[level]))
    return found
