"""Check a whole replica: every chain, every signature, every blob, every row that follows from an entry.

Reads only. Nothing is believed that the database says of itself: chains are linked anew from the stored bytes with
the same code that verifies what others send, standings are placed anew from the order records. Everything is read
in stretches, so that the memory needed does not grow with the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Select, func, or_, select

from sync_protocol.certificates import SignedCertificate, verify_certificate
from sync_protocol.entries import FIRST_APPLICATION_TYPE, EntryType, Flag, parse_header
from sync_protocol.errors import BadBytes, BadSignature, SyncError
from sync_protocol.feeds import HUB, FeedId, down
from sync_protocol.frontier import Branch, Tip
from sync_protocol.order import Placed, Run, Standing, own_place, parse_runs, placements
from sync_protocol.segments import Item, Link, SaltOf, Segment, check_signature, link
from sync_protocol.store import feed_store, trust
from sync_protocol.store import tables as t
from sync_protocol.store.acceptance import signing_key
from sync_protocol.store.blob_files import BlobFiles
from sync_protocol.store.me import Me
from sync_protocol.topology import slot

WRONG_MAX = 1_000
"""What is wrong is named so many times; a replica in which everything is wrong needs no longer list."""
_STRETCH = 20_000
"""Entries whose standings are placed anew at a time."""
_ROWS = 500


@dataclass(slots=True)
class Findings:
    """Counts of what was checked, and what is wrong in words, at most WRONG_MAX and a last line."""

    branches: int = 0
    entries: int = 0
    signatures: int = 0
    blobs: int = 0
    wrong: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Note that something is wrong."""
        if len(self.wrong) < WRONG_MAX:
            self.wrong.append(text)
        elif len(self.wrong) == WRONG_MAX:
            self.wrong.append(f"more is wrong than these {WRONG_MAX}")


def check_replica(conn: Connection, me: Me, blobs: BlobFiles) -> Findings:
    """Everything of the log; the application's own rows are the application's to check."""
    found = Findings()
    _check_certificates(conn, me, found)
    for branch, tip in _branches(conn):
        found.branches += 1
        _check_branch(conn, me, branch, tip, found)
        if branch.feed.home is not None:
            _check_standings(conn, branch, found)
    _check_blobs(conn, blobs, found)
    return found


def _streamed(query: Select[tuple[object, ...]]) -> Select[tuple[object, ...]]:
    """Rows come in stretches, also from a server that would send all of them at once."""
    return query.execution_options(yield_per=_ROWS)


def _check_certificates(conn: Connection, me: Me, found: Findings) -> None:
    for (packed,) in conn.execute(select(t.certificate.c.packed)):
        try:
            signed = SignedCertificate.parse(packed)
            hub = signed.certificate.author == HUB
            key = me.root_key if hub else trust.hub_certificate(conn, signed.signer).sign_key
            verify_certificate(me.deployment, signed, key)
        except SyncError as error:
            found.say(f"certificate: {error.code}")


def _branches(conn: Connection) -> Iterator[tuple[Branch, Tip]]:
    for row in conn.execute(select(t.tip).order_by(t.tip.c.feed, t.tip.c.epoch)).all():
        yield Branch(FeedId.parse(row.feed), row.epoch), Tip(row.number, row.head)


def _check_branch(conn: Connection, me: Me, branch: Branch, tip: Tip, found: Findings) -> None:
    try:
        start = feed_store.start_of(conn, me.deployment, branch)
        number, head = start.number, start.head
        keys: dict[int, bytes] = {}
        for segment, _ in feed_store.cut(conn, branch, start.number, 2**62):
            links = link(me.deployment, segment, head, _salts(conn, segment))
            number, head = links[-1].number, links[-1].head
            _check_rows(conn, branch, links, found)
            _check_signatures(conn, me, branch, links, keys, found)
        _check_stray_signatures(conn, branch, start.number, number)
    except SyncError as error:
        found.say(f"{branch.feed} epoch {branch.epoch}: {error.code} {error}")
        return
    if (number, head) != (tip.number, tip.head):
        found.say(f"{branch.feed} epoch {branch.epoch}: the tip says {tip.number}, the chain ends at {number}")


def _salts(conn: Connection, segment: Segment) -> SaltOf:
    """The salts of a stretch, found with one query; what the rows do not lead to is looked up by itself."""
    e, known_topic = t.entry.c, t.topic.c
    here = select(e.topic).where(
        e.feed == segment.feed.packed(), e.epoch == segment.epoch, e.number.between(segment.first, segment.last)
    )
    rows = conn.execute(
        select(known_topic.topic, known_topic.salt).where(
            known_topic.home == segment.feed.home, known_topic.topic.in_(here)
        )
    )
    known: dict[bytes, bytes] = {row.topic: row.salt for row in rows}
    alone = feed_store.salts(conn, segment.feed)
    return lambda topic: known[topic] if topic in known else alone(topic)


