from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.case_parts import Lacking
from casework.changes import ChangeKind
from casework.fold import CaseState, fold
from casework.judge import Admit, Hold, Refuse, Verdict, judge
from casework.states import TABLE, Route, State, office_fits, row_for
from tests.casework.case_strategies import CASE_KINDS, changes, histories
from tests.casework.cases import PAGE_1, Entry, applicant, body_of, collect_body, entry, route

K = ChangeKind


def ruling(state: CaseState | None, change: Entry, tier: str = "village", **known: Any) -> Verdict:
    routes: dict[tuple[str, int], Mapping[str, object]] = {("disability-allowance", 1): route(**known)}
    return judge(state, change, home_tier=tier, route_for=lambda item, version: routes.get((item, version)))


def in_state(state: State | None, *, first_review: bool = True, decision: str = "county") -> CaseState:
    """A village's case put into a state directly, with one open request."""
    case = fold([entry(K.COLLECT, body=collect_body(first_review=first_review, decision=decision))])
    if state is None:
        return CaseState()
    case.state, case.open_requests = state, ["up:17/0/1"]
    return case


STATES: list[State | None] = [None, *(state for state in State if state is not State.DRAFT)]


@pytest.mark.parametrize(("kind", "first_review"), list(product(CASE_KINDS, (True, False))))
@pytest.mark.parametrize("decision", ["village", "township", "county"])
def test_every_kind_state_and_office(kind: ChangeKind, first_review: bool, decision: str) -> None:
    for state, office in product(STATES, ("home", "township", "county")):
        case = in_state(state, first_review=first_review, decision=decision)
        body = body_of(kind)
        if kind is K.COLLECT:
            body = collect_body(first_review=first_review, decision=decision)
        if kind is K.WITHDRAW and office != "home":
            body["request"] = "up:17/0/1"
        verdict = ruling(case, entry(kind, office, body=body), first_review=first_review, decision=decision)
        row = row_for(kind, state, case.course())
        if row is None and state is None:
            assert verdict == Refuse("not_collected")
        elif row is None:
            assert verdict == Refuse("already_collected" if kind is K.COLLECT else "wrong_state")
        elif not office_fits(row, state, case.course(), office):
            assert verdict == Refuse("wrong_office")
        else:
            assert verdict == Admit(), (state, office)


def _by_time(case: CaseState, route: Route) -> CaseState:
    """With what time has done to it, where a row asks for that."""
    if case.state is not None:
        case.deemed = "2026-11-27" if route is Route.DEEMED else ""
        case.lapsed = "supplement_lapsed" if route is Route.LAPSED else ""
        case.lacking = [Lacking("户口簿", "2026-12-04", None)] if route is Route.LACKING else []
    return case


def test_every_row_is_admitted_by_somebody() -> None:
    admitted = set()
    for row, first_review, office in product(TABLE, (True, False), ("home", "township", "county")):
        for state in row.sources:
            case = _by_time(in_state(state, first_review=first_review), row.route)
            body = {**body_of(row.kind), "request": "up:17/0/1"}
            if row.kind is K.COLLECT:
                body = collect_body(first_review=first_review)
            change = entry(row.kind, office, body=body)
            if ruling(case, change, first_review=first_review) == Admit():
                admitted.add((row.kind, state))
    assert admitted == {(row.kind, state) for row in TABLE for state in row.sources}


def test_a_township_home_acts_for_its_township() -> None:
    case = fold([entry(K.COLLECT, body=collect_body("township"))])
    assert ruling(case, entry(K.ENDORSE, "home"), "township") == Admit()
    assert ruling(case, entry(K.ENDORSE, "home"), "village") == Refuse("wrong_office")


@pytest.mark.parametrize("kind", [1, 63, 127, 4711])
def test_unknown_kinds_are_held(kind: int) -> None:
    assert ruling(None, Entry(kind, None)) == Hold("unknown_kind")


@pytest.mark.parametrize("kind", [96, 100, 101, 102, 103, 104])
def test_known_kinds_of_no_case_are_refused(kind: int) -> None:
    assert ruling(fold([entry(K.COLLECT)]), Entry(kind, {"text": "", "about": ""})) == Refuse("not_a_case_change")


