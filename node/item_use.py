"""Which items a station takes in most, from its newest cases: what it costs does not grow with their number."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_tables import case_row

_LOOKED_AT = 300
_C = case_row.c


def uses(conn: Connection, region: str) -> dict[str, int]:
    """How many of the newest cases of the station with this region code are of each item, by item key."""
    newest = (
        sa.select(_C.item)
        .where(_C.home_region == region)
        .order_by(_C.received.desc(), _C.topic.desc())
        .limit(_LOOKED_AT)
        .subquery()
    )
    rows = conn.execute(sa.select(newest.c.item, sa.func.count()).group_by(newest.c.item))
    return {item: int(count) for item, count in rows}


def taken_in(conn: Connection, region: str, first: str, most: int) -> int:
    """How many cases the station has taken in since that day (YYYY-MM-DD), counted to `most`."""
    some = sa.select(_C.topic).where(_C.home_region == region, _C.received >= first).limit(most).subquery()
    return int(conn.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())
