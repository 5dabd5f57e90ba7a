"""`lianban-node verify` and `lianban-hub verify`: text and picture, genuine and not, beside nothing that runs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import segno
import sqlalchemy as sa

from casework.case_tables import case_row
from casework.policy import Person, Role
from node.station import open_station
from sync_protocol.store.data_folder import DataFolder
from tests.processes.founding import VILLAGE, SmallCounty, found_small_county
from tests.processes.lines import line, write_lines
from tests.processes.running import report, run


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> SmallCounty:
    found = found_small_county(tmp_path_factory.mktemp("verify") / "county", names=("township", "village"))
    found.serve("hub", "township")
    report("node", "sync", "--dir", found.dir("village"))
    found.stop()
    return found


@pytest.fixture(scope="module")
def slip(county: SmallCounty) -> str:
    """Of a case that never left its village."""
    village = county.dir("village")
    cases = write_lines(county.folder / "cases.jsonl", [line(0)])
    assert report("node", "intake", "--dir", village, cases, "--materials", county.folder)["taken"] == 1
    station = open_station(DataFolder(village), os.urandom, lambda: int(time.time()))
    agent = Person(1, "某", Role.VILLAGE_AGENT, station.me.author, VILLAGE)
    try:
        topic = station.store.read(lambda conn: conn.execute(sa.select(case_row.c.topic)).scalar_one())
        return station.store.read(lambda conn: station.desk.case_qr(conn, agent, topic))
    finally:
        station.close()


@pytest.mark.parametrize(("program", "place"), [("node", "village"), ("node", "township"), ("hub", "hub")])
def test_a_slip_is_genuine_everywhere(county: SmallCounty, slip: str, program: str, place: str) -> None:
    found = report(program, "verify", slip, "--dir", county.dir(place))
    assert (found["genuine"], found["verdict"], found["reason"], found["kind"]) == (True, "genuine", "", "收件回执")
    assert found["says"]["打印时"].startswith("本地收件")
    assert bool(found["case_state"]) == (place == "village")
    assert 0 < found["as_of"] <= time.time() + 1


def test_what_is_not_genuine_ends_with_one(county: SmallCounty, slip: str) -> None:
    at = ("--dir", county.dir("hub"))
    letter = "B" if slip[-60] != "B" else "C"
    altered = report("hub", "verify", slip[:-60] + letter + slip[-59:], *at, code=1)
    assert (altered["genuine"], altered["reason"]) == (False, "altered")
    assert report("hub", "verify", slip[:-9], *at, code=1)["reason"] == "cut_short"
    assert report("hub", "verify", "hello", *at, code=1)["reason"] == "no_code"
    words = run("hub", "verify", slip[:-9], *at)
    assert words.code == 1 and "没有读全" in words.out and "截至" in words.out


def test_a_picture_is_read(county: SmallCounty, slip: str, tmp_path: Path) -> None:
    at, image = ("--dir", county.dir("township")), tmp_path / "slip.png"
    segno.make(slip, error="m").save(str(image), scale=4)
    assert report("node", "verify", "--image", image, *at)["genuine"]
    segno.make("https://example.com", error="m").save(str(image), scale=4)
    assert report("node", "verify", "--image", image, *at, code=1)["reason"] == "no_code"
    image.write_bytes(b"no picture")
    bad = run("node", "verify", "--image", image, *at)
    assert bad.code == 1 and "slip.png" in bad.err
    both = run("node", "verify", slip, "--image", image, *at)
    assert both.code == 1 and "之一" in both.err
