from __future__ import annotations

from itertools import product

import pytest

from casework.changes import ChangeKind
from casework.states import (
    COUNTY,
    HOME,
    NOBODY,
    OFFICE_NAMES,
    STATE_NAMES,
    TABLE,
    TOWNSHIP,
    Course,
    Move,
    Rule,
    State,
    acts_for,
    deciding_office,
    holder_of,
    next_state,
    office_fits,
    row_for,
)
from tests.casework.case_strategies import CASE_KINDS

# Written out again on purpose: (kind, state) -> next state; "=" stays, "<" resumes; R: 初审, D: none.
EXPECTED = {
    ("collect", None): "collected",
    ("correct", "collected"): "=",
    ("correct", "first_review"): "=",
    ("correct", "supplement_asked"): "=",
    ("endorse", "collected"): "first_review R",
    ("ask_supplement", "collected"): "supplement_asked",
    ("ask_supplement", "first_review"): "supplement_asked",
    ("supplement", "supplement_asked"): "<",
    ("accept", "collected"): "accepted D",
    ("accept", "first_review"): "accepted",
    ("refuse_acceptance", "collected"): "refused_acceptance D",
    ("refuse_acceptance", "first_review"): "refused_acceptance",
    ("review", "accepted"): "review",
    ("grant", "review"): "granted",
    ("deny", "review"): "denied",
    ("attach_result", "granted"): "=",
    ("attach_result", "denied"): "=",
    ("close", "granted"): "closed",
    ("close", "denied"): "closed",
    ("deliver", "closed"): "delivered",
    ("deliver", "refused_acceptance"): "delivered",
    **{
        (kind, state): target
        for kind, target in (("request_withdraw", "="), ("withdraw", "withdrawn"), ("decline_request", "="))
        for state in ("collected", "first_review", "supplement_asked", "accepted", "review")
    },
    **{
        (kind, state): "="
        for kind in ("special_procedure", "special_result", "extend")
        for state in ("accepted", "review")
    },
    **{
        (kind, state): "="
        for kind in ("split", "part_answer", "escalate", "escalate_result")
        for state in ("accepted", "review")
    },
    ("accept_lacking", "collected"): "accepted D",
    ("accept_lacking", "first_review"): "accepted",
    ("supplement", "accepted"): "= lacking",
    ("supplement", "review"): "= lacking",
    ("supplement", "closed"): "< lapsed",
    ("deem_accepted", "collected"): "accepted",
    ("deem_accepted", "first_review"): "accepted",
    ("correct", "accepted"): "= deemed",
    ("correct", "review"): "= deemed",
    ("endorse", "accepted"): "= deemed",
    ("endorse", "review"): "= deemed",
    ("ask_supplement", "accepted"): "supplement_asked deemed",
    ("ask_supplement", "review"): "supplement_asked deemed",
    ("accept", "accepted"): "= deemed",
    ("refuse_acceptance", "accepted"): "refused_acceptance deemed",
    ("send_back", "first_review"): "collected",
    ("send_back", "review"): "accepted",
    ("reassign", "collected"): "= D",
    **{("reassign", state): "=" for state in ("first_review", "accepted", "review")},
    ("lapse", "supplement_asked"): "closed",
    ("lapse", "accepted"): "closed lacking",
    ("lapse", "review"): "closed lacking",
    ("issue", "granted"): "=",
    ("issue", "closed"): "=",
    ("issue", "delivered"): "=",
    ("verify_commitment", "granted"): "=",
    ("verify_commitment", "closed"): "=",
    ("verify_commitment", "delivered"): "=",
    ("archive", "delivered"): "archived",
    ("archive", "withdrawn"): "archived",
    **{("decline_request", state): "=" for state in ("granted", "denied", "closed", "refused_acceptance")},
    **{(kind, state.value): "=" for kind in ("number", "tell") for state in State if state is not State.DRAFT},
}
HOLDERS = {  # state -> holder with 初审; "!" is the deciding office
    None: NOBODY, "draft": HOME, "collected": TOWNSHIP, "first_review": "!", "supplement_asked": HOME,
    "accepted": "!", "review": "!", "granted": "!", "denied": "!", "closed": HOME, "refused_acceptance": HOME,
    "delivered": NOBODY, "withdrawn": NOBODY, "archived": NOBODY,
}  # fmt: skip
WRITERS = {
    "collect": HOME, "correct": HOME, "endorse": TOWNSHIP, "ask_supplement": "holder", "supplement": HOME,
    "accept": "!", "refuse_acceptance": "!", "review": "!", "grant": "!", "deny": "!", "attach_result": "!",
    "close": "!", "deliver": HOME, "request_withdraw": HOME, "withdraw": "holder",
    "decline_request": "holder", "number": COUNTY,
    "special_procedure": "!", "special_result": "!", "extend": "!", "accept_lacking": "!", "split": COUNTY,
    "part_answer": COUNTY, "send_back": "!", "reassign": COUNTY, "escalate": "!", "escalate_result": "!", "issue": "!",
    "archive": "!", "deem_accepted": COUNTY, "lapse": COUNTY, "verify_commitment": "!", "tell": "any",
}  # fmt: skip
DECIDERS = {"village": HOME, "township": TOWNSHIP, "county": COUNTY, "external": COUNTY}
COURSES = [Course(t, f, d) for t, f, d in product(("village", "township"), (True, False), DECIDERS)]
EVERY_STATE: list[State | None] = [None, *State]


