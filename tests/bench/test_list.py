"""`make bench` runs every bench there is, and never passes because a tool is missing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bench import __main__ as benches

FOLDER = Path(benches.__file__).parent


def _is_bench(path: Path) -> bool:
    """A module whose `main` gives an exit code: it prints figures and judges them."""
    found = (node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef))
    return any(node.name == "main" and node.returns and ast.unparse(node.returns) == "int" for node in found)


def test_every_bench_is_listed_once():
    there = {path.stem for path in FOLDER.glob("*.py") if path.stem != "__main__" and _is_bench(path)}
    listed = [bench.name for bench in benches.BENCHES]
    assert sorted([*listed, "weak_link"]) == sorted(there)  # needs root and hours: a command of its own


@pytest.mark.parametrize(
    ("found", "without", "good", "said"),
    [
        (None, set(), False, "there is no openssl"),
        (None, {"openssl"}, True, "left out"),
        ("/usr/bin/openssl", {"openssl"}, True, "left out"),
        (None, {"something"}, False, "there is no openssl"),
    ],
)
def test_a_missing_tool_fails_unless_one_is_told_to_go_without(monkeypatch, found, without, good, said):
    monkeypatch.setattr(benches.shutil, "which", lambda name: found)
    monkeypatch.setattr(benches.subprocess, "run", lambda *words, **more: pytest.fail("it ran all the same"))
    passed, text = benches.run(benches.Bench("wire", ("openssl",)), without, quick=True)
    assert passed is good and said in text


@pytest.mark.parametrize(("code", "good", "said"), [(0, True, "ok"), (1, False, "FAILED (exit 1)")])
def test_the_exit_code_of_a_bench_decides(monkeypatch, code, good, said):
    calls = []

    def run(call, **more):
        calls.append(call)
        return type("Done", (), {"returncode": code})()

    monkeypatch.setattr(benches.subprocess, "run", run)
    passed, text = benches.run(benches.Bench("fsck"), set(), quick=True)
    assert passed is good and said in text and calls[0][-2:] == ["bench.fsck", "--quick"]
