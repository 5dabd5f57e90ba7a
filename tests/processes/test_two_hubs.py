"""Two hub processes on one PostgreSQL: stations reach now one, now the other, and people decide at both at once."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from casework.case_tables import case_row
from casework.catalogue import load_catalogue
from casework.example_intake import example_citizen_id, example_intake_line
from casework.passwords import hash_password
from deploy.demo.browser import Browser
from deploy.demo.processes import DemoFailed
from hub import staff
from sync_protocol.feeds import HUB, down
from sync_protocol.journal import Writing
from sync_protocol.reading import changes
from sync_protocol.store import tables as t
from tests.hub_store.places import times_settled
from tests.postgres import PASSWORD, Cluster
from tests.processes.founding import COUNTY, SmallCounty, dial, found_small_county, in_node, opened_hub
from tests.processes.lines import write_lines
from tests.processes.proxy import Proxy
from tests.processes.running import Server, fetch, report, run, start_all, wait_for

ITEM = "resident_pension_change"
"""Decided by the county without a first review, so that every case comes straight to both hubs' queues."""
OFFICE = "人力资源和社会保障局"
FIRST, OWN = "初始 lamp 4711", "自己 chosen 0815"
CASES = 10
REACHED_SECONDS = 20
"""Well under the 50 s after which a long poll ends by itself."""


def _line(serial: int) -> dict[str, Any]:
    found = example_intake_line(load_catalogue().get(ITEM), serial=serial)
    found["applicant"] |= {"name": f"测试·{serial}", "id": example_citizen_id(serial)}
    return found


@dataclass
class Other(Server):
    """A further server of the same folder, with a log of its own."""

    name: str = "second"

    @property
    def log(self) -> Path:
        return self.folder.with_name(self.name + ".log")


