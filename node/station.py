"""A station's parts put together, without network, tasks or threads: store, log, desk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from casework import reference
from casework.desk import Desk, Machine
from casework.fsck import make_rows_anew
from casework.projector import Projector
from casework.web.courier_words import StickWords
from migrations.upgrade import upgrade
from sync_protocol.courier import Sticks
from sync_protocol.reading import plain_body
from sync_protocol.replica import Replica
from sync_protocol.store import me as identity
from sync_protocol.store import peers, trust
from sync_protocol.store.data_folder import DataFolder, FolderError
from sync_protocol.store.me import Me
from sync_protocol.store.seam import Store
from sync_protocol.topics import Topics

PARENT_URL = "parent_url"
PARENT_AUTHOR = "parent_author"
CA = "ca"
ANSWERED_URL = "answered_url"
"""The ancestor that answered last."""
_SKEW_WRONG_SECONDS = 60
_CONTACT_FRESH_SECONDS = 7 * 86_400


@dataclass(slots=True)
class Station:
    """One node: `parent_url` and `ca` (PEM, pins the county's CA) say whom it dials."""

    folder: DataFolder
    store: Store
    replica: Replica
    topics: Topics
    desk: Desk
    parent_url: str
    parent_author: int
    ca: bytes | None
    quality: Callable[[], int]
    """How far this machine's clock can be trusted: 0 not compared, 1 good, 2 wrong."""

    @property
    def me(self) -> Me:
        return self.replica.me

    def sticks(self) -> tuple[StickWords, Sticks]:
        """The bundles that couriers carry from here and to here, and the words for them."""
        words = StickWords(lambda region: self.store.read(lambda conn: reference.region_name(conn, region)))
        return words, Sticks(self.store, self.replica, words)

    def close(self) -> None:
        self.store.close()


def migrate(conn: Connection) -> None:
    """Bring the database to this program's schema."""
    upgrade(conn, "node")


def open_station(folder: DataFolder, random_bytes: Callable[[int], bytes], now: Callable[[], int]) -> Station:
    """Raises FolderError, StoreError or SchemaTooNew."""
    store = folder.store(migrate)
    me = store.read(identity.load_me)
    if me is None:
        store.close()
        raise FolderError(f"{folder.path} belongs to no station yet: run lianban-node init")
    station = assemble(folder, store, me, random_bytes, now)
    make_rows_anew(store, station.topics, identity.rows_made, identity.note_rows)
    return station


def assemble(
    folder: DataFolder, store: Store, me: Me, random_bytes: Callable[[int], bytes], now: Callable[[], int]
) -> Station:
    """Put the parts around an open database."""
    replica = Replica(me, folder.blobs(), random_bytes)
    topics = Topics(lambda: replica)
    quality = _Quality(store, me.author, now)
    store.projector = Projector(topics, plain_body, now)
    desk = Desk(topics, Machine(lambda: me.epoch, now, quality))
    url, author, ca = store.read(_parent)
    return Station(folder, store, replica, topics, desk, url, author, ca, quality)


def _parent(conn: Connection) -> tuple[str, int, bytes | None]:
    url, author = identity.get(conn, PARENT_URL), identity.get(conn, PARENT_AUTHOR)
    if url is None or author is None:
        raise FolderError("this station has no parent: run lianban-node init again in an empty folder")
    return url.decode(), int(author), identity.get(conn, CA)


def ancestor_urls(conn: Connection, station: Station) -> list[str]:
    """Whom this station may dial, its parent first: as it was enrolled, then where the county says they are reached."""
    said = reference.addresses(conn)
    found = [station.parent_url]
    found += [said[author] for author in trust.topology(conn).ancestors(station.me.author) if author in said]
    return list(dict.fromkeys(found))


def last_answered(conn: Connection, station: Station) -> str:
    """The ancestor to begin with: the one that answered last, while it is one."""
    packed = identity.get(conn, ANSWERED_URL)
    url = packed.decode() if packed else station.parent_url
    return url if url in ancestor_urls(conn, station) else station.parent_url


def last_contact(conn: Connection, station: int) -> tuple[int, int]:
    """Unix seconds of the last word from any ancestor (0 for never), and its clock minus ours then, in seconds."""
    ancestors = trust.topology(conn).ancestors(station)
    return max((peers.contact(conn, author) for author in ancestors), default=(0, 0))


class _Quality:
    """How far this machine's clock can be trusted: 1 compared with an ancestor's within a week and found good,
    2 found wrong by more than a minute, 0 not compared."""

    def __init__(self, store: Store, me: int, now: Callable[[], int]) -> None:
        self._store = store
        self._me = me
        self._now = now

    def __call__(self) -> int:
        seen, skew = self._store.read(lambda conn: last_contact(conn, self._me))
        if not seen or self._now() - seen > _CONTACT_FRESH_SECONDS:
            return 0
        return 2 if abs(skew) > _SKEW_WRONG_SECONDS else 1
