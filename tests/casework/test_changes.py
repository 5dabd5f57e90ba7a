from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.body_shape import MAX_NODES, MAX_PROBLEMS, Field, plain_fault
from casework.changes import (
    KIND_NAMES,
    SHAPES,
    ChangeKind,
    check_blobs,
    check_body,
    kind_name,
    known_kind,
)
from tests.casework.case_strategies import CASE_KINDS, rubbish
from tests.casework.cases import PAGE_1, PAGE_2, RESULT, Blob, body_of, collect_body, page

NUMBERS = {
    "COLLECT": 64, "CORRECT": 65, "ENDORSE": 66, "ASK_SUPPLEMENT": 67, "SUPPLEMENT": 68, "ACCEPT": 69,
    "REFUSE_ACCEPTANCE": 70, "REVIEW": 71, "GRANT": 72, "DENY": 73, "ATTACH_RESULT": 74, "CLOSE": 75,
    "DELIVER": 76, "REQUEST_WITHDRAW": 77, "WITHDRAW": 78, "DECLINE_REQUEST": 79, "NUMBER": 80,
    "SPECIAL_PROCEDURE": 81, "SPECIAL_RESULT": 82, "EXTEND": 83,
    "ACCEPT_LACKING": 84, "SPLIT": 85, "PART_ANSWER": 86, "SEND_BACK": 87, "REASSIGN": 88, "ESCALATE": 89,
    "ESCALATE_RESULT": 90, "ISSUE": 91, "ARCHIVE": 92, "DEEM_ACCEPTED": 93, "LAPSE": 94, "VERIFY_COMMITMENT": 95,
    "OPINION": 96, "CARD": 97, "PLEA": 98, "CLEAR_CARD": 99,
    "STAFF_ROW": 100, "STAFF_PASSWORD": 101, "CATALOGUE_ITEM": 102, "CALENDAR_YEAR": 103,
    "NOTICE": 104,
    "REGION_ROWS": 105, "ADDRESS": 106, "TELL": 107, "RATING": 108, "RECTIFY": 109, "RESULT_REVOKED": 110,
    "HALL": 111,
}  # fmt: skip


def test_numbers_of_kinds_never_change() -> None:
    assert {kind.name: kind.value for kind in ChangeKind} == NUMBERS


def test_every_kind_has_a_word_and_a_stranger_gets_its_number() -> None:
    assert set(KIND_NAMES) == set(ChangeKind)
    assert kind_name(69) == "受理"
    assert kind_name(4711) == "未知业务（4711）"
    assert known_kind(4711) is None


@pytest.mark.parametrize("kind", CASE_KINDS)
def test_right_bodies_pass(kind: ChangeKind) -> None:
    assert check_body(kind, body_of(kind)) == []


def _required() -> list[tuple[ChangeKind, Field]]:
    return [(kind, field) for kind in CASE_KINDS for field in SHAPES[kind].fields if field.required]


@pytest.mark.parametrize(("kind", "field"), _required())
def test_a_missing_or_foreign_required_field_is_named(kind: ChangeKind, field: Field) -> None:
    body = body_of(kind)
    del body[field.name]
    assert field.name in [problem.field for problem in check_body(kind, body)]
    for foreign in (None, -1, (), [[[]]]):
        wrong = {**body_of(kind), field.name: foreign}
        found = check_body(kind, wrong)
        assert found, foreign
        assert all(problem.message for problem in found)


@pytest.mark.parametrize("kind", CASE_KINDS)
def test_unknown_fields_are_allowed(kind: ChangeKind) -> None:
    assert check_body(kind, {**body_of(kind), "later": {"any": [1, b"x", None]}}) == []


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("version",), True, "version"),
        (("version",), 2**31, "version"),
        (("tier",), "county", "tier"),
        (("received",), "2026-02-30", "received"),
        (("received",), "20261120", "received"),
        (("code",), "", "code"),
        (("route", "first_review"), 1, "route.first_review"),
        (("applicant", "name"), "王" * 201, "applicant.name"),
        (("materials", 0, "seen"), False, "materials.0"),
        (("materials", 0, "pages"), [page(0)], "materials.0"),
        (("materials", 1, "name"), "身份证", "materials.1.name"),
        (("materials", 1, "pages"), [], "materials.1.pages"),
        (("materials", 1, "pages", 0, "plain"), b"\x07" * 31, "materials.1.pages.0.plain"),
        (("materials", 1, "pages", 1, "blob"), True, "materials.1.pages.1.blob"),
        (("form",), [], "form"),
        (("form", "level"), 1.5, ""),
        (("form", "level"), 2**63, ""),
        (("form", "level"), "\ud800", ""),
        (("form", "level"), {1: 2}, ""),
        (("extra", "many"), [None] * (MAX_NODES + 1), ""),
    ],
)
def test_one_wrong_place_is_found(path: tuple[Any, ...], value: object, field: str) -> None:
    body = copy.deepcopy(collect_body())
    spot: Any = body
    for step in path[:-1]:
        spot = spot[step]
    spot[path[-1]] = value
    assert [problem.field for problem in check_body(64, body)] == [field]


def test_names_of_sixty_rare_characters_pass() -> None:
    body = collect_body()
    body["applicant"]["name"] = "𰻝·㐀" * 20
    assert check_body(64, body) == []


def test_problems_are_bounded() -> None:
    body = {**collect_body(), "materials": [{"name": str(n)} for n in range(60)]}
    assert len(check_body(64, body)) == MAX_PROBLEMS


def test_depth_is_bounded() -> None:
    deep: list[Any] = []
    for _ in range(50_000):
        deep = [deep]
    assert plain_fault(deep) == "层次过深"


@given(st.integers(0, 200), rubbish)
def test_check_body_never_raises(kind: int, body: object) -> None:
    assert len(check_body(kind, body)) <= MAX_PROBLEMS


@pytest.mark.parametrize("kind", [1, 63, 127, 100, 101, 102, 103, 104])
def test_what_is_no_case_change_has_no_body(kind: int) -> None:
    assert [problem.field for problem in check_body(kind, {})] == ["kind"]


def test_page_indexes_must_name_pages() -> None:
    body = collect_body()
    assert check_blobs(64, body, (PAGE_1, PAGE_2)) == []
    assert [p.field for p in check_blobs(64, body, (PAGE_1,))] == ["materials.1.pages.1.blob"]
    assert [p.field for p in check_blobs(64, body, (RESULT, PAGE_2))] == ["materials.1.pages.0.blob"]


def test_previews_must_name_previews() -> None:
    body = collect_body()
    body["materials"][1]["pages"][0]["preview"] = 2
    assert check_blobs(64, body, (PAGE_1, PAGE_2, Blob(b"\x03" * 32, 9, 1))) == []
    assert [p.field for p in check_blobs(64, body, (PAGE_1, PAGE_2, PAGE_2))] == ["materials.1.pages.0.preview"]


def test_a_result_must_name_a_result_document() -> None:
    body = body_of(ChangeKind.ATTACH_RESULT)
    assert check_blobs(74, body, (RESULT,)) == []
    assert [p.field for p in check_blobs(74, body, (PAGE_1,))] == ["blob"]
