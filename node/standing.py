"""How far this node's own work has come: what the county has received, ordered, held or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, select

from casework.case_tables import case_row
from sync_protocol.entries import BlobRole
from sync_protocol.feeds import HUB, FeedId
from sync_protocol.order import Standing
from sync_protocol.store import blob_store, trust
from sync_protocol.store import tables as t

_E = t.entry.c


@dataclass(frozen=True, slots=True)
class Outstanding:
    """Entries of these homes that the county has not ordered, blobs it has not signed for, and what it answered."""

    pending: int
    cases: int
    """Cases among whose entries these are."""
    oldest_pending: int
    blobs: int
    pages: int
    """Those of the blobs that people count: all but previews."""
    held: list[dict[str, Any]]
    refused: list[dict[str, Any]]

    @property
    def received(self) -> bool:
        return self.pending == 0 and self.blobs == 0

    @property
    def ordered(self) -> bool:
        return self.received and not self.held


def outstanding(conn: Connection, me: int) -> Outstanding:
    """Of this node and of its children."""
    homes = trust.topology(conn).subtree(me)
    unordered = and_(_E.home.in_(homes), _E.type >= 64, _E.topic != b"")
    pending = conn.execute(
        select(func.count(), func.min(_E.received), func.count(_E.topic.distinct())).where(
            unordered, _E.standing == int(Standing.PENDING)
        )
    ).one()
    return Outstanding(
        pending=pending[0],
        cases=pending[2],
        oldest_pending=pending[1] or 0,
        blobs=blob_store.count_unacknowledged(conn, homes, HUB),
        pages=blob_store.count_unacknowledged(conn, homes, HUB, (BlobRole.PAGE, BlobRole.RESULT)),
        held=_answers(conn, homes, Standing.HELD),
        refused=_answers(conn, homes, Standing.REFUSED),
    )


def _answers(conn: Connection, homes: Sequence[int], standing: Standing) -> list[dict[str, Any]]:
    rows = conn.execute(
        select(_E.feed, _E.epoch, _E.number, _E.topic, _E.type, _E.code, _E.field, case_row.c.code.label("intake"))
        .outerjoin(case_row, case_row.c.topic == _E.topic)
        .where(_E.home.in_(homes), _E.standing == int(standing))
        .order_by(_E.place)
        .limit(200)
    )
    return [
        {
            "entry": f"{FeedId.parse(row.feed)}/{row.epoch}/{row.number}",
            "case": row.topic.hex(),
            "intake_code": row.intake,
            "kind": row.type,
            "code": row.code,
            "field": row.field,
        }
        for row in rows
    ]