@pytest.mark.parametrize(("kind", "state"), list(product(CASE_KINDS, EVERY_STATE)))
@pytest.mark.parametrize("first_review", [True, False])
def test_the_table_says_exactly_this(kind: ChangeKind, state: State | None, first_review: bool) -> None:
    expected = EXPECTED.get((kind.name.lower(), state), "")
    target, _, when = expected.partition(" ")
    flags = {when: True} if when in ("deemed", "lacking", "lapsed") else {}
    course = Course("village", first_review, "county", **flags)
    row = row_for(kind, state, course)
    if flags:
        assert row_for(kind, state, course._replace(**dict.fromkeys(flags, False))) is None
    if not expected or (when == "R" and not first_review) or (when == "D" and first_review):
        assert row is None
        return
    assert row is not None
    want = {"=": state, "<": State.FIRST_REVIEW}.get(target, target)
    assert next_state(row, state, State.FIRST_REVIEW) == want


@pytest.mark.parametrize("course", COURSES)
@pytest.mark.parametrize("state", EVERY_STATE)
def test_holder_of_every_state(state: State | None, course: Course) -> None:
    expected = HOLDERS[state]
    if expected == "!" or (state == "collected" and not course.first_review):
        expected = DECIDERS[course.decision]
    assert holder_of(state, course) == expected
    assert deciding_office(course) == DECIDERS[course.decision]


@pytest.mark.parametrize("course", COURSES)
def test_only_the_named_office_fits_each_row(course: Course) -> None:
    for row in TABLE:
        for state, office in product(row.sources, (HOME, TOWNSHIP, COUNTY, "", "elsewhere")):
            wanted = WRITERS[row.kind.name.lower()]
            wanted = DECIDERS[course.decision] if wanted == "!" else wanted
            wanted = holder_of(state, course) if wanted == "holder" else wanted
            if row.rule is Rule.FIRST:  # whoever could have said so before time did
                wanted = holder_of(State.COLLECTED, course)
            if wanted == "any":
                wanted = office if office in (HOME, TOWNSHIP, COUNTY) else HOME
            hall = course.tier == "township" and office == HOME and wanted == TOWNSHIP
            assert office_fits(row, state, course, office) == (office == wanted or hall), (row, state, office)


def test_nobody_acts_for_nobody() -> None:
    assert not acts_for("", NOBODY, "village")
    assert not acts_for(TOWNSHIP, HOME, "township")


def test_rows_of_one_kind_and_state_agree_whatever_the_route() -> None:
    pairs = [(row.kind, source) for row in TABLE for source in row.sources]
    assert len(pairs) == len(set(pairs))


def test_only_collect_starts_a_case_and_it_moves() -> None:
    starters = [row for row in TABLE if None in row.sources]
    assert [row.kind for row in starters] == [ChangeKind.COLLECT]
    assert not isinstance(starters[0].target, Move)


def test_every_state_and_office_has_a_word() -> None:
    assert set(STATE_NAMES) == set(State)
    assert set(OFFICE_NAMES) == {HOME, TOWNSHIP, COUNTY, NOBODY}