class TwoHubs:
    """A county of a township and two villages whose hub runs as two processes."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder = folder
        database = cluster.database()
        self.county: SmallCounty = found_small_county(folder, db=cluster.local_url(database))
        self.store = cluster.store(database)
        self.hubs = self.county["hub"], Other("hub", folder / "hub")

    @property
    def hub_folder(self) -> Path:
        return self.county.dir("hub")

    def add_reviewers(self) -> None:
        with opened_hub(self.hub_folder) as hub:
            for login in ("one", "two"):
                new = staff.NewUser(login, f"审核{login}", "county_reviewer", "", OFFICE)
                hashed = hash_password(FIRST)
                hub.store.write(
                    lambda conn, new=new, hashed=hashed: staff.add_user(
                        conn, hub.replica.journal, new, hashed, Writing(0, 1, 1)
                    )
                )

    def cases(self, place: str, first: int) -> Path:
        lines = [_line(serial) for serial in range(first, first + CASES)]
        return write_lines(self.folder / f"{place}.jsonl", lines)

    def at_hub(self, fn: Callable[[sa.Connection], Any]) -> Any:
        return self.store.read(fn)

    def stop(self) -> None:
        self.hubs[1].kill()
        self.county.stop()
        self.store.close()


@pytest.fixture
def two(tmp_path: Path, cluster: Cluster) -> Iterator[TwoHubs]:
    found = TwoHubs(tmp_path / "county", cluster)
    yield found
    found.stop()


def _reviewer(server: Server, login: str) -> Browser:
    browser = Browser(server.url)
    browser.post("/sign-in", [("login", login), ("password", FIRST)])
    browser.post("/password", [("current", FIRST), ("new", OWN), ("repeat", OWN)])
    return browser


def _accept_all(browser: Browser, cases: list[str], done: list[str]) -> None:
    """Accept every case that is not accepted yet; one that the other person just took is left alone."""
    for case in cases:
        with suppress(DemoFailed):
            page = browser.post(f"/cases/{case}/do/accept", [], expect=0)
            if page.status == 200 and page.path == f"/cases/{case}":
                done.append(case)


def _rows(conn: sa.Connection) -> dict[str, tuple[Any, ...]]:
    """Cases as lists show them."""
    c = case_row.c
    rows = conn.execute(sa.select(c.topic, c.state, c.holder, c.case_no, c.unsettled, c.trouble, c.name, c.code))
    return {row.topic.hex(): tuple(row)[1:] for row in rows}


def _all_changes(conn: sa.Connection, home: int, topics: list[str]) -> list[tuple[Any, ...]]:
    """Every change of these cases in the order that counts."""
    found = [(topic, e) for topic in topics for e in changes(conn, home, bytes.fromhex(topic))]
    return [(topic, e.kind, e.ref, e.standing, e.code) for topic, e in found]


def _take_in(two: TwoHubs, place: str, first: int) -> dict[str, Any]:
    cases = two.cases(place, first)
    return report("node", "intake", "--dir", two.county.dir(place), cases, "--materials", two.folder)


def _decide(two: TwoHubs, person: int, accepted: list[str]) -> None:
    """Over and over until all are accepted; the two people go through the list from its two ends."""
    browser = _reviewer(two.hubs[person], ("one", "two")[person])
    while True:
        rows = two.at_hub(_rows)
        waiting = sorted(topic for topic, row in rows.items() if row[0] == "collected")
        _accept_all(browser, waiting[:: 1 - 2 * person], accepted)
        if len(rows) == 2 * CASES and not waiting:
            return


def _take_in_and_decide(two: TwoHubs) -> list[list[str]]:
    """Both villages take cases in while two people accept them at the two hubs; what each of them accepted."""
    accepted: list[list[str]] = [[], []]
    with ThreadPoolExecutor(4) as pool:
        taking = [pool.submit(_take_in, two, place, first) for place, first in (("village", 1), ("other", 101))]
        people = [pool.submit(_decide, two, n, accepted[n]) for n in range(2)]
        assert [one.result(120)["taken"] for one in taking] == [CASES, CASES]
        for person in people:
            person.result(200)
    return accepted


@pytest.mark.timeout(300)
def test_two_hubs_take_in_and_decide_at_once_without_a_lost_doubled_or_misordered_entry(two: TwoHubs) -> None:
    county = two.county
    two.add_reviewers()
    start_all(*two.hubs)
    budget: int | None = None
    # Not in strict turns: a child opens its connections by twos, and one hub would only ever meet the second of them.
    with Proxy(two.hubs[0].url, two.hubs[1].url, two.hubs[1].url, cut_after=lambda: budget) as front:
        county["hub"].url = front.url
        dial(county.dir("township"), front.url)
        county.serve("township", "village", "other")
        for name in ("village", "other"):
            report("node", "sync", "--dir", county.dir(name))
        budget = 40_000  # from here on every connection is cut after a while, and the next one changes sides
        front.block()
        front.unblock()
        accepted = _take_in_and_decide(two)
        for name in ("village", "other"):
            done = report("node", "sync", "--dir", county.dir(name), "--until", "ordered", "--timeout", "100")
            assert done["held"] == done["refused"] == []
        assert front.connections > 4 and all(_answered(server) > 0 for server in two.hubs)
    rows = two.at_hub(_rows)
    assert len(rows) == 2 * CASES and {row[0] for row in rows.values()} == {"accepted"}
    assert len({row[2] for row in rows.values()}) == 2 * CASES, "no case number is given twice"
    assert sorted(accepted[0] + accepted[1]) == sorted(rows), "each case was accepted by one of the two"
    assert all(accepted), "both took part"
    for server in two.hubs:
        assert server.stop() == 0
        assert "Traceback" not in server.written(), server.written()[-3000:]
    _all_agree(two, rows)


def _all_agree(two: TwoHubs, rows: dict[str, tuple[Any, ...]]) -> None:
    """Chains are whole, each entry is settled once, and the villages have the county's order."""
    assert report("hub", "fsck", "--dir", two.hub_folder)["wrong"] == []
    for name, home in (("village", 3), ("other", 4)):
        settled = times_settled(two.store, down(HUB, home))
        assert len(settled) == CASES and set(settled.values()) == {1}
        two.county[name].stop()
        mine = in_node(two.county.dir(name), _rows)
        assert mine == {topic: row for topic, row in rows.items() if topic in mine} and len(mine) == CASES
        here = in_node(two.county.dir(name), partial(_all_changes, home=home, topics=list(mine)))
        assert here == two.at_hub(partial(_all_changes, home=home, topics=list(mine)))
        assert report("node", "fsck", "--dir", two.county.dir(name))["wrong"] == []


