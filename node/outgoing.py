"""Which of this station's cases still have something on the way: words that the county has not judged, or scans."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_tables import case_row, catalogue_item
from casework.changes import ChangeKind
from casework.policy import CaseScope
from sync_protocol.feeds import HUB, TO_ALL, FeedKind
from sync_protocol.store import tables as t

OUTBOX_ROWS = 200
_C = case_row.c


def outgoing(conn: Connection, scope: CaseScope | None, author: int) -> list[sa.Row[Any]]:
    """Rows of cases inside the scope, oldest change first: nothing that waits is ever dropped from the list."""
    if scope is None:
        return []
    where = [
        _C.home_region.startswith(scope.region_prefix, autoescape=True),
        sa.or_(_C.unsettled == 1, _C.trouble != "", _C.topic.in_(_with_scans_on_the_way(author))),
    ]
    return list(conn.execute(sa.select(case_row).where(*where).order_by(_C.changed, _C.topic).limit(OUTBOX_ROWS)))


def _with_scans_on_the_way(author: int) -> sa.Select[tuple[bytes]]:
    r, signed = t.blob_ref.c, t.blob_receipt.c
    at_county = sa.exists().where(signed.author == HUB, signed.hash == r.hash)
    own = sa.func.substr(r.feed, 1, 1) == bytes([FeedKind.UP])
    return sa.select(r.topic).where(own, ~at_county).distinct()


def unread_items(conn: Connection) -> int:
    """How many item versions the county has told that could not be read here; the status page says so."""
    e = t.entry.c
    of_items = (e.feed == TO_ALL.packed(), e.type == int(ChangeKind.CATALOGUE_ITEM))
    told = sa.select(sa.func.count(sa.distinct(e.body))).where(*of_items)  # what is told again in a new epoch is one
    held = sa.select(sa.func.count()).select_from(catalogue_item)
    return max(0, conn.execute(told).scalar_one() - conn.execute(held).scalar_one())


def reference_times(conn: Connection, types: tuple[int, ...]) -> dict[int, int]:
    """For each entry type, when the newest entry of it arrived here (unix seconds)."""
    e = t.entry.c
    rows = conn.execute(sa.select(e.type, sa.func.max(e.received)).where(e.type.in_(types)).group_by(e.type))
    return {row[0]: int(row[1]) for row in rows}
