"""`bundle export`, `import`, `inspect`: a county of real programs whose only link is a courier with a stick."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from deploy.demo.browser import Browser
from hub.judge import unsettled_homes
from node.app import now
from node.station import Station
from sync_protocol.entries import BlobRef
from sync_protocol.feeds import HUB
from sync_protocol.journal import Message, Writing
from sync_protocol.store import blob_store
from tests.processes.founding import (
    OTHER_VILLAGE,
    TOWNSHIP,
    VILLAGE,
    SmallCounty,
    found_small_county,
    opened_hub,
    opened_node,
)
from tests.processes.lines import line, scan, write_lines
from tests.processes.running import ROOT, Server, call, report, run, wait_for

FIRST, OWN = "初始 lamp 4711", "自己 chosen 0815"


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCounty]:
    found = found_small_county(tmp_path_factory.mktemp("courier") / "county")
    yield found
    found.stop()


def export(county: SmallCounty, name: str, stick: Path, reader: str, *more: str) -> dict[str, Any]:
    program = "hub" if name == "hub" else "node"
    return report(program, "bundle", "export", "--dir", county.dir(name), "--to", stick, "--for", reader, *more)


def take(county: SmallCounty, name: str, file: str | Path, code: int = 0) -> dict[str, Any]:
    program = "hub" if name == "hub" else "node"
    return report(program, "bundle", "import", file, "--dir", county.dir(name), code=code)


def carry(county: SmallCounty, writer: str, reader: str, stick: Path, word: str) -> dict[str, Any]:
    written = export(county, writer, stick, word)
    assert [path.name for path in stick.iterdir()] == [Path(written["file"]).name]  # no half file beside it
    done = take(county, reader, written["file"])
    Path(written["file"]).unlink()
    return done


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def test_a_village_without_any_link_works_by_stick_alone(county, stick, tmp_path):
    """Items, regions and staff come by stick, cases and scans go up by stick, and so does the answer."""
    first = carry(county, "hub", "village", stick, VILLAGE)
    assert first["new_entries"] > 20 and first["place"] and first["refused"] == []
    pages = (scan(tmp_path / "scans", "a.jpg", 1), scan(tmp_path / "scans", "b.jpg", 2))
    cases = write_lines(tmp_path / "cases.jsonl", [line(1), line(2, files=pages)])
    materials = tmp_path / "scans"
    taken = report("node", "intake", "--dir", county.dir("village"), cases, "--materials", materials)
    assert taken["taken"] == 2
    before = report("node", "status", "--dir", county.dir("village"))
    assert (before["pending"], before["blobs_pending"] >= 2) == (2, True)
    up = carry(county, "village", "hub", stick, "county")
    assert (up["new_entries"], up["new_blobs"]) == (2, before["blobs_pending"])
    down = carry(county, "hub", "village", stick, VILLAGE)
    assert down["new_entries"] >= 2
    after = report("node", "status", "--dir", county.dir("village"))
    assert (after["pending"], after["blobs_pending"], after["last_contact"]) == (0, 0, None)
    assert report("node", "fsck", "--dir", county.dir("village"))["wrong"] == []
    assert report("hub", "fsck", "--dir", county.dir("hub"))["wrong"] == []


def test_looked_into_it_says_what_is_inside_and_whether_it_is_whole(county, stick):
    written = export(county, "hub", stick, TOWNSHIP)
    file = Path(written["file"])
    look = report("hub", "bundle", "inspect", file)
    assert (look["reader_region"], look["entries"], look["sound"]) == (TOWNSHIP, written["entries"], True)
    assert look["bytes"] == written["bytes"] == file.stat().st_size
    assert "张三" not in str(look)
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    assert report("node", "bundle", "inspect", file, code=1)["fault"] == "bad_bytes"
    file.write_bytes(b"not a bundle at all")
    assert run("node", "bundle", "inspect", file).code == 1


def test_what_is_refused_says_why_and_what_to_do(county, stick, tmp_path):
    good = Path(export(county, "hub", stick, OTHER_VILLAGE)["file"])
    bad = tmp_path / "bad.bundle"
    bad.write_bytes(good.read_bytes()[:-5])
    for name, file, word in (("other", bad, "损坏"), ("township", good, "不是给本站的")):
        done = run("node", "bundle", "import", file, "--dir", county.dir(name))
        assert done.code == 1 and word in done.err and done.out == "", done.err
    nobody = run("node", "bundle", "export", "--dir", county.dir("other"), "--to", stick, "--for", "341882999999")
    assert nobody.code == 1 and "没有这个收件单位" in nobody.err
    again = run("hub", "bundle", "export", "--dir", county.dir("hub"), "--to", good, "--for", OTHER_VILLAGE)
    assert again.code == 1 and "同名文件" in again.err and good.stat().st_size > 1000
    assert take(county, "other", good)["new_entries"] > 20
    assert take(county, "other", good)["new_entries"] == 0


def test_beside_running_servers(county, stick, tmp_path):
    """The hub's own worker and the importing command meet over one database; nothing is judged twice or missed."""
    carry(county, "hub", "village", stick, VILLAGE)
    county.serve("hub")
    try:
        cases = write_lines(tmp_path / "cases.jsonl", [line(n) for n in range(30, 36)])
        intake = report("node", "intake", "--dir", county.dir("village"), cases, "--materials", tmp_path)
        assert intake["taken"] == 6
        assert carry(county, "village", "hub", stick, "county")["new_entries"] == 6
        carry(county, "hub", "village", stick, VILLAGE)
        assert report("node", "status", "--dir", county.dir("village"))["pending"] == 0
    finally:
        county["hub"].stop()
    assert report("hub", "fsck", "--dir", county.dir("hub"))["wrong"] == []


