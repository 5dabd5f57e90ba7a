"""A small county with the staff of the demo's story, so that the story can be played at any servers."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from deploy.demo.browser import Browser, Page
from deploy.demo.county import DemoCounty, Worker
from deploy.demo.story import Story
from hub import staff
from sync_protocol.journal import Writing
from tests.durability.forked import Armed, begin_command
from tests.durability.promises import Promises
from tests.hub.hall import OFFICE, cheap_hash
from tests.processes.founding import TOWNSHIP, VILLAGE, SmallCounty, found_small_county, opened_hub
from tests.processes.lines import line, scan, write_lines
from tests.processes.running import Server, report

_SAVED = re.compile(r"/(?:drafts|cases)/([0-9a-f]{32})\b")
_FIRST = "first-password-of-all"
_WORKERS = (
    ("hub", "shenhe", "county_reviewer", "", OFFICE),
    ("hub", "shenpi", "county_approver", "", OFFICE),
    ("township", "chushen", "township_reviewer", TOWNSHIP, ""),
    ("village-1", "daiban1", "village_agent", VILLAGE, ""),
)
_NAMES = {"hub": "hub", "township": "township", "village-1": "village"}


@dataclass
class Noting(Browser):
    """A browser at the village: a draft or a case that it was shown was saved."""

    saved: set[str] = field(default_factory=set)

    def _open(self, request: urllib.request.Request, expect: int) -> Page:
        page = super()._open(request, expect)
        if page.status == 200 and (found := _SAVED.match(page.path)):
            self.saved.add(found.group(1))
        return page


@dataclass
class Staffed:
    """The county, and the story's hands in it."""

    county: SmallCounty
    story: Story
    promises: Promises
    serial: int = 0

    def serve(self) -> None:
        """Start all three; everybody signs in, and sets a password of their own."""
        self.county.serve("hub", "township", "village")
        for place, _, role, *_ in _WORKERS:
            self.story.person(place, role)
        agent = self.story.person("village-1", "village_agent")
        agent.browser = Noting(agent.browser.base, agent.browser.jar, saved=self.promises.saved)

    def lines(self, count: int) -> tuple[Path, set[str]]:
        """A file of so many new cases, each with a scan, and their refs."""
        folder, found = self.county.folder, []
        for _ in range(count):
            self.serial += 1
            found.append(line(self.serial, files=(scan(folder / "scans", f"{self.serial}.jpg", self.serial),)))
        return write_lines(folder / f"cases-{self.serial}.jsonl", list(found)), {one["ref"] for one in found}

    def begin_intake(self, cases: Path, at: Path, armed: Armed | None = None) -> ForkServerProcess:
        """Start `intake` of a file at the village; what it says goes to files in `at`."""
        words = ("--dir", self.county.dir("village"), cases, "--materials", self.county.folder / "scans", "--json")
        return begin_command(at, "node", "intake", *words, armed=armed)

    def intake(self, cases: Path, refs: set[str], at: Path) -> list[str]:
        """Take a file in to the good end; its cases are promised from then on. Their topics."""
        process = self.begin_intake(cases, at)
        process.join(90)
        assert process.exitcode == 0, (process.exitcode, (at / "err").read_text(encoding="utf-8")[-2000:])
        self.promises.refs |= refs
        done = json.loads((at / "out").read_text(encoding="utf-8"))
        return [case["case"] for case in done["cases"]]

    def all_is_well(self) -> None:
        """Everything that was promised is at the county, all places agree, every folder is sound; servers go on."""
        for place in ("village", "township", "village"):
            done = report("node", "sync", "--dir", self.county.dir(place), "--until", "ordered", "--timeout", "90")
            assert done["held"] == [] and done["refused"] == [], done
        assert self.promises.at_the_county() == []
        assert [wrong for place in self.promises.places for wrong in self.promises.broken_at(place)] == []
        assert self.promises.apart() == []
        for server in self.county.servers.values():
            assert report(server.program, "fsck", "--dir", server.folder)["wrong"] == []


def found_staffed(folder: Path, make: Callable[[str, Path], Server]) -> Staffed:
    """Hub, township and village on disk with their staff; `make` gives the server of (program, folder)."""
    county = found_small_county(folder, names=("township", "village"))
    for name, server in list(county.servers.items()):
        county.servers[name] = make(server.program, server.folder)
    people = [
        Worker(place, login, login, role, _FIRST, station, office) for place, login, role, station, office in _WORKERS
    ]
    hashed = cheap_hash(_FIRST)
    with opened_hub(county.dir("hub")) as hub:
        for one in people:
            new = staff.NewUser(one.login, one.display, one.role, one.station, one.office)
            writing = Writing(0, int(time.time()), 1)
            hub.store.write(lambda conn, new=new, w=writing: staff.add_user(conn, hub.replica.journal, new, hashed, w))
    demo = DemoCounty(folder, people=people)
    demo.servers = {place: county.servers[name] for place, name in _NAMES.items()}  # type: ignore[assignment]
    return Staffed(county, Story(demo, lambda _: None), Promises(folder))
