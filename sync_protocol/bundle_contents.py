"""What goes into a bundle: what its reader lacks, as far as this replica has it proven (SPEC section 17.3).

Only what the reader itself has signed counts: its frontier as last shown, its receipts, the hub's order records. That a
bundle was written proves nothing: sticks get lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select, true

from sync_protocol.certificates import Certificate, SignedCertificate
from sync_protocol.entries import FIRST_APPLICATION_TYPE
from sync_protocol.errors import NotEnrolled, NotYourParent
from sync_protocol.feeds import HUB, FeedId, FeedKind, up
from sync_protocol.frontier import Branch, Frontier, Tip
from sync_protocol.order import Standing
from sync_protocol.store import feed_store, peers, trust
from sync_protocol.store import tables as t
from sync_protocol.store.me import Me
from sync_protocol.topology import Topology

ROLE_PAGE, ROLE_PREVIEW = 0, 1


@dataclass(frozen=True, slots=True)
class CarriedBlob:
    hash: bytes
    length: int
    role: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One bundle before it is written. `mine` is what goes in, `start` what the reader has of it already, `shown` what
    the bundle claims for its writer."""

    reader: Certificate
    certificates: tuple[SignedCertificate, ...]
    mine: dict[Branch, Tip]
    start: dict[Branch, Tip]
    shown: dict[Branch, Tip]
    blobs: tuple[CarriedBlob, ...]


def plan(conn: Connection, me: Me, reader: int, *, everything: bool = False) -> Plan:
    """What to write for this reader; `everything`: believe nothing of what it is said to hold.

    Raises NotEnrolled when it has no good certificate, NotYourParent when it stands neither above nor below.
    """
    certificate = trust.current_certificate(conn, reader)
    if certificate is None:
        raise NotEnrolled("no certificate of the reader is held here", author=reader)
    topology = trust.topology(conn)
    above = is_above(topology, me.author, reader)
    mine = feed_store.frontier(conn, topology.held_feeds(me.author if above else reader))
    start = {} if everything else _start(conn, me, reader, mine)
    blobs = _upward(conn, topology, me, reader, everything) if above else _downward(conn, topology, reader, start)
    shown = _shown(conn, me, mine) if above else mine
    return Plan(certificate, _certificates(conn, me, certificate), mine, start, shown, tuple(blobs))


def is_above(topology: Topology, me: int, peer: int) -> bool:
    """Whether the peer stands above; False: below. Raises NotYourParent."""
    if peer in topology.ancestors(me):
        return True
    if me in topology.ancestors(peer):
        return False
    raise NotYourParent("neither above nor below this place", author=peer)


def _certificates(conn: Connection, me: Me, reader: Certificate) -> tuple[SignedCertificate, ...]:
    """The writer's and the reader's, and the hub's under which they are signed, in order of serial."""
    found: dict[int, SignedCertificate] = {}
    for serial in (me.serial, reader.serial):
        signed = trust.signed_certificate(conn, serial)
        found[serial] = signed
        if signed.signer:
            found[signed.signer] = trust.signed_certificate(conn, signed.signer)
    return tuple(found[serial] for serial in sorted(found))


def _start(conn: Connection, me: Me, reader: int, mine: Frontier) -> dict[Branch, Tip]:
    """The reader's frontier as far as it is proven."""
    told = peers.proven(conn, reader)
    start = _agreed(conn, me, mine, told or {})
    epoch = trust.newest_epoch(conn, reader)
    proven = dict(_signed_for(conn, me, reader))
    for branch, tip in mine.items():
        own = told is None and branch.feed.author == reader and branch.epoch == epoch
        number = min(tip.number, tip.number if own else proven.get(branch, 0))
        if number > start.get(branch, Tip(0, b"")).number:
            head = feed_store.head_at(conn, me.deployment, branch, number)
            if head is not None:
                start[branch] = Tip(number, head)
    return start


def _agreed(conn: Connection, me: Me, mine: Frontier, told: Frontier) -> dict[Branch, Tip]:
    """Of what a peer has shown, the part that is our own history, as far as it reaches here."""
    found = {}
    for branch, tip in mine.items():
        shown = told.get(branch)
        if shown is None:
            continue
        if shown.number >= tip.number:
            found[branch] = tip
        elif feed_store.head_at(conn, me.deployment, branch, shown.number) == shown.head:
            found[branch] = shown
    return found


