"""What an applicant is still to be told, who has said it, and the words in which it is said."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from casework.changes import ChangeKind
from casework.fold import CaseState, fold
from casework.own_rules import check_own
from casework.states import State
from casework.telling import Speaker, due_tellings, spoken_day, tell_column, words
from tests.casework.cases import body_of, entry

K = ChangeKind
TODAY = date(2026, 11, 23)
AT_VILLAGE = Speaker("桃州村", "广德市政务服务大厅", "0563-6022222")
DEFECTS = [
    {"subject": "残疾人证", "what": "第二页不清。"},
    {"subject": "户口簿", "what": "缺本人页"},
    {"subject": "申请人信息", "what": "电话号码少一位"},
]
REVIEWED = (K.COLLECT, K.ENDORSE, K.ACCEPT, K.REVIEW)


def case(*steps: ChangeKind | tuple[ChangeKind, dict[str, Any]]) -> CaseState:
    """A case after these changes; their refs are r0, r1..., their times 1000, 1001..."""
    found = []
    for n, step in enumerate(steps):
        kind, more = step if isinstance(step, tuple) else (step, {})
        found.append(entry(kind, "home", body={**body_of(kind), **more}, ref=f"r{n}", time=1000 + n))
    state = fold(found)
    assert all(line.applied for line in state.timeline)
    return state


def tell(
    about: str, of: str, how: str = "phone", *, done: bool = True, **more: Any
) -> tuple[ChangeKind, dict[str, Any]]:
    return K.TELL, {"about": about, "of": of, "how": how, "done": done, "day": None, "at": None, **more}


def faults(state: CaseState, step: tuple[ChangeKind, dict[str, Any]], office: str = "home") -> str:
    body = {**body_of(K.TELL), **step[1]}
    found = check_own(state, K.TELL, body, office=office, home_tier="village", today=TODAY)
    return "；".join(problem.message for problem in found)


def said(state: CaseState, speaker: Speaker = AT_VILLAGE) -> str:
    (one,) = due_tellings(state)
    return "".join(words(state, one, "残疾人两项补贴", speaker))


@pytest.mark.parametrize(
    ("steps", "due"),
    [
        ((K.COLLECT,), []),
        ((K.COLLECT, K.ASK_SUPPLEMENT), [("supplement", "r1")]),
        ((K.COLLECT, K.ASK_SUPPLEMENT, K.SUPPLEMENT), []),
        ((K.COLLECT, K.ASK_SUPPLEMENT, tell("supplement", "r1")), []),
        ((K.COLLECT, K.ASK_SUPPLEMENT, tell("supplement", "r1", "message", done=False)), [("supplement", "r1")]),
        (
            (K.COLLECT, K.ASK_SUPPLEMENT, tell("supplement", "r1"), K.SUPPLEMENT, K.ASK_SUPPLEMENT),
            [("supplement", "r4")],
        ),
        # said in good faith of the first notice, and ordered behind the second
        (
            (K.COLLECT, K.ASK_SUPPLEMENT, K.SUPPLEMENT, K.ASK_SUPPLEMENT, tell("supplement", "r1")),
            [("supplement", "r3")],
        ),
        ((*REVIEWED, K.GRANT), []),
        ((*REVIEWED, K.GRANT, K.CLOSE), [("result", "r5")]),
        ((*REVIEWED, K.GRANT, K.CLOSE, K.ISSUE), [("result", "r5")]),
        ((*REVIEWED, K.GRANT, K.CLOSE, tell("result", "r5", "visit")), []),
        ((*REVIEWED, K.GRANT, K.CLOSE, K.DELIVER), []),
        ((K.COLLECT, K.ENDORSE, K.REFUSE_ACCEPTANCE), [("result", "r2")]),
        ((K.COLLECT, K.ASK_SUPPLEMENT, K.LAPSE), [("result", "r2")]),
        ((K.COLLECT, K.WITHDRAW), []),
        ((K.COLLECT, K.TELL), [("appointment", "r1")]),
        ((K.COLLECT, K.TELL, K.TELL), [("appointment", "r2")]),
        ((K.COLLECT, K.TELL, tell("appointment", "r1")), []),
        ((K.COLLECT, K.TELL, tell("appointment", "r1"), K.TELL), [("appointment", "r3")]),
        ((K.COLLECT, K.TELL, K.WITHDRAW), []),
        ((K.COLLECT, K.TELL, K.ASK_SUPPLEMENT), [("appointment", "r1"), ("supplement", "r2")]),
    ],
)
def test_what_is_due(steps: Any, due: list[tuple[str, str]]) -> None:
    state = case(*steps)
    assert [(one.about, one.of) for one in due_tellings(state)] == due
    assert tell_column(state) == ",".join(sorted(about for about, _ in due))


def test_telling_moves_nothing_and_is_kept_in_the_case() -> None:
    before = case(K.COLLECT, K.ASK_SUPPLEMENT)
    after = case(K.COLLECT, K.ASK_SUPPLEMENT, tell("supplement", "r1", note="女儿接的电话"))
    assert (after.state, after.holder, after.supplement) == (before.state, before.holder, before.supplement)
    (told,) = after.told
    assert (told.about, told.of, told.how, told.done, told.note) == ("supplement", "r1", "phone", True, "女儿接的电话")
    assert CaseState.from_plain(after.to_plain()).told == after.told or after.base is not None
    assert [
        one.messaged
        for one in due_tellings(case(K.COLLECT, K.ASK_SUPPLEMENT, tell("supplement", "r1", "message", done=False)))
    ] == [1002]


def test_a_supplement_is_told_with_all_that_is_lacking_until_when_and_whom_to_call() -> None:
    text = said(case(K.COLLECT, (K.ASK_SUPPLEMENT, {"defects": DEFECTS, "until": "2026-12-11", "note": "可以拍照"})))
    assert "还差 3 样" in text and "残疾人两项补贴" in text
    for n, defect in enumerate(DEFECTS, 1):
        assert f"第 {n} 样，{defect['subject']}：{defect['what'].rstrip('。')}。" in text
    for part in ("12 月 11 日，星期五", "送到桃州村", "可以拍照", "身份证", "广德市政务服务大厅", "0563-6022222"):
        assert part in text
    assert "。。" not in text and "{" not in text
    open_ended = said(case(K.COLLECT, K.ASK_SUPPLEMENT), Speaker("桃州村"))
    assert "尽早" in open_ended and "自动终止" not in open_ended and "电话" not in open_ended


@pytest.mark.parametrize(
    ("steps", "parts"),
    [
        ((*REVIEWED, K.GRANT, K.ATTACH_RESULT, K.CLOSE), ("已经办好了", "《决定书》", "来领")),
        ((*REVIEWED, K.GRANT, (K.CLOSE, {"result": "escalated"})), ("已经办结，结果是：转报办结",)),
        ((*REVIEWED, K.DENY, (K.CLOSE, {"result": "denied"})), ("没有批准", "理由是：不符合条件", "行政复议")),
        ((K.COLLECT, K.ENDORSE, (K.REFUSE_ACCEPTANCE, {"basis": "某法第一条"})),
         ("没有受理", "职权", "某法第一条", "行政复议")),
        ((K.COLLECT, K.ASK_SUPPLEMENT, K.LAPSE), ("已经终止", "重新申请")),
        ((K.COLLECT, (K.TELL, {"note": "户口簿原件"})),
         ("12 月 4 日，星期五，上午 9 时，村服务站", "请带上：户口簿原件")),
    ],
)  # fmt: skip
def test_results_and_appointments_are_told_in_words(steps: Any, parts: tuple[str, ...]) -> None:
    text = said(case(*steps))
    assert all(part in text for part in parts), text
    assert "{" not in text and "。。" not in text


def test_days_are_said_as_one_says_them() -> None:
    assert spoken_day("2026-11-23") == "11 月 23 日，星期一"
    assert spoken_day("不知道") == "不知道"


@pytest.mark.parametrize(
    ("steps", "step", "word"),
    [
        ((K.COLLECT, K.ASK_SUPPLEMENT), tell("supplement", "r1"), ""),
        ((K.COLLECT, K.ASK_SUPPLEMENT, tell("supplement", "r1")), tell("supplement", "r1"), "已经告知过"),
        ((K.COLLECT, K.ASK_SUPPLEMENT), tell("supplement", "r0"), "已经告知过"),
        ((K.COLLECT, K.ASK_SUPPLEMENT), tell("supplement", ""), "没有写明"),
        ((K.COLLECT, K.ASK_SUPPLEMENT), tell("supplement", "r1", "pigeon"), "告知的方式"),
        ((K.COLLECT,), tell("weather", ""), "告知的内容"),
        ((K.COLLECT,), (K.TELL, {}), ""),
        ((K.COLLECT,), (K.TELL, {"day": "2026-11-23"}), ""),
        ((K.COLLECT,), (K.TELL, {"day": "2026-11-22"}), "早于今天"),
        ((K.COLLECT,), (K.TELL, {"day": "2027-11-24"}), ""),
        ((K.COLLECT,), (K.TELL, {"day": "2027-11-25"}), "一年以后"),
        ((K.COLLECT,), (K.TELL, {"day": None}), "请填写约定的日期"),
        ((K.COLLECT,), (K.TELL, {"at": " "}), "几点、在哪里"),
        ((K.COLLECT, K.WITHDRAW), (K.TELL, {}), "已经了结"),
    ],
)
def test_own_tellings_are_of_what_is_due_and_appointments_of_days_to_come(steps: Any, step: Any, word: str) -> None:
    found = faults(case(*steps), step)
    assert (word in found) if word else found == ""


def test_any_office_may_make_an_appointment_and_a_stranger_none() -> None:
    state = case(K.COLLECT)
    assert [faults(state, (K.TELL, {}), office) for office in ("home", "township", "county")] == ["", "", ""]
    assert "不能「告知群众」" in faults(state, (K.TELL, {}), "elsewhere")
    assert state.state is State.COLLECTED
