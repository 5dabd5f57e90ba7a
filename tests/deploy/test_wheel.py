"""The wheel is what a county installs: all that the programs need at run time, nothing of the workshop."""

from __future__ import annotations

import email
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("sync_protocol", "casework", "node", "hub", "migrations")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("lianban-*-py3-none-any.whl")
    return zipfile.ZipFile(path)


def _metadata(wheel: zipfile.ZipFile, name: str) -> str:
    (path,) = (entry for entry in wheel.namelist() if entry.endswith(f".dist-info/{name}"))
    return wheel.read(path).decode()


def test_every_tracked_file_of_the_packages_is_in_it(wheel: zipfile.ZipFile) -> None:
    listed = subprocess.run(["git", "ls-files", "-z", *SHIPPED], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    tracked = {name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()}
    assert tracked - set(wheel.namelist()) == set()


def test_the_font_of_the_papers_and_its_licence_are_in_it(wheel: zipfile.ZipFile) -> None:
    assert wheel.getinfo("casework/fonts/NotoSansSC-Regular.ttf").file_size > 10_000_000
    assert b"SIL OPEN FONT LICENSE" in wheel.read("casework/fonts/NotoSansSC-LICENSE.txt").upper()


def test_the_built_styles_and_scripts_and_the_notices_of_their_libraries_are_in_it(wheel: zipfile.ZipFile) -> None:
    front = ROOT / "casework" / "web" / "front"
    styles = {f"{path.stem}.css" for path in front.glob("styles/[!_]*.scss")}
    scripts = {path.name for path in front.glob("scripts/[!_]*.js")}
    built = {name.rsplit("/", 1)[1] for name in wheel.namelist() if name.startswith("casework/web/built/")}
    assert {"site.css", "site.js"} <= styles | scripts and styles | scripts | {"LICENSES.txt"} <= built
    notices = wheel.read("casework/web/built/LICENSES.txt").decode()
    assert all(name in notices for name in ("govuk-frontend ", "htmx.org "))
    assert "Permission is hereby granted, free of charge" in notices


def test_nothing_but_the_packages_is_in_it(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} <= set(SHIPPED)
    assert [name for name in wheel.namelist() if "__pycache__" in name or name.endswith((".db", ".key"))] == []


def test_it_installs_the_two_commands(wheel: zipfile.ZipFile) -> None:
    lines = _metadata(wheel, "entry_points.txt").split("\n")
    assert "lianban-hub = hub.cli:main" in lines
    assert "lianban-node = node.cli:main" in lines


def test_it_names_its_licence_and_pythons(wheel: zipfile.ZipFile) -> None:
    headers = email.message_from_string(_metadata(wheel, "METADATA"))
    assert headers["License-Expression"] == "Apache-2.0"
    assert headers["License-File"] == "LICENSE"
    assert headers["Requires-Python"] == "<3.14,>=3.11"
