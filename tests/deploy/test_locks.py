"""The locks pin what pyproject.toml asks for, by hash, and do not say where it is fetched from."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("sync_protocol", "casework", "node", "hub", "migrations")
LOCKS = ("requirements.lock", "requirements-dev.lock")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+) \\\n((?: {4}--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE)


def _pins(lock: str) -> dict[str, tuple[str, int]]:
    """Canonical name → (version, number of hashed files)."""
    text = (ROOT / lock).read_text(encoding="ascii")
    return {canonicalize_name(m[1]): (m[2], m[3].count("sha256:")) for m in PIN.finditer(text)}


def _asked() -> dict[str, list[Requirement]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    runtime = [Requirement(line) for line in project["dependencies"]]
    development = [Requirement(line) for line in project["optional-dependencies"]["dev"]]
    return {"requirements.lock": runtime, "requirements-dev.lock": runtime + development}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_fits_what_the_project_asks_for(lock: str) -> None:
    pins = _pins(lock)
    misfits = [
        str(asked)
        for asked in _asked()[lock]
        if canonicalize_name(asked.name) not in pins
        or not asked.specifier.contains(pins[canonicalize_name(asked.name)][0])
    ]
    assert misfits == [], "run make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_pins_with_hashes_and_nothing_else(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="ascii")
    rest = [line for line in PIN.sub("", text).split("\n") if line.strip() and not line.startswith("#")]
    assert rest == []
    assert re.search(r"https?:|file:|index-url|find-links|trusted-host", text) is None


def test_the_development_lock_runs_the_versions_that_ship() -> None:
    runtime, development = _pins("requirements.lock"), _pins("requirements-dev.lock")
    assert runtime.items() <= development.items()


@pytest.mark.parametrize(("folder", "most"), [("deploy/fonts", 1), ("bench/peers", 400)])
def test_a_lock_of_npm_pins_by_hash_and_names_no_place(folder: str, most: int) -> None:
    asked = json.loads((ROOT / folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
    packages = json.loads((ROOT / folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert packages.pop("")["dependencies"] == asked
    assert all(packages[f"node_modules/{name}"]["version"] == version for name, version in asked.items())
    pinned = {name for name, one in packages.items() if one["version"] and one["integrity"].startswith("sha512-")}
    assert pinned == set(packages) and most / 4 < len(pinned) <= most
    assert [name for name, one in packages.items() if {"resolved", "link"} & set(one)] == [], "run make lock"


def test_compiled_packages_are_hashed_for_more_than_one_machine() -> None:
    pins = _pins("requirements.lock")
    assert all(pins[name][1] > 10 for name in ("aiohttp", "msgpack", "pynacl", "sqlcipher3", "pillow"))


def _imported(path: Path) -> set[str]:
    """Top names of the absolute imports of one file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


def test_what_the_programs_import_is_declared() -> None:
    ours = {*SHIPPED, *sys.stdlib_module_names}
    declared = {canonicalize_name(asked.name) for asked in _asked()["requirements.lock"]}
    providers = packages_distributions()
    undeclared = {
        f"{path.relative_to(ROOT)}: {name}"
        for folder in SHIPPED
        for path in (ROOT / folder).rglob("*.py")
        for name in _imported(path) - ours
        if not {canonicalize_name(provider) for provider in providers.get(name, ())} & declared
    }
    assert undeclared == set()
