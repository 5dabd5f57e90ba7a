"""Every process dies at named points of its own work: each point is passed, and starting again is all that is done."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from casework.changes import ChangeKind
from deploy.demo.processes import DemoFailed
from sync_protocol.crypto import Signer
from sync_protocol.store import tables
from tests.durability.forked import Armed, ForkedServer, begin_command
from tests.durability.points import POINTS
from tests.durability.promises import read
from tests.durability.staffed import Staffed
from tests.processes.founding import OTHER_VILLAGE
from tests.processes.running import report, run
from tests.scale import times

CUT_OFF = (OSError, http.client.HTTPException, DemoFailed)
"""What a browser meets whose server dies under it."""
TRIES = 3


def _intake(staffed: Staffed) -> None:
    """Cases are taken in at the village by the command, and go up."""
    cases, refs = staffed.lines(1)
    staffed.intake(cases, refs, staffed.county.folder / "taking")


def _upload(staffed: Staffed) -> None:
    """A case with a scan is taken in through the village's pages."""
    staffed.story.collect("页面收件", scanned=1)


def _endorse(staffed: Staffed) -> str:
    """A case from the village's pages gets its first review at the township's."""
    case = staffed.story.collect("待初审", scanned=0)
    staffed.story.endorse(case)
    staffed.promises.acts.add(("township", case, int(ChangeKind.ENDORSE)))
    return case


def _accept(staffed: Staffed) -> None:
    """And is accepted at the county's."""
    case = _endorse(staffed)
    staffed.story.wait_state("hub", "county_reviewer", case, "已初审")
    staffed.story.person("hub", "county_reviewer").do(case, "accept", [])
    staffed.promises.acts.add(("hub", case, int(ChangeKind.ACCEPT)))


Load = Callable[[Staffed], object]

ANY_STORE = ("written, not committed", "committed, nobody told", "projected, not committed")
STARTING = ("the database open, nothing served", "about to say where it serves")
DIALLING = (
    "a message composed, not sent",
    "an answer's entries taken, not its blobs",
    "an answer's blobs taken, not noted",
    "an answer taken",
)
ANSWERING = (
    "a message's entries taken, not signed for",
    "a message's entries signed for, its blobs not taken",
    "a message's blobs taken, not noted",
    "an answer made, not sent",
    "a blob continued",
    "a blob whole in partial, not checked",
    "a blob's bytes synced, not named",
    "a blob named, its folder not synced",
)
PUTTING = ("a blob's bytes synced, not named", "a blob named, its folder not synced", "a blob put, no entry names it")
COLLECTING = ("a case collected, not committed",)

STEPS: dict[str, list[tuple[str, Load]]] = {
    "village": [
        *((point, _intake) for point in (*ANY_STORE, *DIALLING)),
        *((point, _upload) for point in (*PUTTING, *COLLECTING, "committed, nobody told")),
        *((point, _intake) for point in STARTING),
    ],
    "township": [
        *((point, _intake) for point in (*ANY_STORE, *DIALLING, *ANSWERING)),
        ("a decision written, not committed", _endorse),
        *((point, _intake) for point in STARTING),
    ],
    "hub": [
        *((point, _intake) for point in (*ANY_STORE, *ANSWERING)),
        ("judged, the order record not written", _intake),
        ("the order record written, the case not numbered", _intake),
        ("a decision written, not committed", _accept),
        *((point, _intake) for point in STARTING),
    ],
}
_ROOT = sa.select(tables.identity.c.value).where(tables.identity.c.name == "root_key")
COMMAND = (*ANY_STORE, *PUTTING, *COLLECTING)
"""Points at which the command `intake` dies, beside the village's server."""


@dataclass
class Deaths:
    """Counts the cycles and names what has fired."""

    folder: Path
    count: int = 0

    def armed(self, point: str, nth: int = 1) -> Armed:
        self.count += 1
        return Armed(point, nth, self.folder / f"fired-{self.count}")

    def fired(self, armed: Armed) -> bool:
        return armed.fired.exists() and armed.fired.read_text(encoding="utf-8") == armed.point


def _dies(staffed: Staffed, place: str, armed: Armed, load: Load, deaths: Deaths) -> None:
    """Start this place armed, load it until it dies of the point, start it again as it is, and ask for its promises."""
    server = staffed.county[place]
    assert isinstance(server, ForkedServer)
    server.kill()
    server.launch(armed)
    server.ready()
    for _ in range(TRIES):
        if not server.alive():
            break
        try:
            load(staffed)
        except CUT_OFF:
            pass
        if server.died(4):
            break
    assert deaths.fired(armed), f"{place} never passed «{armed.point}»"
    server.kill()
    server.start()
    assert staffed.promises.broken_at(place) == [], armed.point


@pytest.mark.timeout(600 * times(1, 10))
@pytest.mark.parametrize("place", STEPS)
def test_a_server_that_dies_at_any_named_point_is_just_started_again(staffed, tmp_path, place, capsys):
    deaths = Deaths(tmp_path)
    for _ in range(times(1, 5)):
        for point, load in STEPS[place]:
            _dies(staffed, place, deaths.armed(point), load, deaths)
    staffed.all_is_well()
    with capsys.disabled():
        print(f"\n{place}: {deaths.count} deaths at named points", end="")


