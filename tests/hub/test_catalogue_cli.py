"""The catalogue commands as typed: check, ask, diff, publish, on a county of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from casework.catalogue import BUILT_IN_CATALOGUE
from casework.errors import BadInput
from hub.cli import cli

SHIPPED = yaml.safe_load(BUILT_IN_CATALOGUE.read_text(encoding="utf-8"))


def run(*words: object) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(cli, ["catalogue", *map(str, words), "--json"])
    return done.exit_code, json.loads(done.stdout) if done.stdout else {}


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub") / "county"
    done = CliRunner().invoke(cli, ["init", "--dir", str(folder), "--county", "341882", "--json"])
    assert done.exit_code == 0, done.output
    return folder


def changed(tmp_path: Path, **facts: Any) -> Path:
    """A file in which the allowance for the old has these facts."""
    root = json.loads(json.dumps(SHIPPED))
    next(item for item in root["items"] if item["key"] == "elder_allowance").update(facts)
    path = tmp_path / "county.yaml"
    path.write_text(yaml.safe_dump(root, allow_unicode=True), encoding="utf-8")
    return path


def test_check_names_every_problem_and_needs_no_county(tmp_path: Path) -> None:
    assert run("check", BUILT_IN_CATALOGUE) == (0, {"items": 19, "problems": []})
    code, report = run("check", changed(tmp_path, fee=True, supplement_days=0))
    assert code == 1 and {row["field"] for row in report["problems"]} == {"elder_allowance.supplement_days"}
    code, report = run("check", changed(tmp_path, fee=True, questions=[]))
    fields = {row["field"] for row in report["problems"]}
    assert {"elder_allowance.fee_basis", "elder_allowance.rules[0].when"} <= fields


def test_ask_answers_and_says_what_is_wrong_with_the_question() -> None:
    code, report = run("ask", BUILT_IN_CATALOGUE, "elder_allowance", "--age", 92)
    assert (
        code == 0 and {one["name"]: one["need"] for one in report["materials"]}["低保证(80-89岁低保老人)"] == "left_out"
    )
    for words in (("--answer", "x=y"), ("--age", 999), ("--kind", "cat"), ("--commitment",)):
        done = CliRunner().invoke(
            cli, ["catalogue", "ask", str(BUILT_IN_CATALOGUE), "elder_allowance", *map(str, words)]
        )
        assert isinstance(done.exception, BadInput), words
    assert isinstance(
        CliRunner().invoke(cli, ["catalogue", "ask", str(BUILT_IN_CATALOGUE), "zz"]).exception, ValueError
    )


def test_a_dry_run_writes_nothing_and_publishing_twice_writes_once(county: Path, tmp_path: Path) -> None:
    file = changed(tmp_path, version=2, office="卫生健康委员会")
    code, tried = run("publish", file, "--dir", county, "--dry-run")
    assert code == 0 and tried["published"] == 0
    assert run("diff", file, "--dir", county) == (0, {k: v for k, v in tried.items() if k != "published"})
    (change,) = tried["changes"]
    assert change["what"] == "changed" and change["lines"] == ["责任部门：民政局 → 卫生健康委员会"]
    code, done = run("publish", file, "--dir", county)
    assert code == 0 and done["published"] == 1
    assert run("publish", file, "--dir", county) == (0, {"changes": [], "problems": [], "warnings": [], "published": 0})
    code, refused = run("publish", BUILT_IN_CATALOGUE, "--dir", county)
    assert code == 1 and refused["published"] == 0 and "低于已下发的第 2 版" in refused["problems"][0]["message"]
