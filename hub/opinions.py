"""What the county's people have said of a case among themselves (hub→hub): no station ever holds it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from casework import accounts_store
from casework.changes import ChangeKind, check_body
from sync_protocol.feeds import TO_SELF
from sync_protocol.reading import read_entry
from sync_protocol.store import tables as t

_E = t.entry.c
_INTERNAL_HOME = 0


@dataclass(frozen=True, slots=True)
class Opinion:
    """Who said what and when (unix seconds); about: the change that it goes with."""

    time: int
    by: str
    text: str
    about: str


def opinions_of(conn: Connection, topic: bytes) -> list[Opinion]:
    """The oldest first."""
    rows = conn.execute(
        select(t.entry)
        .where(_E.home == _INTERNAL_HOME, _E.topic == topic, _E.feed == TO_SELF.packed())
        .where(_E.type == int(ChangeKind.OPINION))
        .order_by(_E.epoch, _E.number)
    )
    found = []
    for entry in map(read_entry, rows):
        if check_body(ChangeKind.OPINION, entry.body):
            continue
        account = accounts_store.get(conn, entry.actor)
        by = account.display if account is not None else ""
        found.append(Opinion(entry.time, by, entry.body["text"], entry.body["about"]))
    return found
