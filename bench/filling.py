"""Many cases into a village's store in little time: real signed entries, written 32 at a time, folded later.

Bodies, openings, wrapped keys, chains and signatures are those of the product's own code; what is left out is one
transaction, one check of what was typed and one fold for each change.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from bench.cases import Case, plan
from bench.places import Places, found, now
from casework.changes import ChangeKind
from casework.fsck import look_at_cases
from casework.intake import Stamp, collect_body
from casework.intake_code import mint
from casework.workdays import china_day
from hub.county import County
from node.station import Station
from sync_protocol import canonical
from sync_protocol.blobs import wrap_key
from sync_protocol.crypto import SALT_BYTES, derive
from sync_protocol.entries import EntryType, Flag, Header, Opening, pack_opening, topic_of
from sync_protocol.feeds import HUB, FeedId, down, up
from sync_protocol.frontier import Branch
from sync_protocol.journal import Writing
from sync_protocol.limits import SEGMENT_ENTRIES_MAX
from sync_protocol.order import Run, pack_runs
from sync_protocol.store import feed_store, tables, trust

_A_TRANSACTION = 64 * SEGMENT_ENTRIES_MAX
_RUN = 4096
_EPOCH = 719_163
_CODES_A_DAY = 40_000
_Rows = list[dict[str, Any]]


def fill(station: Station, seed: int, cases: int, corrections: int) -> int:
    """Take in `cases`, each followed by some corrections of the telephone number; how many entries there are now."""
    drafts = _drafts(station, seed, cases, corrections)
    me, branch = station.me, Branch(up(station.me.author), 0)
    count = 0
    while batch := list(islice(drafts, _A_TRANSACTION)):

        def write(conn: Connection, batch: list[feed_store.Draft] = batch) -> None:
            feed_store.append(conn, me.deployment, me.signer, me.serial, branch, batch, now())

        station.store.write(write)
        count += len(batch)
    return count


def _drafts(station: Station, seed: int, cases: int, corrections: int) -> Iterator[feed_store.Draft]:
    me = station.me
    region, boxes = station.store.read(
        lambda conn: (station.topics.region_of(conn, me.author), _readers(conn, station))
    )
    moment = now()
    day = china_day(moment)
    urgency = day.toordinal() + 7 - _EPOCH
    for case in plan(seed, cases, 1):
        received = day - timedelta(days=case.number // _CODES_A_DAY)
        code = mint(region, me.author, 0, received, case.number % _CODES_A_DAY + 1)
        body, _ = collect_body(case.item, case.intake, Stamp("village", code, received.isoformat()))
        topic, key, salt = _new(station)
        wraps = tuple(
            (reader, wrap_key(key, box, me.deployment, me.author, topic))
            for reader, box in boxes
            if reader == HUB or case.item.township_reads
        )
        header = Header(ChangeKind.COLLECT, topic, 100, moment, 1, urgency=urgency, flags=int(Flag.OPENING))
        yield feed_store.Draft(header, pack_opening(Opening(salt, wraps, canonical.pack(body))))
        for turn in range(corrections):
            header = Header(ChangeKind.CORRECT, topic, 100, moment + turn, 1)
            yield feed_store.Draft(header, canonical.pack(_correction(case, turn)))


def _readers(conn: Connection, station: Station) -> list[tuple[int, bytes]]:
    found = []
    for author in trust.topology(conn).ancestors(station.me.author):
        certificate = trust.current_certificate(conn, author)
        assert certificate is not None
        found.append((author, certificate.box_key))
    return found


def _new(station: Station) -> tuple[bytes, bytes, bytes]:
    key = station.replica.random_bytes(32)
    salt = derive(key, "topic-salt", b"")[:SALT_BYTES]
    return topic_of(station.me.author, salt), key, salt


def _correction(case: Case, turn: int) -> dict[str, Any]:
    phone = f"19{turn}{(case.number * 7919 + turn) % 100_000_000:08d}"
    return {"applicant": {**case.intake.applicant, "phone": phone}, "reason": f"更正联系电话，第{turn + 1}次"}


def order_all(places: Places, entries: int) -> None:
    """The county's word on all that the village wrote: admitted, in the order of the numbers."""
    feed = down(HUB, places.village.me.author)
    for first in range(1, entries + 1, _RUN):
        body = pack_runs([Run(0, 0, first, min(first + _RUN - 1, entries))])
        places.hub.store.write(partial(_tell_order, places=places, feed=feed, body=body))


