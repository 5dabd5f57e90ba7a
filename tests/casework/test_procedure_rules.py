"""What keeps an office from writing a step between acceptance and decision; what it may write instead."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from casework.changes import ChangeKind
from casework.errors import Problem
from casework.fold import CaseState, fold
from casework.own_rules import check_own
from casework.states import State
from tests.casework.cases import PAGE_1, PAGE_2, body_of, collect_body, entry

K = ChangeKind
TODAY = date(2026, 12, 1)
REVIEW = (K.COLLECT, K.ENDORSE, K.ACCEPT, K.REVIEW)


def case(*steps: ChangeKind, **bodies: dict[str, Any]) -> CaseState:
    made = []
    for number, kind in enumerate(steps):
        office = "home" if kind in (K.COLLECT, K.SUPPLEMENT) else "township" if kind is K.ENDORSE else "county"
        made.append(entry(kind, office, ref=f"up:17/0/{number}", body=bodies.get(kind.name.lower())))
    return fold(made)


def faults(
    state: CaseState, kind: ChangeKind, body: dict[str, Any] | None = None, office: str = "county", **more: Any
) -> list[Problem]:
    return check_own(
        state,
        kind,
        body or body_of(kind),
        office=office,
        home_tier="village",
        blobs=(PAGE_1, PAGE_2),
        today=TODAY,
        **more,
    )


def said(problems: list[Problem]) -> str:
    assert problems
    assert all(problem.remedy for problem in problems)
    return problems[0].message


def test_a_decision_waits_for_every_department_until_its_day_has_passed() -> None:
    """并联审批: who never answers stops nobody; that he did not is another matter."""
    split = {
        "parts": [{"office": "林业局", "due": "2026-12-01"}, {"office": "住建局", "due": "2026-12-09"}],
    }
    state = case(*REVIEW, K.SPLIT, split=split)
    assert said(faults(state, K.GRANT)) == "还在等待林业局、住建局的意见"
    state = case(*REVIEW, K.SPLIT, K.PART_ANSWER, split=split)
    assert said(faults(state, K.GRANT)) == "还在等待住建局的意见"
    late = {"parts": [{"office": "住建局", "due": "2026-11-30"}]}
    assert faults(case(*REVIEW, K.SPLIT, split=late), K.GRANT) == []


def test_a_department_answers_once_and_only_what_it_was_asked() -> None:
    state = case(*REVIEW, K.SPLIT)
    assert faults(state, K.PART_ANSWER) == []
    assert (
        said(faults(state, K.PART_ANSWER, body_of(K.PART_ANSWER) | {"office": "住建局"}))
        == "没有等待贵部门答复的并联事项"
    )
    assert said(faults(state, K.PART_ANSWER, body_of(K.PART_ANSWER) | {"outcome": "maybe"})) == "请选择意见"
    assert said(faults(case(*REVIEW, K.SPLIT, K.PART_ANSWER), K.PART_ANSWER)) == "没有等待贵部门答复的并联事项"
    assert said(faults(state, K.SPLIT)) == "林业局还没有答复，不能重复分送"
    assert faults(case(*REVIEW, K.SPLIT, K.PART_ANSWER), K.SPLIT) == []


def test_what_was_tolerated_must_have_come_before_a_case_is_granted() -> None:
    lacking = (K.COLLECT, K.ENDORSE, K.ACCEPT_LACKING, K.REVIEW)
    assert said(faults(case(*lacking), K.GRANT)) == "容缺的材料还没有补齐：户口簿"
    assert faults(case(*lacking), K.DENY, body_of(K.DENY)) == []
    body = {"materials": [{"name": "户口簿", "seen": True}]}
    assert faults(case(*lacking), K.SUPPLEMENT, body, "home") == []
    assert faults(case(*lacking, K.SUPPLEMENT, supplement=body), K.GRANT) == []
    assert said(faults(case(*REVIEW), K.SUPPLEMENT, body, "home")).endswith("不能「补正」")


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        (K.ACCEPT_LACKING, {"lacking": [{"name": "户口簿", "due": "2026-11-30"}], "case_no": None}, "lacking"),
        (K.ASK_SUPPLEMENT, {**body_of(K.ASK_SUPPLEMENT), "until": "2026-11-30"}, "until"),
    ],
)
def test_a_last_day_lies_not_in_the_past(kind: ChangeKind, body: dict[str, Any], field: str) -> None:
    (problem,) = faults(case(K.COLLECT, K.ENDORSE), kind, body)
    assert problem.field == field and "早于今天" in problem.message


def test_a_part_is_not_asked_for_yesterday() -> None:
    (problem,) = faults(case(*REVIEW), K.SPLIT, {"parts": [{"office": "林业局", "due": "2026-11-30"}]})
    assert problem.field == "parts" and "早于今天" in problem.message


def test_an_outside_system_answers_before_the_decision() -> None:
    state = case(*REVIEW, K.ESCALATE)
    assert said(faults(state, K.GRANT)) == "转报还没有答复，不能作出决定"
    assert said(faults(state, K.ESCALATE)) == "已转报，正在等待答复"
    assert said(faults(state, K.ESCALATE_RESULT, body_of(K.ESCALATE_RESULT) | {"outcome": "?"})) == "请选择对方的答复"
    answered = case(*REVIEW, K.ESCALATE, K.ESCALATE_RESULT)
    assert faults(answered, K.GRANT) == []
    assert said(faults(answered, K.ESCALATE_RESULT)) == "没有等待答复的转报"


def test_only_the_county_passes_a_case_around_its_departments() -> None:
    state = fold(
        [entry(K.COLLECT, body=collect_body(first_review=False, decision="township")), entry(K.ACCEPT, "township")]
    )
    assert state.state is State.ACCEPTED
    for kind in (K.SPLIT, K.REASSIGN):
        assert said(faults(state, kind)) == "本件不由县级承办，不能分送或转办"
    assert faults(case(*REVIEW), K.REASSIGN) == []
    assert case(*REVIEW, K.REASSIGN).office == "林业局"


def test_sending_back_leads_to_the_step_before() -> None:
    assert case(*REVIEW, K.SEND_BACK).state is State.ACCEPTED
    assert case(K.COLLECT, K.ENDORSE, K.SEND_BACK).state is State.COLLECTED
    assert faults(case(*REVIEW), K.SEND_BACK, {"reason": " "})[0].field == "reason"


def test_a_commitment_is_checked_where_one_was_given() -> None:
    granted = (*REVIEW, K.GRANT)
    assert said(faults(case(*granted), K.VERIFY_COMMITMENT)) == "本件不是以告知承诺方式准予的，不需要承诺核查"
    state = case(*granted, K.VERIFY_COMMITMENT, collect=collect_body() | {"commitment": True})
    assert faults(state, K.VERIFY_COMMITMENT) == []
    assert state.commitment_check is not None and state.commitment_check.kept


def test_a_licence_follows_a_grant_and_nothing_else() -> None:
    assert faults(case(*REVIEW, K.GRANT, K.CLOSE), K.ISSUE) == []
    words = "本件未准予许可，不能制证"
    assert said(faults(case(*REVIEW, K.DENY, K.CLOSE, close={"result": "denied"}), K.ISSUE)) == words
    assert said(faults(case(K.COLLECT, K.ASK_SUPPLEMENT, K.LAPSE), K.ISSUE)) == words


def test_who_knows_that_silence_has_accepted_does_not_act_as_before_it() -> None:
    state = case(K.COLLECT, K.DEEM_ACCEPTED)
    before = ((K.CORRECT, "home"), (K.ENDORSE, "township"), (K.ASK_SUPPLEMENT, "township"), (K.ACCEPT, "county"))
    for kind, office in before:
        assert said(faults(state, kind, office=office)) == "本件逾期未答复，已视为受理"


def test_who_knows_that_time_has_ended_a_case_does_not_supplement_it() -> None:
    state = case(K.COLLECT, K.ASK_SUPPLEMENT, K.LAPSE)
    assert said(faults(state, K.SUPPLEMENT, office="home")) == "本件已逾期终止，不能再补充材料"


def test_nothing_follows_a_withdrawal() -> None:
    state = fold([entry(K.COLLECT), entry(K.WITHDRAW, "home", ref="up:17/0/2")])
    for kind in (K.GRANT, K.DENY, K.SPLIT, K.ESCALATE, K.REASSIGN):
        assert "不能" in said(faults(state, kind))
