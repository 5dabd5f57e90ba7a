"""Who this replica is: its author number, keys and county, kept in the encrypted database.

A database that is not encrypted as a whole (PostgreSQL) holds the secret halves of the keys under a seal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from sync_protocol.crypto import BoxKey, Signer, derive, open_body, seal_body
from sync_protocol.errors import BadSignature
from sync_protocol.store.seam import StoreError
from sync_protocol.store.tables import identity

_NUMBERS = ("author", "epoch", "serial")
_NONCE_BYTES = 24


@dataclass(frozen=True, slots=True)
class Me:
    """`serial` is the certificate this replica signs with, in `epoch`."""

    author: int
    epoch: int
    serial: int
    deployment: bytes
    root_key: bytes
    signer: Signer
    box: BoxKey


@dataclass(frozen=True, slots=True)
class Seal:
    """Keeps secrets under a 32-byte key that lies outside the database."""

    key: bytes
    random_bytes: Callable[[int], bytes]

    def close(self, name: str, plain: bytes) -> bytes:
        return seal_body(self._own_key(), name.encode(), plain, self.random_bytes(_NONCE_BYTES))

    def open(self, name: str, sealed: bytes) -> bytes:
        """Raises StoreError."""
        try:
            return open_body(self._own_key(), name.encode(), sealed)
        except BadSignature as error:
            raise StoreError("the hub's keys in the database do not open with this key file") from error

    def _own_key(self) -> bytes:
        return derive(self.key, "identity", b"")

    def __repr__(self) -> str:
        return "Seal(...)"


def save_me(conn: Connection, me: Me, seal: Seal | None = None) -> None:
    values = {
        "author": str(me.author).encode(),
        "epoch": str(me.epoch).encode(),
        "serial": str(me.serial).encode(),
        "deployment": me.deployment,
        "root_key": me.root_key,
    }
    seeds = {"sign_seed": me.signer.seed, "box_seed": me.box.seed}
    values |= {name: seal.close(name, seed) if seal else seed for name, seed in seeds.items()}
    for name, value in values.items():
        put(conn, name, value)


def load_me(conn: Connection, seal: Seal | None = None) -> Me | None:
    """None when this database belongs to nobody yet. Raises StoreError when the seal is of another key."""
    values = {row.name: row.value for row in conn.execute(select(identity))}
    if "author" not in values:
        return None
    author, epoch, serial = (int(values[name]) for name in _NUMBERS)
    sign, box = (seal.open(name, values[name]) if seal else values[name] for name in ("sign_seed", "box_seed"))
    return Me(
        author,
        epoch,
        serial,
        values["deployment"],
        values["root_key"],
        Signer(sign),
        BoxKey(box),
    )


def put(conn: Connection, name: str, value: bytes) -> None:
    """Set one value of the identity table."""
    drop(conn, name)
    conn.execute(insert(identity).values(name=name, value=value))


def drop(conn: Connection, name: str) -> None:
    """Forget one value of the identity table."""
    conn.execute(delete(identity).where(identity.c.name == name))


def get(conn: Connection, name: str) -> bytes | None:
    return conn.execute(select(identity.c.value).where(identity.c.name == name)).scalar()


_ROWS = "rows"


def rows_made(conn: Connection) -> bytes | None:
    """Which way the application's rows were made, as it said last."""
    return get(conn, _ROWS)


def note_rows(conn: Connection, way: bytes) -> None:
    put(conn, _ROWS, way)
