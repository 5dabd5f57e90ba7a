"""Persons and organisations with a typed identity document; names as they were typed."""

from __future__ import annotations

import unicodedata

import pytest

from casework.applicant import APPLICANT_KEYS, check_applicant
from casework.catalogue import load_catalogue
from casework.example_intake import example_citizen_id, example_uscc

CATALOGUE = load_catalogue()
ELDER = CATALOGUE.get("elder_allowance")
TIMBER = CATALOGUE.get("timber_felling")
WORKSHOP = CATALOGUE.get("food_workshop")


def person(**changes: object) -> dict[str, object]:
    base = {
        "kind": "person",
        "id_type": "111",
        "id": example_citizen_id(3),
        "name": "王小明",
        "phone": "",
        "address": "",
    }
    return {**base, **changes}


def org(**changes: object) -> dict[str, object]:
    return person(kind="org", id_type="001", id=example_uscc(5), name="示例农民专业合作社", **changes)


NAMES = {
    "sixty characters with the dot": "阿卜杜热合曼" * 9 + "·买买提江汗",
    "rare, outside the basic plane": "𠮷田𬜬𫖯𰻞",
    "newer than this Python's tables": "王\U000323b0",
    "compatibility ideograph": "\uf9d1麗",
    "variation sequence": "葛\U000e0100",
    "private use, from old systems": "王\ue863",
    "with a space": "John Smith",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_name_is_kept_as_typed(name: str) -> None:
    clean, problems = check_applicant(person(name=name), ELDER)
    assert problems == ()
    assert clean["name"] == name


def test_the_sixty_character_name_is_what_it_says() -> None:
    assert len(NAMES["sixty characters with the dot"]) == 60
    assert unicodedata.normalize("NFC", NAMES["compatibility ideograph"]) != NAMES["compatibility ideograph"]


@pytest.mark.parametrize("bad", ["王\x00明", "王\n明", "王\u202e明", "王\u200b明", "王\ud83d", "王\u2028明"])
def test_control_characters_are_refused_by_code_point(bad: str) -> None:
    _, (problem,) = check_applicant(person(name=bad), ELDER)
    assert problem.field == "applicant.name"
    assert "U+" in problem.message


def test_clean_has_every_key_and_compact_numbers() -> None:
    number = example_citizen_id(3)
    spaced = " " + number[:6] + " " + number[6:14] + "-" + number[14:].lower()
    clean, problems = check_applicant(person(id=spaced, phone="０１０-1234 5678", address=None), ELDER)
    assert problems == ()
    assert tuple(clean) == APPLICANT_KEYS
    assert (clean["id"], clean["phone"], clean["address"]) == (number, "01012345678", "")


OTHER_PAPERS = [("414", "E12345678"), ("511", "12345678"), ("516", "H12345678")]


@pytest.mark.parametrize(("id_type", "number"), OTHER_PAPERS)
def test_other_papers_are_checked_for_length_only(id_type: str, number: str) -> None:
    assert check_applicant(person(id_type=id_type, id=number), ELDER)[1] == ()


@pytest.mark.parametrize(("id_type", "number"), [("414", "E1"), ("516", "H" * 31), ("414", "")])
def test_other_papers_have_a_sensible_length(id_type: str, number: str) -> None:
    _, (problem,) = check_applicant(person(id_type=id_type, id=number), ELDER)
    assert problem.field == "applicant.id"


FAULTS = {
    "kind": (person(kind="firm"), "applicant.kind"),
    "id type in words": (person(id_type="身份证"), "applicant.id_type"),
    "person with a company's code": (person(id_type="001"), "applicant.id_type"),
    "wrong check digit": (person(id="341822188511120001"), "applicant.id"),
    "no name": (person(name=" "), "applicant.name"),
    "endless name": (person(name="王" * 101), "applicant.name"),
    "phone": (person(phone="打不通"), "applicant.phone"),
    "mobile one digit short": (person(phone="1390000000"), "applicant.phone"),
    "address": (person(address="长" * 201), "applicant.address"),
    "number as integer": (person(id=341822188511120001), "applicant.id"),
    "unknown key": (person(wechat="x"), "applicant.wechat"),
    "no applicant": (None, "applicant"),
}


@pytest.mark.parametrize(("applicant", "field"), FAULTS.values(), ids=FAULTS.keys())
def test_fault_names_field_and_remedy_without_the_number(applicant: object, field: str) -> None:
    _, problems = check_applicant(applicant, ELDER)
    assert [problem.field for problem in problems] == [field]
    assert problems[0].remedy
    assert "341822188511120001" not in problems[0].text()


def test_organisation_applies_where_the_item_serves_organisations() -> None:
    assert check_applicant(org(), TIMBER)[1] == ()
    assert check_applicant(org(), WORKSHOP)[1] == ()
    _, (problem,) = check_applicant(org(), ELDER)
    assert problem.field == "applicant.kind"
    assert "自然人" in problem.message


def test_organisation_needs_its_own_paper() -> None:
    _, (problem,) = check_applicant(person(kind="org"), TIMBER)
    assert problem.field == "applicant.id_type"
