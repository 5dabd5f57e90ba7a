"""A station's parts put together, without network, tasks or threads: store, log, desk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from casework.desk import Desk, Machine
from casework.projector import Projector
from migrations.upgrade import upgrade
from sync_protocol.reading import plain_body
from sync_protocol.replica import Replica
from sync_protocol.store import me as identity
from sync_protocol.store import peers
from sync_protocol.store.data_folder import DataFolder, FolderError
from sync_protocol.store.me import Me
from sync_protocol.store.seam import Store
from sync_protocol.topics import Topics

PARENT_URL = "parent_url"
PARENT_AUTHOR = "parent_author"
CA = "ca"
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
    return assemble(folder, store, me, random_bytes, now)


def assemble(
    folder: DataFolder, store: Store, me: Me, random_bytes: Callable[[int], bytes], now: Callable[[], int]
) -> Station:
    """Put the parts around an open database."""
    replica = Replica(me, folder.blobs(), random_bytes)
    topics = Topics(lambda: replica)
    quality = _Quality(store, now)
    store.projector = Projector(topics, plain_body, now)
    desk = Desk(topics, Machine(lambda: me.epoch, now, quality))
    url, author, ca = store.read(_parent)
    quality.parent = author
    return Station(folder, store, replica, topics, desk, url, author, ca, quality)


def _parent(conn: Connection) -> tuple[str, int, bytes | None]:
    url, author = identity.get(conn, PARENT_URL), identity.get(conn, PARENT_AUTHOR)
    if url is None or author is None:
        raise FolderError("this station has no parent: run lianban-node init again in an empty folder")
    return url.decode(), int(author), identity.get(conn, CA)


class _Quality:
    """How far this machine's clock can be trusted: 1 compared with the parent's within a week and found good,
    2 found wrong by more than a minute, 0 not compared."""

    def __init__(self, store: Store, now: Callable[[], int]) -> None:
        self._store = store
        self._now = now
        self.parent = 0

    def __call__(self) -> int:
        seen, skew = self._store.read(lambda conn: peers.contact(conn, self.parent))
        if not seen or self._now() - seen > _CONTACT_FRESH_SECONDS:
            return 0
        return 2 if abs(skew) > _SKEW_WRONG_SECONDS else 1
