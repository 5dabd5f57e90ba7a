"""Compare the application's rows with a fresh fold of the log. Reads only."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import case_store
from casework.case_log import CaseLog
from casework.case_tables import case_row
from casework.fold import fold


def check_cases(conn: Connection, log: CaseLog, topics: Iterable[tuple[int, bytes]]) -> tuple[int, list[str]]:
    """`topics` are all (home, topic) of the log. Returns how many were compared, and what differs in words."""
    wrong: list[str] = []
    seen: set[bytes] = set()
    for home, topic in topics:
        seen.add(topic)
        fresh = case_store.row_of(conn, log, home, topic, fold(log.changes(conn, home, topic)))
        stored = conn.execute(sa.select(case_row).where(case_row.c.topic == topic)).mappings().one_or_none()
        if stored is None:
            wrong.append(f"case {topic.hex()}: has no row")
        elif dict(stored) != fresh:
            different = sorted(name for name in fresh if stored[name] != fresh[name])
            wrong.append(f"case {topic.hex()}: the row differs in {', '.join(different)}")
    for topic in conn.execute(sa.select(case_row.c.topic)).scalars():
        if topic not in seen:
            wrong.append(f"case {topic.hex()}: a row without a log")
    return len(seen), wrong
