"""A small county of real replicas over real encrypted databases, driven inline: no network, no threads."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sync_protocol import authority
from sync_protocol.answerer import Answerer
from sync_protocol.crypto import BoxKey, Signer
from sync_protocol.dialer import Dialer
from sync_protocol.enrolment import EnrolRequest, Token, pack_request, parse_request, parse_welcome
from sync_protocol.feeds import HUB
from sync_protocol.journal import Message, Writing
from sync_protocol.judging import Verdict, judge_home
from sync_protocol.messages import pack_message, parse_message
from sync_protocol.order import Standing
from sync_protocol.reading import PlacedEntry, changes
from sync_protocol.replica import Replica
from sync_protocol.store import trust
from sync_protocol.store.blob_files import BlobFiles
from sync_protocol.store.me import Me
from sync_protocol.store.seam import SqliteStore, Store
from sync_protocol.store.tables import metadata
from sync_protocol.topology import Tier
from sync_protocol.under_way import Progress

REGION = "341882000000"
TOWNSHIP = "341882103000"
VILLAGE = "341882103201"
OTHER_VILLAGE = "341882103202"
_KEY = b"k" * 32


@dataclass
class Place:
    """One replica: its store, and what a test asks of it."""

    store: Store
    replica: Replica
    clock: Clock

    @property
    def me(self) -> Me:
        return self.replica.me

    @property
    def author(self) -> int:
        return self.replica.me.author

    def writing(self, actor: int = 7) -> Writing:
        return Writing(actor, self.clock.now, 1)

    def open_case(self, body: dict[str, object], kind: int = 64, pages: tuple[bytes, ...] = ()) -> bytes:
        """A new case of this place, its pages sealed and stored first."""
        from sync_protocol.blobs import seal_blob
        from sync_protocol.entries import BlobRef
        from sync_protocol.store import blob_store

        journal = self.replica.journal
        topic, key = journal.new()
        refs = []
        for page in pages:
            seed = self.replica.random_bytes(16)
            hash_, length = self.replica.blobs.put(seal_blob(key, self.me.deployment, seed, page))
            refs.append(BlobRef(hash_, length, 0))

        def run(conn):
            for ref in refs:
                blob_store.note_held(conn, ref.hash, ref.length)
            readers = trust.topology(conn).ancestors(self.author)
            journal.open(conn, topic, key, readers, Message(kind, body, tuple(refs)), self.writing())

        self.store.write(run)
        return topic

    def write(self, home: int, topic: bytes, kind: int, body: dict[str, object]) -> list[PlacedEntry]:
        return self.store.write(
            lambda conn: self.replica.journal.write(conn, home, topic, [Message(kind, body)], self.writing())
        )

    def changes(self, home: int, topic: bytes) -> list[PlacedEntry]:
        return self.store.read(lambda conn: changes(conn, home, topic))


@dataclass
class Clock:
    now: int = 1_790_000_000


def admit_all(topic: bytes, entry: PlacedEntry) -> Verdict:
    return Verdict(Standing.ADMITTED)


@cache
def _empty_database() -> bytes:
    """With its tables, made once: a test has three or more."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "empty.db")
        store = SqliteStore(path, _KEY, synchronous="OFF")
        store.migrate(metadata.create_all)
        store.close()
        return path.read_bytes()


@dataclass
class County:
    """Founded by `found`; places are added by `enrol`."""

    folder: Path
    rng: random.Random
    clock: Clock = field(default_factory=Clock)
    places: dict[int, Place] = field(default_factory=dict)
    root_secret: bytes = b""
    hub_store: Callable[[], Store] | None = None
    """Opens the hub's database where it is not a file beside the others."""

    def store(self, name: str) -> Store:
        if name == "hub" and self.hub_store is not None:
            store = self.hub_store()
            store.migrate(metadata.create_all)
            return store
        path = self.folder / f"{name}.db"
        if not path.exists():
            path.write_bytes(_empty_database())
        return SqliteStore(path, _KEY, synchronous="OFF")  # nothing here pulls a plug

    def blobs(self, name: str) -> BlobFiles:
        return BlobFiles(self.folder / f"{name}-blobs")

    @property
    def hub(self) -> Place:
        return self.places[HUB]

    def found(self) -> None:
        store = self.store("hub")
        me, self.root_secret = store.write(
            lambda conn: authority.found(conn, REGION, self.rng.randbytes, self.clock.now)
        )
        self.places[HUB] = Place(store, Replica(me, self.blobs("hub"), self.rng.randbytes), self.clock)

    def enrol(self, region: str, tier: Tier, name: str, redeem: Callable[..., Any] = authority.redeem) -> Place:
        hub = self.hub
        invitation = hub.store.write(
            lambda conn: authority.invite(conn, hub.me, region, tier, self.rng.randbytes, self.clock.now)
        )
        token = Token.parse(invitation.token)
        signer, box = Signer(self.rng.randbytes(32)), BoxKey(self.rng.randbytes(32))
        request = EnrolRequest(token.id, token.station, token.tier, signer.public, box.public)
        sealed = parse_request(pack_request(request, token, signer))
        answer = hub.store.write(lambda conn: redeem(conn, hub.replica.journal, sealed, self.clock.now)).packed()
        welcome = parse_welcome(answer, token, signer.public)
        store = self.store(name)
        me = store.write(lambda conn: authority.settle_in(conn, welcome, signer, box))
        place = Place(store, Replica(me, self.blobs(name), self.rng.randbytes), self.clock)
        self.places[me.author] = place
        return place

    def exchange(self, dialer: Dialer, child: Place, parent: Place) -> Progress:
        """One request and its answer, through the wire's bytes."""
        now = self.clock.now
        sent = child.store.read(lambda conn: dialer.compose(conn, now, 0))
        frames = parse_message(pack_message(sent.frames))
        answerer = Answerer(parent.replica, child.author, frames)
        parent.store.write(lambda conn: answerer.take(conn, now))
        answerer.chunks()
        parent.store.write(lambda conn: answerer.settle(conn, Writing(0, now, 1)))
        answer = parent.store.write(lambda conn: answerer.answer(conn, now))
        reply = parse_message(pack_message(answer.frames))
        progress = child.store.write(lambda conn: dialer.absorb_entries(conn, sent, reply, now))
        whole = dialer.absorb_chunks(progress)
        child.store.write(lambda conn: dialer.absorb_states(conn, sent, reply, whole, progress, now))
        return progress

    def sync(self, child: Place, parent: Place, rounds: int = 50) -> Progress:
        dialer = Dialer(child.replica, parent.author)
        for _ in range(rounds):
            progress = self.exchange(dialer, child, parent)
            assert not progress.faults, progress.faults
            if not progress.again:
                return progress
        raise AssertionError("did not come to rest")

    def judge(self, home: int, decide=admit_all) -> list[bytes]:
        hub = self.hub
        return hub.store.write(
            lambda conn: judge_home(conn, hub.replica.journal, home, decide, Writing(0, self.clock.now, 1))
        )


def small_county(
    folder: Path, seed: int = 1, hub_store: Callable[[], Store] | None = None
) -> tuple[County, Place, Place, Place]:
    """Hub, one township, one village under it."""
    county = County(folder, random.Random(seed), hub_store=hub_store)
    county.found()
    township = county.enrol(TOWNSHIP, Tier.TOWNSHIP, "township")
    village = county.enrol(VILLAGE, Tier.VILLAGE, "village")
    county.sync(township, county.hub)
    county.sync(village, township)
    return county, county.hub, township, village
