"""What an applicant needs is computed from the table; no flow is enumerated, contradictions are refused."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.catalogue import item_from_plain, item_to_plain, load_catalogue
from casework.catalogue_format import CatalogueError
from casework.example_intake import example_citizen_id
from casework.scenario import (
    COMMITTED,
    LEFT_OUT,
    OPTIONAL,
    REQUIRED,
    age_on,
    all_answers,
    asked,
    check_answers,
    facts_of,
    requirements,
)
from casework.service_item import ServiceItem

CATALOGUE = load_catalogue()
CARD, PLACE = CATALOGUE.get("elder_card"), CATALOGUE.get("public_place_hygiene")
SHOP = CATALOGUE.get("individual_business_setup")
WITH_QUESTIONS = [item for item in CATALOGUE if item.questions]
DAY = date(2026, 11, 20)


def person(number: str = example_citizen_id(0), id_type: str = "111") -> dict[str, Any]:
    return {"kind": "person", "id_type": id_type, "id": number}


def test_what_a_seventy_year_old_and_a_ninety_year_old_need() -> None:
    seventy = requirements(CARD, {"age": 70, "residency": "本地户籍", "card_kind": "新办"})
    assert seventy.required == ("老年人优待证申请表", "身份证", "户口本", "一寸免冠近照")
    assert seventy.left_out == ("居住证明(非本地户籍)",)
    ninety = requirements(CARD, {"age": 90, "residency": "非本地户籍常住", "card_kind": "补办"})
    assert ninety.required == ("老年人优待证申请表", "身份证", "一寸免冠近照", "居住证明(非本地户籍)")
    assert ninety.needed("户口本").need == LEFT_OUT and ninety.needed("户口本").why == ("新办时已核对户籍",)
    photo = requirements(CARD, {"age": 80, "card_kind": "新办"}).needed("一寸免冠近照")
    assert photo.need == OPTIONAL
    assert requirements(CARD, {"age": 79, "card_kind": "新办"}).needed("一寸免冠近照").need == REQUIRED


def test_the_way_follows_from_the_answers_and_says_why() -> None:
    new = requirements(PLACE, {"apply_kind": "新办"})
    assert [step.stage for step in new.steps] == ["收件", "特别程序", "审批", "送达"] and not new.omitted
    again = requirements(PLACE, {"apply_kind": "延续且没有改变"})
    assert [step.stage for step in again.steps] == ["收件", "审批", "送达"]
    assert again.omitted == (("特别程序", "没有改变的凭说明免现场审核"),)


def test_a_commitment_counts_only_where_the_item_allows_it() -> None:
    answers = {"licence_first": "否", "premises_kind": "租用"}
    proof = "经营场所使用证明(可申报承诺制)"
    assert proof in requirements(SHOP, answers).required
    promised = requirements(SHOP, answers, commitment=True)
    assert promised.needed(proof).need == LEFT_OUT and promised.needed(proof).why == (COMMITTED,)
    assert requirements(CARD, {}, commitment=True) == requirements(CARD, {})


def test_without_answers_nothing_is_left_out_and_the_list_is_as_published() -> None:
    for item in CATALOGUE:
        found = requirements(item, {})
        assert found.required == tuple(rule.name for rule in item.materials if rule.required)
        assert not found.left_out and found.steps == item.steps


def test_a_cancelled_material_is_never_asked_for() -> None:
    plain = item_to_plain(CARD)
    plain["materials"][2]["exempt"] = "cancelled"
    assert requirements(item_from_plain(plain), {}).left_out == ("户口本",)


def test_the_clerks_check_against_the_original_raises_c_to_b_and_nothing_else() -> None:
    levels = {
        rule.name: (rule.trust, rule.trust_when(seen=True), rule.trust_when(seen=False)) for rule in CARD.materials
    }
    assert levels["身份证"] == ("C", "B", "C")
    assert levels["老年人优待证申请表"] == ("D", "D", "D")


@pytest.mark.parametrize(
    ("day", "age"), [((1953, 2, 28), 69), ((1953, 3, 1), 70), ((1883, 3, 1), 0), ((1883, 2, 28), None)]
)
def test_age_is_full_years_on_the_day_of_intake(day: tuple[int, int, int], age: int | None) -> None:
    number = "34182218830301001" + "0"
    assert age_on(number, date(*day)) == age


def test_an_age_is_asked_only_of_those_whose_number_does_not_tell_it() -> None:
    assert [q.key for q in asked(CARD, person(), DAY)] == ["residency", "card_kind"]
    assert [q.key for q in asked(CARD, person("E12345678", "414"), DAY)] == ["residency", "card_kind", "age"]
    assert facts_of(CARD, person(), DAY) == {"age": 146}
    foreign = {"residency": "本地户籍", "card_kind": "新办", "age": "81"}
    clean, problems = check_answers(CARD, foreign, person("E12345678", "414"), DAY)
    assert clean == foreign and not problems
    assert all_answers(CARD, clean, person("E12345678", "414"), DAY)["age"] == 81


def test_an_age_that_is_claimed_does_not_outdo_the_number() -> None:
    clean, problems = check_answers(CARD, {"residency": "本地户籍", "card_kind": "新办", "age": "20"}, person(), DAY)
    assert "age" not in clean and not problems
    assert all_answers(CARD, {"age": "20"}, person(), DAY)["age"] == 146


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"card_kind": "新办"}, "answers.residency"),
        ({"card_kind": "新办", "residency": "火星"}, "answers.residency"),
        ({"card_kind": "新办", "residency": "本地户籍", "x": "1"}, "answers.x"),
        ([], "answers"),
    ],
)
def test_bad_answers_are_named(answers: object, field: str) -> None:
    _, problems = check_answers(CARD, answers, person(), DAY)
    assert field in [problem.field for problem in problems]
    assert all(problem.remedy for problem in problems)


@pytest.mark.parametrize("age", ["", "-1", "151", "八十", "8 0", "1e2"])
def test_an_age_out_of_range_is_refused(age: str) -> None:
    answers = {"residency": "本地户籍", "card_kind": "新办", "age": age}
    _, problems = check_answers(CARD, answers, person("E12345678", "414"), DAY)
    assert [problem.field for problem in problems] == ["answers.age"]


@pytest.mark.parametrize("item", WITH_QUESTIONS, ids=lambda item: item.key)
def test_for_every_applicant_the_order_of_rows_does_not_matter(item: ServiceItem) -> None:
    """All combinations of answers, as far as choices go, at the ages where rows begin or end."""
    backwards = item_from_plain({**item_to_plain(item), "rules": item_to_plain(item)["rules"][::-1]})
    ages = sorted({n for r in item.rules for c in r.when for n in (c.least, c.most) if n is not None} | {0, 150})
    options = [[(q.key, a) for a in (q.choices or ages)] for q in item.questions]
    seen = set()
    for answers in itertools.product(*options):
        one, other = requirements(item, dict(answers)), requirements(backwards, dict(answers))
        assert [(n.name, n.need) for n in one.materials] == [(n.name, n.need) for n in other.materials]
        assert one.steps == other.steps
        assert not set(one.required) & set(one.left_out)
        seen.add((one.required, one.left_out))
    assert len(seen) > 1, "the questions change nothing"


def spoiled(change: Callable[[dict[str, Any]], object]) -> list[str]:
    plain = copy.deepcopy(item_to_plain(CARD))
    change(plain)
    with pytest.raises(CatalogueError) as caught:
        item_from_plain(plain)
    assert all(problem.remedy for problem in caught.value.problems)
    return [problem.field for problem in caught.value.problems]


def when(question: str, *answers: str, least: int | None = None, most: int | None = None) -> list[dict[str, Any]]:
    return [{"question": question, "answers": list(answers), "least": least, "most": most}]


def row(conditions: list[dict[str, Any]], **says: Any) -> dict[str, Any]:
    return {"when": conditions, "why": "因为", "mark": {"status": "judgement"}, **says}


BAD: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "question that no row uses": (
        lambda i: i["questions"].append({"key": "idle", "text": "问", "choices": ["甲", "乙"], "status": "judgement"}),
        "elder_card.questions[3]",
    ),
    "the same question twice": (lambda i: i["questions"].append(i["questions"][0]), "elder_card.questions"),
    "one choice": (lambda i: i["questions"][0].update(choices=["甲"]), "elder_card.questions[0].choices"),
    "a fact with choices": (
        lambda i: i["questions"][2].update(choices=["甲", "乙"]),
        "elder_card.questions[2].choices",
    ),
    "unknown fact": (lambda i: i["questions"][2].update(fact="height"), "elder_card.questions[2].fact"),
    "row about an unknown question": (
        lambda i: i["rules"].append(row(when("colour", "红"), drop=["户口本"])),
        "elder_card.rules[4].when",
    ),
    "unknown answer": (
        lambda i: i["rules"].append(row(when("card_kind", "换新"), drop=["身份证"])),
        "elder_card.rules[4].when",
    ),
    "unknown material": (
        lambda i: i["rules"].append(row(when("card_kind", "新办"), drop=["房产证"])),
        "elder_card.rules[4].drop",
    ),
    "unknown stage": (
        lambda i: i["rules"].append(row(when("card_kind", "新办"), omit=["听证"])),
        "elder_card.rules[4].omit",
    ),
    "the township's review cannot be skipped": (
        lambda i: i["rules"].append(row(when("card_kind", "补办"), omit=["审核"])),
        "elder_card.rules[4].omit",
    ),
    "row that says nothing": (lambda i: i["rules"].append(row(when("card_kind", "新办"))), "elder_card.rules[4]"),
    "row without a condition": (lambda i: i["rules"].append(row([], drop=["户口本"])), "elder_card.rules[4].when"),
    "row that says two things": (
        lambda i: i["rules"].append(row(when("card_kind", "新办"), drop=["身份证"], require=["身份证"])),
        "elder_card.rules[4]",
    ),
    "two rows that can meet contradict": (
        lambda i: i["rules"].append(row(when("card_kind", "补办"), require=["居住证明(非本地户籍)"])),
        "elder_card.rules[4]",
    ),
    "two ages that overlap contradict": (
        lambda i: i["rules"].append(row(when("age", most=80), require=["一寸免冠近照"])),
        "elder_card.rules[4]",
    ),
    "age by words": (
        lambda i: i["rules"].append(row(when("age", "老"), drop=["身份证"])),
        "elder_card.rules[4].when",
    ),
    "age that nobody has": (
        lambda i: i["rules"].append(row(when("age", least=80, most=70), drop=["身份证"])),
        "elder_card.rules[4].when",
    ),
    "commitment that replaces nothing": (
        lambda i: i.update(commitment={"replaces": [], "mark": {"status": "judgement"}}),
        "elder_card.commitment",
    ),
    "commitment for an unknown material": (
        lambda i: i.update(commitment={"replaces": ["房产证"], "mark": {"status": "judgement"}}),
        "elder_card.commitment.replaces",
    ),
    "fee without a basis": (lambda i: i.update(fee=True), "elder_card.fee_basis"),
    "way to leave out is unknown": (
        lambda i: i["materials"][0].update(exempt=True),
        "elder_card.materials[0].exempt",
    ),
    "tolerable without days": (
        lambda i: i["materials"][0].update(tolerable=True),
        "elder_card.materials[0].tolerable",
    ),
    "trust level is unknown": (lambda i: i["materials"][0].update(trust="E"), "elder_card.materials[0].trust"),
    "no window is shorter than a day": (lambda i: i.update(supplement_days=0), "elder_card.supplement_days"),
}


@pytest.mark.parametrize(("change", "field"), BAD.values(), ids=BAD.keys())
def test_a_table_that_is_wrong_is_refused_by_place(change: Callable[[dict[str, Any]], object], field: str) -> None:
    assert field in spoiled(change)


def test_rows_that_cannot_meet_may_differ() -> None:
    plain = item_to_plain(CARD)
    plain["rules"].append(row(when("age", most=79), require=["一寸免冠近照"]))
    assert len(item_from_plain(plain).rules) == len(CARD.rules) + 1


JUNK = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2)


@given(st.dictionaries(st.sampled_from(["age", "residency", "card_kind", "x"]), JUNK))
def test_foreign_answers_never_raise(answers: dict[str, Any]) -> None:
    check_answers(CARD, answers, person(), DAY)
    requirements(CARD, all_answers(CARD, answers, {}, DAY))
