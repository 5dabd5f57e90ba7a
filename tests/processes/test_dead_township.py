"""A township whose machine is dead: its villages reach the county past it, and it hears everything when it is back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from casework.case_tables import case_row
from tests.processes.founding import TOWNSHIP, SmallCounty, found_small_county, opened_node
from tests.processes.lines import line, scan, write_lines
from tests.processes.running import report, run, wait_for


@pytest.fixture
def county(tmp_path: Path) -> Iterator[SmallCounty]:
    found = found_small_county(tmp_path, names=("township", "village"))
    found.serve("hub", "township")
    report("hub", "address", "--dir", found.dir("hub"), "--url", found["hub"].url)
    yield found
    found.stop()


def intake(county: SmallCounty, numbers: range) -> None:
    scan(county.folder / "scans", "page.jpg", numbers.start)
    cases = write_lines(county.folder / "cases.jsonl", [line(n, files=("page.jpg",)) for n in numbers])
    taken = report("node", "intake", "--dir", county.dir("village"), cases, "--materials", county.folder / "scans")
    assert taken["taken"] == len(numbers)


def hears_of_county(county: SmallCounty) -> bool:
    """By way of the township, which hears it in a long poll of its own."""
    report("node", "sync", "--dir", county.dir("village"))
    return county["hub"].url in report("node", "status", "--dir", county.dir("village"))["ancestors"]


def cases_at(county: SmallCounty, name: str) -> list[str]:
    with opened_node(county.dir(name)) as station:
        return station.store.read(lambda conn: list(conn.execute(sa.select(case_row.c.code)).scalars()))


def test_a_village_goes_past_its_dead_township_and_back(county: SmallCounty) -> None:
    village = ("--dir", county.dir("village"))
    wait_for("the county's address", lambda: hears_of_county(county))
    county["township"].kill()
    intake(county, range(2))
    done = report("node", "sync", *village, "--until", "ordered")
    assert (done["entries_sent"], done["blobs_sent"]) == (2, 4), done  # each page has its preview
    standing = report("node", "status", *village)
    assert (standing["pending"], standing["blobs_pending"]) == (0, 0)
    assert standing["ancestors"] == [county["township"].url, county["hub"].url]
    assert standing["answered"] == county["hub"].url
    assert cases_at(county, "township") == []

    county["township"].start()
    report("node", "sync", "--dir", county.dir("township"))
    assert sorted(cases_at(county, "township")) == sorted(cases_at(county, "village"))
    intake(county, range(2, 3))
    report("node", "sync", *village, "--until", "ordered")
    assert report("node", "status", *village)["answered"] == county["township"].url
    assert len(cases_at(county, "township")) == 3
    checked = report("node", "fsck", "--dir", county.dir("township"))
    assert checked["wrong"] == []


def test_an_address_is_checked_said_once_and_taken_back(county: SmallCounty) -> None:
    hub = ("--dir", county.dir("hub"))
    said = run("hub", "address", *hub, "--url", "hall.example")
    assert said.code == 1 and "不是网址" in said.err
    assert "没有登记过" in run("hub", "address", *hub, "--station", "341882999000", "--url", "https://x.example").err
    url = "https://hall.example:8080"
    known = report("hub", "address", *hub, "--station", TOWNSHIP, "--url", url + "/")["addresses"]
    assert sorted(known.values()) == sorted([county["hub"].url, url])
    assert report("hub", "address", *hub, "--station", TOWNSHIP, "--url", "")["addresses"] == {"1": county["hub"].url}
