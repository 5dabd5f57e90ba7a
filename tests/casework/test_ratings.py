"""What an applicant may say, and what counts of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.changes import ChangeKind
from casework.errors import BadInput
from casework.issued_cards import InternalEntry
from casework.rated_stages import RatedStage, rated_stages, step_problems
from casework.ratings import (
    ANONYMITY_LEAST,
    BAD_GRADES,
    CALLED,
    CONFIRMED,
    DONE,
    GRADES,
    INTAKE,
    MARKS,
    MENDED,
    MISTAKEN,
    PLAIN_BYTES,
    REPLACE_SECONDS,
    RESULT,
    TABLET,
    VERDICT,
    WORDS_MAX_CHARS,
    Rating,
    Satisfaction,
    ToldRating,
    marks_of,
    pack_told,
    read_rating,
    stages_of,
    unpack_told,
)

K = ChangeKind
TOPIC = bytes(range(16))


@dataclass(frozen=True)
class Line:
    kind: int
    applied: bool = True


def test_one_is_best_and_the_last_two_are_bad() -> None:
    assert list(GRADES.items()) == [(1, "非常满意"), (2, "满意"), (3, "基本满意"), (4, "不满意"), (5, "非常不满意")]
    assert [grade for grade in GRADES if Rating(grade).bad] == [4, 5] == list(BAD_GRADES)


def test_each_group_of_grades_has_marks_of_its_own_and_no_code_says_two_things() -> None:
    groups = {tuple(marks_of(grade)) for grade in GRADES}
    assert len(groups) == 3 and sum(len(group) for group in groups) == len(MARKS)
    assert marks_of(1) == marks_of(2) and marks_of(4) == marks_of(5) != marks_of(3)


def test_a_form_is_read() -> None:
    assert read_rating("5", ["unkind", "slow"], " 等了一上午\x07 ") == Rating(5, ("slow", "unkind"), "等了一上午")
    assert read_rating("1", [], "") == Rating(1)


@pytest.mark.parametrize(
    ("grade", "marks", "words", "fields"),
    [
        ("", [], "", ["grade"]),
        ("0", [], "", ["grade"]),
        ("6", [], "", ["grade"]),
        ("１", [], "", ["grade"]),
        ("1", ["slow"], "", ["marks"]),
        ("4", ["none such"], "", ["marks"]),
        ("3", [], "好" * (WORDS_MAX_CHARS + 1), ["words"]),
        ("2", ["slow"], "好" * 400, ["marks", "words"]),
    ],
)
def test_a_wrong_form_is_named_by_field(grade: str, marks: list[str], words: str, fields: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        read_rating(grade, marks, words)
    assert [problem.field for problem in caught.value.problems] == fields
    assert all(problem.message and problem.remedy for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("kinds", "stages"),
    [
        ((), ()),
        ((K.COLLECT,), (INTAKE,)),
        ((K.COLLECT, K.ACCEPT, K.GRANT), (INTAKE,)),
        ((K.COLLECT, K.WITHDRAW), (INTAKE,)),
        ((K.COLLECT, K.REFUSE_ACCEPTANCE), (INTAKE, RESULT)),
        ((K.COLLECT, K.CLOSE), (INTAKE, RESULT)),
        ((K.COLLECT, K.LAPSE), (INTAKE, RESULT)),
        ((K.COLLECT, K.CLOSE, K.DELIVER), (INTAKE, RESULT)),
    ],
)
def test_which_stages_may_be_rated(kinds: tuple[ChangeKind, ...], stages: tuple[str, ...]) -> None:
    assert stages_of([Line(kind) for kind in kinds]) == stages
    assert stages_of([Line(kind, applied=False) for kind in kinds]) == (), "what was refused has not happened"


worst = st.builds(
    Rating,
    st.sampled_from(sorted(GRADES)),
    st.just(()),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=WORDS_MAX_CHARS).map(str.strip),
)


@given(worst, st.integers(0, 2**53 - 1))
def test_every_rating_is_packed_to_the_same_length_and_read_back(rating: Rating, time: int) -> None:
    told = ToldRating(TOPIC, RESULT, Rating(rating.grade, tuple(marks_of(rating.grade)), rating.words), time, TABLET)
    packed = pack_told(told)
    assert len(packed) == PLAIN_BYTES
    assert unpack_told(packed) == told


@pytest.mark.parametrize("words", ["\U0001f600" * WORDS_MAX_CHARS, '"\\' * 150, "\n" * 300 + "x"])
def test_the_longest_words_fit(words: str) -> None:
    rating = read_rating("5", list(marks_of(5)), words[:WORDS_MAX_CHARS])
    assert len(pack_told(ToldRating(TOPIC, RESULT, rating, 2**53 - 1, TABLET))) == PLAIN_BYTES


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"[" * PLAIN_BYTES,
        b"{}".ljust(PLAIN_BYTES),
        b"null".ljust(PLAIN_BYTES),
        pack_told(ToldRating(TOPIC, RESULT, Rating(5), 7, TABLET))[:-1],
        pack_told(ToldRating(TOPIC, "other", Rating(5), 7, TABLET)),
        pack_told(ToldRating(TOPIC, RESULT, Rating(6), 7, TABLET)),
        pack_told(ToldRating(TOPIC, RESULT, Rating(1, ("slow",)), 7, TABLET)),
        pack_told(ToldRating(TOPIC, RESULT, Rating(1), -1, TABLET)),
        pack_told(ToldRating(TOPIC, RESULT, Rating(1), 7, "letter")),
        pack_told(ToldRating(TOPIC, RESULT, Rating(1), 7, TABLET)).replace(b'"words":""', b'"words":11'),
        pack_told(ToldRating(TOPIC, RESULT, Rating(1), 7, TABLET)).replace(b'"grade":1,', b'"grade":true,')[
            :PLAIN_BYTES
        ],
    ],
)
def test_what_is_no_rating_is_none(plain: bytes) -> None:
    assert unpack_told(plain) is None


@given(st.binary(max_size=64) | st.binary(min_size=PLAIN_BYTES, max_size=PLAIN_BYTES))
def test_reading_never_raises(data: bytes) -> None:
    unpack_told(data)


def rated(at: int, grade: int, stage: str = RESULT, given: int | None = None, due: str | None = None) -> InternalEntry:
    body = {
        "stage": stage, "grade": grade, "marks": [], "words": "", "given": at if given is None else given,
        "channel": TABLET, "region": "341882101201", "office": "民政局", "item": "x", "due": due,
    }  # fmt: skip
    return InternalEntry(0, at, K.RATING, body, 0, at)


def step(at: int, what: str, verdict: str | None = None, text: str = "电话回访") -> InternalEntry:
    return InternalEntry(0, at, K.RECTIFY, {"stage": RESULT, "step": what, "text": text, "verdict": verdict}, 7, at)


def only(*entries: InternalEntry) -> RatedStage:
    (one,) = rated_stages(entries)
    return one


def test_a_later_rating_replaces_within_a_day_of_the_first_and_never_afterwards() -> None:
    assert only(rated(100, 5), rated(100 + REPLACE_SECONDS, 2)).rating.grade == 2
    assert only(rated(100, 5), rated(101 + REPLACE_SECONDS, 2)).rating.grade == 5
    assert only(rated(100, 5), rated(50_000, 4), rated(101 + REPLACE_SECONDS, 1)).rating.grade == 4, "no moving window"


def test_an_earlier_one_that_comes_later_and_the_same_one_again_change_nothing() -> None:
    assert only(rated(100, 5), rated(200, 1, given=99)).rating.grade == 5
    assert only(rated(100, 5), rated(200, 1, given=150), rated(300, 5, given=100)).rating.grade == 1
    assert only(rated(100, 5), rated(200, 1, given=10**9)).given == 200, "a clock that runs ahead gains nothing"


def test_each_stage_is_rated_for_itself() -> None:
    found = rated_stages([rated(1, 5), rated(2, 1, INTAKE)])
    assert [(one.stage, one.rating.grade) for one in found] == [(INTAKE, 1), (RESULT, 5)]


def test_work_on_a_bad_rating_ends_its_replacing() -> None:
    assert only(rated(100, 5), step(110, CALLED), rated(120, 1)).rating.grade == 5


def test_a_rectification_goes_step_by_step() -> None:
    entries = [
        rated(1, 5, due="2026-04-01"),
        step(2, CALLED),
        step(3, VERDICT, CONFIRMED),
        step(4, MENDED),
        step(5, DONE),
    ]
    one = only(*entries)
    assert (one.over, one.counted, one.verdict, [s.step for s in one.steps]) == (
        True, True, CONFIRMED, [CALLED, VERDICT, MENDED, DONE],
    )  # fmt: skip
    for missing in (1, 2, 3):
        assert not only(*entries[:missing], *entries[missing + 1 :]).over, "nothing is skipped"


def test_a_mistaken_one_does_not_count_and_needs_no_mending() -> None:
    one = only(rated(1, 4), step(2, CALLED), step(3, VERDICT, MISTAKEN), step(4, DONE, text=""))
    assert (one.over, one.counted) == (True, False)


@pytest.mark.parametrize(
    ("before", "what", "text", "verdict", "field"),
    [
        ([], VERDICT, "x", CONFIRMED, "step"),
        ([], CALLED, " ", "", "text"),
        ([], CALLED, "x" * 1001, "", "text"),
        ([step(2, CALLED)], VERDICT, "x", "", "verdict"),
        ([step(2, CALLED)], VERDICT, "x", "other", "verdict"),
        ([step(2, CALLED)], DONE, "", "", "step"),
        ([step(2, CALLED)], "other", "x", "", "step"),
        ([step(2, CALLED), step(3, VERDICT, CONFIRMED)], DONE, "", "", "step"),
        ([step(2, CALLED), step(3, VERDICT, MISTAKEN), step(4, DONE)], CALLED, "x", "", ""),
    ],
)
def test_a_step_out_of_order_is_refused(before: list[Any], what: str, text: str, verdict: str, field: str) -> None:
    known = only(rated(1, 5), *before)
    assert [problem.field for problem in step_problems(known, what, text, verdict)] == [field]


def test_a_good_rating_needs_nothing() -> None:
    assert only(rated(1, 3)).over and only(rated(1, 3), step(2, CALLED)).steps == ()


bodies = st.one_of(
    st.none(),
    st.dictionaries(st.sampled_from(["stage", "grade", "step"]), st.integers() | st.text(max_size=5)),
    st.just(rated(5, 5).body),
    st.just(step(6, CALLED).body),
)
entries_of_any_kind = st.builds(
    InternalEntry, st.just(0), st.integers(0, 9), st.sampled_from([108, 109, 97]), bodies, st.just(0), st.integers(0, 9)
)


@given(st.lists(entries_of_any_kind, max_size=5))
def test_any_entries_fold(entries: list[InternalEntry]) -> None:
    found = rated_stages(entries)
    assert len({one.stage for one in found}) == len(found) <= len(entries)


def test_satisfaction_is_of_what_counts_and_single_grades_need_five() -> None:
    none = Satisfaction()
    assert (none.counted, none.rate, none.enough) == (0, "", False)
    some = none.plus(1, 2).plus(3, 1).plus(5, 1)
    assert (some.grades, some.counted, some.rate, some.enough) == ((2, 0, 1, 0, 1), 4, "75.0%", False)
    assert some.plus(4, ANONYMITY_LEAST - 4).enough
