"""The rows of cards, made from the hub's internal entries, and which cases are to be looked at for new ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from casework.case_tables import card, card_look
from casework.changes import ChangeKind
from casework.deadlines import NO_DUE
from casework.issued_cards import KINDS, InternalEntry, issued_cards
from casework.tables import storable
from sync_protocol.feeds import TO_SELF
from sync_protocol.reading import PlacedEntry, read_entry
from sync_protocol.store import tables as t
from sync_protocol.store.dialect import insert_absent

_E, _L = t.entry.c, card_look.c
_TOPICS_AT_ONCE = 200
_INTERNAL_HOME = 0


def follow_cards(conn: Connection, touched: Sequence[tuple[int, bytes]], told: Sequence[int]) -> None:
    """Keep the rows true to the entries, and remember which cases have changed since they were looked at."""
    make_rows(conn, [topic for home, topic in touched if home == _INTERNAL_HOME])
    cases = [(home, topic) for home, topic in touched if home != _INTERNAL_HOME]
    for at in range(0, len(cases), _TOPICS_AT_ONCE):
        _look_again(conn, cases[at : at + _TOPICS_AT_ONCE])
    if ChangeKind.CALENDAR_YEAR in told:
        conn.execute(update(card_look).where(_L.day != NO_DUE).values(day=""))


def _look_again(conn: Connection, cases: Sequence[tuple[int, bytes]]) -> None:
    again = update(card_look).where(_L.topic.in_([topic for _, topic in cases])).values(day="")
    if conn.execute(again).rowcount < len(cases):
        insert_absent(conn, card_look, [{"topic": topic, "home": home, "day": ""} for home, topic in cases])


def make_rows(conn: Connection, topics: Iterable[bytes]) -> None:
    """Put the rows of these cases' cards as their entries say."""
    for topic in dict.fromkeys(topics):
        rows = rows_of(conn, topic)
        conn.execute(delete(card).where(card.c.topic == topic))
        if rows:
            conn.execute(insert(card), rows)


def rows_of(conn: Connection, topic: bytes) -> list[dict[str, Any]]:
    """The rows that a case's entries make."""
    return [
        {name: storable(value) if isinstance(value, str) else value for name, value in asdict(one).items()}
        | {"topic": topic, "over": int(one.code != "")}
        for one in issued_cards(internal_entries(conn, topic))
    ]


def internal_entries(conn: Connection, topic: bytes, kinds: Sequence[int] = KINDS) -> list[InternalEntry]:
    """The hub's own entries of these kinds about a case, its cards' by default, in the order in which it wrote them."""
    rows = conn.execute(
        select(t.entry)
        .where(_E.home == _INTERNAL_HOME, _E.topic == topic, _E.feed == TO_SELF.packed(), _E.type.in_(kinds))
        .order_by(_E.epoch, _E.number)
    )
    return [_internal(row.epoch, row.number, read_entry(row)) for row in rows]


def _internal(epoch: int, number: int, entry: PlacedEntry) -> InternalEntry:
    return InternalEntry(epoch, number, entry.kind, entry.body, entry.actor, entry.time)
