"""The county's region tree: the real one, and faulty files."""

from __future__ import annotations

from pathlib import Path

import pytest

from casework.errors import NotFound
from casework.regions import BUILT_IN_REGIONS, RegionError, RegionTree, built_in_regions, load_regions

GUANGDE = built_in_regions("341882")
ROWS = [
    {"code": "341882000000", "level": "county", "parent": "", "name": "广德市"},
    {"code": "341882103000", "level": "township", "parent": "341882000000", "name": "邱村镇"},
    {"code": "341882103200", "level": "village", "parent": "341882103000", "name": "前程村民委员会"},
]


def test_guangde_has_thirteen_townships_and_139_villages() -> None:
    levels = [region.level for region in GUANGDE]
    assert {level: levels.count(level) for level in set(levels)} == {
        "county": 1,
        "township": 13,
        "village": 139,
    }
    assert GUANGDE.county.name == "广德市"
    assert len(GUANGDE.children("341882000000")) == 13
    assert sum(len(GUANGDE.children(t.code)) for t in GUANGDE.children("341882000000")) == 139


def test_tree_is_walked_both_ways() -> None:
    qiucun = GUANGDE.get("341882103000")
    village = GUANGDE.children(qiucun.code)[0]
    assert qiucun.name == "邱村镇"
    assert GUANGDE.township_of(village.code) == qiucun
    assert GUANGDE.township_of(qiucun.code) == qiucun
    assert GUANGDE.township_of("341882000000") is None
    assert GUANGDE.path_name(village.code) == "广德市邱村镇" + village.name
    assert GUANGDE.contains(qiucun.code, village.code)
    assert not GUANGDE.contains(village.code, qiucun.code)
    assert not GUANGDE.contains("341882001000", village.code)
    assert GUANGDE.children(village.code) == ()


@pytest.mark.parametrize("code", ["341882999000", "", "34188"])
def test_unknown_code_is_not_found(code: str) -> None:
    with pytest.raises(NotFound):
        GUANGDE.get(code)


def test_file_with_bom_and_rows_in_any_order(tmp_path: Path) -> None:
    text = (BUILT_IN_REGIONS / "341882.csv").read_text(encoding="utf-8")
    header, *rows = text.splitlines()
    path = tmp_path / "regions.csv"
    path.write_text("\n".join([header, *reversed(rows)]), encoding="utf-8-sig")
    assert list(load_regions(path)) == list(GUANGDE)


def test_odd_names_survive() -> None:
    rows = [*ROWS[:2], {**ROWS[2], "name": "幸福ｅ家八五一０·𠮷社区"}]
    assert RegionTree.from_rows(rows).get("341882103200").name == "幸福ｅ家八五一０·𠮷社区"


FAULTS = {
    "code of another level": (2, {"code": "341882103000"}, "regions.4.code"),
    "code too short": (1, {"code": "341882103"}, "regions.3.code"),
    "unknown level": (1, {"level": "town"}, "regions.3.level"),
    "wrong parent": (2, {"parent": "341882000000"}, "regions.4.parent"),
    "parent missing from file": (2, {"code": "341882104200", "parent": "341882104000"}, "regions.4.parent"),
    "another county": (1, {"code": "341881103000"}, "regions.3.parent"),
    "no name": (1, {"name": ""}, "regions.3.name"),
    "control character": (1, {"name": "邱\x00村"}, "regions.3.name"),
    "column missing": (1, {"name": None}, "regions.3.name"),
}


@pytest.mark.parametrize(("row", "change", "field"), FAULTS.values(), ids=FAULTS.keys())
def test_faulty_row_names_line_and_field(row: int, change: dict[str, str], field: str) -> None:
    rows = [{**raw, **change} if n == row else raw for n, raw in enumerate(ROWS)]
    with pytest.raises(RegionError) as caught:
        RegionTree.from_rows(rows)
    assert field in [problem.field for problem in caught.value.problems]
    assert f"第 {field.split('.')[1]} 行" in str(caught.value)
    assert all(problem.remedy for problem in caught.value.problems)


def test_repeated_code_and_two_counties_are_refused() -> None:
    with pytest.raises(RegionError, match=r"第 5 行的 code.*重复"):
        RegionTree.from_rows([*ROWS, ROWS[2]])
    other = {"code": "341881000000", "level": "county", "parent": "", "name": "宁国市"}
    with pytest.raises(RegionError, match="现在有 2 行"):
        RegionTree.from_rows([*ROWS, other])
    with pytest.raises(RegionError, match="现在有 0 行"):
        RegionTree.from_rows([])


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"code,level,name,parent\n"])
def test_file_that_is_no_region_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "regions.csv"
    path.write_bytes(content)
    with pytest.raises(RegionError):
        load_regions(path)


@pytest.mark.parametrize("county", ["330922", "../341", ""])
def test_other_counties_need_a_file(county: str) -> None:
    with pytest.raises(NotFound, match="--regions"):
        built_in_regions(county)


ABOLISHED: dict[str, tuple[dict[str, str], str]] = {
    "no day": ({"until": "去年"}, "until"),
    "an impossible day": ({"until": "2026-02-30"}, "until"),
    "into what is not there": ({"until": "2026-12-31", "successor": "341882999999"}, "successor"),
    "into another level": ({"until": "2026-12-31", "successor": "341882000000"}, "successor"),
    "into itself": ({"until": "2026-12-31", "successor": ROWS[2]["code"]}, "successor"),
    "successor without a day": ({"successor": "341882103201"}, "until"),
}


@pytest.mark.parametrize(("change", "field"), ABOLISHED.values(), ids=ABOLISHED.keys())
def test_how_a_division_ends_is_checked(change: dict[str, str], field: str) -> None:
    rows = [{**raw, **change} if n == 2 else raw for n, raw in enumerate(ROWS)]
    with pytest.raises(RegionError) as caught:
        RegionTree.from_rows(rows)
    assert f"regions.4.{field}" in [problem.field for problem in caught.value.problems]
    assert all(problem.remedy for problem in caught.value.problems)


def test_an_abolished_division_keeps_its_row_and_says_so() -> None:
    rows = [{**raw, "until": "2026-12-31"} if n == 2 else raw for n, raw in enumerate(ROWS)]
    region = RegionTree.from_rows(rows).get(ROWS[2]["code"])
    assert region.shown_name == f"{region.name}（2026-12-31 撤销）"
    assert region.row == [region.code, region.level, region.parent, region.name, "2026-12-31", ""]
    assert RegionTree.from_rows(ROWS).get(ROWS[2]["code"]).row == [*region.row[:4]]
