from __future__ import annotations

from typing import Any

import pytest

from casework.changes import ChangeKind
from casework.errors import Problem
from casework.fold import CaseState, fold
from casework.own_rules import case_blobs, check_own
from tests.casework.cases import PAGE_1, PAGE_2, RESULT, body_of, entry, page

K = ChangeKind
ALL = [PAGE_1.hash, PAGE_2.hash]
CHAIN = [
    entry(K.COLLECT),
    entry(K.ENDORSE, "township"),
    entry(K.ACCEPT, "county"),
    entry(K.REVIEW, "county"),
]


def problems(case: CaseState | None, kind: ChangeKind, office: str, **facts: Any) -> list[Problem]:
    body = facts.pop("body", None) or body_of(kind)
    blobs = (RESULT,) if kind is K.ATTACH_RESULT else (PAGE_1, PAGE_2)
    return check_own(case, kind, body, office=office, home_tier="village", blobs=blobs, **facts)


def after(*kinds: tuple[ChangeKind, str]) -> CaseState:
    return fold([entry(kind, office) for kind, office in kinds])


@pytest.mark.parametrize(
    ("case", "kind", "office", "field"),
    [
        (fold(CHAIN[:1]), K.CORRECT, "home", "reason"),
        (fold(CHAIN[:1]), K.ENDORSE, "township", "opinion"),
        (fold(CHAIN[:2]), K.REFUSE_ACCEPTANCE, "county", "reason"),
        (fold(CHAIN), K.DENY, "county", "reason"),
        (after((K.COLLECT, "home"), (K.ASK_SUPPLEMENT, "township")), K.WITHDRAW, "home", "reason"),
        (fold(CHAIN[:1]), K.REQUEST_WITHDRAW, "home", "reason"),
        (fold([*CHAIN, entry(K.GRANT, "county")]), K.ATTACH_RESULT, "county", "title"),
        (fold([*CHAIN, entry(K.DENY, "county"), entry(K.CLOSE, "county")]), K.DELIVER, "home", "to"),
    ],
)
def test_what_must_be_said(case: CaseState, kind: ChangeKind, office: str, field: str) -> None:
    assert problems(case, kind, office) == []
    found = problems(case, kind, office, body={**body_of(kind), field: " \u3000\n"})
    assert [problem.field for problem in found] == [field]


def test_wrong_state_and_office_say_where_the_case_is() -> None:
    (state,) = problems(fold(CHAIN[:1]), K.GRANT, "county")
    assert "已收件" in state.message and "乡镇" in state.message and "准予" in state.message
    (office,) = problems(fold(CHAIN[:1]), K.ENDORSE, "county")
    assert "当前承办方" in office.remedy
    (none,) = problems(None, K.ENDORSE, "township")
    assert "没有有效的收件" in none.message


def test_the_wire_rules_come_first() -> None:
    assert problems(None, K.COLLECT, "home", body={"item": 3})[0].field == "item"
    bad = {"materials": [{"name": "照片", "pages": [page(7)]}]}
    asked = after((K.COLLECT, "home"), (K.ASK_SUPPLEMENT, "township"))
    assert [p.field for p in problems(asked, K.SUPPLEMENT, "home", body=bad)] == ["materials.0.pages.0.blob"]


def test_required_materials_are_named_one_by_one() -> None:
    assert problems(None, K.COLLECT, "home", required=["身份证", "残疾人证"]) == []
    found = problems(None, K.COLLECT, "home", required=["户口簿", "身份证", "照片"])
    assert ["户口簿" in found[0].message, "照片" in found[1].message, len(found)] == [True, True, 2]


def test_a_correction_or_supplement_must_hold_something() -> None:
    assert problems(fold(CHAIN[:1]), K.CORRECT, "home", body={"reason": "错"})
    asked = after((K.COLLECT, "home"), (K.ASK_SUPPLEMENT, "township"))
    assert [p.field for p in problems(asked, K.SUPPLEMENT, "home", body={"materials": []})] == ["materials"]
    assert problems(asked, K.SUPPLEMENT, "home", body={"materials": [], "form": {"bank": "x"}}) == []


def test_a_notice_of_defects_says_each_one() -> None:
    case = fold(CHAIN[:1])
    assert [p.field for p in problems(case, K.ASK_SUPPLEMENT, "township", body={"defects": []})] == ["defects"]
    silent = {"defects": [{"subject": "照片", "what": "过期"}, {"subject": "身份证", "what": " "}]}
    assert [p.field for p in problems(case, K.ASK_SUPPLEMENT, "township", body=silent)] == ["defects.1.what"]


