"""The demo's story from outside, and the two commands as the documented contract."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.testing import CliRunner

import hub.cli
import node.cli
from tests.processes.founding import COUNTY, TOWNSHIP, VILLAGE
from tests.processes.lines import line, write_lines
from tests.processes.running import ROOT, Server, fetch, report, run

ACTS = ("准予", "补正", "不予受理", "不予许可", "撤回", "断网")
CUSTODY = ("乡镇已收，尚未到县级", "县级已收", "已办结，县级已确认")
"""Before them stands 已保存在本机, but on loopback it may be over before the page is read: tests/node/test_story.py."""
PASSWORD = "门前 stone 3418"
PROGRAMS = {"hub": hub.cli.cli, "node": node.cli.cli}


@pytest.mark.timeout(400)
def test_the_story_is_played_to_its_end_through_four_processes(tmp_path):
    folder = tmp_path / "county"
    done = subprocess.run(
        [sys.executable, "-m", "deploy.demo", "--once", "--dir", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=380,
        cwd=ROOT,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    out = done.stdout
    assert done.returncode == 0, out[-3000:] + done.stderr[-2000:]
    for act in ACTS:
        assert f"== {act}：" in out or f"== {act}\n" in out, act
    for words in CUSTODY:
        assert words in out, words
    hops = re.findall(r"^\[ *\d+\.\d s\] .+\(村→镇 ↑(\d+) ↓(\d+)，镇→县 ↑(\d+) ↓(\d+) 字节\)$", out, re.MULTILINE)
    assert len(hops) >= 18 and all(sum(int(hop[n]) for hop in hops) > 10_000 for n in range(4))
    for place in ("hub", "township", "village-1", "village-2"):
        assert re.search(rf"^fsck {place} +\d+ entries, \d+ signatures, \d+ blobs, \d+ cases: ok$", out, re.MULTILINE)
    assert re.search(r"^fsck hub +\d+ entries, \d+ signatures, 17 blobs, 6 cases: ok$", out, re.MULTILINE)
    for place in ("hub", "village-1"):
        assert re.search(rf"^export {place} +verified: author \d, .*\bblobs 17,", out, re.MULTILINE)
    assert not list(folder.glob("*/serve.json")) and _children_of(folder) == []


def _children_of(folder: Path) -> list[str]:
    """Command lines of processes that still serve something in the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            except OSError:
                continue
            if str(folder) in " ".join(words):
                found.append(" ".join(words))
    return found


def _leaves(name: str, command: Any) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperGroup):
        for child, found in command.commands.items():
            yield from _leaves(f"{name} {child}".strip(), found)
    else:
        yield name, command


COMMANDS = [
    (program, name, found)
    for program, root in PROGRAMS.items()
    for name, found in _leaves("", typer.main.get_command(root))
]


