"""A small county with the staff of the demo's story, so that the story can be played at any servers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.county import DemoCounty, Worker
from deploy.demo.story import Story
from hub import staff
from sync_protocol.journal import Writing
from tests.hub.hall import OFFICE, cheap_hash
from tests.processes.founding import TOWNSHIP, VILLAGE, SmallCounty, found_small_county, opened_hub
from tests.processes.running import Server

_FIRST = "first-password-of-all"
_WORKERS = (
    ("hub", "shenhe", "county_reviewer", "", OFFICE),
    ("hub", "shenpi", "county_approver", "", OFFICE),
    ("township", "chushen", "township_reviewer", TOWNSHIP, ""),
    ("village-1", "daiban1", "village_agent", VILLAGE, ""),
)
_NAMES = {"hub": "hub", "township": "township", "village-1": "village"}


@dataclass
class Staffed:
    """The county, and the story's hands in it."""

    county: SmallCounty
    story: Story


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
    return Staffed(county, Story(demo, lambda line: None))
