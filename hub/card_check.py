"""Comparing the rows of cards with the hub's own entries, for `fsck`; what differs can be made anew from them."""

from __future__ import annotations

from functools import partial

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_tables import card, card_look, case_row
from casework.issued_cards import KINDS
from hub.card_rows import make_rows, rows_of
from sync_protocol.feeds import TO_SELF
from sync_protocol.store import tables as t
from sync_protocol.store.dialect import insert_absent
from sync_protocol.store.seam import Store

_BATCH = 200
_E = t.entry.c


def look_at_cards(store: Store, *, mend: bool = False) -> list[str]:
    """What differs, a line for each case; with `mend` it is also made right."""
    run = store.write if mend else store.read
    said: list[str] = []
    topics = store.read(_topics)
    for at in range(0, len(topics), _BATCH):
        said += run(partial(_cards, topics=topics[at : at + _BATCH], mend=mend))
    after: bytes | None = b""
    while after is not None:
        after, lines = run(partial(_looks, after=after, mend=mend))
        said += lines
    return said


def _topics(conn: Connection) -> list[bytes]:
    """Cases with cards, by the entries or by the rows. All at once: the hub's own feed has no index by case."""
    entries = sa.select(_E.topic).where(_E.feed == TO_SELF.packed(), _E.type.in_(KINDS))
    named = sa.union(entries, sa.select(card.c.topic)).subquery()
    return list(conn.execute(sa.select(named.c.topic).order_by(named.c.topic)).scalars())


def _cards(conn: Connection, *, topics: list[bytes], mend: bool) -> list[str]:
    lines = []
    for topic in topics:
        query = sa.select(card).where(card.c.topic == topic).order_by(card.c.epoch, card.c.number)
        there = [dict(row) for row in conn.execute(query).mappings()]
        if there != sorted(rows_of(conn, topic), key=lambda row: (row["epoch"], row["number"])):
            lines.append(f"case {topic.hex()}: its cards are not what the county's entries say")
            if mend:
                make_rows(conn, [topic])
    return lines


def _looks(conn: Connection, *, after: bytes, mend: bool) -> tuple[bytes | None, list[str]]:
    """A case that is not in this list is never supervised."""
    wanted = (
        sa.select(case_row.c.topic, case_row.c.home, card_look.c.topic.label("looked"))
        .outerjoin(card_look, card_look.c.topic == case_row.c.topic)
        .where(case_row.c.topic > after)
        .order_by(case_row.c.topic)
        .limit(_BATCH)
    )
    rows = conn.execute(wanted).all()
    missing = [row for row in rows if row.looked is None]
    if mend and missing:
        insert_absent(conn, card_look, [{"topic": row.topic, "home": row.home, "day": ""} for row in missing])
    lines = [f"case {row.topic.hex()}: is not supervised" for row in missing]
    return (rows[-1].topic if len(rows) == _BATCH else None), lines
