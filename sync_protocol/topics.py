"""Topics with keys and blobs, in plain arguments: what an application calls to write and read (SPEC section 13).

Blobs are sealed and on disk before the entry that names them; callers seal outside of the transaction and name
inside it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Delete, Insert, Update, and_, or_, select

from sync_protocol import attesting
from sync_protocol.asking import pack_ask
from sync_protocol.blobs import (
    KEY_NONCE_BYTES,
    PREFIX_BYTES,
    SEED_BYTES,
    blob_key,
    open_blob,
    open_blob_key,
    plain_hash,
    seal_blob,
    seal_blob_key,
    wrap_key,
)
from sync_protocol.crypto import SALT_BYTES, derive
from sync_protocol.custody import CaseCustody
from sync_protocol.entries import BlobRef, EntryType
from sync_protocol.errors import NotEnrolled
from sync_protocol.feeds import HUB
from sync_protocol.holding import blob_holders, case_custody, entry_custody
from sync_protocol.journal import Message, Writing
from sync_protocol.limits import SHARES_PER_ENTRY_MAX, WANTS_MAX
from sync_protocol.moments import ordered_by, told_all_by
from sync_protocol.reading import PlacedEntry, changes_of, home_of, ordered
from sync_protocol.replica import Replica
from sync_protocol.sharing import Share, pack_shares
from sync_protocol.store import blob_store, effects, trust
from sync_protocol.store import tables as t
from sync_protocol.store.bulk import run_many
from sync_protocol.store.dialect import lock_homes
from sync_protocol.store.memory import memory
from sync_protocol.topology import Station, Tier

PUBLIC_CODE_BYTES = 16


@dataclass(frozen=True, slots=True)
class SealedBlob:
    """A blob on disk: its reference, and the salted hash of its plain bytes."""

    ref: BlobRef
    plain: bytes


class Topics:
    """Bound to a replica; `replica()` is asked each time because a new certificate replaces it."""

    def __init__(self, replica: Callable[[], Replica]) -> None:
        self._replica = replica

    @property
    def author(self) -> int:
        return self._replica().me.author

    def new(self) -> tuple[bytes, bytes]:
        """A fresh topic and its key."""
        return self._replica().journal.new()

    def seal(self, key: bytes, plain: bytes, role: int) -> SealedBlob:
        """Encrypt and store one file; durable on return. No transaction is needed."""
        replica = self._replica()
        seed = replica.random_bytes(SEED_BYTES)
        hash_, length = replica.blobs.put(seal_blob(key, replica.me.deployment, seed, plain))
        return SealedBlob(BlobRef(hash_, length, role), plain_hash(_plain_salt(key), plain))

    def discard(self, conn: Connection, hash_: bytes) -> None:
        """Remove a sealed file that no entry names (a discarded draft's page)."""
        if blob_store.is_named(conn, hash_) is None:
            self._replica().blobs.path(hash_).unlink(missing_ok=True)

    def open(
        self,
        conn: Connection,
        topic: bytes,
        key: bytes,
        change: tuple[int, Mapping[str, Any]],
        blobs: Sequence[BlobRef],
        *,
        relays_read: bool,
        actor: int,
        time: int,
        quality: int,
        urgency: int,
    ) -> PlacedEntry:
        """Write a topic's first change; the hub can read its blobs, the relays on the way only if they may."""
        ancestors = trust.topology(conn).ancestors(self.author)
        readers = [author for author in ancestors if author == HUB or relays_read]
        self._hold(conn, blobs)
        message = Message(change[0], dict(change[1]), tuple(blobs), urgency)
        return self._replica().journal.open(conn, topic, key, readers, message, Writing(actor, time, quality))

    def write(
        self,
        conn: Connection,
        home: int,
        topic: bytes,
        change: tuple[int, Mapping[str, Any]],
        blobs: Sequence[BlobRef] = (),
        *,
        actor: int,
        time: int,
        quality: int,
        urgency: int = 0,
    ) -> PlacedEntry:
        """Write a further change of a topic."""
        self._hold(conn, blobs)
        message = Message(change[0], dict(change[1]), tuple(blobs), urgency)
        return self._replica().journal.write(conn, home, topic, [message], Writing(actor, time, quality))[0]

    def write_all(
        self,
        conn: Connection,
        home: int,
        changes: Sequence[tuple[bytes, tuple[int, Mapping[str, Any]]]],
        *,
        actor: int,
        time: int,
        quality: int,
    ) -> None:
        """Write one change without blobs to each of several topics of a home."""
        messages = [(topic, Message(kind, dict(body))) for topic, (kind, body) in changes]
        self._replica().journal.write_all(conn, home, messages, Writing(actor, time, quality))

    def note(
        self, conn: Connection, topic: bytes, kind: int, body: Mapping[str, Any], *, actor: int, time: int
    ) -> None:
        """Write an internal entry of the hub about a topic; no station ever holds it."""
        self._replica().journal.note(conn, topic, Message(kind, dict(body)), Writing(actor, time, 1))

    def _hold(self, conn: Connection, blobs: Sequence[BlobRef]) -> None:
        for ref in blobs:
            blob_store.note_held(conn, ref.hash, ref.length)

    def changes(self, conn: Connection, home: int, topic: bytes) -> list[PlacedEntry]:
        return self._replica().journal.changes(conn, home, topic)

    def changes_of(self, conn: Connection, home: int, topics: Sequence[bytes]) -> dict[bytes, list[PlacedEntry]]:
        """The changes of several topics of one home, read at once."""
        return changes_of(conn, home, topics)

    def ordered(self, conn: Connection, home: int, topic: bytes) -> list[PlacedEntry]:
        """Of a topic's changes those that the hub has admitted."""
        return ordered(conn, home, topic)

    def ordered_by(
        self, conn: Connection, home: int, topics: Sequence[bytes], moment: int
    ) -> dict[bytes, list[PlacedEntry]]:
        """Of several topics of a home the changes that the hub had admitted by `moment` (unix seconds by its clock)."""
        return ordered_by(conn, home, topics, moment)

    def told_all_by(self, conn: Connection, kinds: Sequence[int], moment: int) -> list[PlacedEntry]:
        """What the hub had told everybody by `moment` of these kinds, oldest first."""
        return told_all_by(conn, kinds, moment)

    def run_many(
        self, conn: Connection, statement: Insert | Update | Delete, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """Run a statement that lives as long as its module once for each row, which holds all of its parameters."""
        run_many(conn, statement, rows)

    def memory(self, conn: Connection) -> dict[Any, Any]:
        """What may be remembered until this write ends; nothing outside of a write."""
        return memory(conn)

    def home_of(self, conn: Connection, topic: bytes) -> int | None:
        return home_of(conn, topic)

    def key_of(self, conn: Connection, home: int, topic: bytes) -> bytes | None:
        """The topic's key if this replica may read its blobs."""
        return self._replica().journal.key_of(conn, home, topic)

    def public_code(self, conn: Connection, home: int, topic: bytes) -> bytes | None:
        """16 bytes that nobody can guess and that every reader of the topic knows: they follow from its key."""
        key = self.key_of(conn, home, topic)
        return None if key is None else derive(key, "public-code", b"")[:PUBLIC_CODE_BYTES]

    def sign_statement(
        self,
        conn: Connection,
        home: int,
        kind: int,
        bound: bytes,
        payload: bytes,
        *,
        time: int,
        about: str = "",
    ) -> bytes:
        """A statement of ours about a home's matter, for others to verify without us; `bound` is not carried in it.

        about: the ref of an entry of ours to which it belongs; else the entry that this transaction writes next about
        the home. Raises TooLarge.
        """
        return attesting.attest(conn, self._replica(), home, kind, bound, time, payload, about)

    def check_statement(self, conn: Connection, data: bytes, bound: bytes) -> attesting.Checked:
        """Who signed a statement and whether it counts, by what has come here so far; never raises on bytes."""
        return attesting.check(conn, self._replica(), data, bound)

    def ask(self, conn: Connection, home: int, hashes: Sequence[bytes], *, actor: int, time: int, quality: int) -> None:
        """Have these scans of a home sent before all others, at the home and at every relay; for an ancestor."""
        journal = self._replica().journal
        for at in range(0, len(hashes), WANTS_MAX):
            body = pack_ask(hashes[at : at + WANTS_MAX])
            journal.tell(conn, journal.feed_for(home), EntryType.ASK, body, Writing(actor, time, quality))

    def asked(self, conn: Connection, hashes: Sequence[bytes]) -> dict[bytes, int]:
        """Those of these blobs that were asked for, and when (unix seconds by the asker's clock)."""
        return blob_store.asked(conn, hashes)

    def blob_holders(self, conn: Connection, home: int, hashes: Sequence[bytes]) -> dict[bytes, frozenset[int]]:
        """The tiers above its home (1 township, 2 county) that have signed for each of a home's blobs."""
        found = blob_holders(conn, hashes, self._township(conn, home))
        return {hash_: frozenset(int(tier) for tier in tiers) for hash_, tiers in found.items()}

    def entry_holders(self, conn: Connection, home: int, topic: bytes) -> dict[str, frozenset[int]]:
        """By its ref, the tiers (0 home, 1 township, 2 county) that are proven to hold each change of a topic."""
        entries = entry_custody(conn, home, topic, self._township(conn, home))
        return {entry.ref: frozenset(int(tier) for tier in entry.holders) for entry in entries}

    def share(
        self, conn: Connection, home: int, topics: Sequence[bytes], reader: int, *, actor: int, time: int, quality: int
    ) -> int:
        """Seal these topics' keys to a reader's present certificate; how many were not shared with it before.

        Topics that cannot be read here are left out. Raises NotEnrolled.
        """
        replica = self._replica()
        journal, deployment = replica.journal, replica.me.deployment
        certificate = trust.current_certificate(conn, reader)
        if certificate is None:
            raise NotEnrolled("no certificate of a reader is held here", author=reader)
        shares = []
        for topic in topics:
            key = journal.key_of(conn, home, topic)
            known = {serial for serial, _ in effects.shares_for(conn, home, topic, reader)}
            if key is not None and certificate.serial not in known:
                seal = wrap_key(key, certificate.box_key, deployment, home, topic)
                shares.append(Share(topic, reader, certificate.serial, seal))
        for at in range(0, len(shares), SHARES_PER_ENTRY_MAX):
            body = pack_shares(shares[at : at + SHARES_PER_ENTRY_MAX])
            journal.tell(conn, journal.feed_for(home), EntryType.SHARE, body, Writing(actor, time, quality))
        return len(shares)

    def readers(self, conn: Connection, home: int, topic: bytes) -> list[int]:
        """Whom the opening of a topic names as readers."""
        return [reader for reader, _ in effects.wraps_of(conn, home, topic)]

    def subtree(self, conn: Connection, author: int) -> list[int]:
        """A station and everything under it."""
        return trust.topology(conn).subtree(author)

    def was_replaced(self, conn: Connection, author: int) -> bool:
        """Whether a station's present machine is not its first."""
        certificate = trust.current_certificate(conn, author)
        return certificate is not None and certificate.epoch > 0

    def holds(self, hash_: bytes) -> bool:
        return self._replica().blobs.holds(hash_)

    def read(self, key: bytes, hash_: bytes, sealed_key: bytes = b"") -> Iterator[bytes]:
        """A blob's plain bytes, piece by piece; raises BadSignature on any change, OSError when it is not here.

        `sealed_key`: the blob's key as `key_again` gave it, for a blob of another topic.
        """
        replica = self._replica()
        deployment = replica.me.deployment
        own_key = open_blob_key(key, deployment, hash_, sealed_key) if sealed_key else None
        return open_blob(key, deployment, replica.blobs.pieces(hash_), own_key)

    def key_again(self, key: bytes, hash_: bytes, sealed_key: bytes, new_key: bytes) -> bytes:
        """The key of a blob held here that the topic with `key` names, for the readers of the topic with `new_key`.

        72 bytes; `sealed_key` and b"" where it is one and the same topic. Raises BadSignature, OSError.
        """
        if key == new_key:
            return sealed_key
        replica = self._replica()
        deployment = replica.me.deployment
        if sealed_key:
            own_key = open_blob_key(key, deployment, hash_, sealed_key)
        else:
            own_key = blob_key(key, replica.blobs.read_range(hash_, 0, PREFIX_BYTES))
        return seal_blob_key(new_key, deployment, hash_, own_key, replica.random_bytes(KEY_NONCE_BYTES))

    def matches(self, key: bytes, plain: bytes, signed: bytes) -> bool:
        """Whether plain bytes are those whose salted hash was signed."""
        return plain_hash(_plain_salt(key), plain) == signed

    def lock(self, conn: Connection, homes: Collection[int]) -> None:
        """Until the end of this transaction nobody else writes about these homes."""
        lock_homes(conn, homes)

    def topics_after(self, conn: Connection, after: tuple[int, bytes], most: int) -> list[tuple[int, bytes]]:
        """The next (home, topic) in ascending order that are known here, at most so many; begin after (0, b"")."""
        c = t.topic.c
        rows = conn.execute(
            select(c.home, c.topic)
            .where(or_(c.home > after[0], and_(c.home == after[0], c.topic > after[1])))
            .order_by(c.home, c.topic)
            .limit(most)
        )
        return [(row.home, row.topic) for row in rows]

    def known_topics(self, conn: Connection, topics: Sequence[bytes]) -> set[bytes]:
        """Those of these topics that any home has opened, as far as is known here."""
        return set(conn.execute(select(t.topic.c.topic).where(t.topic.c.topic.in_(topics))).scalars())

    def custody(
        self, conn: Connection, home: int, topic: bytes, resting: Collection[bytes] | None = None
    ) -> CaseCustody:
        """`resting`: the blobs to count, None for all that the topic ever named."""
        return case_custody(conn, home, topic, self._township(conn, home), resting)

    def _township(self, conn: Connection, home: int) -> int | None:
        ancestors = trust.topology(conn).ancestors(home)
        return ancestors[0] if len(ancestors) > 1 else None

    def station(self, conn: Connection, author: int) -> Station | None:
        return trust.topology(conn).station(author)

    def tier_of(self, conn: Connection, author: int) -> str:
        """ "village" or "township", by the hub's certificates."""
        station = self.station(conn, author)
        return "township" if station is not None and station.tier is Tier.TOWNSHIP else "village"

    def region_of(self, conn: Connection, author: int) -> str:
        """The station's or the county's region code, "" when it is not known here."""
        station = self.station(conn, author) or trust.newest_certificate(conn, author)
        return station.region if station is not None else ""


def _plain_salt(key: bytes) -> bytes:
    return derive(key, "plain-salt", b"")[:SALT_BYTES]
