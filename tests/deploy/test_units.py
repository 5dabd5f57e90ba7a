"""The systemd units: sound by systemd's own word, and no tighter than what the programs and their children do."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest
import typer
from PIL import Image

from casework.materials.rules import ADDRESS_SPACE_BYTES, MIB
from casework.passwords import CHILDREN_AT_ONCE, MEMORY_BYTES
from hub.cli import cli as hub_cli
from hub.settings import HubSettings
from node.cli import cli as node_cli
from node.settings import NodeSettings
from tests.deploy.unit_files import FOLDER, allowed_calls, analyze, settings, size
from tests.durability.traced import TracedServer, strace_program
from tests.processes.founding import found_small_county
from tests.processes.lines import line, scan, write_lines
from tests.processes.running import ROOT, call, report

pytestmark = pytest.mark.processes
UNITS = {"lianban-hub.service": "hub", "lianban-node.service": "node"}
_EXPOSED_AT_MOST = 16
"""Tenths of systemd's points. What is left is: sockets (these are servers), setrlimit (the children's own limits) and
namespaces of users, which hardened kernels do not have."""
_ONLY_AS_ROOT = {"fchown"}
"""SQLite gives a file that root makes to the database's owner."""
_ALSO_ELSEWHERE = {"stat"}
"""Of /proc: the number of processors, which the C library asks /sys for first."""
_DRAWING_BYTES = 160 * MIB
_SERVER_BYTES = 600 * MIB