def _check_rows(conn: Connection, branch: Branch, links: Sequence[Link], found: Findings) -> None:
    """Columns that repeat what the header and the chain say."""
    e = t.entry.c
    rows = conn.execute(
        select(e.number, e.type, e.topic, e.home, e.head).where(
            e.feed == branch.feed.packed(), e.epoch == branch.epoch, e.number.between(links[0].number, links[-1].number)
        )
    )
    stored = {row.number: (row.type, row.topic, row.home, row.head) for row in rows}
    found.entries += len(links)
    for item in links:
        if stored.get(item.number) != (item.header.type, item.header.topic, branch.feed.home or 0, item.head):
            found.say(f"{branch.feed} {branch.epoch}/{item.number}: the row differs from the signed header")


def _check_signatures(
    conn: Connection, me: Me, branch: Branch, links: Sequence[Link], keys: dict[int, bytes], found: Findings
) -> None:
    """Every stored one: a later exchange may cut at any of them. Raises SyncError at the first that is wrong.

    `keys` keeps the signing keys found so far, by the certificate's serial.
    """
    h = t.head_signature.c
    rows = conn.execute(
        select(h.number, h.serial, h.signature)
        .where(h.feed == branch.feed.packed(), h.epoch == branch.epoch)
        .where(h.number.between(links[0].number, links[-1].number))
        .order_by(h.number)
    )
    for row in rows.all():
        signed = Segment(branch.feed, branch.epoch, row.number, (Item(b"", b""),), row.serial, row.signature)
        if row.serial not in keys:
            keys[row.serial] = signing_key(conn, signed)
        check_signature(me.deployment, signed, links[row.number - links[0].number].head, keys[row.serial])
        found.signatures += 1


def _check_stray_signatures(conn: Connection, branch: Branch, before: int, last: int) -> None:
    h = t.head_signature.c
    stray = conn.execute(
        select(func.min(h.number))
        .where(h.feed == branch.feed.packed(), h.epoch == branch.epoch)
        .where(or_(h.number <= before, h.number > last))
    ).scalar()
    if stray is not None:
        raise BadSignature(f"signed at {stray}, where there is no entry")


def _check_standings(conn: Connection, branch: Branch, found: Findings) -> None:
    """Place every entry of a home's branch anew from the order records and compare, a stretch at a time."""
    e = t.entry.c
    of_branch = (e.feed == branch.feed.packed(), e.epoch == branch.epoch)
    first, last = conn.execute(select(func.min(e.number), func.max(e.number)).where(*of_branch)).one()
    for low in range(first or 1, (last or 0) + 1, _STRETCH):
        high = low + _STRETCH - 1
        said = {} if branch.feed.author == HUB else _said(conn, branch, low, high)
        rows = conn.execute(
            _streamed(
                select(e.number, e.topic, e.standing, e.place, e.code)
                .where(*of_branch, e.number.between(low, high), e.type >= FIRST_APPLICATION_TYPE)
                .order_by(e.number)
            )
        )
        for row in rows:
            right = _right_standing(branch, row.number, row.topic, said)
            if (row.standing, row.place, row.code) != right:
                name = f"{branch.feed} {branch.epoch}/{row.number}"
                found.say(f"{name}: standing is {row.standing}, the record says {right[0]}")


def _right_standing(branch: Branch, number: int, topic: bytes, said: dict[int, Placed]) -> tuple[int, int, str]:
    if branch.feed.author == HUB:
        return int(Standing.ADMITTED), own_place(number), ""
    if not topic:
        return int(Standing.ADMITTED), 0, ""
    placed = said.get(number)
    return (int(placed.standing), placed.place, placed.code) if placed else (int(Standing.PENDING), 0, "")


def _said(conn: Connection, branch: Branch, low: int, high: int) -> dict[int, Placed]:
    """What the hub's records say of the numbers from `low` to `high` of a branch; the latest counts."""
    e, home = t.entry.c, branch.feed.home
    assert home is not None
    number_of_slot = slot(branch.feed)
    records = conn.execute(
        _streamed(
            select(e.number, e.header, e.body)
            .where(e.feed == down(HUB, home).packed(), e.type == int(EntryType.ORDER))
            .order_by(e.number)
        )
    )
    found: dict[int, Placed] = {}
    for record in records:
        runs = _runs(record.header, record.body)
        here = [run for run in runs if (run.slot, run.epoch) == (number_of_slot, branch.epoch)]
        if not any(run.first <= high and run.last >= low for run in here):
            continue
        for placed in placements(record.number, runs):
            if (placed.slot, placed.epoch) == (number_of_slot, branch.epoch) and low <= placed.number <= high:
                found[placed.number] = placed
    return found


def _runs(header: bytes, body: bytes | None) -> list[Run]:
    """What an order record says; one that is sealed or malformed says nothing and had no effect."""
    try:
        sealed = parse_header(header).flags & Flag.SEALED
        return [] if sealed or body is None else parse_runs(body)
    except BadBytes:
        return []


def _check_blobs(conn: Connection, blobs: BlobFiles, found: Findings) -> None:
    for row in conn.execute(_streamed(select(t.blob.c.hash, t.blob.c.length).where(t.blob.c.held == 1))):
        found.blobs += 1
        if not blobs.check(row.hash):
            found.say(f"blob {row.hash.hex()}: missing or changed on disk")
