"""Answers, 告知承诺, 绿色通道, 首问 and 代办 of an intake: written, folded, held to our own rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from casework.case_needs import lacking_of, needs_of
from casework.catalogue import load_catalogue
from casework.changes import ChangeKind, check_body
from casework.errors import BadInput
from casework.example_intake import example_citizen_id, example_intake_line
from casework.fold import CaseState, fold
from casework.intake import HeldMaterial, Intake, Stamp, checked, collect_body
from casework.own_rules import check_own
from casework.standing_papers import AUTHORISATION, COMMITMENT_LETTER, TOLERANCE_LETTER
from tests.casework.cases import Entry
from tests.casework.cases import collect_body as plain_body

CARD = load_catalogue().get("elder_card")
SHOP = load_catalogue().get("individual_business_setup")
DAY, STAMP = date(2026, 11, 20), Stamp("village", "c", "2026-11-20")
PROXY = {"name": "王小代", "id_type": "", "id": example_citizen_id(99), "phone": "", "authorisation": AUTHORISATION}


def intake(*names: str, **more: Any) -> Intake:
    line = example_intake_line(CARD)
    answers = {"residency": "本地户籍", "card_kind": "补办"}
    base = Intake(line["applicant"], line["form"], materials=tuple(HeldMaterial(n, "seen") for n in names))
    return replace(base, **{"answers": answers, **more})


WHOLE = ("老年人优待证申请表", "身份证", "一寸免冠近照")


def collected(given: Intake) -> CaseState:
    body, _ = collect_body(CARD, given, STAMP)
    assert check_body(ChangeKind.COLLECT, body) == []
    return fold([Entry(ChangeKind.COLLECT, body)])


def test_everything_that_was_said_is_in_the_state_and_survives_its_plain_form() -> None:
    case = collected(
        intake(*WHOLE[:2], AUTHORISATION, TOLERANCE_LETTER, green=" 急难 ", first_asked="李首问", proxy=PROXY)
    )
    assert case.answers == {"residency": "本地户籍", "card_kind": "补办"}
    assert (case.green, case.first_asked, case.commitment) == ("急难", "李首问", False)
    assert case.proxy == PROXY | {"id_type": "111"}
    assert [one.name for one in lacking_of(CARD, case)] == ["一寸免冠近照"]
    assert needs_of(CARD, case).left_out == ("户口本", "居住证明(非本地户籍)")
    assert CaseState.from_plain(case.to_plain()) == case


def test_an_intake_that_says_nothing_of_it_has_a_body_as_before() -> None:
    line = example_intake_line(load_catalogue().get("dibao"))
    names = [material["name"] for material in line["materials"]]
    given = Intake(line["applicant"], line["form"], materials=tuple(HeldMaterial(n, "seen") for n in names))
    body, _ = collect_body(load_catalogue().get("dibao"), given, STAMP)
    assert not {"answers", "commitment", "green", "first_asked", "proxy"} & set(body)
    case = fold([Entry(ChangeKind.COLLECT, body)])
    assert (case.answers, case.green, case.proxy) == ({}, "", {})


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"proxy": {**PROXY, "id": example_citizen_id(99)[:-1] + "0"}}, "proxy.id"),
        ({"proxy": {**PROXY, "id": example_intake_line(CARD)["applicant"]["id"]}}, "proxy.id"),
        ({"proxy": {**PROXY, "id_type": "001"}}, "proxy.id_type"),
        ({"proxy": {**PROXY, "phone": "12"}}, "proxy.phone"),
        ({"proxy": {**PROXY, "name": ""}}, "proxy.name"),
        ({"proxy": {**PROXY, "name": "王\u202e"}}, "proxy.name"),
        ({"proxy": {**PROXY, "authorisation": ""}}, "proxy.authorisation"),
        ({"proxy": {**PROXY, "authorisation": "身份证复印件"}}, "materials.身份证复印件"),
        ({"proxy": {**PROXY, "age": "3"}}, "proxy.age"),
        ({"proxy": {**PROXY, "name": 3}}, "proxy.name"),
        ({"green": "急" * 201}, "green"),
        ({"first_asked": "李\x00"}, "first_asked"),
        ({"commitment": True}, "commitment"),
        ({"answers": {"residency": "本地户籍"}}, "answers.card_kind"),
    ],
)
def test_what_is_wrong_is_named(more: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        checked(CARD, intake(*WHOLE, AUTHORISATION, **more), day=DAY, complete=True)
    assert field in [problem.field for problem in caught.value.problems]
    assert all(problem.remedy for problem in caught.value.problems)
    assert PROXY["id"] not in str(caught.value)


@pytest.mark.parametrize("lacks", range(3))
def test_only_a_tolerable_material_may_lack_and_only_with_the_letter(lacks: int) -> None:
    names = [name for index, name in enumerate(WHOLE) if index != lacks]
    with pytest.raises(BadInput, match=WHOLE[lacks].replace("(", r"\(")):
        checked(CARD, intake(*names), day=DAY, complete=True)
    rule = CARD.material(WHOLE[lacks])
    assert rule is not None
    if rule.tolerable is None:
        with pytest.raises(BadInput):
            checked(CARD, intake(*names, TOLERANCE_LETTER), day=DAY, complete=True)
    else:
        checked(CARD, intake(*names, TOLERANCE_LETTER), day=DAY, complete=True)


def test_a_commitment_needs_its_letter() -> None:
    line = example_intake_line(SHOP)
    names = [m["name"] for m in line["materials"] if m["name"] != "经营场所使用证明(可申报承诺制)"]
    given = Intake(line["applicant"], line["form"], answers=line["answers"], commitment=True)
    bare = replace(given, materials=tuple(HeldMaterial(name, "seen") for name in names))
    with pytest.raises(BadInput, match=COMMITMENT_LETTER):
        checked(SHOP, bare, day=DAY, complete=True)
    whole = replace(given, materials=tuple(HeldMaterial(name, "seen") for name in [*names, COMMITMENT_LETTER]))
    assert checked(SHOP, whole, day=DAY, complete=True).how["commitment"] is True


def test_our_own_rules_hold_a_proxy_to_the_letter_even_where_the_window_did_not() -> None:
    body = plain_body() | {"proxy": PROXY | {"id_type": "111"}}
    found = check_own(None, ChangeKind.COLLECT, body, office="home", home_tier="village", blobs=())
    assert found, "blobs are missing"
    body["materials"] = [{"name": "身份证", "seen": True}]
    (problem,) = check_own(None, ChangeKind.COLLECT, body, office="home", home_tier="village")
    assert problem.field == f"materials.{AUTHORISATION}"
    body["materials"].append({"name": AUTHORISATION, "seen": True})
    assert check_own(None, ChangeKind.COLLECT, body, office="home", home_tier="village") == []


@pytest.mark.parametrize(
    "more",
    [
        {"answers": {"a": "b"}},
        {"answers": [{"question": "a", "answer": "b"}, {"question": "a", "answer": "c"}]},
        {"answers": [{"question": "a", "answer": 3}]},
        {"commitment": 1},
        {"green": "长" * 201},
        {"proxy": {"name": "王"}},
        {"proxy": []},
    ],
    ids=str,
)
def test_a_stranger_s_shape_is_a_bad_body(more: dict[str, Any]) -> None:
    assert check_body(ChangeKind.COLLECT, plain_body() | more)
