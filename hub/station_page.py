"""One station as the county knows it: beside its line its feeds, certificates, invitations, what waits, what came."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.errors import NotFound
from casework.refusals import Explanation, explain
from casework.texts import N_
from casework.workdays import china_day
from hub.held import EntryKey
from hub.station_lines import StationLine, list_stations
from sync_protocol.certificates import Certificate, SignedCertificate
from sync_protocol.feeds import FeedId
from sync_protocol.frontier import Frontier
from sync_protocol.order import AWAITS, Standing
from sync_protocol.store import feed_store, peers, trust
from sync_protocol.store import tables as t
from sync_protocol.topology import SLOT_HOME, SLOT_TOWNSHIP, slot

HISTORY_DAYS = 14
_HISTORY_ENTRIES = 2000
"""More than a village writes in two weeks; the days before the first one that was read are left out."""
_HELD_SHOWN = 20


@dataclass(frozen=True, slots=True)
class FeedLine:
    """A feed of this home: whose words, the last number held here, and the last that the station has shown to hold
    (-1 where it has never dialled the county itself). stopped: by a fork."""

    feed: str
    slot: int
    here: int
    there: int
    stopped: bool


@dataclass(frozen=True, slots=True)
class CertificateLine:
    certificate: Certificate
    revoked: str


@dataclass(frozen=True, slots=True)
class InvitationLine:
    """used: whether somebody has redeemed it."""

    expires: int
    used: bool


@dataclass(frozen=True, slots=True)
class HeldEntry:
    key: EntryKey
    received: int
    why: Explanation


@dataclass(frozen=True, slots=True)
class StationPage:
    """history: (day, entries of its own feed that came here on it), oldest first."""

    line: StationLine
    children: tuple[StationLine, ...]
    feeds: tuple[FeedLine, ...]
    certificates: tuple[CertificateLine, ...]
    invitations: tuple[InvitationLine, ...]
    held: tuple[HeldEntry, ...]
    history: tuple[tuple[str, int], ...]


def station_page(conn: Connection, author: int, now: int) -> StationPage:
    """Raises NotFound."""
    lines = list_stations(conn)
    line = next((one for one in lines if one.author == author), None)
    if line is None:
        raise NotFound(N_("没有这个站点"))
    i = t.invitation.c
    invited = conn.execute(sa.select(i.expires, i.used_by).where(i.region == line.region).order_by(i.expires.desc()))
    c = t.certificate.c
    certified = conn.execute(sa.select(c.packed, c.revoked).where(c.author == author).order_by(c.serial.desc()))
    feeds = trust.topology(conn).home_feeds(author)
    return StationPage(
        line=line,
        children=tuple(one for one in lines if one.enrolled and one.parent_author == author),
        feeds=_feeds(conn, author, feeds),
        certificates=tuple(
            CertificateLine(SignedCertificate.parse(row.packed).certificate, row.revoked or "") for row in certified
        ),
        invitations=tuple(InvitationLine(row.expires, row.used_by is not None) for row in invited),
        held=_held(conn, author),
        history=_history(conn, feeds[SLOT_HOME], now),
    )


def _feeds(conn: Connection, author: int, feeds: list[FeedId]) -> tuple[FeedLine, ...]:
    here = feed_store.frontier(conn, feeds)
    proven = peers.proven(conn, author)
    stopped = set(conn.execute(sa.select(t.tip.c.feed).where(t.tip.c.stopped == 1)).scalars())
    return tuple(
        FeedLine(str(feed), slot(feed), _last(here, feed), _last(proven, feed), feed.packed() in stopped)
        for feed in feeds
    )


def _last(frontier: Frontier | None, feed: FeedId) -> int:
    if frontier is None:
        return -1
    return max((tip.number for branch, tip in frontier.items() if branch.feed == feed), default=0)


def _held(conn: Connection, home: int) -> tuple[HeldEntry, ...]:
    e = t.entry.c
    rows = conn.execute(
        sa.select(e.feed, e.epoch, e.number, e.received, e.code)
        .where(e.home == home, e.standing == int(Standing.HELD), e.code != AWAITS)
        .order_by(e.feed, e.epoch, e.number)
        .limit(_HELD_SHOWN)
    )
    return tuple(
        HeldEntry(EntryKey(home, place, row.epoch, row.number), row.received, explain(row.code))
        for row in rows
        if (place := slot(FeedId.parse(row.feed))) in (SLOT_HOME, SLOT_TOWNSHIP)
    )


def _history(conn: Connection, feed: FeedId, now: int) -> tuple[tuple[str, int], ...]:
    e = t.entry.c
    newest = (
        sa.select(e.received)
        .where(e.feed == feed.packed())
        .order_by(e.epoch.desc(), e.number.desc())
        .limit(_HISTORY_ENTRIES)
    )
    number = Counter(china_day(at) for at in conn.execute(newest).scalars())
    today = china_day(now)
    days = [today - timedelta(days=back) for back in range(HISTORY_DAYS - 1, -1, -1)]
    if number.total() == _HISTORY_ENTRIES:
        days = [day for day in days if day >= min(number)]
    return tuple((day.isoformat()[5:], number[day]) for day in days)
