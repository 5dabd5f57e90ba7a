"""A small real county on disk for the benches: hub, township hall and village, made with the programs' own code.

The folders are what `init` leaves behind, so the programs then serve them as they serve anybody's. Certificates are
dated by the machine's own clock, because the programs that are measured go by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from casework.passwords import hash_password
from casework.policy import Role
from hub import stations
from hub.county import County, open_county
from hub.founding import found_county
from hub.staff import NewUser, add_user
from node.enrol import found_station
from node.station import PARENT_URL, Station, open_station
from sync_protocol import authority
from sync_protocol.answerer import Answerer
from sync_protocol.crypto import KEY_BYTES, BoxKey, Signer
from sync_protocol.dialer import Dialer
from sync_protocol.enrolment import EnrolRequest, Token, pack_request, parse_request, parse_welcome
from sync_protocol.journal import Writing
from sync_protocol.messages import pack_message, parse_message
from sync_protocol.store import me as identity
from sync_protocol.store.data_folder import DataFolder

COUNTY, TOWNSHIP, VILLAGE = "341882", "341882103000", "341882103201"
AGENT, FIRST_PASSWORD = "daiban", "bench-first-4711"
RandomBytes = Callable[[int], bytes]
_NOWHERE = "https://127.0.0.1:1"


def now() -> int:
    """Unix seconds."""
    return int(time.time())


@dataclass(slots=True)
class Places:
    """All three opened in this process, for writing into them; close them before a program serves a folder."""

    folder: Path
    hub: County
    township: Station
    village: Station

    def close(self) -> None:
        for place in (self.village, self.township, self.hub):
            place.close()

    def carry(self) -> None:
        """Everything known anywhere reaches everybody who may know it."""
        talk(self.village, self.township)
        talk(self.township, self.hub)
        talk(self.village, self.township)

    def fold_later(self) -> None:
        """Nothing written from now on is folded at once; `fsck --rebuild` writes the rows."""
        for place in (self.hub, self.township, self.village):
            place.store.projector = None


def found(folder: Path, random_bytes: RandomBytes, *, ca: bytes | None = None) -> Places:
    """Found, enrol both stations, add the village's agent, and tell everybody everything."""
    found_county(DataFolder(folder / "hub"), COUNTY, None, random_bytes, now)
    hub = open_county(DataFolder(folder / "hub"), random_bytes, now)
    for name, region, tier in (("township", TOWNSHIP, "township"), ("village", VILLAGE, "village")):
        _enrol(hub, folder / name, region, tier, random_bytes, ca)
    new = NewUser(AGENT, "代办员", Role.VILLAGE_AGENT, VILLAGE)
    hashed = hash_password(FIRST_PASSWORD)
    hub.store.write(lambda conn: add_user(conn, hub.replica.journal, new, hashed, Writing(0, now(), 1)))
    places = open_places(folder, random_bytes, hub=hub)
    places.carry()
    return places


def open_places(folder: Path, random_bytes: RandomBytes, *, hub: County | None = None) -> Places:
    """Open the folders of a county that was founded before."""
    opened = [open_station(DataFolder(folder / name), random_bytes, now) for name in ("township", "village")]
    return Places(folder, hub or open_county(DataFolder(folder / "hub"), random_bytes, now), *opened)


def dial(station: Station, url: str) -> None:
    """Whom the station will dial."""
    station.store.write(lambda conn: identity.put(conn, PARENT_URL, url.encode()))


def _enrol(hub: County, folder: Path, region: str, tier: str, random_bytes: RandomBytes, ca: bytes | None) -> None:
    invited = hub.store.write(lambda conn: stations.invite(conn, hub.me, region, tier, random_bytes, now()))
    token = Token.parse(invited.token)
    signer, box = Signer(random_bytes(KEY_BYTES)), BoxKey(random_bytes(KEY_BYTES))
    request = EnrolRequest(token.id, token.station, token.tier, signer.public, box.public)
    sealed = parse_request(pack_request(request, token, signer))
    welcome = hub.store.write(lambda conn: authority.redeem(conn, hub.replica.journal, sealed, now()))
    checked = parse_welcome(welcome.packed(), token, signer.public)
    data = DataFolder(folder)
    data.create(random_bytes)
    found_station(data, _NOWHERE, ca, checked, (signer, box))


def talk(child: Station, parent: Station | County) -> None:
    """Exchange without network until both are in step."""
    dialer = Dialer(child.replica, parent.me.author)
    while not one_turn(dialer, child, parent):
        pass


def one_turn(dialer: Dialer, child: Station, parent: Station | County) -> bool:
    """One request and its reply; whether there is nothing left to say. Scans do not travel this way."""
    moment = now()
    sent = child.store.read(lambda conn: dialer.compose(conn, moment, 0))
    answerer = Answerer(parent.replica, child.me.author, parse_message(pack_message(sent.frames)))
    parent.store.write(lambda conn: answerer.take(conn, moment))
    parent.store.write(lambda conn: answerer.settle(conn, Writing(0, moment, 1)))
    frames = parse_message(pack_message(parent.store.write(lambda conn: answerer.answer(conn, moment)).frames))
    progress = child.store.write(lambda conn: dialer.absorb_entries(conn, sent, frames, moment))
    child.store.write(lambda conn: dialer.absorb_states(conn, sent, frames, {}, progress, moment))
    if progress.faults or progress.refused:
        raise RuntimeError(f"an exchange among the bench's own places failed: {progress.faults or progress.refused}")
    return progress.in_step and not progress.again
