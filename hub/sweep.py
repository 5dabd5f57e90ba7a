"""What time alone causes, written by the county's program: acceptance by silence, limits that have lapsed.

Looked for again and again; each thing is written once, by case, rule and day, and says the day of the limit, so that it
makes no difference when the program came to it: on the day, or after a week without power.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import reference
from casework.case_tables import case_row
from casework.desk import Desk
from casework.fold import CaseState, fold
from casework.lapses import RECEIPT_DAYS_MAX, Lapse, next_lapse
from casework.view_dates import case_dates
from casework.workdays import china_day
from hub.judge import judge_one_home, number
from sync_protocol.journal import Journal
from sync_protocol.reading import PlacedEntry
from sync_protocol.topics import Topics

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where a look goes on: by the day, then by the case. The next look begins at the first again."""

    day: str = ""
    topic: bytes = b""


def lapsed_cases(conn: Connection, today: date, after: Place) -> tuple[dict[int, list[bytes]], Place | None]:
    """The next cases (home → topics) whose day is over, and where to go on; None when these were the last."""
    c = case_row.c
    wanted = (
        sa.select(c.home, c.topic, c.lapse_day)
        .where(c.lapse_day < today.isoformat(), c.lapse_day != sa.literal_column("'9999-12-31'"))
        .where(sa.tuple_(c.lapse_day, c.topic) > sa.tuple_(sa.literal(after.day), sa.literal(after.topic)))
        .order_by(c.lapse_day, c.topic)
        .limit(AT_ONCE)
    )
    rows = conn.execute(wanted).all()
    homes: dict[int, list[bytes]] = {}
    for row in rows:
        homes.setdefault(row.home, []).append(row.topic)
    return homes, Place(rows[-1].lapse_day, rows[-1].topic) if len(rows) == AT_ONCE else None


def let_time_act(
    conn: Connection, journal: Journal, topics: Topics, desk: Desk, home: int, cases: Sequence[bytes], now: int
) -> int:
    """Write what time has caused in these cases of one home; how many. What has been received is ordered before it."""
    topics.lock(conn, [home])
    while judge_one_home(conn, journal, topics, desk, home, now).topics:
        pass
    known = reference.once(topics.memory(conn))
    today = china_day(now)
    found = {}
    for topic in cases:
        changes = topics.ordered(conn, home, topic)
        state = fold(changes)
        item = known.item(conn, state.item, state.version)
        lapse = next_lapse(state, item, known.calendar(conn)) if item is not None else None
        if lapse is not None and _is_over(lapse, today) and _credible(changes, state):
            found[topic] = lapse.change()
    if not found:
        return 0
    written = [(topic, (int(kind), body)) for topic, (kind, body) in found.items()]
    topics.write_all(conn, home, written, actor=0, time=now, quality=1)
    number(conn, topics, desk, {(home, topic): fold(topics.ordered(conn, home, topic)) for topic in found}, now)
    return len(found)


def _is_over(lapse: Lapse, today: date) -> bool:
    return lapse.due < today and not lapse.provisional


def _credible(changes: Sequence[PlacedEntry], state: CaseState) -> bool:
    """Whether the day of intake is near the one on which the county received the case."""
    came = min(change.received for change in changes)
    return abs((china_day(came) - case_dates(state).received).days) <= RECEIPT_DAYS_MAX
