"""docs/deploy.md: its commands are ones that the programs take, and its files are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from hub.cli import cli as hub_cli
from node.cli import cli as node_cli
from sync_protocol.store.postgres_store import parse_url
from tests.deploy.nginx_site import SITE
from tests.deploy.unit_files import settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
_PROGRAMS = {"hub": typer.main.get_command(hub_cli), "node": typer.main.get_command(node_cli)}
_BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
_TYPED = [*_BLOCKS.splitlines(), *re.findall(r"`([^`\n]*lianban-(?:hub|node) [^`\n]*)`", PAGE)]
COMMANDS = [
    (found[1], found[2]) for line in _TYPED if (found := re.search(r"lianban-(hub|node) ([a-z].*)", line)) is not None
]


@pytest.mark.parametrize(("program", "words"), [pytest.param(*one, id=f"{one[0]} {one[1][:30]}") for one in COMMANDS])
def test_each_command_is_one_that_the_program_takes(program: str, words: str) -> None:
    command, left = _PROGRAMS[program], shlex.split(words)
    while hasattr(command, "commands"):
        command, left = command.commands[left[0]], left[1:]
    taken = command.make_context(command.name or "", left).params
    (unit,) = settings(f"lianban-{program}.service")["ExecStart"]
    assert f"--dir {taken['folder']} " in unit, "the folder that the unit serves"
    if taken.get("db"):
        assert parse_url(taken["db"]).username == settings("lianban-hub.service")["User"][0]


def test_the_county_can_be_founded_and_a_station_enrolled_by_this_page_alone() -> None:
    said = {f"{program} {words.split()[0]}" for program, words in COMMANDS}
    assert {"hub init", "hub user", "hub hall", "hub address", "hub invite", "node init"} <= said


def test_files_that_are_copied_are_there_and_land_where_they_are_read() -> None:
    copied = re.findall(r"\b(?:deploy|docs|tests)/[\w/.-]+\w", PAGE)
    assert len(copied) > 6
    for name in copied:
        assert (ROOT / name).exists(), name
    for unit in ("lianban-hub.service", "lianban-node.service"):
        (environment,) = settings(unit)["EnvironmentFile"]
        assert f"install -m 0644 deploy/systemd/{Path(environment).name} {Path(environment).parent}/" in _BLOCKS
    site = SITE.read_text(encoding="utf-8")
    for file in re.findall(r"/etc/lianban/tls/([\w.]+);", site):
        assert f"{file}" in re.findall(r"install -m 0640 -g lianban (.*) /etc/lianban/tls/", _BLOCKS)[0].split()


def test_the_units_start_what_the_page_installs() -> None:
    for unit in ("lianban-hub.service", "lianban-node.service"):
        (command,) = settings(unit)["ExecStart"]
        assert command.startswith("/opt/lianban/current/bin/")
    assert "sudo ln -sfn /opt/lianban/0.1.0 /opt/lianban/current" in _BLOCKS
