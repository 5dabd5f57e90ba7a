"""What is remembered of each peer: its frontier as proven and as offered, nonces handed out, last contact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from sync_protocol import canonical
from sync_protocol.envelopes import NONCE_BYTES
from sync_protocol.errors import BadNonce
from sync_protocol.frontier import Branch, Frontier, Tip, parse_vector, vector_fields
from sync_protocol.limits import MIB, NONCES_PER_PEER_MAX, NONCES_REMEMBERED_MAX
from sync_protocol.store.dialect import insert_absent
from sync_protocol.store.tables import peer

_THIS = peer.c.author == bindparam("whose")
# asked at every message: made once, because to make a statement takes longer than to run it
_NONCES = select(peer.c.nonces).where(_THIS).with_for_update()
_FRONTIERS = select(peer.c.proven, peer.c.offered).where(_THIS).with_for_update()
_PROVEN = select(peer.c.proven).where(_THIS)
_CONTACT = select(peer.c.seen, peer.c.skew).where(_THIS)
_CHANGE = update(peer).where(_THIS)

NONCES_FOR_ONE_WITHOUT = NONCES_PER_PEER_MAX // 2
"""A peer that has none has lost those that cut requests took along: one at a time would keep it waiting for each."""


@dataclass(frozen=True, slots=True)
class PeerFrontiers:
    """None where nothing is known."""

    proven: dict[Branch, Tip] | None
    offered: dict[Branch, Tip] | None


def _change(conn: Connection, author: int, **values: Any) -> None:
    """Of a peer that was never heard of as well."""
    given = {"whose": author, **values}
    if conn.execute(_CHANGE, given).rowcount == 0:
        insert_absent(conn, peer, [{"author": author, "nonces": b"", "seen": 0, "skew": 0}])
        conn.execute(_CHANGE, given)


def frontiers(conn: Connection, author: int) -> PeerFrontiers:
    """To be saved anew in this transaction: until it ends nobody else reads them for that."""
    row = conn.execute(_FRONTIERS, {"whose": author}).one_or_none()
    if row is None:
        return PeerFrontiers(None, None)
    return PeerFrontiers(_unpack(row.proven), _unpack(row.offered))


def proven(conn: Connection, author: int) -> dict[Branch, Tip] | None:
    """What a peer has last shown to hold; None when it never has, or goes on with a new machine."""
    return _unpack(conn.execute(_PROVEN, {"whose": author}).scalar())


def forget_frontiers(conn: Connection, author: int) -> None:
    """A new machine holds nothing of what its predecessor had shown to hold."""
    conn.execute(update(peer).where(peer.c.author == author).values(proven=None, offered=None))


def _unpack(packed: bytes | None) -> dict[Branch, Tip] | None:
    return None if packed is None else parse_vector(canonical.unpack(packed, bytes_max=MIB))


def save_frontiers(conn: Connection, author: int, proven: Frontier, offered: Frontier) -> None:
    packed = [canonical.pack(vector_fields(one)) for one in (proven, offered)]
    _change(conn, author, proven=packed[0], offered=packed[1])


def note_contact(conn: Connection, author: int, now: int, skew: int) -> None:
    """`skew` is the peer's clock minus ours, in seconds."""
    _change(conn, author, seen=now, skew=skew)


def contact(conn: Connection, author: int) -> tuple[int, int]:
    """Unix seconds of the last contact (0 for never) and the clock skew then."""
    row = conn.execute(_CONTACT, {"whose": author}).one_or_none()
    return (row.seen, row.skew) if row else (0, 0)


def contacts(conn: Connection) -> dict[int, tuple[int, int]]:
    """The same of every peer that was ever heard of."""
    return {row.author: (row.seen, row.skew) for row in conn.execute(select(peer.c.author, peer.c.seen, peer.c.skew))}


def spend_nonce(conn: Connection, author: int, nonce: bytes) -> None:
    """Raises BadNonce unless this nonce was handed out to this peer and not used since."""
    outstanding = _outstanding(conn, author)
    if nonce not in outstanding:
        raise BadNonce("the nonce was not handed out, or was used before")
    outstanding.remove(nonce)
    _save_nonces(conn, author, outstanding)


def fresh_nonces(
    conn: Connection, author: int, random_bytes: Callable[[int], bytes], *, least: int = 1
) -> tuple[bytes, ...]:
    """New nonces so that the peer has NONCES_PER_PEER_MAX, and `least` of them in any case; beyond
    NONCES_REMEMBERED_MAX the oldest ones fall out."""
    outstanding = _outstanding(conn, author)
    fresh = [random_bytes(NONCE_BYTES) for _ in range(max(least, NONCES_PER_PEER_MAX - len(outstanding)))]
    _save_nonces(conn, author, (outstanding + fresh)[-NONCES_REMEMBERED_MAX:])
    return tuple(fresh)


def _outstanding(conn: Connection, author: int) -> list[bytes]:
    packed = conn.execute(_NONCES, {"whose": author}).scalar() or b""
    return [packed[at : at + NONCE_BYTES] for at in range(0, len(packed), NONCE_BYTES)]


def _save_nonces(conn: Connection, author: int, nonces: list[bytes]) -> None:
    _change(conn, author, nonces=b"".join(nonces))
