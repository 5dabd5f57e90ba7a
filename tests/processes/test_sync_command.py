"""`lianban-node sync` and `intake`: exit codes, reports, alone and beside a running server, good lines among bad."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from casework.case_tables import catalogue_item
from node.intake_file import LINE_BYTES_MAX
from sync_protocol import authority
from sync_protocol.journal import Writing
from sync_protocol.store import trust
from tests.processes.founding import SmallCounty, found_small_county, in_node, opened_hub, opened_node
from tests.processes.lines import SCANNED, line, scan, write_lines
from tests.processes.running import report, run

CHINESE = re.compile(r"[一-鿿]{2}")
RARE_NAME = ("𠀀𠮷·𪚥𫠠·" * 10)[:60]
"""60 characters, most of them beyond the basic plane (CJK extension B and later), with the dot of non-Han names."""


EXTRA = {"no_such_key": "原样保留", "另一项": ["列", 3, True], "share": "0.5", "huge": "1" + "0" * 30}


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCounty]:
    found = found_small_county(tmp_path_factory.mktemp("sync") / "county")
    found.serve("hub", "township")
    for name in ("village", "other"):
        assert sync(found.dir(name))["entries_received"] > 20  # the catalogue comes with the first contact
    yield found
    found.stop()


@pytest.fixture
def village(county: SmallCounty) -> Path:
    county["village"].kill()
    return county.dir("village")


def intake(folder: Path, cases: Path, *, code: int = 0) -> dict[str, Any]:
    return report("node", "intake", "--dir", folder, cases, "--materials", cases.parent / "scans", code=code)


def sync(folder: Path, *more: str, code: int = 0) -> dict[str, Any]:
    return report("node", "sync", "--dir", folder, "--until-idle", *more, code=code)


def refs_at_hub(county: SmallCounty) -> list[str]:
    with opened_hub(county.dir("hub")) as hub:
        return hub.store.read(
            lambda conn: list(conn.execute(sa.text("select ref from case_row order by ref")).scalars())
        )


def test_alone_it_brings_cases_and_scans_to_the_county_and_then_has_nothing_to_say(county, village, tmp_path):
    pages = (scan(tmp_path / "scans", "a.jpg", 1), scan(tmp_path / "scans", "b.jpg", 2))
    cases = write_lines(tmp_path / "cases.jsonl", [line(1), line(2, files=pages), line(3)])
    taken = intake(village, cases)
    assert (taken["taken"], taken["known"], taken["bad"]) == (3, 0, 0)
    done = sync(village)
    assert (done["entries_sent"], done["blobs_sent"], done["held"], done["refused"]) == (
        3,
        4,
        [],
        [],
    )  # each page has its preview
    assert done["bytes_up"] > 200_000 > done["bytes_down"] > 0 and done["requests"] >= 2
    assert {"example-elder_allowance-1", "example-elder_allowance-2"} <= set(refs_at_hub(county))
    with opened_hub(county.dir("hub")) as hub:
        held = hub.store.read(lambda conn: conn.execute(sa.text("select sum(held), count(*) from blob")).one())
        assert held[0] == held[1] >= 2
    again = sync(village, "--until", "ordered")
    assert (again["entries_sent"], again["blobs_sent"], again["entries_received"]) == (0, 0, 0)
    assert again["requests"] <= 2 and again["bytes_up"] < 1000


def test_through_the_running_server_and_intake_beside_it(county, village, tmp_path):
    county.serve("village")
    cases = write_lines(tmp_path / "cases.jsonl", [line(n) for n in range(10, 14)])
    taken = intake(village, cases)
    assert taken["taken"] == 4
    done = sync(village, "--until", "ordered")
    assert done["held"] == [] and {f"example-elder_allowance-{n}" for n in range(10, 14)} <= set(refs_at_hub(county))
    assert report("node", "status", "--dir", village)["pending"] == 0
    again = intake(village, cases)
    assert (again["taken"], again["known"], again["cases"]) == (0, 4, [])
    idle = sync(village)
    assert (idle["entries_sent"], idle["blobs_sent"]) == (0, 0)


def test_with_a_running_server_it_is_the_server_that_works(county, village):
    """The server admits only who knows its secret: with another one the command fails and does not dial itself."""
    county.serve("village")
    announced = village / "serve.json"
    said = json.loads(announced.read_text(encoding="utf-8"))
    assert announced.stat().st_mode & 0o077 == 0
    announced.write_text(json.dumps(said | {"control": "wrong"}), encoding="utf-8")
    refused = run("node", "sync", "--dir", village, "--json")
    assert refused.code == 1 and "403" in refused.err and refused.out == ""


def test_taken_by_a_server_that_was_told_of_nothing(county, village, tmp_path):
    """Another process commits; the server notices, sends it up, and nobody had to ask."""
    county.serve("village")
    intake(village, write_lines(tmp_path / "cases.jsonl", [line(20)]))
    end = time.monotonic() + 20
    while "example-elder_allowance-20" not in refs_at_hub(county):
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.mark.parametrize("served", [False, True], ids=["alone", "through-the-server"])
def test_away_parent_is_exit_1_in_time(county, village, tmp_path, served):
    county["township"].stop()
    try:
        if served:
            county.serve("village")
        intake(village, write_lines(tmp_path / "cases.jsonl", [line(30 + served)]))
        began = time.monotonic()
        failed = sync(village, "--timeout", "2", code=1)
        assert time.monotonic() - began < 20
        assert failed["error"] == "transfer_failed" and failed["pending"] >= 1 and failed["blobs"] == 0
        assert report("node", "status", "--dir", village)["pending"] == failed["pending"]
    finally:
        county.serve("township")
    assert sync(village)["held"] == []


def test_not_received_is_never_exit_0_while_the_county_is_away(county, village, tmp_path):
    """The township has it, the county does not: the custody words differ, and so does the exit code."""
    county["hub"].stop()
    try:
        intake(village, write_lines(tmp_path / "cases.jsonl", [line(40)]))
        failed = sync(village, "--timeout", "3", code=1)
        assert (failed["error"], failed["pending"], failed["entries_sent"]) == ("timeout", 1, 1)
    finally:
        county.serve("hub")
    assert sync(village, "--until", "ordered")["held"] == []


def test_status_says_what_only_this_machine_has_and_what_the_link_carries(county, village, tmp_path):
    intake(village, write_lines(tmp_path / "cases.jsonl", [line(45, files=(scan(tmp_path / "scans", "s.jpg", 45),))]))
    before = report("node", "status", "--dir", village)
    counts = {name: before["only_here"][name] for name in ("entries", "cases", "pages", "drafts")}
    assert counts == {"entries": 1, "cases": 1, "pages": 1, "drafts": 0}
    assert (
        before["waiting"]["entries"] == 1 and before["waiting"]["oldest"] > 0 and before["waiting"]["bytes"] > 100_000
    )
    assert "如果本机现在坏了，会丢失：1 条记录（1 件办件），1 页扫描件" in run("node", "status", "--dir", village).out
    sync(village)
    county.serve("village")
    after = report("node", "status", "--dir", village)
    assert (after["only_here"]["entries"], after["only_here"]["pages"], after["waiting"]["bytes"]) == (0, 0, 0)
    assert after["goodput"]["up"] > 10_000 and after["transfer"] is None, "what sync measured is known to the server"
    assert "已收的件都不会丢" in run("node", "status", "--dir", village).out


def test_an_item_version_the_county_does_not_know_is_held_and_listed(county, village, tmp_path):
    def next_version(conn: sa.Connection) -> None:
        c = catalogue_item.c
        plain = json.loads(conn.execute(sa.select(c.plain).where(c.key == "elder_allowance")).scalar_one())
        text = json.dumps(plain | {"version": 2}, ensure_ascii=False)
        conn.execute(sa.insert(catalogue_item).values(key="elder_allowance", version=2, name="x", plain=text))

    def back(conn: sa.Connection) -> None:
        conn.execute(sa.delete(catalogue_item).where(catalogue_item.c.version == 2))

    in_node(village, next_version)
    try:
        taken = intake(village, write_lines(tmp_path / "cases.jsonl", [line(50), line(51)]))
    finally:
        in_node(village, back)
    done = sync(village, "--until", "ordered", code=3)
    assert [row["code"] for row in done["held"]] == ["item_unknown", "item_unknown"]
    assert {row["case"] for row in done["held"]} == {case["case"] for case in taken["cases"]}
    assert all(set(row) == {"entry", "case", "intake_code", "kind", "code", "field"} for row in done["held"])
    assert all(row["intake_code"] and row["kind"] == 64 for row in done["held"])
    assert intake(village, tmp_path / "cases.jsonl")["known"] == 2  # held is not lost: nothing is taken in twice
    county.serve("village")
    assert sync(village, "--until", "ordered", code=3)["held"] == done["held"]
    assert report("node", "status", "--dir", village)["held"] == done["held"]


def test_of_a_revoked_station_only_what_came_before_counts(county, tmp_path):
    """What the township had but the county had not is held; the station itself is told at the door."""
    other = county.dir("other")
    intake(other, write_lines(tmp_path / "cases.jsonl", [line(60)]))
    sync(other, "--until", "ordered")
    county["hub"].stop()
    taken = intake(other, write_lines(tmp_path / "more.jsonl", [line(61)]))
    sync(other, "--timeout", "2", code=1)

    def revoke(conn: sa.Connection) -> None:
        with opened_node(other) as station:
            serial = station.me.serial
        assert trust.is_revoked(conn, serial) is None
        authority.revoke(conn, journal, serial, "lost", Writing(0, int(time.time()), 1))

    with opened_hub(county.dir("hub")) as hub:
        journal = hub.replica.journal
        hub.store.write(revoke)
    county.serve("hub")
    at_township = sync(county.dir("township"), "--until", "ordered", code=3)
    assert [(row["case"], row["code"]) for row in at_township["held"] if row["code"] == "revoked"] == [
        (taken["cases"][0]["case"], "revoked")
    ]
    refused = sync(other, "--timeout", "5", code=1)
    assert refused["error"] == "certificate_revoked"


def _bad_lines(scans: Path) -> list[tuple[dict[str, Any] | bytes, str]]:
    """(line, field that is named) of each kind of mistake."""
    whole = json.dumps(line(100), ensure_ascii=False).encode()
    wrong_digit = line(102)
    wrong_digit["applicant"]["id"] = wrong_digit["applicant"]["id"][:-1] + (
        "1" if wrong_digit["applicant"]["id"][-1] != "1" else "2"
    )
    (scans / "note.txt").write_text("不是图片", encoding="utf-8")
    return [
        (whole[: len(whole) // 2], "line"),
        (whole[:-1] + b', "x": "' + b"a" * (2 * 1024 * 1024) + b'"}', "line"),
        (b"\xff\xfe\x00", "line"),
        (b"[1, 2]", "line"),
        (b"[" * 200_000, "line"),
        (wrong_digit, "applicant.id"),
        (line(103, files=("not-there.jpg",)), f"materials.{SCANNED}"),
        (line(104, files=("../secret.jpg",)), f"materials.{SCANNED}"),
        (line(105, files=("/etc/hostname",)), f"materials.{SCANNED}"),
        (line(106, files=("note.txt",)), f"materials.{SCANNED}"),
        (line(107, item="no_such_item"), "item"),
        (line(108, wat=1), "wat"),
        (line(109, ref=""), "ref"),
        (line(110, submit="yes"), "submit"),
        (line(111, materials=[{"name": SCANNED}]), f"materials.{SCANNED}"),
        (line(112, applicant={"kind": "person"}), "applicant.name"),
        (line(113, files=("a\0b.jpg",)), f"materials.{SCANNED}"),
        (line(114, files=("a" * 300,)), f"materials.{SCANNED}"),
        (line(115, household="\ud800"), "line"),
        (line(118, form=line(118)["form"] | {"surplus": [[[[[[[[[[1]]]]]]]]]]}), "form.extra"),
        (line(119, form=line(119)["form"] | {"surplus": "长" * 60_000}), "form.extra"),
    ]


def test_bad_lines_are_named_with_a_remedy_and_the_good_ones_are_taken(county, village, tmp_path):
    scans = tmp_path / "scans"
    scan(scans, "a.jpg", 3)
    scan(tmp_path, "secret.jpg", 4)
    bad = _bad_lines(scans)
    rare = line(200, household=RARE_NAME)
    rare["applicant"]["name"] = RARE_NAME
    extra = line(201, files=("a.jpg",))
    extra["form"] |= {"no_such_key": "原样保留", "另一项": ["列", 3, True], "share": 0.5, "huge": 10**30}
    lines = [rare, *(one for one, _ in bad), extra]
    cases = write_lines(tmp_path / "cases.jsonl", lines)
    done = intake(village, cases, code=1)
    assert (done["taken"], done["bad"], done["known"]) == (2, len(bad), 0), done["cases"]
    found = {(row["line"], row["field"]) for row in done["problems"]}
    for number, (_, field) in enumerate(bad, start=2):
        assert (number, field) in found, (number, field, [row for row in done["problems"] if row["line"] == number])
    assert {row["line"] for row in done["problems"]} == set(range(2, 2 + len(bad)))
    for row in done["problems"]:
        assert CHINESE.search(row["message"]), row
        assert CHINESE.search(row["remedy"]), row
        assert len(json.dumps(row, ensure_ascii=False)) < 600
    assert not list((village / "spool").iterdir())
    assert run("node", "sync", "--dir", village).code in (0, 3)  # another test's case may be held
    _arrived_unchanged(county, done, rare, extra)
    spoken = run("node", "intake", "--dir", village, cases, "--materials", scans)
    assert spoken.code == 1 and "第 2 行 line：" in spoken.out and "known 2" in spoken.out


def _arrived_unchanged(county: SmallCounty, done: dict[str, Any], rare: dict[str, Any], extra: dict[str, Any]) -> None:
    topics = {case["ref"]: bytes.fromhex(case["case"]) for case in done["cases"]}
    with opened_hub(county.dir("hub")) as hub:
        for sent, check in (
            (rare, lambda body: body["applicant"]["name"] == RARE_NAME and body["household"] == RARE_NAME),
            (extra, lambda body: body["extra"] == EXTRA),
        ):
            topic = topics[sent["ref"]]
            home, first = hub.store.read(
                lambda conn, topic=topic: (hub.topics.home_of(conn, topic), hub.topics.changes(conn, 3, topic)[0])
            )
            assert home == 3 and first.standing == "ordered" and check(first.body), first.body


def test_lines_of_any_length_cost_bounded_memory(county, village, tmp_path):
    """A file without a line break is read in pieces."""
    path = tmp_path / "endless.jsonl"
    with path.open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    began = time.monotonic()
    done = intake(village, path, code=1)
    assert [(row["line"], row["field"]) for row in done["problems"]] == [(1, "line")]
    assert str(LINE_BYTES_MAX) in done["problems"][0]["message"] and time.monotonic() - began < 20
