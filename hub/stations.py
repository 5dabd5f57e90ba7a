"""Stations as the county sees them: inviting one, and how each of them stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import reference
from casework.changes import ChangeKind
from casework.errors import BadInput, Problem
from casework.regions import RegionTree
from casework.texts import N_, say
from sync_protocol import authority, canonical
from sync_protocol.certificates import Certificate, SignedCertificate
from sync_protocol.entries import FIRST_APPLICATION_TYPE
from sync_protocol.errors import BadToken
from sync_protocol.feeds import HUB, TO_ALL, up
from sync_protocol.journal import Journal, Writing
from sync_protocol.order import AWAITS, Standing
from sync_protocol.store import tables as t
from sync_protocol.store.dialect import lock_feeds
from sync_protocol.store.me import Me
from sync_protocol.store.peers import contact
from sync_protocol.topology import Tier

TIER_WORDS = {"village": Tier.VILLAGE, "township": Tier.TOWNSHIP}
TIER_NAMES = {Tier.VILLAGE: N_("村站"), Tier.TOWNSHIP: N_("乡镇厅"), Tier.COUNTY: N_("县级")}


def invite(
    conn: Connection, me: Me, region: str, tier: str, random_bytes: Callable[[int], bytes], now: int
) -> authority.Invitation:
    """A one-time token for the station at a region code. tier: "village" or "township". Raises BadInput."""
    wanted = TIER_WORDS.get(tier)
    if wanted is None:
        raise BadInput([Problem("tier", N_("没有选择站点级别"), N_("请选择村站（village）或乡镇厅（township）"))])
    _check_region(reference.regions(conn), region, tier)
    try:
        return authority.invite(conn, me, region, wanted, random_bytes, now)
    except BadToken as error:
        raise BadInput([Problem("tier", N_("该站点已按另一级别登记"), N_("请选择与登记一致的级别"))]) from error


def _check_region(tree: RegionTree | None, region: str, tier: str) -> None:
    if tree is None:
        raise BadInput([Problem("region", N_("县级还没有区划数据"), N_("请先载入本县区划文件"))])
    found = next((one for one in tree if one.code == region), None)
    if found is None:
        raise BadInput(
            [Problem("region", say("本县没有区划代码「{region}」", region=region[:20]), N_("请核对 12 位代码"))]
        )
    if found.until:
        successor = say("，已并入 {successor}", successor=found.successor) if found.successor else ""
        message = say("「{name}」{until} 已撤销{successor}", name=found.name, until=found.until, successor=successor)
        raise BadInput([Problem("region", message, N_("请改用现行的区划代码；已登记的站点可以继续办理原来的办件"))])
    if found.level != tier:
        names = {"county": N_("县级"), "township": N_("乡镇级"), "village": N_("村级")}
        message = say("「{name}」是{names}区划，与站点级别不符", name=found.name, names=names[found.level])
        raise BadInput([Problem("region", message, N_("请改选站点级别，或核对代码"))])


def say_address(conn: Connection, journal: Journal, region: str, url: str, writing: Writing) -> None:
    """Tell everybody where a station ("" for the county) is reached, or with "" no longer. Raises BadInput.

    Stations below it that have lost their own parent go there. Saying it again writes nothing.
    """
    author = HUB if not region else _author_of(conn, region)
    lock_feeds(conn, [TO_ALL])
    url = reference.checked_url(url, "--url") if url else ""
    if reference.addresses(conn).get(author, "") != url:
        body = canonical.pack({"author": author, "url": url})
        journal.tell(conn, TO_ALL, int(ChangeKind.ADDRESS), body, writing)


def _author_of(conn: Connection, region: str) -> int:
    found = conn.execute(sa.select(t.station.c.author).where(t.station.c.region == region)).scalar()
    if found is None:
        raise BadInput(
            [Problem("station", say("没有登记过代码为「{region}」的站点", region=region[:20]), N_("请核对 12 位代码"))]
        )
    return int(found)


def invitation_plain(invitation: authority.Invitation) -> dict[str, object]:
    """{token, station, expires} as the command prints it."""
    return {"token": invitation.token, "station": invitation.station, "expires": invitation.expires}


@dataclass(frozen=True, slots=True)
class StationLine:
    """One station. Times are unix seconds, 0 for never. `parent` is the parent's name, "" when not enrolled.

    contact: when it last dialled the hub itself (a village usually dials its township). arrived: when the newest
    entry of its own feed came here, by whatever way. held waits for a person; unsettled waits for something else.
    """

    author: int
    region: str
    name: str
    tier: Tier
    enrolled: bool
    parent: str
    not_before: int
    not_after: int
    epoch: int
    revoked: str
    contact: int
    skew: int
    arrived: int
    held: int
    unsettled: int
    invited_until: int


def list_stations(conn: Connection) -> list[StationLine]:
    """Every station that was ever invited, in the order of region codes."""
    certificates = _newest_certificates(conn)
    held, unsettled = _waiting_counts(conn)
    invited = _open_invitations(conn)
    names = {row.author: reference.region_name(conn, row.region) for row in conn.execute(sa.select(t.station))}
    names[HUB] = N_("县级")
    lines = []
    for row in conn.execute(sa.select(t.station).order_by(t.station.c.region)):
        certificate, revoked = certificates.get(row.author, (None, ""))
        seen, skew = contact(conn, row.author)
        lines.append(
            StationLine(
                author=row.author,
                region=row.region,
                name=names[row.author],
                tier=Tier(row.tier),
                enrolled=certificate is not None,
                parent=names.get(certificate.parent, "") if certificate else "",
                not_before=certificate.not_before if certificate else 0,
                not_after=certificate.not_after if certificate else 0,
                epoch=certificate.epoch if certificate else 0,
                revoked=revoked,
                contact=seen,
                skew=skew,
                arrived=_arrived(conn, row.author),
                held=held.get(row.author, 0),
                unsettled=unsettled.get(row.author, 0),
                invited_until=invited.get(row.region, 0),
            )
        )
    return lines


def _newest_certificates(conn: Connection) -> dict[int, tuple[Certificate, str]]:
    """Per author the newest certificate and, if it was revoked, why."""
    c = t.certificate.c
    rows = conn.execute(sa.select(c.author, c.packed, c.revoked).order_by(c.serial))
    return {row.author: (SignedCertificate.parse(row.packed).certificate, row.revoked or "") for row in rows}


def _arrived(conn: Connection, author: int) -> int:
    e = t.entry.c
    newest = sa.select(e.received).where(e.feed == up(author).packed()).order_by(e.epoch.desc(), e.number.desc())
    return int(conn.execute(newest.limit(1)).scalar() or 0)


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
