"""What we ask of our own changes on the way between acceptance and decision. Pure.

The log may hold what these rules do not let us write; the fold takes it as it was ordered.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from casework.change_choices import ESCALATION_OUTCOMES, PART_OUTCOMES, SPECIAL_PROCEDURES
from casework.changes import ChangeKind
from casework.clock_table import EXTENSION_DAYS_MAX
from casework.errors import Problem
from casework.fold import CaseState
from casework.states import COUNTY
from casework.texts import N_, joined, say


def procedure_faults(case: CaseState, kind: ChangeKind, body: dict[str, Any], today: date | None) -> list[Problem]:
    """List what keeps us from writing this now. today: the day in China, None to skip what depends on it."""
    if kind in (ChangeKind.SPLIT, ChangeKind.PART_ANSWER, ChangeKind.REASSIGN) and case.holder != COUNTY:
        return [Problem("", N_("本件不由县级承办，不能分送或转办"), N_("请由当前承办方办理"))]
    match kind:
        case ChangeKind.SPECIAL_PROCEDURE | ChangeKind.SPECIAL_RESULT:
            return _special_faults(case, kind, body)
        case ChangeKind.EXTEND:
            return _extension_faults(case, body["days"])
        case ChangeKind.ASK_SUPPLEMENT if body.get("until"):
            return _past(today, "until", N_("补正的最后期限"), [body["until"]])
        case ChangeKind.ACCEPT_LACKING:
            return _past(today, "lacking", N_("容缺材料的最后期限"), [one["due"] for one in body["lacking"]])
        case ChangeKind.SPLIT:
            return _split_faults(case, body, today)
        case ChangeKind.PART_ANSWER:
            return _answer_faults(case, body)
        case ChangeKind.ESCALATE if case.in_escalation:
            return [Problem("", N_("已转报，正在等待答复"), N_("请先登记转报结果"))]
        case ChangeKind.ESCALATE_RESULT:
            return _escalation_faults(case, body)
        case ChangeKind.GRANT | ChangeKind.DENY:
            return _decision_faults(case, kind, today)
        case ChangeKind.ISSUE | ChangeKind.VERIFY_COMMITMENT:
            return _after_grant_faults(case, kind)
        case _:
            return []


def _past(today: date | None, field: str, what: str, days: list[str]) -> list[Problem]:
    if today is None or all(day >= today.isoformat() for day in days):
        return []
    return [Problem(field, say("{what}早于今天", what=what), N_("请改为今天或以后的日期"))]


def _split_faults(case: CaseState, body: dict[str, Any], today: date | None) -> list[Problem]:
    waiting = {part.office for part in case.open_parts}
    again = [part["office"] for part in body["parts"] if part["office"] in waiting]
    if again:
        return [
            Problem(
                "parts",
                say("{names}还没有答复，不能重复分送", names=joined(N_("、"), again)),
                N_("请去掉已经分送的部门"),
            )
        ]
    return _past(today, "parts", N_("部门答复的最后期限"), [part["due"] for part in body["parts"]])


def _answer_faults(case: CaseState, body: dict[str, Any]) -> list[Problem]:
    if body["office"] not in {part.office for part in case.open_parts}:
        return [Problem("", N_("没有等待贵部门答复的并联事项"), N_("请刷新后查看最新进度"))]
    if body["outcome"] not in PART_OUTCOMES:
        return [
            Problem("outcome", N_("请选择意见"), say("可选：{names}", names=joined(N_("、"), PART_OUTCOMES.values())))
        ]
    return []


def _escalation_faults(case: CaseState, body: dict[str, Any]) -> list[Problem]:
    if not case.in_escalation:
        return [Problem("", N_("没有等待答复的转报"), N_("请刷新后查看最新进度"))]
    if body["outcome"] not in ESCALATION_OUTCOMES:
        return [
            Problem(
                "outcome",
                N_("请选择对方的答复"),
                say("可选：{names}", names=joined(N_("、"), ESCALATION_OUTCOMES.values())),
            )
        ]
    return []


def _decision_faults(case: CaseState, kind: ChangeKind, today: date | None) -> list[Problem]:
    """The join (并联审批): every department has answered, or has let its day pass; who never answers stops nobody."""
    if case.in_procedure:
        return [Problem("", N_("特别程序还没有结束，不能作出决定"), N_("请先登记特别程序结果"))]
    if case.in_escalation:
        return [Problem("", N_("转报还没有答复，不能作出决定"), N_("请先登记转报结果"))]
    day = today.isoformat() if today is not None else "9999-12-31"
    if waiting := [part.office for part in case.open_parts if part.due >= day]:
        return [
            Problem(
                "",
                say("还在等待{names}的意见", names=joined(N_("、"), waiting)),
                N_("请等各部门答复，或在其期限过后再作决定"),
            )
        ]
    if kind is ChangeKind.GRANT and case.still_lacking:
        names = joined(N_("、"), (one.name for one in case.still_lacking))
        return [Problem("", say("容缺的材料还没有补齐：{names}", names=names), N_("请等收件站点补齐后再作准予决定"))]
    return []


def _after_grant_faults(case: CaseState, kind: ChangeKind) -> list[Problem]:
    """What follows a grant and nothing else (行政许可法第三十九条)."""
    if kind is ChangeKind.VERIFY_COMMITMENT and not (case.commitment and case.decision == "granted"):
        return [Problem("", N_("本件不是以告知承诺方式准予的，不需要承诺核查"), N_("请返回办件"))]
    if case.decision != "granted":
        return [
            Problem("", N_("本件未准予许可，不能制证"), N_("请送达不予许可决定或终止的告知（行政许可法第三十九条）"))
        ]
    return []


def _special_faults(case: CaseState, kind: ChangeKind, body: dict[str, Any]) -> list[Problem]:
    """One at a time, though the log may hold several (行政许可法第四十五条)."""
    if kind is ChangeKind.SPECIAL_RESULT:
        return [] if case.in_procedure else [Problem("", N_("没有正在进行的特别程序"), N_("请刷新后查看最新进度"))]
    if case.in_procedure:
        return [Problem("", N_("已有特别程序正在进行"), N_("请先登记它的结果"))]
    if body["procedure"] not in SPECIAL_PROCEDURES:
        return [
            Problem(
                "procedure",
                N_("请选择特别程序"),
                say("可选：{names}", names=joined(N_("、"), SPECIAL_PROCEDURES.values())),
            )
        ]
    return []


def _extension_faults(case: CaseState, days: int) -> list[Problem]:
    """Once, by the head of the organ, at most ten working days (行政许可法第四十二条)."""
    if case.extension is not None:
        return [
            Problem("", N_("本件已经延长过一次，不能再延长"), N_("请在延长后的期限内作出决定（行政许可法第四十二条）"))
        ]
    if days > EXTENSION_DAYS_MAX:
        return [
            Problem(
                "days",
                say("延长不得超过 {extension_days_max} 日", extension_days_max=EXTENSION_DAYS_MAX),
                N_("请填写 1 到 10（行政许可法第四十二条）"),
            )
        ]
    return []