def _signed_for(conn: Connection, me: Me, reader: int) -> Iterator[tuple[Branch, int]]:
    """(branch, number) up to which an ancestor has signed that it holds it."""
    homes = trust.topology(conn).subtree(me.author)
    r, e = t.receipt.c, t.entry.c
    for row in conn.execute(select(r.home, r.epoch, r.number).where(r.author == reader, r.home.in_(homes))):
        yield Branch(up(row.home), row.epoch), row.number
    if reader != HUB:
        return
    settled = (Standing.ADMITTED, Standing.REFUSED, Standing.HELD)
    rows = conn.execute(
        select(e.feed, e.epoch, func.max(e.number).label("number"))
        .where(e.home.in_(homes), e.topic != b"", e.type >= FIRST_APPLICATION_TYPE)
        .where(e.standing.in_([int(one) for one in settled]))
        .group_by(e.feed, e.epoch)
    )
    for row in rows.all():
        feed = FeedId.parse(row.feed)
        if feed.author != HUB:  # the hub's own words are settled where they stand: that proves nothing
            yield Branch(feed, row.epoch), row.number


_OF_ENTRY = (t.blob_ref.c.feed, t.blob_ref.c.epoch, t.blob_ref.c.number)
_PREVIEWS_FIRST = (
    t.blob_ref.c.role.desc(),
    t.blob_ref.c.urgency == 0,
    t.blob_ref.c.urgency,
    t.blob_ref.c.number,
    t.blob_ref.c.place,
)


def _kind(kind: FeedKind) -> ColumnElement[bool]:
    return func.substr(t.blob_ref.c.feed, 1, 1) == bytes([kind])


def _upward(conn: Connection, topology: Topology, me: Me, reader: int, everything: bool) -> list[CarriedBlob]:  # noqa: FBT001
    """Blobs of the homes below that lie here and that the reader has not signed for."""
    r, b = t.blob_ref.c, t.blob.c
    signed = exists().where(t.blob_receipt.c.author == reader, t.blob_receipt.c.hash == r.hash)
    rows = conn.execute(
        select(r.hash, b.length, r.role)
        .join(t.blob, b.hash == r.hash)
        .where(r.home.in_(topology.subtree(me.author)), b.held == 1, _kind(FeedKind.UP))
        .where(true() if everything else ~signed)
        .order_by(*_PREVIEWS_FIRST)
    )
    return _once(CarriedBlob(row.hash, row.length, row.role) for row in rows)


def _downward(conn: Connection, topology: Topology, reader: int, start: Frontier) -> list[CarriedBlob]:
    """Blobs that others' entries about the homes below the reader name, beyond what it holds; its own lost ones too."""
    r, b = t.blob_ref.c, t.blob.c
    rows = conn.execute(
        select(*_OF_ENTRY, r.hash, b.length, r.role)
        .join(t.blob, b.hash == r.hash)
        .where(r.home.in_(topology.subtree(reader)), b.held == 1)
        .where(or_(_kind(FeedKind.DOWN), r.home == reader))
        .order_by(*_PREVIEWS_FIRST)
    )
    return _once(
        CarriedBlob(row.hash, row.length, row.role)
        for row in rows
        if row.number > start.get(Branch(FeedId.parse(row.feed), row.epoch), Tip(0, b"")).number
    )


def _once(blobs: Iterable[CarriedBlob]) -> list[CarriedBlob]:
    found: dict[bytes, CarriedBlob] = {}
    for blob in blobs:
        found.setdefault(blob.hash, blob)
    return list(found.values())


def _shown(conn: Connection, me: Me, mine: Frontier) -> dict[Branch, Tip]:
    """What is held here, each branch only up to the first entry of which a blob is lacking that must come from above:
    so that the answer says that entry again, and brings the blob."""
    r, b = t.blob_ref.c, t.blob.c
    rows = conn.execute(
        select(r.feed, r.epoch, func.min(r.number).label("number"))
        .join(t.blob, b.hash == r.hash)
        .where(b.held == 0, or_(_kind(FeedKind.DOWN), r.home == me.author))
        .group_by(r.feed, r.epoch)
    )
    shown = dict(mine)
    for row in rows.all():
        branch, before = Branch(FeedId.parse(row.feed), row.epoch), row.number - 1
        if branch not in shown or (branch.feed.kind is FeedKind.DOWN and branch.feed.author == me.author):
            continue
        head = feed_store.head_at(conn, me.deployment, branch, before) if before else None
        if head is None:
            del shown[branch]
        else:
            shown[branch] = Tip(before, head)
    return shown


def homes_to_sign_for(topology: Topology, me: int, peer: int) -> list[int]:
    """The homes below this place of which a bundle from a peer may have brought something to sign for."""
    homes = topology.subtree(peer if me in topology.ancestors(peer) else me)
    return [home for home in homes if me in topology.ancestors(home)]