def test_an_unreadable_body_is_held() -> None:
    assert ruling(None, Entry(K.COLLECT, None)) == Hold("unreadable")


def test_a_bad_body_names_its_field() -> None:
    body = {**collect_body(), "applicant": {**applicant(), "name": ""}}
    assert ruling(None, entry(K.COLLECT, body=body)) == Refuse("bad_body", "applicant.name")


def test_a_bad_blob_index_names_its_field() -> None:
    assert ruling(None, entry(K.COLLECT, blobs=(PAGE_1,))) == Refuse("bad_blob", "materials.1.pages.1.blob")


def test_collect_must_match_catalogue_and_station() -> None:
    change = entry(K.COLLECT)
    assert ruling(None, change) == Admit()
    assert ruling(CaseState(), change) == Admit()
    assert ruling(None, change, "township") == Refuse("wrong_tier", "tier")
    assert ruling(None, change, decision="township") == Refuse("wrong_route", "route.decision")
    assert ruling(None, change, first_review=False) == Refuse("wrong_route", "route.first_review")
    assert ruling(None, change, reads=False) == Refuse("wrong_route", "route.township_reads")
    newer = entry(K.COLLECT, body={**collect_body(), "version": 2})
    assert ruling(None, newer) == Hold("item_unknown")
    assert ruling(fold([change]), newer) == Refuse("already_collected")


def test_only_an_open_request_lets_others_withdraw() -> None:
    case = fold([entry(K.COLLECT), entry(K.REQUEST_WITHDRAW, ref="up:17/0/2")])
    unasked = Refuse("no_such_request", "request")
    assert ruling(case, entry(K.WITHDRAW, "township")) == unasked
    wrong = {"reason": "应申请", "request": "up:17/0/3"}
    assert ruling(case, entry(K.WITHDRAW, "township", body=wrong)) == unasked
    assert ruling(case, entry(K.DECLINE_REQUEST, "township", body=wrong)) == unasked
    right = {"reason": "应申请", "request": "up:17/0/2"}
    assert ruling(case, entry(K.WITHDRAW, "township", body=right)) == Admit()
    assert ruling(case, entry(K.DECLINE_REQUEST, "township", body=right)) == Admit()


def test_the_home_withdraws_unasked_only_while_it_holds_the_case() -> None:
    collected = fold([entry(K.COLLECT)])
    assert ruling(collected, entry(K.WITHDRAW)) == Refuse("wrong_office")
    asked = fold([entry(K.ASK_SUPPLEMENT, "township")], collected)
    assert ruling(asked, entry(K.WITHDRAW)) == Admit()


def test_a_number_is_given_once() -> None:
    case = fold([entry(K.COLLECT), entry(K.ENDORSE, "township"), entry(K.NUMBER, "county")])
    assert ruling(case, entry(K.NUMBER, "county")) == Admit()
    for kind in (K.NUMBER, K.ACCEPT):
        other = entry(kind, "county", body={"case_no": "other"})
        assert ruling(case, other) == Refuse("already_numbered", "case_no")


@given(histories(8), changes(), st.sampled_from(["village", "township"]))
def test_judge_never_raises_and_what_it_admits_applies(history: list[Entry], change: Entry, tier: str) -> None:
    case = fold(history)
    shown = CaseState.from_plain(case.to_plain())
    if shown.state is not None:
        tier = shown.tier
    if ruling(shown, change, tier) == Admit():
        ordered = Entry(change.kind, change.body, change.office, standing="ordered", blobs=change.blobs)
        assert fold([ordered], shown).timeline[-1].applied


def test_a_number_given_below_the_county_is_refused() -> None:
    case = in_state(State.FIRST_REVIEW, decision="township")
    accept = entry(K.ACCEPT, "township", body={"case_no": "341882-FAKE-1"})
    assert ruling(case, accept, decision="township") == Refuse("wrong_office", "case_no")
    unnumbered = entry(K.ACCEPT, "township", body={"case_no": None})
    assert ruling(case, unnumbered, decision="township") == Admit()
