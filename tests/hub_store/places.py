"""What the tests of the hub's store ask of a county, whichever database its hub has."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection, select

from sync_protocol.entries import EntryType
from sync_protocol.feeds import FeedId
from sync_protocol.fsck import check_replica
from sync_protocol.order import Standing, parse_runs, placements
from sync_protocol.store import tables as t
from sync_protocol.store.seam import Store
from tests.sync_protocol.county import County, Place


@dataclass(frozen=True)
class Twice:
    """A county whose hub is two programs."""

    county: County
    hubs: tuple[Place, Place]
    township: Place
    village: Place


def wrong(place: Place) -> list[str]:
    """What fsck says of a place."""
    return place.store.read(lambda conn: check_replica(conn, place.me, place.replica.blobs)).wrong


def numbers(place: Place, feed: FeedId) -> list[int]:
    """The numbers of a feed's entries in epoch 0, in their order."""
    e = t.entry.c
    query = select(e.number).where(e.feed == feed.packed(), e.epoch == 0).order_by(e.number)
    return list(place.store.read(lambda conn: conn.execute(query).scalars().all()))


def times_settled(store: Store, feed: FeedId) -> Counter[tuple[int, int, int]]:
    """How often the order records of a hub→home feed admit or refuse each entry: (slot, epoch, number)."""
    e = t.entry.c
    query = select(e.number, e.body).where(e.feed == feed.packed(), e.type == int(EntryType.ORDER)).order_by(e.number)
    rows = store.read(lambda conn: conn.execute(query).all())
    placed = [one for row in rows for one in placements(row.number, parse_runs(row.body))]
    return Counter((p.slot, p.epoch, p.number) for p in placed if p.standing is not Standing.HELD)


def count(conn: Connection, table: str) -> int:
    return int(conn.exec_driver_sql(f"select count(*) from {table}").scalar_one())
