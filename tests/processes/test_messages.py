"""The hub's server sends text messages by its settings, and a program beside it queues them too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from casework.case_tables import case_row, message
from casework.changes import ChangeKind
from hub.county import County
from tests.processes.founding import found_small_county, opened_hub
from tests.processes.lines import line, write_lines
from tests.processes.running import fetch, report, run, wait_for

APPOINTMENT = {"about": "appointment", "of": "", "how": "", "done": False, "day": "2099-12-04", "at": "上午 9 时"}


def appoint(county: County) -> bytes:
    """As somebody at the county does, in a program beside the server."""
    (row,) = county.store.read(lambda conn: conn.execute(sa.select(case_row)).all())
    change = (int(ChangeKind.TELL), APPOINTMENT)
    county.store.write(
        lambda conn: county.topics.write(conn, row.home, row.topic, change, actor=0, time=county.desk.now(), quality=1)
    )
    return bytes(row.topic)


def how_told(county: County, topic: bytes) -> list[Any]:
    home = county.store.read(lambda conn: county.topics.home_of(conn, topic))
    assert home is not None
    changes = county.store.read(lambda conn: county.topics.changes(conn, home, topic))
    return [change.body["how"] for change in changes if change.kind == ChangeKind.TELL]


def test_a_served_county_drops_its_messages_and_says_so(tmp_path: Path) -> None:
    county = found_small_county(tmp_path / "county", names=("township", "village"))
    folder = tmp_path / "messages"
    folder.mkdir()
    county["hub"].more = ("--messages-dir", str(folder))
    try:
        county.serve("hub", "township")
        village = county.dir("village")
        report("node", "sync", "--dir", village)
        cases = write_lines(county.folder / "cases.jsonl", [line(1)])
        assert report("node", "intake", "--dir", village, cases, "--materials", county.folder)["taken"] == 1
        report("node", "sync", "--dir", village, "--until", "ordered")
        with opened_hub(county.dir("hub")) as hub:
            topic = appoint(hub)
        (file,) = wait_for("the message", lambda: list(folder.glob("*.json")))
        said = json.loads(file.read_text("utf-8"))
        assert said["phone"].isdigit() and "12 月 4 日" in said["text"] and "测试" not in said["text"]
        with opened_hub(county.dir("hub")) as hub:
            wait_for("the note in the case", lambda: how_told(hub, topic) == ["", "message"])
        _, shown = fetch(county["hub"].admin_url + "/metrics")
        assert 'hub_messages{state="sent"} 1.0' in shown and 'hub_message_tries_total{outcome="sent"} 1.0' in shown
        assert said["phone"] not in county["hub"].written() and said["text"] not in county["hub"].written()

        county["hub"].stop()
        county["hub"].more = ()
        county["hub"].start()  # without a gateway nothing is queued any more
        with opened_hub(county.dir("hub")) as hub:
            appoint(hub)
            assert len(hub.store.read(lambda conn: conn.execute(sa.select(message)).all())) == 1
    finally:
        county.stop()
    wrong = run("hub", "serve", "--dir", county.dir("hub"), "--messages-url", "http://127.0.0.1:9/sms")
    assert wrong.code == 1 and "--messages-token" in wrong.err
