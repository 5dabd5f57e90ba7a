"""What one applicant needs, computed from the item's decision table (情形): materials, way, and why. Pure.

No flow is enumerated: every row whose conditions hold has its say, and rows that could contradict each other are faults
of the catalogue (casework.scenario_check), so the order of rows does not matter. The route that is pinned in a case
(who decides, first review) never depends on the answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from casework.errors import Problem
from casework.identity import birth_date
from casework.service_item import (
    AGE_MAX,
    Condition,
    MaterialRule,
    Question,
    ScenarioRule,
    ServiceItem,
    Step,
)
from casework.texts import N_, joined, say

CITIZEN_ID_TYPE = "111"
REQUIRED, OPTIONAL, LEFT_OUT = "required", "optional", "left_out"
COMMITTED = N_("已作告知承诺")
Answers = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Needed:
    """One material of the item for this applicant: REQUIRED, OPTIONAL or LEFT_OUT, and what decided it."""

    rule: MaterialRule
    need: str
    why: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.rule.name


@dataclass(frozen=True, slots=True)
class Requirements:
    """Everything that the answers decide. `steps` is the published way without the stages that are not needed."""

    materials: tuple[Needed, ...]
    steps: tuple[Step, ...]
    omitted: tuple[tuple[str, str], ...]
    """Stages left out, each with the reason."""

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the materials that must be there."""
        return tuple(one.name for one in self.materials if one.need == REQUIRED)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of the materials that must not be asked for."""
        return tuple(one.name for one in self.materials if one.need == LEFT_OUT)

    def needed(self, name: str) -> Needed | None:
        """What is said of the material with this name; None for one that is not the item's."""
        return next((one for one in self.materials if one.name == name), None)


def requirements(item: ServiceItem, answers: Answers, *, commitment: bool = False) -> Requirements:
    """What an applicant with these answers (facts included, see `facts_of`) has to bring, and the way of the case.

    A question without an answer meets no row, so nothing is left out that nobody asked about. commitment: the
    applicant signs 告知承诺; it counts only where the item allows it, and then outdoes the table.
    """
    rows = [rule for rule in item.rules if all(_holds(one, answers) for one in rule.when)]
    promised = item.commitment if commitment else None
    materials = tuple(
        Needed(rule, LEFT_OUT, (COMMITTED,)) if promised and rule.name in promised.replaces else _needed(rule, rows)
        for rule in item.materials
    )
    omitted = {stage: row.why for row in rows for stage in row.omit}
    omitted |= dict.fromkeys(promised.omit, COMMITTED) if promised else {}
    steps = tuple(step for step in item.steps if step.stage not in omitted)
    return Requirements(materials, steps, tuple(omitted.items()))


def _needed(rule: MaterialRule, rows: list[ScenarioRule]) -> Needed:
    for need, field in ((REQUIRED, "require"), (LEFT_OUT, "drop"), (OPTIONAL, "allow")):
        why = tuple(dict.fromkeys(row.why for row in rows if rule.name in getattr(row, field)))
        if why:
            return Needed(rule, need, why)
    if rule.exempt == "cancelled":
        return Needed(rule, LEFT_OUT, ())
    return Needed(rule, REQUIRED if rule.required else OPTIONAL, ())


def _holds(condition: Condition, answers: Answers) -> bool:
    answer = answers.get(condition.question)
    if answer is None:
        return False
    if condition.answers:
        return answer in condition.answers
    if type(answer) is not int:
        return False
    return (condition.least is None or condition.least <= answer) and (
        condition.most is None or answer <= condition.most
    )


def age_on(number: str, day: date) -> int | None:
    """Full years on `day` of the holder of a citizen number; None where the number tells no birth before that day."""
    born = birth_date(number)
    if born is None or born > day:
        return None
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def facts_of(item: ServiceItem, applicant: Mapping[str, Any], day: date) -> dict[str, str | int]:
    """Answers, by question key, that follow from who applies and from the day of intake."""
    found: dict[str, str | int] = {}
    for question in item.questions:
        fact = _fact(question.fact, applicant, day)
        if fact is not None:
            found[question.key] = fact
    return found


def _fact(fact: str, applicant: Mapping[str, Any], day: date) -> str | int | None:
    if fact == "applicant_kind":
        kind = applicant.get("kind")
        return kind if kind in ("person", "org") else None
    if fact == "age" and applicant.get("kind") == "person" and applicant.get("id_type") == CITIZEN_ID_TYPE:
        return age_on(str(applicant.get("id", "")), day)
    return None


def asked(item: ServiceItem, applicant: Mapping[str, Any], day: date) -> tuple[Question, ...]:
    """The questions that have to be put: those that no fact answers. An age is asked of holders of other documents."""
    facts = facts_of(item, applicant, day)
    return tuple(
        question
        for question in item.questions
        if question.key not in facts and question.fact != "applicant_kind" and not _ageless(question, applicant)
    )


def _ageless(question: Question, applicant: Mapping[str, Any]) -> bool:
    """An organisation has no age, and a citizen's follows from the number once that is right."""
    return question.fact == "age" and (
        applicant.get("kind") == "org" or applicant.get("id_type", "") in ("", CITIZEN_ID_TYPE)
    )


def check_answers(
    item: ServiceItem, answers: object, applicant: Mapping[str, Any], day: date, *, complete: bool = True
) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """(answers that were asked for, cleaned; problems under answers.KEY). With complete=False some may be absent."""
    if not isinstance(answers, Mapping):
        return {}, (Problem("answers", N_("情形回答应当是一组键值"), N_("请写成 {问题: 回答}")),)
    facts = facts_of(item, applicant, day)
    problems = [
        Problem(
            f"answers.{str(key)[:40]}",
            say("本事项没有情形问题「{str}」", str=str(key)[:40]),
            N_("请删去，或核对问题的键"),
        )
        for key in answers
        if item.question(str(key)) is None
    ]
    clean: dict[str, str] = {}
    for question in asked(item, applicant, day):
        raw = answers.get(question.key)
        text = "" if raw is None else str(raw).strip()
        if not text and complete:
            problems.append(
                Problem(
                    f"answers.{question.key}", say("没有回答「{text}」", text=question.text), N_("请先回答，据此定材料")
                )
            )
        elif text and (problem := _answer_problem(question, text)):
            problems.append(problem)
        elif text and question.key not in facts:
            clean[question.key] = text
    return clean, tuple(problems)


def _answer_problem(question: Question, text: str) -> Problem | None:
    if question.fact == "age":
        good = text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= AGE_MAX
        return (
            None
            if good
            else Problem(f"answers.{question.key}", N_("年龄应当是整数"), say("请填写 0 到 {age_max}", age_max=AGE_MAX))
        )
    if text in question.choices:
        return None
    choices = joined(N_("、"), question.choices)
    return Problem(
        f"answers.{question.key}",
        say("「{text}」没有这个选项", text=question.text),
        say("可选：{choices}", choices=choices),
    )


def all_answers(
    item: ServiceItem, answers: Mapping[str, Any], applicant: Mapping[str, Any], day: date
) -> dict[str, str | int]:
    """Given answers and facts together, as `requirements` takes them; what no question asks is passed over."""
    found: dict[str, str | int] = {}
    for question in item.questions:
        text = answers.get(question.key)
        if type(text) is not str:
            continue
        if question.fact != "age":
            found[question.key] = text
        elif _answer_problem(question, text) is None:
            found[question.key] = int(text)
    return found | facts_of(item, applicant, day)
