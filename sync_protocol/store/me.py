"""Who this replica is: its author number, keys and county, kept in the encrypted database."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from sync_protocol.crypto import BoxKey, Signer
from sync_protocol.store.tables import identity

_NUMBERS = ("author", "epoch", "serial")


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


def save_me(conn: Connection, me: Me) -> None:
    values = {
        "author": str(me.author).encode(),
        "epoch": str(me.epoch).encode(),
        "serial": str(me.serial).encode(),
        "deployment": me.deployment,
        "root_key": me.root_key,
        "sign_seed": me.signer.seed,
        "box_seed": me.box.seed,
    }
    for name, value in values.items():
        put(conn, name, value)


def load_me(conn: Connection) -> Me | None:
    """None when this database belongs to nobody yet."""
    values = {row.name: row.value for row in conn.execute(select(identity))}
    if "author" not in values:
        return None
    author, epoch, serial = (int(values[name]) for name in _NUMBERS)
    return Me(
        author,
        epoch,
        serial,
        values["deployment"],
        values["root_key"],
        Signer(values["sign_seed"]),
        BoxKey(values["box_seed"]),
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
