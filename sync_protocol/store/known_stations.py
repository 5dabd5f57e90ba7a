"""What is known here of each station below this place: by what it said, what came of it, and its certificate.

A fixed number of queries, however many stations there are.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, and_, case, func, or_, select

from sync_protocol.certificates import Certificate, SignedCertificate
from sync_protocol.entries import FIRST_APPLICATION_TYPE
from sync_protocol.feeds import FeedId, FeedKind, up
from sync_protocol.order import AWAITS, Standing
from sync_protocol.store import peers
from sync_protocol.store import tables as t
from sync_protocol.store.report_store import KeptReport, kept_reports

_E = t.entry.c


@dataclass(frozen=True, slots=True)
class Known:
    """One station; moments in unix seconds by our clock, 0 for never.

    contact: when it last dialled this place itself. arrived: when the newest entry of its own feed came here, by
    whatever way; here: that entry's number. heard: the latest of contact, arrived and what another place passed on.
    held entries wait for a person, unsettled ones for something else. skew: its clock minus ours, in seconds.
    """

    certificate: Certificate | None
    revoked: str
    contact: int
    skew: int
    arrived: int
    here: int
    heard: int
    held: int
    unsettled: int
    blobs_missing: int
    bytes_missing: int
    forked: bool
    said: KeptReport | None


def known_stations(conn: Connection, authors: Collection[int]) -> dict[int, Known]:
    certificates = _newest_certificates(conn)
    held, unsettled = _waiting(conn)
    contacts, reports, missing = peers.contacts(conn), kept_reports(conn), _missing(conn)
    arrived = _arrived(conn, authors)
    forked = {FeedId.parse(feed).author for feed in conn.execute(select(t.fork.c.feed)).scalars()}
    found = {}
    for author in authors:
        certificate, revoked = certificates.get(author, (None, ""))
        contact, skew = contacts.get(author, (0, 0))
        here, at = arrived.get(author, (0, 0))
        said = reports.get(author)
        blobs, size = missing.get(author, (0, 0))
        found[author] = Known(
            certificate=certificate,
            revoked=revoked,
            contact=contact,
            skew=said.skew if said is not None and said.heard > contact else skew,
            arrived=at,
            here=here,
            heard=max(contact, at, said.heard if said else 0),
            held=held.get(author, 0),
            unsettled=unsettled.get(author, 0),
            blobs_missing=blobs,
            bytes_missing=size,
            forked=author in forked,
            said=said,
        )
    return found


def _newest_certificates(conn: Connection) -> dict[int, tuple[Certificate, str]]:
    """Per author the newest certificate and, if it was revoked, why."""
    c = t.certificate.c
    rows = conn.execute(select(c.author, c.packed, c.revoked).order_by(c.serial))
    newest = {row.author: (row.packed, row.revoked or "") for row in rows}
    return {author: (SignedCertificate.parse(packed).certificate, why) for author, (packed, why) in newest.items()}


def _arrived(conn: Connection, authors: Collection[int]) -> dict[int, tuple[int, int]]:
    """Per author of an up feed that is held here: its last number, and when that came."""
    tip = t.tip.c
    same = and_(_E.feed == tip.feed, _E.epoch == tip.epoch, _E.number == tip.number)
    rows = conn.execute(
        select(tip.feed, tip.number, _E.received)
        .outerjoin(t.entry, same)
        .where(tip.feed.in_([up(author).packed() for author in authors]))
    )
    found: dict[int, tuple[int, int]] = {}
    for row in rows:
        author = FeedId.parse(row.feed).author
        number, at = found.get(author, (0, 0))
        found[author] = max(number, row.number), max(at, row.received or 0)
    return found


def _missing(conn: Connection) -> dict[int, tuple[int, int]]:
    """Per home: blobs that its own entries name and that are not here, and their bytes."""
    b, r = t.blob.c, t.blob_ref.c
    each = (
        select(r.home, r.hash, b.length)
        .join(t.blob_ref, r.hash == b.hash)
        .where(b.held == 0, func.substr(r.feed, 1, 1) == bytes([FeedKind.UP]))
        .distinct()
        .subquery()
    )
    rows = conn.execute(select(each.c.home, func.count(), func.sum(each.c.length)).group_by(each.c.home))
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def _waiting(conn: Connection) -> tuple[dict[int, int], dict[int, int]]:
    """Per home: entries that wait for a person, and entries that wait for anything else; through the partial index."""
    for_person = and_(_E.standing == int(Standing.HELD), _E.code != AWAITS)
    unsettled = or_(_E.standing == int(Standing.PENDING), _E.standing == int(Standing.HELD))
    rows = conn.execute(
        select(_E.home, func.sum(case((for_person, 1), else_=0)), func.count())
        .where(unsettled, _E.type >= FIRST_APPLICATION_TYPE)
        .group_by(_E.home)
    ).all()
    return {row[0]: int(row[1]) for row in rows}, {row[0]: int(row[2] - row[1]) for row in rows}
