"""The extraction script on a package of a few rows; the shipped file has the shape that it writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from casework.regions import load_regions
from deploy import extract_regions

AREAS = 'code,name,cityCode,provinceCode\n341881,"宁国市",3418,34\n341882,"广德市",3418,34\n'
STREETS = (
    'code,name,areaCode,provinceCode,cityCode\n341882103,"邱村镇",341882,34,3418\n341881100,"港口镇",341881,34,3418\n'
)
VILLAGES = (
    "code,name,streetCode,provinceCode,cityCode,areaCode\n"
    '341882103200,"前程村民委员会",341882103,34,3418,341882\n'
    '341881100200,"山门村民委员会",341881100,34,3418,341881\n'
)


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    for name, text in (("areas", AREAS), ("streets", STREETS), ("villages", VILLAGES)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["extract_regions.py", *arguments])
    return extract_regions.main()


def test_one_county_comes_out_and_loads(dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = dist / "out.csv"
    assert run(monkeypatch, "341882", str(dist), str(target)) == 0
    tree = load_regions(target)
    assert [region.code for region in tree] == ["341882000000", "341882103000", "341882103200"]
    assert tree.path_name("341882103200") == "广德市邱村镇前程村民委员会"


def test_unknown_county_writes_nothing(dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = dist / "out.csv"
    assert run(monkeypatch, "999999", str(dist), str(target)) == 1
    assert not target.exists()
