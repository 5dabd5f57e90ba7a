"""The stations below this one, as a township sees them: how each stands, and the cases of it that need somebody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import reference
from casework.case_tables import case_row
from casework.clock_table import NEAR_DAYS
from casework.errors import NotFound
from casework.states import COUNTY, HOME, TOWNSHIP, State
from casework.texts import N_
from casework.web.station_signs import StationFacts, Today, station_facts, today_at
from casework.workdays import Calendar, china_day
from node.metrics import PROGRAM_VERSION
from sync_protocol.messages import PROTOCOL_VERSION
from sync_protocol.store import trust
from sync_protocol.store.known_stations import Known, known_stations
from sync_protocol.topology import Tier

CASES_SHOWN = 20
NEWEST_SHOWN = 8
_C = case_row.c


@dataclass(frozen=True, slots=True)
class VillagePage:
    """One station below: what is known of it; its cases whose window runs out before the county has them, and those
    that were refused or are held, and those taken in last."""

    facts: StationFacts
    known: Known
    near: Sequence[sa.Row[Any]]
    troubled: Sequence[sa.Row[Any]]
    newest: Sequence[sa.Row[Any]]


def villages(conn: Connection, me: int, now: int) -> list[StationFacts]:
    """In the order of region codes; a fixed number of queries."""
    authors = [author for author in trust.topology(conn).subtree(me) if author != me]
    found = _facts(conn, authors, now)
    return sorted((facts for facts, _ in found.values()), key=lambda facts: facts.region)


def village_page(conn: Connection, me: int, author: int, now: int) -> VillagePage:
    """Raises NotFound for what is not below this station."""
    if author == me or author not in trust.topology(conn).subtree(me):
        raise NotFound(N_("没有这个站点"))
    facts, known = _facts(conn, [author], now)[author]
    near = _near(facts.region, reference.calendar(conn), china_day(now))
    troubled = (
        sa.select(case_row)
        .where(_C.home_region == facts.region, _C.trouble != "")
        .order_by(_C.changed.desc(), _C.topic)
        .limit(CASES_SHOWN)
    )
    rows = conn.execute(near.order_by(_C.due, _C.topic).limit(CASES_SHOWN)).all()
    newest = sa.select(case_row).where(_C.home_region == facts.region).order_by(_C.received.desc(), _C.topic)
    last = conn.execute(newest.limit(NEWEST_SHOWN)).all()
    return VillagePage(facts, known, rows, conn.execute(troubled).all(), last)


def today(conn: Connection, now: int) -> Today:
    return today_at(now, reference.calendar(conn), PROGRAM_VERSION, PROTOCOL_VERSION)


def _facts(conn: Connection, authors: Sequence[int], now: int) -> dict[int, tuple[StationFacts, Known]]:
    topology, tree = trust.topology(conn), reference.regions(conn)
    names = {region.code: region.shown_name for region in tree or ()}
    warned = _near("", reference.calendar(conn), china_day(now)).subquery()
    counted = sa.select(warned.c.home_region, sa.func.count()).group_by(warned.c.home_region)
    near = {region: int(count) for region, count in conn.execute(counted)}
    found = {}
    for author, known in known_stations(conn, authors).items():
        station = topology.station(author)
        region = station.region if station else ""
        facts = station_facts(
            known,
            author=author,
            region=region,
            name=names.get(region, region),
            area=names.get(region[:9] + "000", ""),
            tier="township" if station and station.tier is Tier.TOWNSHIP else "village",
            near=near.get(region, 0),
        )
        found[author] = facts, known
    return found


def _near(region: str, calendar: Calendar, today: date) -> sa.Select[Any]:
    """Cases whose five working days run out before the county has signed for them; of one place, or of all."""
    until = calendar.add_workdays(today, NEAR_DAYS)[0].isoformat()
    query = sa.select(case_row).where(
        _C.state == State.COLLECTED.value,
        _C.holder.in_((HOME, TOWNSHIP, COUNTY)),
        _C.due <= until,
        _C.due != "",
        _C.unsettled == 1,
    )
    return query.where(_C.home_region == region) if region else query