def _answered(server: Server) -> int:
    """How many bytes of answers a hub has sent to stations, by its own metrics."""
    found = re.search(
        r'^sync_bytes_total\{direction="down"\} ([0-9.e+]+)', fetch(server.admin_url + "/metrics")[1], re.MULTILINE
    )
    return int(float(found.group(1))) if found else 0


@pytest.mark.timeout(200)
def test_a_long_poll_at_one_hub_is_woken_by_a_decision_at_the_other(two: TwoHubs) -> None:
    county = two.county
    two.add_reviewers()
    start_all(*two.hubs)
    dial(county.dir("township"), two.hubs[0].url)  # it knows of the first only
    county.serve("township", "village")
    report("node", "sync", "--dir", county.dir("village"))  # items come first
    cases = write_lines(two.folder / "one.jsonl", [_line(1)])
    report("node", "intake", "--dir", county.dir("village"), cases, "--materials", two.folder)
    report("node", "sync", "--dir", county.dir("village"), "--until", "ordered", "--timeout", "90")
    (case,) = two.at_hub(_rows)
    reviewer = _reviewer(two.hubs[1], "two")
    said = _answered(two.hubs[0])
    assert _answered(two.hubs[1]) == 0, "no station speaks to the second hub"
    reviewer.post(f"/cases/{case}/do/accept", [])

    def village_knows() -> bool:
        row = in_node(county.dir("village"), _rows)[case]
        return row[0] == "accepted" and not row[3]

    wait_for("the village knows what was decided", village_knows, REACHED_SECONDS)
    assert _answered(two.hubs[0]) > said and _answered(two.hubs[1]) == 0


def test_the_servers_of_one_folder_share_blobs_and_sessions_and_leave_each_others_files_alone(two: TwoHubs) -> None:
    two.add_reviewers()
    first, second = two.hubs
    first.start()
    room = next((two.hub_folder / "spool").iterdir())
    (room / "upload").write_bytes(b"on its way in")
    second.start()
    assert (room / "upload").exists(), "the second server's start leaves the first one's files alone"
    browser = _reviewer(first, "one")
    there = Browser(second.url, jar=browser.jar)
    assert there.get("/").path == "/", "signed in at one is signed in at the other"
    assert len(list((two.hub_folder / "spool").iterdir())) == 2
    first.kill()
    assert Browser(second.url, jar=browser.jar).get("/").path == "/"
    first.start()
    assert not room.exists(), "what a killed server left is removed"
    assert second.stop() == first.stop() == 0
    assert list((two.hub_folder / "spool").iterdir()) == []


def test_commands_take_the_address_from_the_variable_and_show_no_password(tmp_path: Path, cluster: Cluster) -> None:
    name = cluster.database()
    url = cluster.url(name)
    folder = tmp_path / "hub"
    done = run("hub", "init", "--dir", folder, "--county", COUNTY, "--db", url, "--json")
    assert done.code == 0, done.err
    refused = run("hub", "fsck", "--dir", folder)
    assert refused.code == 1 and "password" in refused.err and refused.err.count("\n") == 1
    server = Server("hub", folder, environment={"LIANBAN_HUB_DB": url}).start()
    try:
        assert server.process is not None
        words = Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
        assert urllib.parse.quote_plus(PASSWORD).encode() not in words and PASSWORD.encode() not in words
        assert json.loads(fetch(server.admin_url + "/readyz")[1])["ready"] is True
        assert report("hub", "fsck", "--dir", folder, "--db", url)["wrong"] == []
        with cluster.admin() as conn:
            conn.execute(sa.text(f"alter database {name} allow_connections false"))
            conn.execute(
                sa.text("select pg_terminate_backend(pid) from pg_stat_activity where datname = :name"), {"name": name}
            )
        status, text = fetch(server.admin_url + "/readyz")
        assert status == 503 and "database" in text
        with cluster.admin() as conn:
            conn.execute(sa.text(f"alter database {name} allow_connections true"))
        wait_for("ready again", lambda: fetch(server.admin_url + "/readyz")[0] == 200)
        assert server.stop() == 0
        for secret in (PASSWORD, urllib.parse.quote_plus(PASSWORD)):
            assert secret not in server.written() + refused.err + done.err + done.out
    finally:
        server.kill()
    held = sa.select(sa.func.count()).select_from(t.entry)
    with opened_hub(folder, url) as hub:
        assert hub.store.read(lambda conn: conn.execute(held).scalar_one()) > 0
