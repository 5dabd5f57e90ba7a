"""Required materials are scanned or seen, and no foreign ones slip in."""

from __future__ import annotations

from typing import Any

import pytest

from casework.catalogue import load_catalogue
from casework.example_intake import example_intake_line
from casework.material_check import check_materials

ELDER = load_catalogue().get("elder_allowance")


def materials() -> list[dict[str, Any]]:
    given: list[dict[str, Any]] = example_intake_line(ELDER)["materials"]
    return given


def test_scanned_seen_and_optional_are_accepted() -> None:
    given = materials()
    given[0] = {"name": given[0]["name"], "pages": [{"blob": 0}]}
    given[1] = {"name": given[1]["name"], "file": "a.jpg"}
    given.append({"name": "委托书及受托人身份证(委托办理)", "seen": True})
    assert check_materials(ELDER, given) == ()


def test_a_material_may_have_several_files() -> None:
    given = [m for m in materials() if m["name"] != "户口本"]
    given += [{"name": "户口本", "file": "1.jpg"}, {"name": "户口本", "file": "2.jpg"}]
    assert check_materials(ELDER, given) == ()


def test_supplement_brings_only_what_was_missing() -> None:
    assert check_materials(ELDER, [{"name": "户口本", "seen": True}], complete=False) == ()
    assert len(check_materials(ELDER, [{"name": "户口本"}], complete=False)) == 1


@pytest.mark.parametrize("index", range(6))
def test_each_required_material_is_missed(index: int) -> None:
    given = materials()
    name = given.pop(index)["name"]
    (problem,) = check_materials(ELDER, given)
    assert problem.field == f"materials.{name}"
    assert "缺少必备材料" in problem.message
    assert name in problem.message


@pytest.mark.parametrize("entry", [{"seen": False}, {"pages": []}, {"file": ""}, {"seen": "true"}, {}], ids=str)
def test_material_that_is_neither_scanned_nor_seen_is_told_once(entry: dict[str, Any]) -> None:
    given = [{"name": m["name"], **entry} if m["name"] == "户口本" else m for m in materials()]
    (problem,) = check_materials(ELDER, given)
    assert "既没有扫描件" in problem.message


def test_foreign_name_is_answered_with_the_list() -> None:
    (problem,) = check_materials(ELDER, [*materials(), {"name": "房产证", "seen": True}])
    assert problem.field == "materials.房产证"
    assert "户口本" in problem.remedy


def test_same_material_twice_is_refused() -> None:
    (problem,) = check_materials(ELDER, [*materials(), {"name": "户口本", "seen": True}])
    assert "两次" in problem.message


@pytest.mark.parametrize("given", [None, "户口本", {"name": "户口本"}])
def test_materials_that_are_no_list_are_a_problem(given: object) -> None:
    assert [p.field for p in check_materials(ELDER, given)] == ["materials"]


@pytest.mark.parametrize("entry", [3, None, {}, {"name": 3}])
def test_entry_without_a_name_is_numbered(entry: object) -> None:
    (problem,) = check_materials(ELDER, [*materials(), entry])
    assert "第 7 份" in problem.message


def test_what_is_shared_or_verified_need_not_be_handed_in_where_the_item_allows_it() -> None:
    item = load_catalogue().get("resident_pension_enrol")
    names = [rule.name for rule in item.materials if rule.required]
    shared = {rule.name for rule in item.materials if rule.exempt == "shared"}
    given = [{"name": name, **({"exempt": "shared"} if name in shared else {"seen": True})} for name in names]
    assert shared and check_materials(item, given) == ()
    for way in ("verified", "cancelled", "magic", 7):
        wrong = [{"name": m["name"], "exempt": way} if m["name"] in shared else m for m in given]
        assert {problem.field for problem in check_materials(item, wrong)} == {f"materials.{name}" for name in shared}
    form = next(name for name in names if name not in shared)
    (problem,) = check_materials(item, [m if m["name"] != form else {"name": form, "exempt": "shared"} for m in given])
    assert "没有允许" in problem.message and problem.remedy
