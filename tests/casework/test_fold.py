from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.body_shape import MAX_DEPTH
from casework.changes import ChangeKind
from casework.fold import CaseState, fold
from casework.journal import HELD, ORDERED, REFUSED, TENTATIVE
from casework.states import State
from casework.view_dates import case_dates
from tests.casework.case_strategies import histories
from tests.casework.cases import PAGE_1, PAGE_2, RESULT, Blob, Entry, collect_body, entry, page

K = ChangeKind
ROOT = Path(__file__).resolve().parents[2]


def story() -> list[Entry]:
    return [
        entry(K.COLLECT, time=10, ref="up:17/0/1"),
        entry(K.ASK_SUPPLEMENT, "township", time=20, ref="tv:3/0/1"),
        entry(K.SUPPLEMENT, time=30, ref="up:17/0/2"),
        entry(K.ENDORSE, "township", time=40, ref="tu:3/0/1"),
        entry(K.NUMBER, "county", time=45, ref="hs:1/0/1", actor=0),
        entry(K.ACCEPT, "county", time=50, ref="hs:1/0/2"),
        entry(K.REVIEW, "county", time=60, ref="hs:1/0/3"),
        entry(K.GRANT, "county", time=70, ref="hs:1/0/4"),
        entry(K.ATTACH_RESULT, "county", time=80, ref="hs:1/0/5"),
        entry(K.CLOSE, "county", time=90, ref="hs:1/0/6"),
        entry(K.DELIVER, time=100, ref="up:17/0/3"),
    ]


def test_the_whole_story() -> None:
    case = fold(story())
    assert (case.state, case.holder) == (State.DELIVERED, "")
    assert (case.home, case.collected_by, case.item, case.code) == (
        17, 5, "disability-allowance", "341882101201-1-20261120-0001-7",
    )  # fmt: skip
    assert case.case_no == "11341882X2026112000001"
    assert (case.collected_at, case.accepted_at, case.decided_at, case.closed_at) == (10, 50, 70, 90)
    assert case.entered == {
        "collected": 30, "supplement_asked": 20, "first_review": 40, "accepted": 50, "review": 60,
        "granted": 70, "closed": 90, "delivered": 100,
    }  # fmt: skip
    assert [(m.name, m.seen, len(m.pages), m.ref) for m in case.materials] == [
        ("身份证", True, 0, "up:17/0/1"),
        ("残疾人证", False, 1, "up:17/0/2"),
    ]
    assert case.supplement is not None
    assert (case.supplement.asked_at, case.supplement.office, case.supplement.answered_at) == (
        20,
        "township",
        30,
    )
    assert (case.decision, case.seen) == ("granted", [PAGE_1.hash, PAGE_2.hash])
    assert [(r.title, r.blob, r.length) for r in case.results] == [("决定书", RESULT.hash, 500)]
    assert (case.close_result, case.opinion) == ("issued", "情况属实")
    assert case.delivery is not None
    assert (case.delivery.to, case.delivery.how, case.delivery.time) == ("王建国", "window", 100)
    assert all(item.applied for item in case.timeline)
    assert [item.note for item in case.timeline][3] == "情况属实"


def test_what_is_accepted_twice_runs_from_the_first_time() -> None:
    again = fold([*story()[:6], entry(K.ACCEPT, "county", time=55, ref="hs:1/0/9")])
    assert (again.state, again.accepted_at) == (State.ACCEPTED, 50)


def test_holder_follows_each_step() -> None:
    holders = []
    case = CaseState()
    for change in story():
        case.apply(change)
        holders.append(case.holder)
    county = ["county"] * 6
    assert holders == ["township", "home", "township", *county, "home", ""]


def test_supplement_returns_to_where_it_was_asked() -> None:
    changes = [entry(K.COLLECT), entry(K.ENDORSE, "township"), entry(K.ASK_SUPPLEMENT, "county")]
    asked = fold(changes)
    assert (asked.state, asked.resume, asked.holder) == (State.SUPPLEMENT_ASKED, State.FIRST_REVIEW, "home")
    back = fold([entry(K.SUPPLEMENT)], asked)
    assert (back.state, back.resume, back.holder) == (State.FIRST_REVIEW, None, "county")


def test_correction_replaces_only_what_it_names() -> None:
    materials = [{"name": "身份证", "pages": [page(1)]}, {"name": "照片", "seen": True}]
    body = {"form": {"bank": "农商行"}, "materials": materials, "reason": "补录"}
    case = fold([entry(K.COLLECT), entry(K.CORRECT, body=body, ref="up:17/0/9")])
    assert case.form == {"level": "二级", "bank": "农商行"}
    assert case.applicant["name"] == "王建国"
    assert [m.name for m in case.materials] == ["身份证", "残疾人证", "照片"]
    assert case.materials[0].pages[0].blob == PAGE_2.hash
    assert case.materials[0].pages[0].ref == "up:17/0/9"