def test_a_grant_names_exactly_what_the_case_rests_on() -> None:
    case = fold(CHAIN)
    assert case_blobs(case) == ALL
    assert problems(case, K.GRANT, "county", present=ALL) == []
    for seen in ([PAGE_1.hash], [*ALL, PAGE_1.hash], [*ALL, b"\x05" * 32], []):
        assert [p.field for p in problems(case, K.GRANT, "county", body={"seen": seen}, present=ALL)] == ["seen"]
    (away,) = problems(case, K.GRANT, "county", present=[PAGE_1.hash])
    assert "1 页" in away.message and "未传到" in away.message


def test_a_page_used_twice_is_seen_once() -> None:
    body = {"materials": [{"name": "照片", "pages": [page(0), page(0)]}], "reason": "补"}
    case = fold([CHAIN[0], entry(K.CORRECT, body=body), *CHAIN[1:]])
    assert case_blobs(case) == ALL


def test_a_denial_may_rest_on_less_but_not_on_foreign_pages() -> None:
    case = fold(CHAIN)
    assert problems(case, K.DENY, "county", body={"reason": "否", "seen": []}) == []
    assert problems(case, K.DENY, "county", body={"reason": "否", "seen": [b"\x05" * 32]})


def test_close_agrees_with_the_decision() -> None:
    granted = fold([*CHAIN, entry(K.GRANT, "county")])
    with_result = fold([entry(K.ATTACH_RESULT, "county")], granted)
    denied = fold([*CHAIN, entry(K.DENY, "county")])
    assert problems(granted, K.CLOSE, "county"), "issued without a document"
    assert problems(granted, K.CLOSE, "county", body={"result": "completed"}) == []
    assert problems(with_result, K.CLOSE, "county") == []
    assert problems(with_result, K.CLOSE, "county", body={"result": "denied"})
    assert problems(denied, K.CLOSE, "county", body={"result": "denied"}) == []
    assert problems(denied, K.CLOSE, "county", body={"result": "issued"})
    assert problems(granted, K.CLOSE, "county", body={"result": "somehow"})


def test_delivery_goes_a_known_way() -> None:
    closed = fold([*CHAIN, entry(K.DENY, "county"), entry(K.CLOSE, "county")])
    (found,) = problems(closed, K.DELIVER, "home", body={"to": "王建国", "how": "pigeon"})
    assert (found.field, "窗口领取" in found.remedy) == ("how", True)


def test_others_do_not_withdraw_unasked() -> None:
    (found,) = problems(fold(CHAIN[:1]), K.WITHDRAW, "township")
    assert "没有待答复的撤回申请" in found.message


@pytest.mark.parametrize("kind", [K.GRANT, K.DENY])
def test_who_took_a_case_in_does_not_decide_it(kind: ChangeKind) -> None:
    """受审分离, whatever roles the person has had meanwhile."""
    case = fold([entry(K.COLLECT, actor=7), *CHAIN[1:]])
    body = body_of(kind) | {"seen": ALL}
    [problem] = problems(case, kind, "county", body=body, account=7)
    assert "受审分离" in problem.message and problem.remedy
    assert not problems(case, kind, "county", body=body, account=8)


def test_a_case_whose_collector_is_not_known_is_decided_by_anybody() -> None:
    assert not problems(fold([entry(K.COLLECT, actor=0), *CHAIN[1:]]), K.GRANT, "county", account=0)


UNDER_REVIEW = [*CHAIN, entry(K.SPECIAL_PROCEDURE, "county")]


@pytest.mark.parametrize(
    ("steps", "kind", "body", "word"),
    [
        (UNDER_REVIEW, K.SPECIAL_PROCEDURE, {}, "正在进行"),
        (UNDER_REVIEW, K.GRANT, {"seen": ALL}, "特别程序还没有结束"),
        (UNDER_REVIEW, K.DENY, {"seen": ALL}, "特别程序还没有结束"),
        (CHAIN, K.SPECIAL_RESULT, {}, "没有正在进行"),
        (CHAIN, K.SPECIAL_PROCEDURE, {"procedure": "magic"}, "请选择"),
        (CHAIN, K.EXTEND, {"days": 11}, "不得超过 10"),
        ([*CHAIN, entry(K.EXTEND, "county")], K.EXTEND, {"days": 1}, "已经延长过一次"),
    ],
)
def test_what_stops_or_stretches_the_clock_is_done_as_the_law_has_it(steps, kind, body, word) -> None:
    [problem] = problems(fold(steps), kind, "county", body=body_of(kind) | body)
    assert word in problem.message and problem.remedy


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        (CHAIN, K.SPECIAL_PROCEDURE),
        (UNDER_REVIEW, K.SPECIAL_RESULT),
        (UNDER_REVIEW, K.EXTEND),
        ([*UNDER_REVIEW, entry(K.SPECIAL_RESULT, "county")], K.SPECIAL_PROCEDURE),
        (CHAIN, K.EXTEND),
    ],
)
def test_what_the_law_lets_be_done_is_done(steps: list[Any], kind: ChangeKind) -> None:
    assert not problems(fold(steps), kind, "county")