def _tell_order(conn: Connection, places: Places, feed: FeedId, body: bytes) -> None:
    places.hub.replica.journal.tell(conn, feed, EntryType.ORDER, body, Writing(0, now(), 1))


def copy_rows(source: Station, sink: Station | County) -> None:
    """The rest of the village's own feed, row by row, as if it had been received: nothing is verified."""
    feed = up(source.me.author).packed()
    branch = Branch(up(source.me.author), 0)
    held = sink.store.read(lambda conn: feed_store.tip_of(conn, branch))
    after = held.number if held else 0
    while rows := source.store.read(partial(_rows_after, feed=feed, after=after)):
        sink.store.write(partial(_put_rows, source=source, branch=branch, rows=rows))
        after = rows[-1]["number"]


def _rows_after(conn: Connection, feed: bytes, after: int) -> _Rows:
    e = tables.entry.c
    here = e.number.between(after + 1, after + _A_TRANSACTION)
    query = sa.select(tables.entry).where(e.feed == feed, e.epoch == 0, here).order_by(e.number)
    return [dict(row) for row in conn.execute(query).mappings()]


def _put_rows(conn: Connection, source: Station, branch: Branch, rows: _Rows) -> None:
    feed, topics = branch.feed.packed(), {row["topic"] for row in rows}
    signatures, openings = source.store.read(lambda there: _beside(there, feed, rows, topics))
    known, tip = tables.topic.c, tables.tip
    held = set(conn.execute(sa.select(known.topic).where(known.topic.in_(topics))).scalars())
    conn.execute(sa.insert(tables.entry), rows)
    conn.execute(sa.insert(tables.head_signature), signatures)
    if new := [row | {"key": None} for row in openings if row["topic"] not in held]:
        conn.execute(sa.insert(tables.topic), new)
    conn.execute(sa.delete(tip).where(tip.c.feed == feed, tip.c.epoch == 0))
    conn.execute(sa.insert(tip).values(feed=feed, epoch=0, number=rows[-1]["number"], head=rows[-1]["head"]))


def _beside(conn: Connection, feed: bytes, rows: _Rows, topics: set[bytes]) -> tuple[_Rows, _Rows]:
    """The signatures over these entries, and what their topics were opened with."""
    h, known = tables.head_signature, tables.topic
    here = h.c.number.between(rows[0]["number"], rows[-1]["number"])
    signed = sa.select(h).where(h.c.feed == feed, h.c.epoch == 0, here)
    opened = sa.select(known).where(known.c.topic.in_(topics))
    return [dict(r) for r in conn.execute(signed).mappings()], [dict(r) for r in conn.execute(opened).mappings()]


def filled_county(
    folder: Path, *, seed: int, cases: int, corrections: int = 0, fold: bool = True, ca: bytes | None = None
) -> int:
    """A county in `folder` whose village has these cases, all known and admitted everywhere; how many entries.

    With `fold` the village's rows are made too, as `fsck --rebuild` makes them; without, nothing is ordered either,
    and the others are given the village's rows instead of messages.
    """
    places = found(folder, random.Random(seed).randbytes, ca=ca)
    try:
        places.fold_later()
        entries = fill(places.village, seed, cases, corrections)
        if fold:
            places.carry()
            order_all(places, entries)
        else:
            for place in (places.township, places.hub):
                copy_rows(places.village, place)
        places.carry()
        if fold:
            rows = look_at_cases(places.village.store, places.village.topics, mend=True)
            assert rows.cases == cases
        return entries
    finally:
        places.close()
