"""What a form may hold, item by item and field by field."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.applicant import check_applicant
from casework.catalogue import load_catalogue
from casework.example_intake import example_citizen_id, example_intake_line
from casework.form_check import check_form
from casework.identity import birth_date
from casework.material_check import check_materials
from casework.scenario import all_answers, check_answers, requirements
from casework.service_item import FormField, ServiceItem

CATALOGUE = load_catalogue()
DAY = date(2026, 1, 5)
ELDER = CATALOGUE.get("elder_allowance")
DIBAO = CATALOGUE.get("dibao")


def form_of(item: ServiceItem, **changes: Any) -> dict[str, Any]:
    form: dict[str, Any] = dict(example_intake_line(item)["form"])
    return {**form, **changes}


@pytest.mark.parametrize("item", list(CATALOGUE), ids=lambda item: item.key)
@pytest.mark.parametrize("serial", [0, 7, 123, 999])
def test_example_line_is_accepted(item: ServiceItem, serial: int) -> None:
    line = json.loads(json.dumps(example_intake_line(item, serial=serial)))
    result = check_form(item, line["form"])
    assert result.problems == ()
    assert set(result.clean) == {field.key for field in item.form if field.required}
    assert check_applicant(line["applicant"], item)[1] == ()
    assert check_answers(item, line.get("answers", {}), line["applicant"], DAY)[1] == ()
    answers = all_answers(item, line.get("answers", {}), line["applicant"], DAY)
    assert check_materials(item, line["materials"], needs=requirements(item, answers)) == ()


def test_example_birth_date_is_that_of_the_number() -> None:
    line = example_intake_line(ELDER, serial=44)
    assert str(birth_date(line["applicant"]["id"])) == line["form"]["birth_date"]


def test_example_people_are_dead_for_sure() -> None:
    births = [birth_date(example_citizen_id(serial)) for serial in range(3000)]
    assert {born.year for born in births if born} == set(range(1880, 1900))
    assert len({example_citizen_id(serial) for serial in range(3000)}) == 3000


def test_keys_the_item_does_not_define_are_kept() -> None:
    extra = {"own_no": 7, "nested": {"a": [1, None, True, "字"]}, "rate": 1.5, "big": 2**70}
    result = check_form(ELDER, form_of(ELDER, **extra))
    assert result.problems == ()
    assert result.extra == {**extra, "rate": "1.5", "big": str(2**70)}
    assert not set(result.clean) & set(extra)


@pytest.mark.parametrize(
    "extra",
    [
        {f"k{n}": 1 for n in range(51)},
        {"long": "字" * 5000},
        {"deep": [[[[[[1]]]]]]},
        {"half": "\ud800"},
        {"big": 10**5000},
    ],
    ids=["many", "long", "deep", "surrogate", "integer"],
)
def test_extra_is_bounded(extra: dict[str, Any]) -> None:
    result = check_form(ELDER, form_of(ELDER, **extra))
    assert [problem.field for problem in result.problems] == ["form.extra"]
    assert result.extra == {}


def test_missing_required_field_is_named_by_its_label() -> None:
    form = form_of(ELDER)
    del form["bank_card"]
    (problem,) = check_form(ELDER, form).problems
    assert problem.field == "form.bank_card"
    assert "社会保障卡或银行卡号" in problem.message
    assert problem.remedy


@pytest.mark.parametrize("empty", ["", "   ", None, "\u3000"])
def test_empty_is_missing_and_optional_may_be_missing(empty: str | None) -> None:
    assert [p.field for p in check_form(ELDER, form_of(ELDER, residence=empty)).problems] == ["form.residence"]
    result = check_form(ELDER, form_of(ELDER, relative_phone=empty))
    assert result.problems == ()
    assert "relative_phone" not in result.clean


ACCEPTED = [
    ("dibao", "family_size", 3, 3),
    ("dibao", "family_size", " 3 ", 3),
    ("dibao", "family_size", "３", 3),
    ("dibao", "monthly_income", 0, 0),
    ("elder_allowance", "birth_date", "1885-02-28", "1885-02-28"),
    ("elder_allowance", "birth_date", "1885年2月8日", "1885-02-08"),
    ("elder_allowance", "birth_date", "18850208", "1885-02-08"),
    ("elder_allowance", "bank_card", "6217 0000 0000 0000", "6217000000000000"),
    ("elder_allowance", "relative_phone", "139-0000-0000", "13900000000"),
    ("elder_allowance", "relative_name", "買買提·吐爾遜𠮷", "買買提·吐爾遜𠮷"),
    ("dibao", "statement", "第一行\r\n第二行，说明超过十个字。", "第一行\n第二行，说明超过十个字。"),
    ("food_workshop", "uscc", " 91110000600037341l", "91110000600037341L"),
    ("household_move", "head_id", "36042619910101007１", "360426199101010071"),
]


@pytest.mark.parametrize(("key", "field", "given", "kept"), ACCEPTED)
def test_value_is_kept_in_one_form(key: str, field: str, given: Any, kept: Any) -> None:
    item = CATALOGUE.get(key)
    result = check_form(item, form_of(item, **{field: given}))
    assert result.problems == ()
    assert result.clean[field] == kept


REFUSED = [
    ("dibao", "family_size", 0, "不能小于 1"),
    ("dibao", "family_size", 31, "不能大于 30"),
    ("dibao", "family_size", "三", "整数"),
    ("dibao", "family_size", "9" * 400, "整数"),
    ("dibao", "family_size", True, "文字或整数"),
    ("dibao", "monthly_income", 10.5, "文字或整数"),
    ("dibao", "family_size", [1], "文字或整数"),
    ("dibao", "hardship_cause", "因懒", "选项"),
    ("dibao", "statement", "太短", "个字"),
    ("dibao", "statement", "长" * 1001, "个字"),
    ("dibao", "statement", "有一个看不见的字符\x07在这里面藏着", "U+0007"),
    ("elder_allowance", "residence", "第一行\n第二行", "U+000A"),
    ("elder_allowance", "residence", "反着写\u202e的地址", "U+202E"),
    ("elder_allowance", "birth_date", "1885-02-30", "日期"),
    ("elder_allowance", "birth_date", "昨天", "日期"),
    ("elder_allowance", "birth_date", "1885112", "日期"),
    ("elder_allowance", "birth_date", "0005-01-01", "日期"),
    ("elder_allowance", "bank_card", "1234", "位数字"),
    ("elder_allowance", "relative_phone", "12900000000", "手机号码"),
    ("household_move", "head_id", "360426199101010072", "校验位"),
    ("food_workshop", "uscc", "91110000600037341A", "校验位"),
]


@pytest.mark.parametrize(("key", "field", "given", "says"), REFUSED)
def test_bad_value_is_named_with_label_and_remedy(key: str, field: str, given: Any, says: str) -> None:
    item = CATALOGUE.get(key)
    result = check_form(item, form_of(item, **{field: given}))
    (problem,) = result.problems
    rule = item.field(field)
    assert isinstance(rule, FormField)
    assert problem.field == f"form.{field}"
    assert rule.label in problem.message
    assert says in problem.message
    assert problem.remedy
    assert field not in result.clean


def test_correction_may_be_partial_but_not_empty() -> None:
    result = check_form(DIBAO, {"family_size": "4", "own": 1}, complete=False)
    assert (result.clean, result.extra, result.problems) == ({"family_size": 4}, {"own": 1}, ())
    assert [p.field for p in check_form(DIBAO, {"family_size": ""}, complete=False).problems] == ["form.family_size"]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(key=st.sampled_from([field.key for field in DIBAO.form] + ["own"]), junk=JUNK)
def test_junk_is_a_problem_or_a_plain_value(key: str, junk: object) -> None:
    result = check_form(DIBAO, form_of(DIBAO, **{key: junk}))
    assert all(problem.remedy for problem in result.problems)
    assert msgpack.unpackb(msgpack.packb(result.extra)) == result.extra
    assert all(isinstance(value, str | int) for value in result.clean.values())
    check_applicant(junk, DIBAO)
    check_applicant({"kind": junk, "name": junk}, DIBAO)
    check_materials(DIBAO, junk)
    check_materials(DIBAO, [junk, {"name": junk, "pages": junk}])


@pytest.mark.parametrize("form", [None, [], "x", 3])
def test_form_that_is_no_mapping_is_a_problem(form: object) -> None:
    assert [problem.field for problem in check_form(DIBAO, form).problems] == ["form"]


def test_integer_too_long_to_print_is_a_problem() -> None:
    (problem,) = check_form(DIBAO, form_of(DIBAO, family_size=10**5000)).problems
    assert problem.field == "form.family_size"
