"""`lianban-hub statistics`: beside a running server, of now and of a past moment, as text, JSON and a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.processes.founding import VILLAGE, SmallCounty, found_small_county
from tests.processes.lines import line, write_lines
from tests.processes.running import report, run

CHINA = timedelta(hours=8)


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCounty]:
    found = found_small_county(tmp_path_factory.mktemp("statistics") / "county", names=("township", "village"))
    found.serve("hub", "township")
    village = found.dir("village")
    report("node", "sync", "--dir", village)
    cases = write_lines(found.folder / "cases.jsonl", [line(n) for n in range(3)])
    assert report("node", "intake", "--dir", village, cases, "--materials", found.folder)["taken"] == 3
    report("node", "sync", "--dir", village, "--until", "ordered")
    yield found
    found.stop()


def test_three_cases_of_this_month_and_none_of_yesterday(county: SmallCounty, tmp_path: Path) -> None:
    hub, today = ("--dir", county.dir("hub")), (datetime.now(UTC) + CHINA).date()
    file = tmp_path / "out.csv"
    whole = report("hub", "statistics", *hub, "--by", "station", "--csv", file)
    assert [(group["key"], group["received"], group["open"]) for group in whole["groups"]] == [(VILLAGE, 3, 3)]
    assert whole["total"]["early_rate"] == "—" and (whole["from"], whole["to"]) == (f"{today:%Y-%m}-01", f"{today}")
    rows = list(csv.reader(file.open(encoding="utf-8-sig", newline="")))
    assert rows[1][1:3] == [VILLAGE, "3"] and rows[2][0] == "合计"
    again = report("hub", "statistics", *hub, "--by", "station", "--at", f"{today}")
    assert again["groups"] == whole["groups"], "the log says what the table says"
    before = f"{today - timedelta(days=1)}"
    assert report("hub", "statistics", *hub, "--from", before, "--at", before)["groups"] == []
    assert "收件" in run("hub", "statistics", *hub).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--at", "morgen"), "不是时刻"),
        (("--at", "2098-01-01"), "还没有到"),
        (("--from", "2026-02-30"), "不是统计可用的日期"),
        (("--by", "name"), "不能按"),
        (("--station", "110000000000"), "不是本辖区的站点"),
    ],
)
def test_what_cannot_be_counted_is_refused_in_one_line(county: SmallCounty, words: tuple[str, ...], said: str) -> None:
    done = run("hub", "statistics", "--dir", county.dir("hub"), *words)
    assert done.code == 1 and said in done.err and len(done.err.strip().splitlines()) == 1


def test_a_file_that_is_there_already_is_left_alone(county: SmallCounty, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("mine")
    done = run("hub", "statistics", "--dir", county.dir("hub"), "--csv", file)
    assert done.code == 1 and file.read_text() == "mine"
