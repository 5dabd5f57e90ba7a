"""The newest report of each station, as it came."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from sync_protocol.reports import StationReport, parse_report
from sync_protocol.store.dialect import insert_or_set
from sync_protocol.store.tables import report

_SET = ("packed", "signature", "heard", "skew")


@dataclass(frozen=True, slots=True)
class KeptReport:
    """`heard`: when its author was last in contact with us or with who passed it on, in unix seconds by our clock;
    `skew`: the author's clock minus ours, in seconds."""

    report: StationReport
    packed: bytes
    signature: bytes
    heard: int
    skew: int


def keep(conn: Connection, author: int, packed: bytes, signature: bytes, heard: int, skew: int) -> None:
    row = {"author": author, "packed": packed, "signature": signature, "heard": heard, "skew": skew}
    insert_or_set(conn, report, row, _SET)


def kept_reports(conn: Connection, authors: Collection[int] | None = None) -> dict[int, KeptReport]:
    """By author; of these authors, or of all."""
    query = select(report)
    if authors is not None:
        query = query.where(report.c.author.in_(authors))
    return {
        row.author: KeptReport(parse_report(row.packed), row.packed, row.signature, row.heard, row.skew)
        for row in conn.execute(query)
    }
