"""Facts of all cases as they stood at a past moment, folded anew from what the hub had ordered by then.

So are the calendars: what was overdue by the table that was out then is overdue in the figures of then. Items are read
by the version that each case names, and a version that is out is never changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection

from casework import reference
from casework.case_facts import CaseFacts, facts_of
from casework.case_log import CaseLog
from casework.changes import ChangeKind
from casework.errors import BadInput
from casework.fold import fold
from casework.workdays import Calendar, CalendarYear, year_from_plain

_TOPICS_AT_ONCE = 2_000


def facts_at(conn: Connection, log: CaseLog, moment: int) -> Iterator[CaseFacts]:
    """`moment` in unix seconds by the hub's clock. Reads the whole log, so many cases at a time."""
    known, calendar = reference.Once(), calendar_at(conn, log, moment)
    after = (0, b"")
    while topics := log.topics_after(conn, after, _TOPICS_AT_ONCE):
        for home, some in groupby(topics, key=itemgetter(0)):
            region = log.region_of(conn, home)
            for changes in log.ordered_by(conn, home, [topic for _, topic in some], moment).values():
                state = fold(changes)
                item = known.item(conn, state.item, state.version) if state.state is not None else None
                facts = facts_of(state, region, item, calendar)
                if facts is not None:
                    yield facts
        after = topics[-1]


def calendar_at(conn: Connection, log: CaseLog, moment: int) -> Calendar:
    """The county's work calendar as it had been told to all by a moment."""
    years: dict[int, CalendarYear] = {}
    for entry in log.told_all_by(conn, (int(ChangeKind.CALENDAR_YEAR),), moment):
        try:
            table = year_from_plain(entry.body, lenient=True)
        except BadInput:  # nor has the projection taken it
            continue
        years[table.year] = table
    return Calendar(years)