def test_killed_while_it_takes_a_stick_in_the_command_runs_again(county, stick):
    """kill -9 between two scans: what was taken stays, nothing is claimed that is not there, and again is enough."""
    with opened_node(county.dir("other")) as other:
        for _ in range(10):
            _case_with_scans(other, 20)
    file = export(county, "other", stick, "county")["file"]
    blobs = county.dir("hub") / "blobs"
    before = _whole_blobs(blobs)
    process = subprocess.Popen(
        call("hub", "bundle", "import", file, "--dir", county.dir("hub")), cwd=ROOT, stdout=subprocess.DEVNULL
    )
    wait_for("some scans to be taken", lambda: _whole_blobs(blobs) > before + 3 or process.poll() is not None)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it was too fast to be killed midway"
    assert before < _whole_blobs(blobs) < before + 200
    assert report("hub", "fsck", "--dir", county.dir("hub"))["wrong"] == []
    done = take(county, "hub", file)
    assert 0 < done["new_blobs"] < 200 and done["refused"] == [] and done["left"] == 0
    assert _whole_blobs(blobs) == before + 200
    assert report("hub", "fsck", "--dir", county.dir("hub"))["wrong"] == []
    Path(file).unlink()
    carry(county, "hub", "other", stick, OTHER_VILLAGE)
    assert report("node", "status", "--dir", county.dir("other"))["blobs_pending"] == 0


def _whole_blobs(folder: Path) -> int:
    return sum(1 for path in folder.glob("??/*"))


def _case_with_scans(station: Station, scans: int) -> None:
    """An entry that names scans of random bytes: what is in them plays no part on the way."""
    refs = []
    for _ in range(scans):
        hash_, length = station.replica.blobs.put([os.urandom(30_000)])
        refs.append(BlobRef(hash_, length, 0))
    topic, key = station.replica.journal.new()

    def write(conn: Connection) -> None:
        for ref in refs:
            blob_store.note_held(conn, ref.hash, ref.length)
        message = Message(64, {"note": "x"}, tuple(refs))
        station.replica.journal.open(conn, topic, key, [HUB], message, Writing(0, now(), 1))

    station.store.write(write)


def test_through_the_pages_of_running_programs(county, stick, tmp_path):
    """Staff, too, come by stick. What the county's page takes in is judged at once, not at the worker's next look."""
    hub, village = county.dir("hub"), county.dir("village")
    for name, role, more in (("stick.agent", "village_agent", ("--station", VILLAGE)), ("stick.admin", "admin", ())):
        words = ("user", "add", "--dir", hub, "--name", name, "--role", role, *more, "--password-stdin")
        report("hub", *words, stdin=FIRST + "\n")
    carry(county, "hub", "village", stick, VILLAGE)
    cases = write_lines(tmp_path / "cases.jsonl", [line(n) for n in range(50, 53)])
    assert report("node", "intake", "--dir", village, cases, "--materials", tmp_path)["taken"] == 3
    county.serve("hub", "village")
    try:
        agent, admin = _signed_in(county["village"], "stick.agent"), _signed_in(county["hub"], "stick.admin")
        up = agent.post("/courier", [("reader", "1")], to="/courier/export")
        assert up.kind == "application/octet-stream"
        refused = admin.post("/courier", [], [("bundle", ("x.bundle", up.body[:-1]))], to="/courier/import")
        assert "没有导入任何内容" in refused.text
        taken = admin.post("/courier", [], [("bundle", ("x.bundle", up.body))], to="/courier/import")
        assert "其中新收 4 条" in taken.text  # three cases, and the agent's own password
        with opened_node(village) as station:
            mine = str(station.me.author)
        assert mine in re.findall(r'<option value="(\d+)"', taken.html)
        with opened_hub(hub) as opened:
            wait_for("the judging", lambda: not opened.store.read(unsettled_homes), seconds=20)
        down = admin.post("/courier", [("reader", mine)], to="/courier/export")
        back = agent.post("/courier", [], [("bundle", ("x.bundle", down.body))], to="/courier/import")
        assert "已导入" in back.text
    finally:
        county["village"].stop()
        county["hub"].stop()
    assert report("node", "status", "--dir", village)["pending"] == 0


def _signed_in(server: Server, login: str) -> Browser:
    browser = Browser(server.url)
    browser.post("/sign-in", [("login", login), ("password", FIRST)])
    browser.post("/password", [("current", FIRST), ("new", OWN), ("repeat", OWN)])
    return browser
