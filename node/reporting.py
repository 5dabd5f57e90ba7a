"""What this station says of itself to those above (SPEC section 19)."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy import Connection

from node.keeping import kept
from node.metrics import PROGRAM_VERSION
from sync_protocol.feeds import up
from sync_protocol.messages import PROTOCOL_VERSION
from sync_protocol.reports import StationReport
from sync_protocol.store import feed_store


def look(conn: Connection, blank: StationReport) -> StationReport:
    """The blank filled in, but for its time and error."""
    found = kept(conn, blank.author, {})
    tips = feed_store.frontier(conn, [up(blank.author)]).values()
    return replace(
        blank,
        number=max((tip.number for tip in tips), default=0),
        waiting=found.waiting.entries,
        oldest=found.waiting.oldest,
        waiting_blobs=found.blobs_left,
        waiting_bytes=found.bytes_left,
        alone=found.alone.cases,
        alone_blobs=found.alone.pages,
        drafts=found.drafts,
        protocol=PROTOCOL_VERSION,
        program=PROGRAM_VERSION,
        schema=schema_version(conn),
    )


def schema_version(conn: Connection) -> str:
    """The last migration's number, "" in a database that was made without them."""
    if not sa.inspect(conn).has_table("alembic_version"):
        return ""
    return str(conn.execute(sa.text("select version_num from alembic_version")).scalar() or "")