@pytest.mark.timeout(300 * times(1, 5))
def test_an_intake_command_that_dies_at_any_named_point_is_just_run_again(staffed, tmp_path, capsys):
    deaths = Deaths(tmp_path)
    for _ in range(times(1, 5)):
        for point in COMMAND:
            cases, refs = staffed.lines(2)
            armed = deaths.armed(point, nth=2)
            process = staffed.begin_intake(cases, tmp_path / "dying", armed)
            process.join(60)
            assert process.exitcode == -9 and deaths.fired(armed), f"intake never passed «{point}»"
            staffed.intake(cases, refs, tmp_path / "again")
    assert staffed.promises.broken_at("village") == []
    staffed.all_is_well()
    with capsys.disabled():
        print(f"\nintake: {deaths.count} deaths at named points", end="")


FOUNDING = (
    "the key's file made, nothing in it",
    "the key written, not named",
    "the key there, no database",
    "in the middle of the first schema",
    "the tables made, not committed",
    "written, not committed",
    "the root's secret there, no county",
    "committed, nobody told",
    "the county founded, nobody told",
)
ENROLLING = (
    "the key's file made, nothing in it",
    "the key written, not named",
    "the key there, no database",
    "in the middle of the first schema",
    "the tables made, not committed",
    "written, not committed",
    "committed, nobody told",
    "the station's keys there, nothing asked",
    "the welcome there, not settled in",
)


def _command_dies(at: Path, armed: Armed, deaths: Deaths, program: str, *words: str | Path) -> None:
    process = begin_command(at, program, *words, armed=armed)
    process.join(60)
    said = (at / "err").read_text(encoding="utf-8")[-2000:]
    assert process.exitcode == -9 and deaths.fired(armed), (armed.point, process.exitcode, said)


@pytest.mark.timeout(300)
def test_init_of_a_county_that_dies_at_any_named_point_is_just_run_again(tmp_path):
    deaths = Deaths(tmp_path)
    for point in FOUNDING:
        at = tmp_path / f"hub-{deaths.count}"
        words = ("init", "--dir", at, "--county", "341882", "--json")
        _command_dies(tmp_path / "said", deaths.armed(point, nth=3 if "middle" in point else 1), deaths, "hub", *words)
        again = run("hub", *words)
        founded = point == "the county founded, nobody told"
        assert again.code == founded and founded == ("already holds a county" in again.err), (point, again)
        secret = bytes.fromhex(at.with_name(f"{at.name}.root-key").read_text(encoding="ascii"))
        assert sorted(path.name for path in tmp_path.glob(f"{at.name}.*")) == [f"{at.name}.key", f"{at.name}.root-key"]
        root = read(at, lambda conn: conn.execute(_ROOT).scalar())
        assert Signer(secret).public == root
    assert report("hub", "fsck", "--dir", tmp_path / "hub-0")["entries"] > 19


@pytest.mark.timeout(300)
def test_an_enrolment_that_dies_anywhere_on_its_way_costs_no_invitation(staffed, tmp_path):
    deaths, county = Deaths(tmp_path), staffed.county
    invited = report("hub", "invite", "--dir", county.dir("hub"), "--station", OTHER_VILLAGE, "--tier", "village")
    new = tmp_path / "new"
    words = ("init", "--dir", new, "--parent", county["township"].url, "--token", invited["token"], "--json")
    for point in ENROLLING:
        _command_dies(tmp_path / "said", deaths.armed(point, nth=3 if "middle" in point else 1), deaths, "node", *words)
    for place, point in (
        ("hub", "an enrolment granted, not answered"),
        ("township", "an enrolment's answer not passed on"),
    ):
        server, armed = county[place], deaths.armed(point)
        assert isinstance(server, ForkedServer)
        server.kill()
        server.launch(armed)
        server.ready()
        asking = begin_command(tmp_path / "said", "node", *words)
        assert server.died(30) and deaths.fired(armed), f"{place} never passed «{point}»"
        server.kill()
        asking.kill()
        asking.join()
        server.start()
    done = report("node", *words[:-1])
    assert (done["station"], done["epoch"]) == (OTHER_VILLAGE, 0)
    second = report("hub", "invite", "--dir", county.dir("hub"), "--station", "341882103203", "--tier", "village")
    late = tmp_path / "late"
    words = ("init", "--dir", late, "--parent", county["township"].url, "--token", second["token"], "--json")
    _command_dies(tmp_path / "said", deaths.armed("settled in, nothing fetched"), deaths, "node", *words)
    assert report("node", "sync", "--dir", late)["held"] == []
    for folder in (new, late):
        assert report("node", "fsck", "--dir", folder)["wrong"] == []
    staffed.all_is_well()


def test_every_named_point_is_died_at_somewhere():
    used = {point for steps in STEPS.values() for point, _ in steps} | {*COMMAND, *FOUNDING, *ENROLLING}
    used |= {"an enrolment granted, not answered", "an enrolment's answer not passed on", "settled in, nothing fetched"}
    assert used == set(POINTS)
    assert len(POINTS) >= 20
