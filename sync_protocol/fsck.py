"""Check a whole replica: every chain, every signature, every blob, every row that follows from an entry.

Reads only. Nothing is believed that the database says of itself: chains are linked anew from the stored bytes with
the same code that verifies what others send, standings are placed anew from the order records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from sync_protocol.certificates import SignedCertificate, verify_certificate
from sync_protocol.entries import EntryType, Flag, parse_header
from sync_protocol.errors import BadBytes, BadSignature, SyncError
from sync_protocol.feeds import HUB, FeedId, FeedKind
from sync_protocol.frontier import Branch, Tip
from sync_protocol.order import Placed, Run, Standing, own_place, parse_runs, placements
from sync_protocol.segments import Item, Link, Segment, check_signature, link
from sync_protocol.store import feed_store, trust
from sync_protocol.store import tables as t
from sync_protocol.store.blob_files import BlobFiles
from sync_protocol.store.me import Me
from sync_protocol.topology import slot


@dataclass(slots=True)
class Findings:
    """Counts of what was checked, and what is wrong in words."""

    branches: int = 0
    entries: int = 0
    signatures: int = 0
    blobs: int = 0
    wrong: list[str] = field(default_factory=list)


def check_replica(conn: Connection, me: Me, blobs: BlobFiles) -> Findings:
    """Everything of the log; the application's own rows are the application's to check."""
    found = Findings()
    _check_certificates(conn, me, found)
    for branch, tip in _branches(conn):
        found.branches += 1
        _check_branch(conn, me, branch, tip, found)
    _check_standings(conn, found)
    _check_blobs(conn, blobs, found)
    return found


def _check_certificates(conn: Connection, me: Me, found: Findings) -> None:
    for (packed,) in conn.execute(select(t.certificate.c.packed)):
        try:
            signed = SignedCertificate.parse(packed)
            hub = signed.certificate.author == HUB
            key = me.root_key if hub else trust.hub_certificate(conn, signed.signer).sign_key
            verify_certificate(me.deployment, signed, key)
        except SyncError as error:
            found.wrong.append(f"certificate: {error.code}")


def _branches(conn: Connection) -> Iterator[tuple[Branch, Tip]]:
    for row in conn.execute(select(t.tip).order_by(t.tip.c.feed, t.tip.c.epoch)).all():
        yield Branch(FeedId.parse(row.feed), row.epoch), Tip(row.number, row.head)


def _check_branch(conn: Connection, me: Me, branch: Branch, tip: Tip, found: Findings) -> None:
    try:
        start = feed_store.start_of(conn, me.deployment, branch)
        number, head = start.number, start.head
        heads: dict[int, bytes] = {}
        for segment, _ in feed_store.cut(conn, branch, start.number, 2**62):
            links = link(me.deployment, segment, head, feed_store.salts(conn, branch.feed))
            number, head = links[-1].number, links[-1].head
            heads |= {item.number: item.head for item in links}
            _check_rows(conn, branch, links, found)
        _check_signatures(conn, me, branch, heads, found)
    except SyncError as error:
        found.wrong.append(f"{branch.feed} epoch {branch.epoch}: {error.code} {error}")
        return
    if (number, head) != (tip.number, tip.head):
        found.wrong.append(f"{branch.feed} epoch {branch.epoch}: the tip says {tip.number}, the chain ends at {number}")


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
            found.wrong.append(f"{branch.feed} {branch.epoch}/{item.number}: the row differs from the signed header")


def _check_signatures(conn: Connection, me: Me, branch: Branch, heads: Mapping[int, bytes], found: Findings) -> None:
    """Every stored one: a later exchange may cut at any of them. Raises SyncError at the first that is wrong."""
    h = t.head_signature.c
    rows = conn.execute(
        select(t.head_signature).where(h.feed == branch.feed.packed(), h.epoch == branch.epoch).order_by(h.number)
    )
    for row in rows.all():
        if row.number not in heads:
            raise BadSignature(f"signed at {row.number}, where there is no entry")
        signed = Segment(branch.feed, branch.epoch, row.number, (Item(b"", b""),), row.serial, row.signature)
        check_signature(me.deployment, signed, heads[row.number], feed_store.signing_key(conn, signed))
        found.signatures += 1


def _check_standings(conn: Connection, found: Findings) -> None:
    """Place every entry anew from the order records and compare."""
    e = t.entry.c
    expected: dict[tuple[int, int, int, int], Placed] = {}
    records = conn.execute(
        select(e.feed, e.number, e.home, e.header, e.body)
        .where(e.type == int(EntryType.ORDER))
        .order_by(e.feed, e.number)
    )
    for record in records:
        feed = FeedId.parse(record.feed)
        if feed.author == HUB and feed.kind is FeedKind.DOWN:
            for placed in placements(record.number, _runs(record.header, record.body)):
                expected[(record.home, placed.slot, placed.epoch, placed.number)] = placed
    rows = conn.execute(
        select(e.feed, e.epoch, e.number, e.home, e.topic, e.standing, e.place, e.code).where(e.home != 0, e.type >= 64)
    )
    for row in rows.all():
        feed = FeedId.parse(row.feed)
        if feed.author == HUB:
            right = (int(Standing.ADMITTED), own_place(row.number), "")
        elif not row.topic:
            right = (int(Standing.ADMITTED), 0, "")
        else:
            said = expected.get((row.home, slot(feed), row.epoch, row.number))
            right = (int(said.standing), said.place, said.code) if said else (int(Standing.PENDING), 0, "")
        if (row.standing, row.place, row.code) != right:
            name = f"{feed} {row.epoch}/{row.number}"
            found.wrong.append(f"{name}: standing is {row.standing}, the record says {right[0]}")


def _runs(header: bytes, body: bytes | None) -> list[Run]:
    """What an order record says; one that is sealed or malformed says nothing and had no effect."""
    try:
        sealed = parse_header(header).flags & Flag.SEALED
        return [] if sealed or body is None else parse_runs(body)
    except BadBytes:
        return []


def _check_blobs(conn: Connection, blobs: BlobFiles, found: Findings) -> None:
    for row in conn.execute(select(t.blob.c.hash, t.blob.c.length).where(t.blob.c.held == 1)):
        found.blobs += 1
        if not blobs.check(row.hash):
            found.wrong.append(f"blob {row.hash.hex()}: missing or changed on disk")
