"""Signed feeds of made-up casework: a county is founded, its stations enrol, and each day they write and exchange.

Everything goes through the product's own code: enrolment, intake's checks, the journal, segments, receipts. What comes
out is what the townships' programs would send to the county, message by message. Keys and case keys follow from the
seed; only the seals that wrap a case's key do not, since their library draws its own randomness.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from bench.cases import Case, Step, by_day, plan
from casework.changes import ChangeKind
from casework.intake import Stamp, collect_body
from casework.intake_code import mint
from casework.regions import built_in_regions
from casework.states import COUNTY, HOME, TOWNSHIP
from casework.workdays import china_day
from hub.county import County, open_county
from hub.founding import found_county
from sync_protocol import authority
from sync_protocol.crypto import KEY_BYTES, BoxKey, Signer
from sync_protocol.enrolment import EnrolRequest, Token, pack_request, parse_request, parse_welcome
from sync_protocol.frontier import Branch, Tip, clip, frontier_digest
from sync_protocol.journal import Writing
from sync_protocol.messages import PROTOCOL_VERSION, Frame, Hello, HelloFlag, Vector, pack_message
from sync_protocol.replica import Replica
from sync_protocol.store import feed_store, tables, trust
from sync_protocol.store.blob_files import BlobFiles
from sync_protocol.store.data_folder import DataFolder
from sync_protocol.store.seam import SqliteStore
from sync_protocol.topics import Topics
from sync_protocol.topology import Tier

REGION = "341882000000"
START = 1_790_000_000
DAY_SECONDS = 86_400
_EVERYTHING = 2**40


@dataclass(frozen=True, slots=True)
class Upload:
    """One message of a township (author) to the county, as its compressed bytes, and the entries in it; `more` says
    that another one follows at once."""

    child: int
    day: int
    message: bytes
    entries: int
    more: bool = False


@dataclass(slots=True)
class Feeds:
    """`hub` is the folder of a county that has enrolled everybody and heard nothing of any case yet.

    `homes` are the villages' author numbers; `topics` gives (home, topic) of each case by its number.
    """

    folder: Path
    hub: Path
    cases: list[Case]
    homes: list[int] = field(default_factory=list)
    townships: list[int] = field(default_factory=list)
    topics: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    uploads: list[Upload] = field(default_factory=list)

    def of(self, child: int) -> Iterator[Upload]:
        """What one township sends, in order."""
        return (upload for upload in self.uploads if upload.child == child)

    def copy_hub(self, folder: Path) -> None:
        """A fresh copy of the county in `folder`, which must not exist; its key lies beside it."""
        shutil.copytree(self.hub, folder)
        shutil.copyfile(self.hub.with_name("hub.key"), folder.with_name(folder.name + ".key"))

    def open_hub(self, folder: Path) -> County:
        """A fresh copy of the county, opened as the program opens it."""
        self.copy_hub(folder)
        last = max((upload.day for upload in self.uploads), default=0)
        return open_county(DataFolder(folder), random.Random(7).randbytes, lambda: START + (last + 1) * DAY_SECONDS)


@dataclass(slots=True)
class _Station:
    """One node's replica; `known` is what it believes that its parent holds."""

    store: SqliteStore
    replica: Replica
    region: str
    known: dict[Branch, Tip] = field(default_factory=dict)
    minted: int = 0

    @property
    def author(self) -> int:
        return self.replica.me.author

    @property
    def topics(self) -> Topics:
        return Topics(lambda: self.replica)


