"""The county's parts put together, without network, tasks or threads: store, log, desk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from casework import reference
from casework.desk import Desk, Machine
from casework.errors import BadInput
from casework.fsck import make_rows_anew
from casework.supervision_rules import CONFIG_CHARS_MAX, DEFAULT_RULES, Rules, configured
from casework.web.courier_words import StickWords
from hub.following import projector_of
from hub.judge import judge_one_home
from migrations.upgrade import upgrade
from sync_protocol.courier import Sticks
from sync_protocol.replica import Replica
from sync_protocol.store import me as identity
from sync_protocol.store.data_folder import DataFolder, FolderError
from sync_protocol.store.me import Me
from sync_protocol.store.seam import Store
from sync_protocol.topics import Topics

REGION = "region"


@dataclass(slots=True)
class County:
    """The hub: `region` is the county's 12-digit code, `rules` those of its supervision."""

    folder: DataFolder
    store: Store
    replica: Replica
    topics: Topics
    desk: Desk
    region: str
    rules: Rules = DEFAULT_RULES

    @property
    def me(self) -> Me:
        return self.replica.me

    def sticks(self) -> tuple[StickWords, Sticks]:
        """The bundles that couriers carry from here and to here, and the words for them."""
        words = StickWords(lambda region: self.store.read(lambda conn: reference.region_name(conn, region)))
        return words, Sticks(self.store, self.replica, words)

    def judge(self, homes: Iterable[int]) -> None:
        """Judge what came of these homes, batch by batch; where a server runs as well, whoever is first does it."""

        def one_batch(conn: Connection, home: int) -> bool:
            now = self.desk.now()
            return bool(judge_one_home(conn, self.replica.journal, self.topics, self.desk, home, now).topics)

        for home in homes:
            while self.store.write(partial(one_batch, home=home)):
                pass

    def close(self) -> None:
        self.store.close()


def migrate(conn: Connection) -> None:
    """Bring the database to this program's schema."""
    upgrade(conn, "hub")


def read_rules(path: Path | None) -> Rules:
    """The county's table of supervision, from its file if it has one. Raises FolderError, in words, for a bad one."""
    if path is None:
        return DEFAULT_RULES
    try:
        with path.open(encoding="utf-8") as file:
            return configured(file.read(CONFIG_CHARS_MAX + 1))
    except (OSError, UnicodeDecodeError) as error:
        raise FolderError(f"{path} cannot be read: {error}") from error
    except BadInput as error:
        raise FolderError(f"{path}: " + "；".join(one.message for one in error.problems)) from error


def open_county(folder: DataFolder, random_bytes: Callable[[int], bytes], now: Callable[[], int]) -> County:
    """Raises FolderError, StoreError or SchemaTooNew."""
    store = folder.store(migrate)
    try:
        seal = folder.seal(random_bytes)
        me = store.read(lambda conn: identity.load_me(conn, seal))
        region = store.read(lambda conn: identity.get(conn, REGION))
        if me is None or region is None:
            raise FolderError(f"{folder.path} holds no county yet: run lianban-hub init")
    except BaseException:
        store.close()
        raise
    county = assemble(folder, store, me, region.decode(), random_bytes, now)
    make_rows_anew(store, county.topics, identity.rows_made, identity.note_rows)
    return county


def assemble(
    folder: DataFolder,
    store: Store,
    me: Me,
    region: str,
    random_bytes: Callable[[int], bytes],
    now: Callable[[], int],
) -> County:
    """Put the parts around an open database."""
    replica = Replica(me, folder.blobs(), random_bytes)
    topics = Topics(lambda: replica)
    store.projector = projector_of(replica, topics, now)

    def settle(conn: Connection, home: int) -> None:
        """Nothing of the county's own may take a place before what it has already received."""
        while judge_one_home(conn, replica.journal, topics, desk, home, now()).topics:
            pass

    desk = Desk(topics, Machine(lambda: me.epoch, now, lambda: 1, settle))
    return County(folder, store, replica, topics, desk, region)