def test_a_page_keeps_its_preview() -> None:
    body = collect_body()
    body["materials"][1]["pages"][0]["preview"] = 2
    case = fold([entry(K.COLLECT, body=body, blobs=(PAGE_1, PAGE_2, Blob(b"\x03" * 32, 77, 1)))])
    first, second = case.materials[1].pages
    assert (first.preview, first.preview_length) == (b"\x03" * 32, 77)
    assert (second.preview, second.preview_length) == (None, 0)


def test_denial_and_refusal_keep_their_reasons() -> None:
    course = {"first_review": False}
    refused = fold(
        [
            entry(K.COLLECT, body=collect_body(**course)),
            entry(K.REFUSE_ACCEPTANCE, "county", body={"reason": "无权", "basis": "第三十二条"}),
        ]
    )
    assert (refused.state, refused.holder) == (State.REFUSED_ACCEPTANCE, "home")
    assert (refused.reason, refused.basis) == ("无权", "第三十二条")
    denied = fold([*story()[:7], entry(K.DENY, "county")])
    assert (denied.state, denied.decision, denied.reason, denied.seen) == (
        State.DENIED, "denied", "不符合条件", [PAGE_1.hash],
    )  # fmt: skip


def test_special_procedures_begin_and_end_and_an_extension_adds_up() -> None:
    """The fold takes what was ordered: two at once, a result of none, a second extension."""
    accepted = [entry(K.COLLECT), entry(K.ENDORSE, "township"), entry(K.ACCEPT, "county")]
    case = fold([*accepted, entry(K.SPECIAL_RESULT, "county", time=1)])
    assert case.procedures == [] and not case.in_procedure
    case = fold([entry(K.SPECIAL_PROCEDURE, "county", time=time) for time in (2, 3)], case)
    assert [(one.since, one.until) for one in case.procedures] == [(2, None), (3, None)] and case.in_procedure
    case = fold([entry(K.SPECIAL_RESULT, "county", time=4)], case)
    assert [(one.since, one.until, one.opinion) for one in case.procedures] == [(2, None, ""), (3, 4, "听证笔录已归卷")]
    case = fold([entry(K.SPECIAL_RESULT, "county", time=5), *[entry(K.EXTEND, "county", time=6)] * 2], case)
    assert not case.in_procedure and case.state is State.ACCEPTED
    assert case.extension is not None and (case.extension.days, case.extension.time) == (20, 6)
    dates = case_dates(fold([entry(K.SPECIAL_PROCEDURE, "county", time=1_790_000_000)], case))
    assert (dates.extended_days, dates.suspensions[2].since.isoformat()) == (20, "2026-09-21")
    assert dates.suspensions[2].until is None and dates.suspensions[1].until is not None


def test_requests_open_and_close() -> None:
    asked = [
        entry(K.COLLECT),
        entry(K.REQUEST_WITHDRAW, ref="up:17/0/2"),
        entry(K.REQUEST_WITHDRAW, ref="up:17/0/3"),
    ]
    assert fold(asked).open_requests == ["up:17/0/2", "up:17/0/3"]
    assert fold(asked).state is State.COLLECTED
    declined = entry(K.DECLINE_REQUEST, "township", body={"request": "up:17/0/2", "reason": "迟"})
    assert fold([*asked, declined]).open_requests == ["up:17/0/3"]
    withdrawn = fold([*asked, entry(K.WITHDRAW, "township", body={"reason": "应申请", "request": "up:17/0/2"})])
    assert (withdrawn.state, withdrawn.open_requests, withdrawn.holder) == (State.WITHDRAWN, [], "")


def test_a_request_nobody_answered_ends_with_the_case() -> None:
    steps = [*story()[:7], entry(K.REQUEST_WITHDRAW, ref="up:17/0/8"), *story()[7:]]
    assert fold(steps[:-1]).open_requests == ["up:17/0/8"]
    assert fold(steps).open_requests == []


@pytest.mark.parametrize("standing", [HELD, REFUSED])
def test_held_and_refused_are_told_but_not_applied(standing: str) -> None:
    before = fold([entry(K.COLLECT)])
    after = fold([entry(K.ENDORSE, "township", standing=standing, code="wrong_state")], before)
    assert after.state is State.COLLECTED
    last = after.timeline[-1]
    assert (last.standing, last.code, last.applied, last.note) == (standing, "wrong_state", False, "")
    assert after.to_plain() == before.to_plain()


def test_what_does_not_fit_is_only_a_line() -> None:
    case = fold([entry(K.COLLECT), entry(K.GRANT, "county"), entry(K.COLLECT, body=collect_body("township"))])
    assert (case.state, case.tier, case.decision) == (State.COLLECTED, "village", "")
    assert [item.applied for item in case.timeline] == [True, False, False]