def make(
    folder: Path,
    *,
    seed: int = 1,
    cases: int = 10_000,
    villages: int = 20,
    townships: int = 4,
    upload_every_days: int = 1000,
) -> Feeds:
    """Write all the cases at their stations, day by day, and cut what the townships send to the county.

    The townships reach the county every so many days, and after the last: by default only then, so that everything
    is a backlog.
    """
    rng = random.Random(seed)
    made = Feeds(folder, folder / "hub", plan(seed, cases, villages))
    found_county(DataFolder(made.hub), REGION[:6], None, rng.randbytes, lambda: START)
    hub = open_county(DataFolder(made.hub), rng.randbytes, lambda: START)
    try:
        halls, stations = _enrol_all(folder, rng, hub, villages, townships)
        made.townships, made.homes = [hall.author for hall in halls], [station.author for station in stations]
        _tell_all(hub, [*halls, *stations])
    finally:
        hub.close()
    made.uploads.extend(_greeting(hall) for hall in halls)
    parents = {station.author: halls[n % len(halls)] for n, station in enumerate(stations)}
    days = list(by_day(made.cases))
    for day, written in enumerate(days):
        now = START + day * DAY_SECONDS
        _write_at_villages(made, stations, written, now)
        for station in stations:
            _carry_up(station, parents[station.author], now)
        _write_at_townships(made, parents, written, now)
        for station in stations:
            _carry_down(parents[station.author], station, now)
        if (day + 1) % upload_every_days == 0 or day + 1 == len(days):
            made.uploads.extend(upload for hall in halls for upload in _upload(hall, day, now))
    for place in (*halls, *stations):
        place.store.close()
    return made


