"""The rows of ratings, made from the hub's internal entries and from what the county knows of their cases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import case_store
from casework.case_log import CaseLog
from casework.case_tables import rating
from casework.rated_stages import KINDS, RatedStage, rated_stages
from casework.ratings import CALLED, MENDED, stages_of
from casework.tables import storable
from casework.workdays import china_day
from hub.card_rows import internal_entries
from sync_protocol.feeds import TO_SELF
from sync_protocol.store import tables as t
from sync_protocol.store.seam import Store

_E, _R = t.entry.c, rating.c
_INTERNAL_HOME = 0
_TOPICS_AT_ONCE = 200


def follow_ratings(conn: Connection, log: CaseLog, touched: Sequence[tuple[int, bytes]]) -> None:
    """Keep the rows true: of cases about which something was noted, and of rated cases that have changed."""
    for at in range(0, len(touched), _TOPICS_AT_ONCE):
        some = touched[at : at + _TOPICS_AT_ONCE]
        noted = [topic for home, topic in some if home == _INTERNAL_HOME]
        changed = [topic for home, topic in some if home != _INTERNAL_HOME]
        found = set(conn.execute(sa.select(_R.topic).where(_R.topic.in_(changed + noted))).scalars())
        if noted:
            entries = sa.select(_E.topic).where(_E.home == _INTERNAL_HOME, _E.topic.in_(noted), _E.type.in_(KINDS))
            found |= set(conn.execute(entries.distinct()).scalars())
        make_rows(conn, log, sorted(found))


def make_rows(conn: Connection, log: CaseLog, topics: Iterable[bytes]) -> None:
    """Put the rows of these cases' ratings as their entries say."""
    for topic in topics:
        rows = rows_of(conn, log, topic)
        conn.execute(sa.delete(rating).where(_R.topic == topic))
        if rows:
            conn.execute(sa.insert(rating), rows)


def rows_of(conn: Connection, log: CaseLog, topic: bytes) -> list[dict[str, Any]]:
    """The rows that a case's entries make."""
    rated = rated_of(conn, topic)
    known = case_store.load(conn, log, topic) if rated else None
    if known is None or log.key_of(conn, known[0], topic) is None:
        return []  # lawfully erased: nothing that anybody said of it is shown any more
    stages = stages_of(known[1].timeline)
    return [_row(topic, one, known_stage=one.stage in stages) for one in rated]


def rated_of(conn: Connection, topic: bytes) -> list[RatedStage]:
    """What was said of a case, and what was done about it."""
    return rated_stages(internal_entries(conn, topic, KINDS))


def _row(topic: bytes, one: RatedStage, *, known_stage: bool) -> dict[str, Any]:
    called, mended = one.last(CALLED), one.last(MENDED)
    row = {
        "topic": topic,
        "stage": one.stage,
        "home_region": one.region,
        "office": one.office,
        "item": one.item,
        "grade": one.rating.grade,
        "marks": ",".join(one.rating.marks),
        "words": one.rating.words,
        "channel": one.channel,
        "day": china_day(one.received).isoformat(),
        "due": one.due,
        "called": called.text if called is not None else "",
        "verdict": one.verdict,
        "mended": mended.text if mended is not None else "",
        "over": int(one.over or not known_stage),
        "counted": int(one.counted and known_stage),
    }
    return {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}


def look_at_ratings(store: Store, log: CaseLog, *, mend: bool = False) -> list[str]:
    """What differs from the county's entries, a line for each case; with `mend` it is also made right."""
    run = store.write if mend else store.read
    said: list[str] = []
    topics = store.read(_topics)
    for at in range(0, len(topics), _TOPICS_AT_ONCE):
        said += run(partial(_compared, log=log, topics=topics[at : at + _TOPICS_AT_ONCE], mend=mend))
    return said


def _topics(conn: Connection) -> list[bytes]:
    """Rated cases, by the entries or by the rows. All at once: the hub's own feed has no index by case."""
    entries = sa.select(_E.topic).where(_E.feed == TO_SELF.packed(), _E.type.in_(KINDS))
    named = sa.union(entries, sa.select(_R.topic)).subquery()
    return list(conn.execute(sa.select(named.c.topic).order_by(named.c.topic)).scalars())


def _compared(conn: Connection, *, log: CaseLog, topics: list[bytes], mend: bool) -> list[str]:
    lines = []
    for topic in topics:
        query = sa.select(rating).where(_R.topic == topic).order_by(_R.stage)
        there = [dict(row) for row in conn.execute(query).mappings()]
        if there != sorted(rows_of(conn, log, topic), key=lambda row: str(row["stage"])):
            lines.append(f"case {topic.hex()}: its ratings are not what the county's entries say")
            if mend:
                make_rows(conn, log, [topic])
    return lines
