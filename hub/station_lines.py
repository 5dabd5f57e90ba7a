"""Every station as the county knows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import reference
from casework.errors import NotFound
from casework.regions import RegionTree
from casework.texts import N_
from casework.web.station_signs import StationFacts, station_facts
from sync_protocol.feeds import HUB
from sync_protocol.store import tables as t
from sync_protocol.store.known_stations import Known, known_stations
from sync_protocol.topology import Tier

TIER_KEYS = {Tier.VILLAGE: "village", Tier.TOWNSHIP: "township", Tier.COUNTY: "county"}


@dataclass(frozen=True, slots=True)
class StationLine:
    """One station. `parent` is the parent's name, "" when not enrolled; area the township's that it lies in;
    invited_until in unix seconds, 0 for no open invitation."""

    author: int
    region: str
    name: str
    area: str
    tier: Tier
    parent: str
    invited_until: int
    known: Known

    @property
    def enrolled(self) -> bool:
        return self.known.certificate is not None

    @property
    def parent_author(self) -> int:
        return self.known.certificate.parent if self.known.certificate else 0

    @property
    def not_before(self) -> int:
        return self.known.certificate.not_before if self.known.certificate else 0

    @property
    def not_after(self) -> int:
        return self.known.certificate.not_after if self.known.certificate else 0

    @property
    def epoch(self) -> int:
        return self.known.certificate.epoch if self.known.certificate else 0


def list_stations(conn: Connection) -> list[StationLine]:
    """Every station that was ever invited, in the order of region codes; a fixed number of queries."""
    rows = conn.execute(sa.select(t.station).order_by(t.station.c.region)).all()
    known = known_stations(conn, [row.author for row in rows])
    invited, tree = _open_invitations(conn), reference.regions(conn)
    names = {row.author: _name(tree, row.region) for row in rows} | {HUB: N_("县级")}

    def line(row: sa.Row[tuple[int, str, int]]) -> StationLine:
        found = known[row.author]
        return StationLine(
            author=row.author,
            region=row.region,
            name=names[row.author],
            area=_name(tree, row.region[:9] + "000"),
            tier=Tier(row.tier),
            parent=names.get(found.certificate.parent, "") if found.certificate else "",
            invited_until=invited.get(row.region, 0),
            known=found,
        )

    return [line(row) for row in rows]


def facts_of(line: StationLine) -> StationFacts:
    """The same for the rules of `casework.web.station_signs`."""
    tier, invited = TIER_KEYS[line.tier], line.invited_until
    return station_facts(
        line.known, author=line.author, region=line.region, name=line.name, area=line.area, tier=tier
    ).invited(invited)


def _name(tree: RegionTree | None, region: str) -> str:
    try:
        return tree.get(region).shown_name if tree is not None else region
    except NotFound:
        return region


def _open_invitations(conn: Connection) -> dict[str, int]:
    i = t.invitation.c
    rows = conn.execute(sa.select(i.region, sa.func.max(i.expires)).where(i.used_by.is_(None)).group_by(i.region))
    return {row[0]: int(row[1]) for row in rows}


def totals(lines: Iterable[StationLine]) -> tuple[int, int, int]:
    """(stations enrolled, entries held for a person, entries that wait for something else)."""
    known = list(lines)
    held, unsettled = (sum(getattr(line.known, name) for line in known) for name in ("held", "unsettled"))
    return sum(line.enrolled for line in known), held, unsettled
