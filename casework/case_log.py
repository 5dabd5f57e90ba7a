"""What the desk needs from a log of topics with keys and blobs; the replication library satisfies it structurally."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Delete, Insert, Update

from casework.journal import BlobRef, Change

HUB_AUTHOR = 1
"""The county's own author number."""


class Sealed(Protocol):
    """A file encrypted and stored, not yet named by any change."""

    @property
    def ref(self) -> BlobRef:
        """Reference to the stored bytes."""

    @property
    def plain(self) -> bytes:
        """Salted hash of the plain bytes, 32 bytes."""


class Custody(Protocol):
    """How far a case has provably come: tier 0 here, 1 township, 2 county; blobs held at each."""

    @property
    def tier(self) -> int:
        """0, 1 or 2."""

    @property
    def settled(self) -> bool:
        """Whether the county has admitted or refused all of it."""

    @property
    def blobs(self) -> int:
        """All blobs of the home that count, see `CaseLog.custody`."""

    @property
    def blobs_township(self) -> int:
        """Of them, signed for by the township or the county."""

    @property
    def blobs_county(self) -> int:
        """Of them, signed for by the county."""


class Checked(Protocol):
    """What came of a signed statement, see sync_protocol.attesting.Checked; fault is "" where it is good."""

    @property
    def fault(self) -> str: ...
    @property
    def author(self) -> int: ...
    @property
    def tier(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def serial(self) -> int: ...
    @property
    def kind(self) -> int: ...
    @property
    def audience(self) -> int: ...
    @property
    def epoch(self) -> int: ...
    @property
    def number(self) -> int: ...
    @property
    def time(self) -> int: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def revoked(self) -> bool: ...
    @property
    def newest(self) -> int: ...


class CaseLog(Protocol):
    """See sync_protocol.topics.Topics for what each promises."""

    @property
    def author(self) -> int:
        """Who we are."""

    def new(self) -> tuple[bytes, bytes]: ...
    def seal(self, key: bytes, plain: bytes, role: int) -> Sealed: ...
    def discard(self, conn: Connection, hash_: bytes) -> None: ...
    def open(
        self,
        conn: Connection,
        topic: bytes,
        key: bytes,
        change: tuple[int, Mapping[str, Any]],
        blobs: Sequence[Any],
        *,
        relays_read: bool,
        actor: int,
        time: int,
        quality: int,
        urgency: int,
    ) -> Change: ...
    def write(
        self,
        conn: Connection,
        home: int,
        topic: bytes,
        change: tuple[int, Mapping[str, Any]],
        blobs: Sequence[Any] = (),
        *,
        actor: int,
        time: int,
        quality: int,
        urgency: int = 0,
    ) -> Change: ...
    def note(
        self, conn: Connection, topic: bytes, kind: int, body: Mapping[str, Any], *, actor: int, time: int
    ) -> None: ...
    def changes(self, conn: Connection, home: int, topic: bytes) -> Sequence[Change]: ...
    def changes_of(self, conn: Connection, home: int, topics: Sequence[bytes]) -> Mapping[bytes, Sequence[Change]]: ...
    def ordered_by(
        self, conn: Connection, home: int, topics: Sequence[bytes], moment: int
    ) -> Mapping[bytes, Sequence[Change]]: ...
    def told_all_by(self, conn: Connection, kinds: Sequence[int], moment: int) -> Sequence[Change]: ...
    def run_many(
        self, conn: Connection, statement: Insert | Update | Delete, rows: Sequence[Mapping[str, Any]]
    ) -> None: ...
    def memory(self, conn: Connection) -> dict[Any, Any]: ...
    def home_of(self, conn: Connection, topic: bytes) -> int | None: ...
    def key_of(self, conn: Connection, home: int, topic: bytes) -> bytes | None: ...
    def public_code(self, conn: Connection, home: int, topic: bytes) -> bytes | None: ...
    def sign_statement(
        self, conn: Connection, home: int, kind: int, bound: bytes, payload: bytes, *, time: int, about: str = ""
    ) -> bytes: ...
    def check_statement(self, conn: Connection, data: bytes, bound: bytes) -> Checked: ...
    def holds(self, hash_: bytes) -> bool: ...
    def read(self, key: bytes, hash_: bytes, sealed_key: bytes = b"") -> Iterator[bytes]: ...
    def key_again(self, key: bytes, hash_: bytes, sealed_key: bytes, new_key: bytes) -> bytes: ...
    def matches(self, key: bytes, plain: bytes, signed: bytes) -> bool: ...
    def custody(
        self, conn: Connection, home: int, topic: bytes, resting: Collection[bytes] | None = None
    ) -> Custody: ...
    def ask(
        self, conn: Connection, home: int, hashes: Sequence[bytes], *, actor: int, time: int, quality: int
    ) -> None: ...
    def asked(self, conn: Connection, hashes: Sequence[bytes]) -> Mapping[bytes, int]: ...
    def blob_holders(self, conn: Connection, home: int, hashes: Sequence[bytes]) -> Mapping[bytes, frozenset[int]]: ...
    def entry_holders(self, conn: Connection, home: int, topic: bytes) -> Mapping[str, frozenset[int]]: ...
    def tier_of(self, conn: Connection, author: int) -> str: ...
    def region_of(self, conn: Connection, author: int) -> str: ...
    def lock(self, conn: Connection, homes: Collection[int]) -> None: ...
    def topics_after(self, conn: Connection, after: tuple[int, bytes], most: int) -> list[tuple[int, bytes]]: ...
    def known_topics(self, conn: Connection, topics: Sequence[bytes]) -> set[bytes]: ...