@pytest.fixture(params=sorted(UNITS))
def unit(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _installed_here(unit: str, folder: Path) -> Path:
    """The unit as it is, but for where the program lies: systemd wants it to be there."""
    text = (FOLDER / unit).read_text(encoding="utf-8")
    assert "/opt/lianban/current/bin/" in text
    for program in UNITS.values():
        (folder / f"lianban-{program}").touch(mode=0o755)
    copy = folder / unit
    copy.write_text(text.replace("/opt/lianban/current/bin/", f"{folder}/"), encoding="utf-8")
    return copy


def test_systemd_finds_nothing_wrong(unit: str, tmp_path: Path) -> None:
    done = analyze("verify", "--man=no", _installed_here(unit, tmp_path))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_it_is_exposed_no_more_than_it_must_be(unit: str, tmp_path: Path) -> None:
    copy = _installed_here(unit, tmp_path)
    done = analyze("security", "--offline=true", "--no-pager", f"--threshold={_EXPOSED_AT_MOST}", copy)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_the_command_is_one_that_the_program_takes(unit: str) -> None:
    (command,) = settings(unit)["ExecStart"]
    (file,) = settings(unit)["EnvironmentFile"]
    (options,) = settings_of_environment(Path(file).name)["LIANBAN_OPTIONS"]
    program, word, *words = shlex.split(command.replace("$LIANBAN_OPTIONS", options))
    assert Path(program).name == f"lianban-{UNITS[unit]}" and word == "serve"
    serve = typer.main.get_command({"hub": hub_cli, "node": node_cli}[UNITS[unit]]).commands["serve"]
    taken = serve.make_context("serve", words).params
    state = f"/var/lib/{settings(unit)['StateDirectory'][0]}"
    assert str(taken["folder"].parent) == state and settings(unit)["WorkingDirectory"] == [state]
    # The key lies beside the folder, so the folder may not be the state directory itself.
    assert taken["key_file"] is None
    assert taken["admin_listen"].startswith("127.0.0.1:") and not taken["admin_listen"].endswith(":0")


def settings_of_environment(name: str) -> dict[str, list[str]]:
    rows = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    pairs = [row.partition("=") for row in rows if row and not row.startswith("#")]
    return {name: [value] for name, _, value in pairs}


def test_memory_is_enough_for_all_children_at_once(unit: str) -> None:
    """What the kernel kills first is a child; but none is to be killed that keeps its own limits."""
    at_once = {"hub": HubSettings, "node": NodeSettings}[UNITS[unit]](Path()).open_files_at_once
    children = at_once * (ADDRESS_SPACE_BYTES + _DRAWING_BYTES) + CHILDREN_AT_ONCE * (MEMORY_BYTES + 40 * MIB)
    assert size(settings(unit)["MemoryMax"][0]) >= children + _SERVER_BYTES
    assert settings(unit)["OOMPolicy"] == ["continue"]


def test_it_always_comes_up_again_and_never_gives_up(unit: str) -> None:
    said = settings(unit)
    assert said["Restart"] == ["always"] and said["StartLimitIntervalSec"] == ["0"] and int(said["RestartSec"][0]) >= 5


@dataclass
class Watched(TracedServer):
    """A server whose every system call is written down."""

    def __post_init__(self) -> None:
        self.trace = self.folder.with_name(self.folder.name + ".strace")
        self.command = lambda program, *words: watched(self.trace, call(program, *words))


def watched(trace: Path, command: list[str]) -> list[str]:
    return [strace_program(), "-f", "-qq", "-s", "128", "-o", str(trace), *command]


_CHILDREN = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from casework.materials.opening import open_material, read_codes
from casework.paper_drawing import draw_papers
from casework.paper_form import Kind, Paper
from casework.paper_formats import FORMATS
from casework.passwords import ChildPasswords

folder = Path(sys.argv[1])
for path in sorted(folder.glob("scan.*")):
    assert open_material(path, folder, name=path.name)
    read_codes(path, name=path.name)
for form in FORMATS.values():
    papers = [Paper(Kind.RECEIPT, "收件回执", "1", "张三：", facts=(("事项", "高龄津贴"),))]
    assert draw_papers(papers, "回执", form, datetime.fromtimestamp(0, UTC)).startswith(b"%PDF")
passwords = ChildPasswords()
hashed = asyncio.run(passwords.hash("a long enough password"))
assert asyncio.run(passwords.verify("a long enough password", hashed))
"""


def _scans(folder: Path) -> None:
    """One file of each kind that is opened."""
    folder.mkdir()
    picture = Image.open(folder / scan(folder, "a.jpg", 1)).convert("RGB")
    for kind in ("jpg", "png", "webp", "tiff", "bmp", "pdf"):
        picture.save(folder / f"scan.{kind}")


@dataclass(frozen=True, slots=True)
class Trace:
    """What some processes asked of the kernel: names of calls, and of each call its lines."""

    lines: dict[str, list[str]]

    @classmethod
    def read(cls, *paths: Path) -> Trace:
        found: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            with path.open(encoding="utf-8", errors="replace") as rows:
                for row in rows:
                    if (call := re.match(r"\d+ +(\w+)\(", row)) is not None:
                        found[call[1]].append(row.rstrip())
        return cls(dict(found))

    def said(self, pattern: str, *calls: str) -> list[str]:
        """Lines of these calls (all, where none is named) in which the pattern is found."""
        rows = chain.from_iterable(self.lines.get(call, ()) for call in calls or self.lines)
        return [row for row in rows if re.search(pattern, row)]


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trace]:
    """The children at work, and a hub and a station that start, exchange a case with a scan, and stop."""
    folder = tmp_path_factory.mktemp("traces")
    _scans(folder / "scans")
    command = watched(folder / "children.strace", [sys.executable, "-c", _CHILDREN, str(folder / "scans")])
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr[-2000:]
    county = found_small_county(folder / "county", names=("township",))
    for name, program in (("hub", "hub"), ("township", "node")):
        county.servers[name] = Watched(program, county.dir(name))
    try:
        county.serve("hub", "township")
        report("node", "sync", "--dir", county.dir("township"))  # the items come with it
        cases = write_lines(folder / "cases.jsonl", [line(1, files=("scan.jpg",))])
        report("node", "intake", "--dir", county.dir("township"), cases, "--materials", folder / "scans")
        report("node", "sync", "--dir", county.dir("township"), "--until", "ordered")
        for name in ("hub", "township"):
            assert county[name].stop() == 0
    finally:
        county.stop()
    children, hub, node = (
        folder / "children.strace",
        folder / "county" / "hub.strace",
        folder / "county" / "township.strace",
    )
    return {"lianban-hub.service": Trace.read(children, hub), "lianban-node.service": Trace.read(children, node)}


def test_every_system_call_of_program_and_children_is_allowed(unit: str, traces: dict[str, Trace]) -> None:
    """A filter that forbids the children's setrlimit, say, would refuse every upload and no start would show it."""
    used = set(traces[unit].lines)
    assert {"execve", "fsync", "prlimit64", "setsid", "socket"} <= used, used
    assert used - allowed_calls(unit) - _ONLY_AS_ROOT == set()


def test_nothing_needs_memory_that_is_written_and_then_run(unit: str, traces: dict[str, Trace]) -> None:
    assert settings(unit)["MemoryDenyWriteExecute"] == ["yes"]
    written_and_run = traces[unit].said(r"PROT_WRITE\|PROT_EXEC", "mmap")
    made_runnable = traces[unit].said(r"PROT_EXEC", "mprotect", "pkey_mprotect")
    assert [*written_and_run, *made_runnable, *traces[unit].said("SHM_EXEC", "shmat")] == []


def test_sockets_are_of_the_families_that_are_allowed(unit: str, traces: dict[str, Trace]) -> None:
    (families,) = settings(unit)["RestrictAddressFamilies"]
    rows = traces[unit].said("AF_", "socket", "socketpair")
    used = {re.search(r"AF_\w+", row)[0] for row in rows}  # type: ignore[index]
    assert used and used <= set(families.split())


def test_no_namespace_no_realtime_and_nothing_beyond_the_processes_of_proc(unit: str, traces: dict[str, Trace]) -> None:
    assert traces[unit].said("CLONE_NEW", "clone", "clone3", "unshare") == []
    assert not {"setns", "mount", "sched_setscheduler"} & set(traces[unit].lines)
    rows = traces[unit].said(r'"/proc/(?!self|thread-self|\d)', "open", "openat", "readlink", "access")
    used = {found[1] for row in rows if "ENOENT" not in row and (found := re.search('"/proc/([^"]*)"', row))}
    assert used <= _ALSO_ELSEWHERE, "ProcSubset=pid hides these"


def test_nothing_is_written_outside_of_state_and_temporary_files(unit: str, traces: dict[str, Trace]) -> None:
    """ProtectSystem=strict: the test's own folder stands for the state directory."""
    assert settings(unit)["ProtectSystem"] == ["strict"]
    rows = traces[unit].said(r"O_WRONLY|O_RDWR|O_CREAT", "open", "openat")
    paths = {found[1] for row in rows if (found := re.search(r'"([^"]*)"', row)) is not None}
    assert {path for path in paths if not path.startswith(("/tmp", "/dev/null", "/dev/tty"))} == set()
