"""A dry run of an item: what would this applicant need? Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from casework.errors import BadInput, Problem
from casework.scenario import LEFT_OUT, OPTIONAL, REQUIRED, requirements
from casework.service_item import AGE_MAX, APPLICANT_KINDS, ServiceItem

_WORDS = {REQUIRED: "必备", OPTIONAL: "视情况", LEFT_OUT: "免交"}


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who asks: age in years or None, person or org, answers as KEY=VALUE, whether 告知承诺 is signed."""

    age: int | None
    kind: str
    answers: tuple[str, ...]
    commitment: bool


def asked_report(item: ServiceItem, who: Applicant) -> dict[str, Any]:
    """Materials with their need and why, the way, and the questions that were left open. Raises BadInput."""
    answers = _answers(item, who)
    needs = requirements(item, answers, commitment=who.commitment)
    return {
        "item": item.key,
        "version": item.version,
        "materials": [
            {"name": one.name, "need": one.need, "why": list(one.why), "tolerable": one.rule.tolerable}
            for one in needs.materials
        ],
        "steps": [step.stage for step in needs.steps],
        "omitted": [{"stage": stage, "why": why} for stage, why in needs.omitted],
        "open": [question.key for question in item.questions if question.key not in answers],
    }


def _answers(item: ServiceItem, who: Applicant) -> dict[str, str | int]:
    problems: list[Problem] = []
    if who.kind not in APPLICANT_KINDS:
        problems.append(Problem("--kind", "申请人类型不对", f"可选：{'、'.join(APPLICANT_KINDS)}"))
    if who.age is not None and not 0 <= who.age <= AGE_MAX:
        problems.append(Problem("--age", "年龄不对", f"请填写 0 到 {AGE_MAX}"))
    if who.commitment and item.commitment is None:
        problems.append(Problem("--commitment", f"「{item.name}」不适用告知承诺", "请去掉 --commitment"))
    given = {text.partition("=")[0]: text.partition("=")[2] for text in who.answers}
    found: dict[str, str | int] = {}
    for key, value in given.items():
        question = item.question(key)
        if question is None or question.fact:
            open_ones = "、".join(q.key for q in item.questions if not q.fact) or "（无）"
            problems.append(Problem(f"--answer {key[:40]}", "没有这个情形问题", f"可选：{open_ones}"))
        elif value not in question.choices:
            problems.append(Problem(f"--answer {key}", "没有这个选项", f"可选：{'、'.join(question.choices)}"))
        else:
            found[key] = value
    if problems:
        raise BadInput([Problem(p.field, f"{p.field}：{p.message}", p.remedy) for p in problems])
    facts: dict[str, str | int | None] = {"age": who.age, "applicant_kind": who.kind}
    return found | {q.key: fact for q in item.questions if (fact := facts.get(q.fact)) is not None}


def asked_text(item: ServiceItem, report: dict[str, Any]) -> str:
    """The report for a person."""
    lines = [f"{item.name}（第 {item.version} 版）"]
    for one in report["materials"]:
        late = f"，可容缺 {one['tolerable']} 个工作日" if one["need"] == REQUIRED and one["tolerable"] else ""
        why = f"（{'；'.join(one['why'])}）" if one["why"] else ""
        lines.append(f"{_WORDS[one['need']]}  {one['name']}{late}{why}")
    lines.append("环节  " + " → ".join(report["steps"]))
    lines += [f"免去  {one['stage']}（{one['why']}）" for one in report["omitted"]]
    lines += [f"未回答  {question.text}" for question in item.questions if question.key in report["open"]]
    return "\n".join(lines)
