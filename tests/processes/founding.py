"""A founded county on disk, made with the programs' own code in this process: quick to have, and then served for real.

`init`, `invite` and enrolment over HTTP as commands are tested in test_demo and test_enrolment.
"""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection

from hub import county as hub_county
from hub import stations
from hub.founding import found_county
from node import station as node_station
from node.app import now
from node.enrol import found_station, prepare
from sync_protocol import authority
from sync_protocol.enrolment import EnrolRequest, Token, pack_request, parse_request, parse_welcome
from sync_protocol.store import me as identity
from sync_protocol.store.data_folder import DataFolder
from tests.processes.running import Server, start_all

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")
COUNTY = "341882"
TOWNSHIP, OTHER_TOWNSHIP = "341882103000", "341882104000"
VILLAGE, OTHER_VILLAGE, LOST_VILLAGE = "341882103201", "341882103202", "341882103200"


@contextmanager
def opened_hub(folder: Path, db: str = "", clock: Callable[[], int] = now) -> Iterator[hub_county.County]:
    """The hub's parts, opened beside or without its server."""
    county = hub_county.open_county(DataFolder(folder, db=db), os.urandom, clock)
    try:
        yield county
    finally:
        county.close()


@contextmanager
def opened_node(folder: Path) -> Iterator[node_station.Station]:
    """A station's parts, opened beside or without its server."""
    station = node_station.open_station(DataFolder(folder), os.urandom, now)
    try:
        yield station
    finally:
        station.close()


def in_hub(folder: Path, fn: Callable[[Connection], T]) -> T:
    """One transaction in the hub's database."""
    with opened_hub(folder) as county:
        return county.store.write(fn)


def in_node(folder: Path, fn: Callable[[Connection], T]) -> T:
    """One transaction in a node's database."""
    with opened_node(folder) as station:
        return station.store.write(fn)


@dataclass
class SmallCounty:
    """Folders and servers by name: "hub", "township", "village", "other" (a second village); none is started."""

    folder: Path
    servers: dict[str, Server] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Server:
        return self.servers[name]

    def dir(self, name: str) -> Path:
        return self.folder / name

    def serve(self, *names: str) -> None:
        """Start these, parents first, each dialling where its parent really listens."""
        for name in names:
            self._point(name)
        start_all(*(self.servers[name] for name in names))

    def _point(self, name: str) -> None:
        """A free port for what is served for the first time is known only now; tell its children."""
        if not self.servers[name].url:
            self.servers[name].url = f"http://127.0.0.1:{free_port()}"
            for child in _CHILDREN.get(name, ()):
                if child in self.servers:
                    dial(self.dir(child), self.servers[name].url)

    def stop(self) -> None:
        for server in reversed(self.servers.values()):
            server.kill()


_CHILDREN = {"hub": ("township",), "township": ("village", "other")}


def free_port() -> int:
    """A port that is free now, outside of the range from which other processes are given theirs."""
    while True:
        port = random.randint(12_000, 30_000)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue


def dial(folder: Path, url: str) -> None:
    """Let a node dial another address than the one it enrolled with."""
    in_node(folder, lambda conn: identity.put(conn, node_station.PARENT_URL, url.encode()))


def found_small_county(
    folder: Path,
    *,
    names: tuple[str, ...] = ("township", "village", "other"),
    db: str = "",
    clock: Callable[[], int] = now,
) -> SmallCounty:
    """A hub with the reference data of the county, and these stations enrolled. `db`: its PostgreSQL database."""
    folder.mkdir(parents=True, exist_ok=True)
    county = SmallCounty(folder, {"hub": Server("hub", folder / "hub")})
    found_county(DataFolder(folder / "hub", db=db), COUNTY, None, os.urandom, clock)
    places = {"township": (TOWNSHIP, "township"), "village": (VILLAGE, "village"), "other": (OTHER_VILLAGE, "village")}
    with opened_hub(folder / "hub", clock=clock) as hub:
        for name in names:
            enrol(hub, folder / name, *places[name])
            county.servers[name] = Server("node", folder / name)
    return county


def enrol(hub: hub_county.County, folder: Path, region: str, tier: str) -> None:
    """A new folder whose station the county knows; it dials nobody yet."""
    invited = hub.store.write(lambda conn: stations.invite(conn, hub.me, region, tier, os.urandom, hub.desk.now()))
    token = Token.parse(invited.token)
    data = DataFolder(folder)
    data.create(os.urandom)
    signer, box = prepare(data, token, os.urandom)
    request = EnrolRequest(token.id, token.station, token.tier, signer.public, box.public)
    sealed = parse_request(pack_request(request, token, signer))
    welcome = hub.store.write(lambda conn: authority.redeem(conn, hub.replica.journal, sealed, hub.desk.now()))
    checked = parse_welcome(welcome.packed(), token, signer.public)
    found_station(data, "http://127.0.0.1:1", None, checked, (signer, box))
