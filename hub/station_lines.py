"""Every station as the county knows it: by what it said, what came of it, and its certificates. A fixed number of
queries, however many stations there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import reference
from casework.errors import NotFound
from casework.regions import RegionTree
from casework.texts import N_
from casework.web.station_signs import StationFacts
from sync_protocol.certificates import Certificate, SignedCertificate
from sync_protocol.entries import FIRST_APPLICATION_TYPE
from sync_protocol.feeds import HUB, FeedId, FeedKind, up
from sync_protocol.order import AWAITS, Standing
from sync_protocol.store import peers
from sync_protocol.store import tables as t
from sync_protocol.store.report_store import KeptReport, kept_reports
from sync_protocol.topology import Tier

TIER_KEYS = {Tier.VILLAGE: "village", Tier.TOWNSHIP: "township", Tier.COUNTY: "county"}


@dataclass(frozen=True, slots=True)
class StationLine:
    """One station. Times are unix seconds, 0 for never. `parent` is the parent's name, "" when not enrolled.

    contact: when it last dialled the hub itself (a village usually dials its township). arrived: when the newest
    entry of its own feed came here, by whatever way; here: that entry's number. heard: the latest of contact, arrived
    and what its township told. held waits for a person; unsettled waits for something else.
    """

    author: int
    region: str
    name: str
    area: str
    tier: Tier
    enrolled: bool
    parent: str
    parent_author: int
    not_before: int
    not_after: int
    epoch: int
    revoked: str
    contact: int
    skew: int
    arrived: int
    here: int
    heard: int
    held: int
    unsettled: int
    invited_until: int
    blobs_missing: int
    bytes_missing: int
    forked: bool
    said: KeptReport | None


def list_stations(conn: Connection) -> list[StationLine]:
    """Every station that was ever invited, in the order of region codes."""
    looked = _Looked(conn)
    return [looked.line(row) for row in conn.execute(sa.select(t.station).order_by(t.station.c.region))]


class _Looked:
    """What is asked once for all stations."""

    def __init__(self, conn: Connection) -> None:
        self.certificates = _newest_certificates(conn)
        self.held, self.unsettled = _waiting_counts(conn)
        self.invited = _open_invitations(conn)
        self.contacts = peers.contacts(conn)
        self.reports = kept_reports(conn)
        self.arrived = _arrived(conn)
        self.missing = _missing(conn)
        self.forked = {FeedId.parse(feed).author for feed in conn.execute(sa.select(t.fork.c.feed)).scalars()}
        tree = reference.regions(conn)
        stations = conn.execute(sa.select(t.station.c.author, t.station.c.region))
        self.names = {author: _name(tree, region) for author, region in stations} | {HUB: N_("县级")}
        self._tree = tree

    def line(self, row: sa.Row[tuple[int, str, int]]) -> StationLine:
        author = row.author
        certificate, revoked = self.certificates.get(author, (None, ""))
        seen, skew = self.contacts.get(author, (0, 0))
        said = self.reports.get(author)
        here, arrived = self.arrived.get(author, (0, 0))
        if said is not None and said.heard > seen:
            skew = said.skew
        blobs, size = self.missing.get(author, (0, 0))
        return StationLine(
            author=author,
            region=row.region,
            name=self.names[author],
            area=_name(self._tree, row.region[:9] + "000"),
            tier=Tier(row.tier),
            enrolled=certificate is not None,
            parent=self.names.get(certificate.parent, "") if certificate else "",
            parent_author=certificate.parent if certificate else 0,
            not_before=certificate.not_before if certificate else 0,
            not_after=certificate.not_after if certificate else 0,
            epoch=certificate.epoch if certificate else 0,
            revoked=revoked,
            contact=seen,
            skew=skew,
            arrived=arrived,
            here=here,
            heard=max(seen, arrived, said.heard if said else 0),
            held=self.held.get(author, 0),
            unsettled=self.unsettled.get(author, 0),
            invited_until=self.invited.get(row.region, 0),
            blobs_missing=blobs,
            bytes_missing=size,
            forked=author in self.forked,
            said=said,
        )


def facts_of(line: StationLine) -> StationFacts:
    """The same for the rules of `casework.web.station_signs`."""
    facts = StationFacts(
        author=line.author,
        region=line.region,
        name=line.name,
        area=line.area,
        tier=TIER_KEYS[line.tier],
        enrolled=line.enrolled,
        invited_until=line.invited_until,
        revoked=line.revoked,
        not_after=line.not_after,
        machine=line.epoch + 1,
        heard=line.heard,
        through=line.heard > line.contact,
        skew=line.skew,
        here=line.here,
        held=line.held,
        pages_missing=line.blobs_missing,
        bytes_missing=line.bytes_missing,
        forked=line.forked,
    )
    return facts if line.said is None else facts.reporting(line.said.report, line.said.heard)


def _name(tree: RegionTree | None, region: str) -> str:
    try:
        return tree.get(region).shown_name if tree is not None else region
    except NotFound:
        return region


def _newest_certificates(conn: Connection) -> dict[int, tuple[Certificate, str]]:
    """Per author the newest certificate and, if it was revoked, why."""
    c = t.certificate.c
    rows = conn.execute(sa.select(c.author, c.packed, c.revoked).order_by(c.serial))
    newest = {row.author: (row.packed, row.revoked or "") for row in rows}
    return {author: (SignedCertificate.parse(packed).certificate, why) for author, (packed, why) in newest.items()}


def _arrived(conn: Connection) -> dict[int, tuple[int, int]]:
    """Per author of an up feed that is held here: its last number, and when that came."""
    tip, e = t.tip.c, t.entry.c
    same = sa.and_(e.feed == tip.feed, e.epoch == tip.epoch, e.number == tip.number)
    authors = conn.execute(sa.select(t.station.c.author)).scalars()
    rows = conn.execute(
        sa.select(tip.feed, tip.number, e.received)
        .outerjoin(t.entry, same)
        .where(tip.feed.in_([up(author).packed() for author in authors]))
        .order_by(tip.epoch)
    )
    found: dict[int, tuple[int, int]] = {}
    for row in rows:
        author = FeedId.parse(row.feed).author
        number, at = found.get(author, (0, 0))
        found[author] = max(number, row.number), max(at, row.received or 0)
    return found


def _missing(conn: Connection) -> dict[int, tuple[int, int]]:
    """Per home: scans that its entries name and that are not here, and their bytes."""
    b, r = t.blob.c, t.blob_ref.c
    each = (
        sa.select(r.home, r.hash, b.length)
        .join(t.blob_ref, r.hash == b.hash)
        .where(b.held == 0, sa.func.substr(r.feed, 1, 1) == bytes([FeedKind.UP]))
        .distinct()
        .subquery()
    )
    rows = conn.execute(sa.select(each.c.home, sa.func.count(), sa.func.sum(each.c.length)).group_by(each.c.home))
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def _waiting_counts(conn: Connection) -> tuple[dict[int, int], dict[int, int]]:
    """Per home: entries that wait for a person, and entries that wait for anything else."""
    e = t.entry.c
    for_person = sa.and_(e.standing == int(Standing.HELD), e.code != AWAITS)
    rows = conn.execute(
        sa.select(e.home, sa.func.sum(sa.case((for_person, 1), else_=0)), sa.func.count())
        .where(e.standing.in_((int(Standing.PENDING), int(Standing.HELD))), e.type >= FIRST_APPLICATION_TYPE)
        .group_by(e.home)
    ).all()
    return {row[0]: int(row[1]) for row in rows}, {row[0]: int(row[2] - row[1]) for row in rows}


def _open_invitations(conn: Connection) -> dict[str, int]:
    i = t.invitation.c
    rows = conn.execute(sa.select(i.region, sa.func.max(i.expires)).where(i.used_by.is_(None)).group_by(i.region))
    return {row[0]: int(row[1]) for row in rows}


def totals(lines: Iterable[StationLine]) -> tuple[int, int, int]:
    """(stations enrolled, entries held for a person, entries that wait for something else)."""
    known = list(lines)
    return sum(line.enrolled for line in known), sum(line.held for line in known), sum(line.unsettled for line in known)
