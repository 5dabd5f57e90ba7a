"""Faults of a decision table, found when the catalogue is checked: unknown names, rows that contradict, idle questions.

Two rows contradict when some applicant can meet both and they say different things of one material. As the answers to
different questions are independent, that is decided exactly, question by question.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from casework.plain_reader import PlainReader
from casework.service_item import AGE_MAX, APPLICANT_KINDS, Condition, Question, ScenarioRule, ServiceItem

_SAID = {"require": "必备", "allow": "可选", "drop": "免交"}


def scenario_checks(item: ServiceItem, r: PlainReader) -> None:
    """Notes on `r` whatever is wrong with the item's questions, rules and 告知承诺."""
    _questions(item, r)
    for number, rule in enumerate(item.rules):
        _rule(item, rule, f"rules[{number}]", r)
    for (one, first), (other, second) in combinations(enumerate(item.rules), 2):
        if _can_both_hold(first, second):
            _contradictions(first, second, one, other, r)
    if item.commitment is not None:
        _commitment(item, r)


def _questions(item: ServiceItem, r: PlainReader) -> None:
    keys = [question.key for question in item.questions]
    facts = [question.fact for question in item.questions if question.fact]
    if repeated := sorted({key for key in keys if keys.count(key) > 1}):
        r.fault("questions", f"情形问题的键重复：{'、'.join(repeated)}", "请改名或删去一个")
    if len(set(facts)) < len(facts):
        r.fault("questions", "同一个事实问了两次", "请删去一个")
    used = {condition.question for rule in item.rules for condition in rule.when}
    for number, question in enumerate(item.questions):
        if question.key not in used:
            r.fault(f"questions[{number}]", f"没有规则用到问题「{question.key}」", "请写用到它的 rules，或删去这个问题")


def _rule(item: ServiceItem, rule: ScenarioRule, spot: str, r: PlainReader) -> None:
    if not rule.when:
        r.fault(f"{spot}.when", "没有写条件", "没有条件的要求请直接写在 materials 的 required 里")
    asked = [condition.question for condition in rule.when]
    if len(set(asked)) < len(asked):
        r.fault(f"{spot}.when", "同一个问题写了两次", "请合并成一个条件")
    for condition in rule.when:
        _condition(item.question(condition.question), condition, f"{spot}.when", r)
    named = [name for key in _SAID for name in getattr(rule, key)]
    if not named and not rule.omit:
        r.fault(spot, "这一行什么也没有决定", "请写 require、allow、drop 或 omit，或删去这一行")
    for key in _SAID:
        _known_materials(item, getattr(rule, key), f"{spot}.{key}", r)
    if repeated := sorted({name for name in named if named.count(name) > 1}):
        r.fault(spot, f"同一行里对「{'、'.join(repeated)}」说了两样", "每份材料只留在 require、allow、drop 之一")
    _known_stages(item, rule.omit, f"{spot}.omit", r)


def _condition(question: Question | None, condition: Condition, spot: str, r: PlainReader) -> None:
    if question is None:
        r.fault(spot, f"没有「{condition.question}」这个问题", "请改为 questions 里的 key")
        return
    ranged = condition.least is not None or condition.most is not None
    if question.fact == "age":
        if condition.answers or not ranged:
            r.fault(spot, f"「{condition.question}」是年龄，应当写 least、most", "请写如 {question: age, least: 80}")
        elif _span(condition)[0] > _span(condition)[1]:
            r.fault(spot, "least 大于 most，谁也不符合", "请改正这两个数")
        return
    if ranged or not condition.answers:
        r.fault(spot, f"「{condition.question}」应当写 answers", "请写 answers: [选项, …]，删去 least、most")
    choices = APPLICANT_KINDS if question.fact else question.choices
    for answer in condition.answers:
        if answer not in choices:
            r.fault(spot, f"「{condition.question}」没有「{answer}」这个选项", f"可选：{'、'.join(choices)}")


def _known_materials(item: ServiceItem, names: Sequence[str], spot: str, r: PlainReader) -> None:
    for name in names:
        if item.material(name) is None:
            r.fault(spot, f"材料清单里没有「{name}」", "请改为 materials 里的名称")


def _known_stages(item: ServiceItem, stages: Sequence[str], spot: str, r: PlainReader) -> None:
    known = [step.stage for step in item.steps]
    for stage in stages:
        if stage not in known:
            r.fault(spot, f"办理流程里没有「{stage}」环节", f"可选：{'、'.join(dict.fromkeys(known))}")
    if item.first_review and any(step.tier == "township" and step.stage in stages for step in item.steps):
        r.fault(spot, "乡镇初审的事项不能按情形省去乡镇环节", "流转路线对同一版本的每一件都相同；请改为另一个事项")


def _can_both_hold(first: ScenarioRule, second: ScenarioRule) -> bool:
    others = {condition.question: condition for condition in second.when}
    return all(_meet(one, others[one.question]) for one in first.when if one.question in others)


def _meet(one: Condition, other: Condition) -> bool:
    if one.answers or other.answers:
        return bool(set(one.answers) & set(other.answers))
    return max(_span(one)[0], _span(other)[0]) <= min(_span(one)[1], _span(other)[1])


def _span(condition: Condition) -> tuple[int, int]:
    least, most = condition.least, condition.most
    return (0 if least is None else least, AGE_MAX if most is None else most)


def _contradictions(first: ScenarioRule, second: ScenarioRule, one: int, other: int, r: PlainReader) -> None:
    for key, word in _SAID.items():
        for against, said in _SAID.items():
            for name in getattr(first, key):
                if key != against and name in getattr(second, against):
                    message = f"与 rules[{one}] 矛盾：同一申请人可能同时符合，「{name}」一处{word}、一处{said}"
                    r.fault(f"rules[{other}]", message, "请把两行的条件改成互不重叠，或统一要求")


def _commitment(item: ServiceItem, r: PlainReader) -> None:
    commitment = item.commitment
    assert commitment is not None
    if not commitment.replaces and not commitment.omit:
        r.fault("commitment", "告知承诺没有写可以代替什么", "请写 replaces 或 omit，不适用告知承诺的写 null")
    _known_materials(item, commitment.replaces, "commitment.replaces", r)
    _known_stages(item, commitment.omit, "commitment.omit", r)
