"""The scenario parts of an item's plain form: questions, decision table, 告知承诺; the rest is in catalogue_format."""

from __future__ import annotations

from collections.abc import Callable

from casework.plain_reader import PlainReader
from casework.service_item import AGE_MAX, FACTS, Commitment, Condition, Mark, Question, ScenarioRule

QUESTION_KEY_PATTERN = r"[a-z][a-z0-9_]{0,39}"
QUESTIONS_MAX = 20
RULES_MAX = 60

ReadMark = Callable[[PlainReader], Mark]


def read_questions(r: PlainReader, read_mark: ReadMark) -> tuple[Question, ...]:
    """The item's `questions`; missing is none."""
    return tuple(_question(row, read_mark) for row in r.rows("questions", items=QUESTIONS_MAX))


def _question(r: PlainReader, read_mark: ReadMark) -> Question:
    question = Question(
        key=r.text("key", pattern=QUESTION_KEY_PATTERN),
        text=r.text("text", most=100),
        choices=r.texts("choices", most=60, items=40),
        fact=r.choice("fact", ("", *FACTS), default=""),
        mark=read_mark(r),
    )
    r.done()
    if question.fact and question.choices:
        r.fault("choices", f"「{FACTS[question.fact]}」由申请人信息得出，不能有选项", "请删去 choices，或删去 fact")
    if not question.fact and len(question.choices) < 2:
        r.fault("choices", "情形问题至少要有两个选项", "请补上选项，或改写 fact: age 等由申请人信息得出的事实")
    return question


def read_rules(r: PlainReader, read_mark: ReadMark) -> tuple[ScenarioRule, ...]:
    """The item's `rules`; missing is none."""
    return tuple(_rule(row, read_mark) for row in r.rows("rules", items=RULES_MAX))


def _rule(r: PlainReader, read_mark: ReadMark) -> ScenarioRule:
    rule = ScenarioRule(
        when=tuple(_condition(row) for row in r.rows("when", items=QUESTIONS_MAX)),
        require=r.texts("require", most=100),
        allow=r.texts("allow", most=100),
        drop=r.texts("drop", most=100),
        omit=r.texts("omit", most=40),
        why=r.text("why", most=100),
        mark=read_mark(r),
    )
    r.done()
    return rule


def _condition(r: PlainReader) -> Condition:
    condition = Condition(
        question=r.text("question", most=40),
        answers=r.texts("answers", most=60, items=40),
        least=r.whole("least", 0, AGE_MAX, default=None),
        most=r.whole("most", 0, AGE_MAX, default=None),
    )
    r.done()
    return condition


def read_commitment(r: PlainReader | None, read_mark: ReadMark) -> Commitment | None:
    """The item's `commitment`: null where 告知承诺 is not allowed."""
    if r is None:
        return None
    commitment = Commitment(r.texts("replaces", most=100), r.texts("omit", most=40), read_mark(r))
    r.done()
    return commitment
