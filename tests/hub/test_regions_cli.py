"""`lianban-hub regions publish` as typed, on a county of its own."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from casework.regions import BUILT_IN_REGIONS, RegionError
from hub.cli import cli
from tests.sync_protocol.county import VILLAGE


@pytest.fixture
def county(tmp_path: Path) -> Path:
    folder = tmp_path / "county"
    done = CliRunner().invoke(cli, ["init", "--dir", str(folder), "--county", "341882", "--json"])
    assert done.exit_code == 0, done.output
    return folder


def publish(county: Path, rows: list[dict[str, str]], *more: str) -> dict[str, Any]:
    file = county.parent / "regions.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, ["code", "level", "parent", "name", "until", "successor"])
        writer.writeheader()
        writer.writerows(rows)
    done = CliRunner().invoke(cli, ["regions", "publish", str(file), "--dir", str(county), "--json", *more])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def shipped() -> list[dict[str, str]]:
    with (BUILT_IN_REGIONS / "341882.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_an_abolished_division_is_told_once_and_a_dry_run_tells_nothing(county: Path) -> None:
    rows = [row | ({"until": "2026-12-31"} if row["code"] == VILLAGE else {}) for row in shipped()]
    for _ in range(2):
        looked = publish(county, rows, "--dry-run")
        assert looked["published"] is False and [row[0] for row in looked["regions"]] == [VILLAGE]
    assert [row[4] for row in publish(county, rows)["regions"]] == ["2026-12-31"]
    assert publish(county, rows)["regions"] == []


def test_a_division_that_is_left_out_is_named(county: Path) -> None:
    with pytest.raises(RegionError, match=VILLAGE):
        publish(county, [row for row in shipped() if row["code"] != VILLAGE])