@pytest.mark.parametrize(("program", "name", "command"), COMMANDS, ids=[f"{p} {n}" for p, n, _ in COMMANDS])
def test_every_command_and_option_explains_itself(program, name, command):
    done = CliRunner().invoke(PROGRAMS[program], [*name.split(), "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0 and command.help and command.help.split(".")[0][:40] in done.output
    for option in command.params:
        if isinstance(option, TyperOption) and option.name != "help":
            assert option.help, f"{name} --{option.name}"
            assert option.opts[0] in done.output


def _documented() -> dict[tuple[str, str], set[str]]:
    """(program, command) → keys of its report, as the tables of docs/commands.md say."""
    rows: dict[tuple[str, str], set[str]] = {}
    program = ""
    for text in (ROOT / "docs" / "commands.md").read_text(encoding="utf-8").splitlines():
        if text.startswith("## lianban-"):
            program = text.removeprefix("## lianban-").strip()
        elif text.startswith("| `") and program:
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", text.strip("|"))]
            for command in re.findall(r"`([^`]+)`", cells[0]):
                rows[program, _name(command)] = _keys(cells[2])
    for name in ("serve", "export", "fsck"):
        rows["node", name] = rows["hub", name]
    return rows


def _name(command: str) -> str:
    words = command.split()
    return " ".join(word for word in words[:2] if word.isalpha() and word.islower())


def _keys(cell: str) -> set[str]:
    """Top-level keys: inside backquotes, without what follows [] or stands in parentheses."""
    return {found.split("[")[0].split("{")[0] for found in re.findall(r"`([^`]+)`", cell)}


DOCUMENTED = _documented()


def test_the_page_of_commands_names_every_command():
    assert {(program, name) for program, name, _ in COMMANDS} == set(DOCUMENTED)


def _agree(program: str, name: str, found: dict[str, Any], *, but: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    assert set(found) == DOCUMENTED[program, name] - but, name


def _one_line(server: Server) -> None:
    """`serve` says one JSON line, with the ports that were really taken."""
    said = json.loads(server.said)
    _agree(server.program, "serve", said)
    ports = {int(url.rsplit(":", 1)[1]) for url in said.values()}
    assert len(ports) == 2 and 0 not in ports
    assert fetch(said["admin_url"] + "/healthz") == (200, '{"alive": true}')
    assert fetch(said["admin_url"] + "/readyz")[0] == 200
    assert fetch(said["url"] + "/sign-in")[0] == 200


@pytest.fixture
def servers(tmp_path) -> Iterator[tuple[Server, Server]]:
    found = Server("hub", tmp_path / "hub"), Server("node", tmp_path / "village")
    yield found
    for server in found:
        server.kill()


@pytest.mark.timeout(200)
def test_reports_have_the_documented_keys(tmp_path, servers):
    county, village = servers
    _found_the_county(county)
    _enrol_a_village(county, village)
    assert _catalogue() is not None
    _work_at_the_village(tmp_path, village)
    for server in (county, village):
        exported = tmp_path / f"{server.program}.export"
        found = report(server.program, "export", "--dir", server.folder, "--to", exported)
        _agree(server.program, "export", found)
        assert exported.stat().st_size == found["bytes"] > 1000
        assert server.stop() == 0
        again = run(server.program, "export", "--dir", server.folder, "--to", exported)
        assert again.code == 1 and again.err.count("\n") == 1  # an export is never written over
        checked = report(server.program, "fsck", "--dir", server.folder)
        _agree(server.program, "fsck", checked)
        assert checked["wrong"] == [] and checked["cases"] == 1


def _found_the_county(county: Server) -> None:
    founded = report("hub", "init", "--dir", county.folder, "--county", COUNTY)
    _agree("hub", "init", founded)
    assert (founded["name"], founded["items"]) == ("广德市", 19)
    again = run("hub", "init", "--dir", county.folder, "--county", COUNTY)
    assert again.code == 1 and "already holds" in again.err and again.err.count("\n") == 1
    _one_line(county.start())
    words = ("--name", "daiban", "--role", "village_agent", "--station", VILLAGE, "--password-stdin")
    refused = run("hub", "user", "add", "--dir", county.folder, *words, stdin="短\n")
    assert refused.code == 1 and re.search(r"[一-鿿]", refused.err)


def _enrol_a_village(county: Server, village: Server) -> None:
    invited = report("hub", "invite", "--dir", county.folder, "--station", VILLAGE, "--tier", "village")
    _agree("hub", "invite", invited)
    misplaced = run("hub", "invite", "--dir", county.folder, "--station", TOWNSHIP, "--tier", "village")
    assert misplaced.code == 1 and "站点级别" in misplaced.err
    words = ("--name", "daiban", "--role", "village_agent", "--station", VILLAGE, "--password-stdin")
    added = report("hub", "user", "add", "--dir", county.folder, *words, stdin=PASSWORD + "\n")
    _agree("hub", "user add", added)
    before = ("--dir", village.folder, "--parent", county.url)
    enrolled = report("node", "init", *before, "--token", invited["token"])
    _agree("node", "init", enrolled)
    assert (enrolled["station"], enrolled["epoch"]) == (VILLAGE, 0)
    _one_line(village.start())


def _catalogue() -> dict[str, Any]:
    listed = report("hub", "catalogue", "show")
    described = report("hub", "catalogue", "show", "elder_allowance")
    assert set(listed) | set(described) == DOCUMENTED["hub", "catalogue show"]
    assert len(listed["items"]) == 19 and set(listed["items"][0]) == {"key", "name", "version"}
    unknown = run("hub", "catalogue", "show", "no_such_item")
    assert unknown.code == 1 and "no_such_item" in unknown.err and unknown.err.count("\n") == 1
    return described


def _work_at_the_village(tmp_path: Path, village: Server) -> None:
    cases = write_lines(tmp_path / "cases.jsonl", [line(1), line(2, applicant={})])
    (tmp_path / "scans").mkdir()
    taken = report("node", "intake", "--dir", village.folder, cases, "--materials", tmp_path / "scans", code=1)
    _agree("node", "intake", taken)
    assert (taken["taken"], taken["bad"]) == (1, 1)
    assert {frozenset(row) for row in taken["problems"]} == {frozenset({"line", "ref", "field", "message", "remedy"})}
    assert [set(row) for row in taken["cases"]] == [{"ref", "case"}]
    synced = report("node", "sync", "--dir", village.folder, "--until-idle", "--until", "ordered")
    _agree("node", "sync", synced, but={"error", "pending", "blobs"})
    status = report("node", "status", "--dir", village.folder)
    _agree("node", "status", status)
    assert status["serving"] == village.url and status["pending"] == 0
