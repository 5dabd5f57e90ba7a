"""How the county stands as a whole, for the status page and the status command."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.texts import N_
from hub.metrics import PROGRAM_VERSION
from hub.station_lines import StationLine, list_stations, totals
from sync_protocol.messages import PROTOCOL_VERSION
from sync_protocol.store import tables as t


@dataclass(frozen=True, slots=True)
class Status:
    """Counts over the whole county; blobs_missing are scans named by an entry held here that have not come."""

    stations: tuple[StationLine, ...]
    enrolled: int
    held: int
    unsettled: int
    blobs_missing: int
    bytes_missing: int
    forks: int
    versions: tuple[tuple[str, str], ...]


def read_status(conn: Connection) -> Status:
    lines = tuple(list_stations(conn))
    enrolled, held, unsettled = totals(lines)
    b = t.blob.c
    missing = conn.execute(sa.select(sa.func.count(), sa.func.sum(b.length)).where(b.held == 0)).one()
    forks = conn.execute(sa.select(sa.func.count()).select_from(t.fork)).scalar_one()
    return Status(lines, enrolled, held, unsettled, int(missing[0]), int(missing[1] or 0), int(forks), _versions(conn))


def _versions(conn: Connection) -> tuple[tuple[str, str], ...]:
    """What runs here: (name, version)."""
    schema = "-"
    if sa.inspect(conn).has_table("alembic_version"):
        schema = str(conn.execute(sa.text("select version_num from alembic_version")).scalar() or "-")
    known = conn.dialect.server_version_info or ()
    database = f"{conn.dialect.name} {'.'.join(str(part) for part in known)}".strip()
    return (
        (N_("程序"), PROGRAM_VERSION),
        (N_("同步协议"), str(PROTOCOL_VERSION)),
        (N_("数据库结构"), schema),
        (N_("数据库"), database),
    )
