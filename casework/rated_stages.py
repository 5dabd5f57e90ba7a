"""The ratings of one case and what was done about them, out of the hub's internal entries. Pure; never raises.

Of each stage the first rating counts; a later one takes its place within REPLACE_SECONDS, and only while nothing was
recorded about it. What does not fit says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from casework.changes import ChangeKind, check_body
from casework.errors import Problem
from casework.issued_cards import InternalEntry
from casework.ratings import (
    CALLED,
    CONFIRMED,
    DONE,
    GRADES,
    MENDED,
    NOT_COUNTED,
    REPLACE_SECONDS,
    STAGES,
    STEP_TEXT_MAX_CHARS,
    VERDICT,
    VERDICTS,
    Rating,
)
from casework.texts import N_, say

KINDS = (ChangeKind.RATING, ChangeKind.RECTIFY)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a rectification: what, in what words, by which account and when (unix seconds)."""

    step: str
    text: str
    verdict: str
    by: int
    time: int


@dataclass(frozen=True, slots=True)
class RatedStage:
    """The rating of one stage that counts. first, given: when the first one and this one were given; received: when
    it reached the county (all unix seconds). due: YYYY-MM-DD of a bad one, else ""."""

    stage: str
    rating: Rating
    channel: str
    region: str
    office: str
    item: str
    first: int
    given: int
    received: int
    due: str
    steps: tuple[Step, ...] = ()

    def last(self, step: str) -> Step | None:
        """The newest step of a kind."""
        return next((one for one in reversed(self.steps) if one.step == step), None)

    @property
    def verdict(self) -> str:
        said = self.last(VERDICT)
        return said.verdict if said is not None else ""

    @property
    def over(self) -> bool:
        """Nothing is left to do: it is no bad one, or its rectification was brought to an end."""
        return not self.rating.bad or self.last(DONE) is not None

    @property
    def counted(self) -> bool:
        """Whether it counts in the satisfaction figures."""
        return self.verdict not in NOT_COUNTED

    def replaceable(self, at: int) -> bool:
        """Whether one given at this moment takes its place."""
        return not self.steps and self.given < at <= self.first + REPLACE_SECONDS


def rated_stages(entries: Iterable[InternalEntry]) -> list[RatedStage]:
    """By stage, in the order of STAGES; entries in the order of the feed."""
    found: dict[str, RatedStage] = {}
    for entry in entries:
        if entry.kind not in KINDS or check_body(entry.kind, entry.body):
            continue
        known = found.get(entry.body["stage"])
        if entry.kind == ChangeKind.RATING:
            _rate(found, known, entry)
        elif known is not None:
            body = entry.body
            step = Step(body["step"], body["text"], body.get("verdict") or "", entry.actor, entry.time)
            if not step_problems(known, step.step, step.text, step.verdict):
                found[known.stage] = replace(known, steps=(*known.steps, step))
    return [found[stage] for stage in STAGES if stage in found]


def _rate(found: dict[str, RatedStage], known: RatedStage | None, entry: InternalEntry) -> None:
    body = entry.body
    given = min(body["given"], entry.time)  # no clock of a station makes a rating later than it came
    if body["stage"] not in STAGES or body["grade"] not in GRADES:
        return
    if known is not None and not known.replaceable(given):
        return
    found[body["stage"]] = RatedStage(
        stage=body["stage"],
        rating=Rating(body["grade"], tuple(body["marks"]), body["words"]),
        channel=body["channel"],
        region=body["region"],
        office=body["office"],
        item=body["item"],
        first=known.first if known is not None else given,
        given=given,
        received=entry.time,
        due=body.get("due") or "",
    )


def step_problems(known: RatedStage, step: str, text: str, verdict: str) -> list[Problem]:
    """Why a step does not fit now; empty when it may be recorded."""
    if known.over:
        return [Problem("", N_("这条评价不需要整改，或整改已经办结"), N_("无需再处理，请返回列表"))]
    problems = _order(known, step, verdict)
    if not text.strip() and step != DONE:
        problems.append(Problem("text", N_("没有填写情况"), N_("请写明和谁、什么时间、说了什么或做了什么")))
    if len(text) > STEP_TEXT_MAX_CHARS:
        problems.append(
            Problem(
                "text", say("情况超过 {step_text_max_chars} 字", step_text_max_chars=STEP_TEXT_MAX_CHARS), N_("请缩短")
            )
        )
    return problems


def _order(known: RatedStage, step: str, verdict: str) -> list[Problem]:
    if step == CALLED:
        return []
    if known.last(CALLED) is None:
        return [
            Problem(
                "step",
                N_("还没有回访评价人"),
                N_("差评应当全部回访：请先电话或上门回访并记录；联系不上的也记下几次、何时"),
            )
        ]
    if step == VERDICT:
        return [] if verdict in VERDICTS else [Problem("verdict", N_("没有选择核实结论"), N_("请从列出的结论中选一个"))]
    if step == MENDED:
        return []
    if step != DONE:
        return [Problem("step", N_("没有选择要记录的步骤"), N_("请从列出的步骤中选一个"))]
    if not known.verdict:
        return [Problem("step", N_("还没有核实结论，不能办结整改"), N_("请先记录核实结论"))]
    if known.verdict == CONFIRMED and known.last(MENDED) is None:
        return [Problem("step", N_("差评属实而没有整改情况，不能办结"), N_("请先记录怎样整改的"))]
    return []
