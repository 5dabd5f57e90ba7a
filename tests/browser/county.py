"""The county that the browser tests visit: four served programs, with a wire between each two that can be cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from casework.policy import Person
from tests.browser import filling
from tests.browser.people import STAFF, Worker
from tests.browser.sundries import furnish
from tests.processes.founding import SmallCounty, dial, found_small_county, free_port, opened_hub
from tests.processes.proxy import Proxy
from tests.processes.running import Server, start_all

PARENTS = {"township": "hub", "village": "township", "other": "township"}
"""Which place dials which."""


@dataclass
class BrowserCounty:
    """Places are "hub", "township", "village" and "other" (a second village)."""

    small: SmallCounty
    cases: dict[str, list[str]]
    """Stage, with "/scanned" if there are pages → cases as addresses name them. Tests change those at the end."""
    people: dict[str, Person]
    """By the same keys as the staff: for what a test does in the store beside a program."""
    wires: dict[str, Proxy] = field(default_factory=dict)
    """By the place that dials."""

    def __getitem__(self, place: str) -> Server:
        return self.small[place]

    def url(self, place: str) -> str:
        """Where the place's pages are, without a slash at the end."""
        return self.small[place].url

    def worker(self, key: str) -> Worker:
        """Whom `visit` signs in for this key; everybody's password is people.PASSWORD."""
        return STAFF[key]

    def public_path(self) -> str:
        """Where a citizen sees how a delivered case stands, by the code of its slip."""
        topic = bytes.fromhex(self.cases["delivered/scanned"][0])
        with opened_hub(self.small.dir("hub")) as hub:
            text = hub.store.read(lambda conn: hub.desk.case_qr(conn, self.people["reviewer"], topic))
        return urlsplit(text).path

    def cut(self, child: str) -> None:
        """Nothing passes between this place and the one above, until it is restored."""
        self.wires[child].block()

    def restore(self, child: str) -> None:
        self.wires[child].unblock()

    @contextmanager
    def cut_off(self, child: str) -> Iterator[None]:
        """The link is cut for as long as this lasts."""
        self.cut(child)
        try:
            yield
        finally:
            self.restore(child)

    def kill(self, place: str) -> None:
        """kill -9."""
        self.small[place].kill()

    def restart(self, place: str) -> None:
        """Start what was killed, on the same port."""
        self.small[place].start()

    def mend(self) -> None:
        """Links are whole and everybody runs, whatever a test left behind."""
        for wire in self.wires.values():
            wire.unblock()
        for server in self.small.servers.values():
            if not server.alive():
                server.start()


@contextmanager
def served_county(folder: Path) -> Iterator[BrowserCounty]:
    """Found, fill and serve; everything is stopped at the end."""
    clock = filling.begin()
    small = found_small_county(folder, clock=clock)
    for server in small.servers.values():
        server.url = f"http://127.0.0.1:{free_port()}"
    made, people = filling.fill(folder, clock, partial(furnish, address=small["hub"].url))
    county = BrowserCounty(small, made, people)
    try:
        for child, parent in PARENTS.items():
            county.wires[child] = Proxy(small[parent].url).__enter__()
            dial(small.dir(child), county.wires[child].url)
        start_all(*small.servers.values())
        yield county
    finally:
        small.stop()
        for wire in county.wires.values():
            wire.__exit__()