@pytest.mark.parametrize("body", [None, [], {"opinion": 3}, {}])
def test_an_unreadable_body_is_only_a_line(body: Any) -> None:
    change = Entry(K.ENDORSE, body, "township")
    case = fold([entry(K.COLLECT), change])
    assert (case.state, case.timeline[-1].applied) == (State.COLLECTED, False)


def test_an_ordered_change_is_not_judged_again() -> None:
    """A county that took over first review was admitted by a person; the fold does not know better."""
    assert fold([entry(K.COLLECT), entry(K.ENDORSE, "county")]).state is State.FIRST_REVIEW
    assert fold([entry(K.COLLECT), entry(K.ACCEPT, "county")]).state is State.ACCEPTED


@pytest.mark.parametrize("kind", [K.ENDORSE, K.ACCEPT, K.WITHDRAW, K.NUMBER])
def test_a_tentative_claim_from_the_wrong_office_is_not_shown_as_fact(kind: ChangeKind) -> None:
    case = fold([entry(K.COLLECT), entry(kind, "home", standing=TENTATIVE)])
    assert (case.state, case.case_no, case.timeline[-1].applied) == (State.COLLECTED, "", False)


def test_tentative_work_shows_but_is_not_in_the_plain_form() -> None:
    ordered = fold([entry(K.COLLECT)])
    shown = fold([entry(K.ENDORSE, "township", standing=TENTATIVE)], ordered)
    assert (shown.state, ordered.state) == (State.FIRST_REVIEW, State.COLLECTED)
    assert shown.to_plain() == ordered.to_plain()
    assert len(shown.timeline) == 2


def test_start_is_left_as_it_was() -> None:
    start = fold(story()[:2])
    plain = copy.deepcopy(start.to_plain())
    fold(story()[2:], start)
    assert start.to_plain() == plain


def test_a_plain_form_is_a_copy_both_ways() -> None:
    history = [entry(K.COLLECT), entry(K.REQUEST_WITHDRAW)]
    case = fold(history)
    plain = case.to_plain()
    kept = copy.deepcopy(plain)
    stored = CaseState.from_plain(plain)
    withdraw = entry(K.WITHDRAW, "township", body={"reason": "应申请", "request": "up:17/0/1"}, time=5)
    for state in (case, stored):
        state.apply(withdraw)
        assert plain == kept


@given(histories())
def test_fold_is_total_and_its_plain_form_is_plain(history: list[Entry]) -> None:
    case = fold(history)
    assert len(case.timeline) == len(history)
    _assert_plain(case.to_plain())


@given(histories(), st.integers(0, 15))
def test_incremental_is_the_same_as_from_scratch(history: list[Entry], cut: int) -> None:
    assert fold(history[cut:], fold(history[:cut])) == fold(history)


@given(histories())
def test_plain_form_rests_on_ordered_changes_alone(history: list[Entry]) -> None:
    ordered = [change for change in history if change.standing == ORDERED]
    assert fold(history).to_plain() == fold(ordered).to_plain()


@given(histories())
def test_plain_form_round_trips_and_can_be_gone_on_from(history: list[Entry]) -> None:
    ordered = [change for change in history if change.standing == ORDERED]
    cut = len(ordered) // 2
    stored = CaseState.from_plain(fold(ordered[:cut]).to_plain())
    assert fold(ordered[cut:], stored) == fold(ordered)


def _nested(depth: int) -> Any:
    return [] if depth == 0 else {"x": _nested(depth - 1)}


def test_the_deepest_bodies_give_a_state_no_deeper() -> None:
    body = {**collect_body(), "form": _nested(MAX_DEPTH - 1), "extra": _nested(MAX_DEPTH - 1)}
    body["applicant"]["later"] = _nested(MAX_DEPTH - 2)
    body["materials"][1]["pages"][0]["later"] = _nested(MAX_DEPTH - 5)
    defect = {"subject": "照片", "what": "过期", "later": _nested(MAX_DEPTH - 3)}
    case = fold([entry(K.COLLECT, body=body), entry(K.ASK_SUPPLEMENT, "county", body={"defects": [defect]})])
    assert case.state is State.SUPPLEMENT_ASKED
    _assert_plain(case.to_plain())


def _assert_plain(value: object, depth: int = 0) -> None:
    assert depth <= MAX_DEPTH
    if type(value) is dict:
        assert all(type(key) is str for key in value)
        for item in value.values():
            _assert_plain(item, depth + 1)
    elif type(value) is list:
        for item in value:
            _assert_plain(item, depth + 1)
    elif type(value) is int:
        assert -(2**63) <= value < 2**63
    elif type(value) is str:
        value.encode()
    else:
        assert value is None or type(value) in (bool, bytes)


def test_the_plain_form_does_not_depend_on_the_hash_seed() -> None:
    program = (
        "from tests.casework.test_fold import story\n"
        "from casework.fold import fold\n"
        "print(repr(fold(story()).to_plain()))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "77")
    }
    assert len(said) == 1
