"""Nothing leaves a server while what it may rest on is not on disk: the system calls of one played story."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.durability.staffed import Staffed, found_staffed
from tests.durability.synced import Judgement, judge
from tests.durability.traced import TracedServer, run_traced, strace_program
from tests.processes.founding import OTHER_VILLAGE
from tests.processes.lines import line, scan, write_lines
from tests.processes.running import report

SERVERS = ("hub", "township", "village")


def _play(folder: Path, controls: Mapping[str, str]) -> dict[str, Judgement]:
    """Sign-ins, an intake with scans through the pages, the exchange up and down, decisions with their document,
    an enrolment through the township; then every server's trace. `controls` takes a protection away by server."""
    staffed = found_staffed(
        folder / "county", lambda program, at: TracedServer(program, at, control=controls.get(at.name, ""))
    )
    county = staffed.county
    try:
        county.serve(*SERVERS)
        staffed.story.granted()
        invited = report("hub", "invite", "--dir", county.dir("hub"), "--station", OTHER_VILLAGE, "--tier", "village")
        found: dict[str, Judgement] = {}
        if not controls:
            found |= _commands(staffed, folder, invited["token"])
        for server in reversed(county.servers.values()):
            assert server.stop() == 0
        traced = {name: server for name, server in county.servers.items() if isinstance(server, TracedServer)}
        return found | {name: server.judgement() for name, server in traced.items()}
    finally:
        county.stop()


def _commands(staffed: Staffed, folder: Path, token: str) -> dict[str, Judgement]:
    """Commands acknowledge too: what they print, and what `init` asks the county to grant to its new keys."""
    county = staffed.county
    words = ("--parent", county["township"].url, "--token", token, "--json")
    run_traced(folder / "init.strace", "node", "init", "--dir", folder / "new", *words)
    cases = write_lines(folder / "cases.jsonl", [line(9, files=(scan(folder / "scans", "a.jpg", 1),))])
    run_traced(
        folder / "intake.strace",
        "node",
        "intake",
        "--dir",
        county.dir("village"),
        cases,
        "--materials",
        folder / "scans",
    )
    return {name: judge((folder / f"{name}.strace").open(encoding="utf-8")) for name in ("init", "intake")}


@pytest.mark.timeout(240)
def test_nothing_leaves_a_server_before_what_it_rests_on_is_on_disk(tmp_path, capsys):
    found = _play(tmp_path, {})
    with capsys.disabled():
        for name, seen in found.items():
            print(
                f"\n{name}: {seen.commits} commits, {seen.blobs} blobs, {seen.sent} sends, {len(seen.early)} early",
                end="",
            )
    for name, seen in found.items():
        assert seen.early == [], (name, seen.rules(), seen.early[:5])
    for name in SERVERS:  # three scans with their previews and a document, and enough of everything else
        assert found[name].blobs >= 7 and found[name].commits >= 20 and found[name].sent >= 20, (name, found[name])
    assert found["init"].commits >= 2 and found["intake"].blobs == 2


@pytest.mark.timeout(240)
def test_the_same_story_is_judged_too_early_with_synchronous_normal(tmp_path):
    found = _play(tmp_path, dict.fromkeys(SERVERS, "synchronous=NORMAL"))
    for name in SERVERS:
        rules = found[name].rules(".db-wal")
        assert rules["left"] >= 20 and rules["seen"] >= 20, (name, rules)
        assert {one.path for one in found[name].early} == {one.path for one in found[name].early if "wal" in one.path}


@pytest.mark.timeout(240)
def test_the_same_story_is_judged_too_early_when_a_blobs_bytes_or_its_name_are_not_synced(tmp_path):
    bytes_, names = "no fsync of blob bytes", "no fsync of blob names"
    found = _play(tmp_path, {"village": bytes_, "township": names, "hub": names})
    for name in SERVERS:
        early = found[name].early
        assert {one.rule for one in early} == {"left"} and all("/blobs/" in one.path for one in early), (
            name,
            early[:3],
        )
        assert len({one.path for one in early if len(Path(one.path).name) == 64}) >= 4


def test_a_missing_strace_and_one_that_may_not_trace_fail_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssertionError, match="apt-get install strace"):
        strace_program()
    denied = tmp_path / "strace"
    denied.write_text("#!/bin/sh\necho 'PTRACE_TRACEME: Operation not permitted' >&2\nexit 1\n", encoding="ascii")
    denied.chmod(0o755)
    with pytest.raises(AssertionError, match=r"may not trace: PTRACE_TRACEME(.|\n)*SYS_PTRACE"):
        strace_program()
