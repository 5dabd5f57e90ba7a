"""What the hub had said by a moment: the log as it was, read from the log as it is (SPEC section 11).

The hub dates everything it writes. What counts at a moment is the beginning of a feed up to the first entry that is
dated later: so nothing that is written after such an entry can change it, even by a clock that was put back.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from sync_protocol.entries import mark, parse_header
from sync_protocol.feeds import HUB, TO_ALL, FeedId, down
from sync_protocol.order import Standing
from sync_protocol.reading import COLUMNS, PlacedEntry, Stored, read_again, read_entry, topic_rows
from sync_protocol.store import tables as t
from sync_protocol.store.memory import memory

_E = t.entry.c
_NEVER = 2**63
"""Above every mark."""
_ROWS_AT_ONCE = 1000


def first_after(conn: Connection, feed: FeedId, moment: int) -> int:
    """The mark (epoch and number) of the hub's first entry in a feed that is dated after `moment`, in unix seconds."""
    query = select(_E.epoch, _E.number, _E.header).where(_E.feed == feed.packed()).order_by(_E.epoch, _E.number)
    rows = conn.execute(query.execution_options(yield_per=_ROWS_AT_ONCE))
    for epoch, number, header in rows:
        if parse_header(header).time > moment:
            rows.close()
            return mark(epoch, number)
    return _NEVER


def ordered_by(conn: Connection, home: int, topics: Sequence[bytes], moment: int) -> dict[bytes, list[PlacedEntry]]:
    """Of several topics of a home the changes that the hub had admitted by `moment`, in their places.

    A change that was held and admitted later counts from its admission; the hub's own count from when it wrote them.
    """
    end, known = first_after(conn, down(HUB, home), moment), memory(conn)
    return {
        topic: [read_again(known, row) for row in rows if row.standing == Standing.ADMITTED and 0 < row.judged_by < end]
        for topic, rows in topic_rows(conn, home, topics).items()
    }


def told_all_by(conn: Connection, kinds: Sequence[int], moment: int) -> list[PlacedEntry]:
    """What the hub had told everybody by `moment` of these kinds, oldest first."""
    end = first_after(conn, TO_ALL, moment)
    rows = conn.execute(
        select(*COLUMNS).where(_E.feed == TO_ALL.packed(), _E.type.in_(kinds)).order_by(_E.epoch, _E.number)
    )
    return [read_entry(row) for row in map(Stored._make, rows) if mark(row.epoch, row.number) < end]