def _enrol_all(
    folder: Path, rng: random.Random, hub: County, villages: int, townships: int
) -> tuple[list[_Station], list[_Station]]:
    tree = built_in_regions(REGION[:6])
    each = -(-villages // townships)
    halls = [region for region in tree.children(REGION) if len(tree.children(region.code)) >= each][:townships]
    stations = [tree.children(halls[n % townships].code)[n // townships] for n in range(villages)]
    return (
        [_enrol(folder, rng, hub, region.code, Tier.TOWNSHIP) for region in halls],
        [_enrol(folder, rng, hub, region.code, Tier.VILLAGE) for region in stations],
    )


def _enrol(folder: Path, rng: random.Random, hub: County, region: str, tier: Tier) -> _Station:
    invitation = hub.store.write(lambda conn: authority.invite(conn, hub.me, region, tier, rng.randbytes, START))
    token = Token.parse(invitation.token)
    signer, box = Signer(rng.randbytes(KEY_BYTES)), BoxKey(rng.randbytes(KEY_BYTES))
    request = EnrolRequest(token.id, token.station, token.tier, signer.public, box.public)
    sealed = parse_request(pack_request(request, token, signer))
    answer = hub.store.write(lambda conn: authority.redeem(conn, hub.replica.journal, sealed, START)).packed()
    welcome = parse_welcome(answer, token, signer.public)
    store = SqliteStore(folder / f"{region}.db", rng.randbytes(KEY_BYTES), synchronous="OFF")
    store.migrate(tables.metadata.create_all)
    me = store.write(lambda conn: authority.settle_in(conn, welcome, signer, box))
    return _Station(store, Replica(me, BlobFiles(folder / f"{region}-blobs"), rng.randbytes), region)


def _tell_all(hub: County, stations: Iterable[_Station]) -> None:
    """Everybody hears all that the county has said, and knows that the county holds it."""
    for station in stations:

        def theirs(conn: Connection, author: int = station.author) -> tuple[dict[Branch, Tip], list[Frame]]:
            held = feed_store.frontier(conn, trust.topology(conn).held_feeds(author))
            return held, list(hub.replica.segments_for(conn, held, {}, _EVERYTHING)[0])

        station.known, frames = hub.store.read(theirs)
        _take(station, frames, hub.me.author, START)


def _take(place: _Station, frames: list[Frame], peer: int, now: int) -> None:
    def run(conn: Connection) -> None:
        taken = place.replica.take_entries(conn, frames, peer, now)
        assert not taken.faults, taken.faults
        place.replica.write_receipts(conn, sorted(taken.homes - {0}), Writing(0, now, 1))

    place.store.write(run)


def _write_at_villages(made: Feeds, stations: list[_Station], written: list[tuple[Case, Step]], now: int) -> None:
    for index, station in enumerate(stations):
        mine = [(case, step) for case, step in written if case.village == index and step.office == HOME]
        station.minted = 0

        def run(conn: Connection, station: _Station = station, mine: list[tuple[Case, Step]] = mine) -> None:
            for case, step in mine:
                if step.kind is ChangeKind.COLLECT:
                    made.topics[case.number] = (station.author, _collect(conn, station, case, now))
                else:
                    _write(conn, station, *made.topics[case.number], step, now)

        station.store.write(run)


def _collect(conn: Connection, station: _Station, case: Case, now: int) -> bytes:
    station.minted += 1
    day = china_day(now)
    code = mint(station.region, station.author, 0, day, station.minted)
    body, _ = collect_body(case.item, case.intake, Stamp("village", code, day.isoformat()))
    topic, key = station.topics.new()
    urgency = (day + timedelta(days=7)).toordinal() - 719_163
    station.topics.open(
        conn,
        topic,
        key,
        (int(ChangeKind.COLLECT), body),
        [],
        relays_read=case.item.township_reads,
        actor=100 + case.village,
        time=now,
        quality=1,
        urgency=urgency,
    )
    return topic


def _write(conn: Connection, place: _Station, home: int, topic: bytes, step: Step, now: int) -> None:
    place.topics.write(conn, home, topic, (int(step.kind), step.body), actor=100, time=now, quality=1)


def _write_at_townships(made: Feeds, parents: dict[int, _Station], written: list[tuple[Case, Step]], now: int) -> None:
    steps: dict[int, list[tuple[int, bytes, Step]]] = {}
    for case, step in written:
        if step.office == TOWNSHIP:
            home, topic = made.topics[case.number]
            steps.setdefault(parents[home].author, []).append((home, topic, step))
    for hall in {place.author: place for place in parents.values()}.values():

        def run(conn: Connection, hall: _Station = hall) -> None:
            for home, topic, step in steps.get(hall.author, []):
                _write(conn, hall, home, topic, step, now)

        hall.store.write(run)


def _carry_up(station: _Station, hall: _Station, now: int) -> None:
    mine, frames = _new(station, station.author, hall.store.read(lambda conn: _held(conn, station.author)))
    if mine:
        _take(hall, frames, station.author, now)


def _carry_down(hall: _Station, station: _Station, now: int) -> None:
    mine, frames = _new(hall, station.author, station.store.read(lambda conn: _held(conn, station.author)))
    if mine:
        _take(station, frames, hall.author, now)


def _held(conn: Connection, child: int) -> dict[Branch, Tip]:
    return feed_store.frontier(conn, trust.topology(conn).held_feeds(child))


def _new(place: _Station, child: int, theirs: dict[Branch, Tip]) -> tuple[dict[Branch, Tip], list[Frame]]:
    def run(conn: Connection) -> tuple[dict[Branch, Tip], list[Frame]]:
        mine = _held(conn, child)
        return mine, list(place.replica.segments_for(conn, mine, theirs, _EVERYTHING)[0])

    return place.store.read(run)


def _greeting(hall: _Station) -> Upload:
    """A township's first message: what it holds, before any case."""
    mine = hall.store.read(lambda conn: _held(conn, hall.author))
    hello = Hello(PROTOCOL_VERSION, START, frontier_digest(mine))
    return Upload(hall.author, 0, pack_message([hello, Vector(mine)]), 0)


def _upload(hall: _Station, day: int, now: int) -> list[Upload]:
    """The messages that bring the county up to what the township holds."""

    def run(conn: Connection) -> list[Upload]:
        mine = _held(conn, hall.author)
        cut: list[Upload] = []
        while True:
            segments, reached = hall.replica.segments_for(conn, mine, hall.known, hall.replica.message_target_bytes)
            if not segments:
                return cut
            more = any(branch not in reached or reached[branch].number < tip.number for branch, tip in mine.items())
            hello = Hello(PROTOCOL_VERSION, now, frontier_digest(clip(mine, reached)), int(HelloFlag.MORE) * more)
            entries = sum(len(segment.items) for segment in segments)
            cut.append(Upload(hall.author, day, pack_message([hello, *segments]), entries, more))
            hall.known = reached

    return hall.store.read(run)


def county_steps(made: Feeds) -> list[tuple[int, bytes, Step]]:
    """What the county's own staff write, in order of days: (home, topic, step)."""
    return [
        (*made.topics[case.number], step)
        for written in by_day(made.cases)
        for case, step in written
        if step.office == COUNTY
    ]
