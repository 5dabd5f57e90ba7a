"""Judging a home's entries at the hub: what is ready, in which order, written down as runs (SPEC section 11).

The home is locked before anything of it is looked at. Whether a change is *admissible* is the application's question,
passed in as `decide`; whether it is *ready* is answered here from headers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Row, and_, or_, select

from sync_protocol.entries import FIRST_APPLICATION_TYPE, NO_TOPIC, EntryType, parse_header
from sync_protocol.feeds import FeedId, down, up
from sync_protocol.journal import Journal, Writing
from sync_protocol.limits import RUNS_PER_RECORD_MAX
from sync_protocol.order import (
    AWAITS,
    BASIS_REFUSED,
    DUPLICATE,
    REVOKED,
    Standing,
    TopicEntry,
    build_runs,
    built_on_refused,
    pack_runs,
    unready,
)
from sync_protocol.reading import PlacedEntry, arrived, read_entry, topic_entry
from sync_protocol.store import feed_store, trust
from sync_protocol.store import tables as t
from sync_protocol.store.dialect import lock_homes


@dataclass(frozen=True, slots=True)
class Verdict:
    """ADMITTED, or REFUSED or HELD with a code and the field it concerns."""

    standing: Standing
    code: str = ""
    field: str = ""


Decide = Callable[[bytes, PlacedEntry], Verdict]
"""Whether the application admits a change of a topic; called in the order in which changes are placed."""

_BATCH = 256
"""Entries judged in one transaction at most, so that other writers are not kept waiting for long."""
_E = t.entry.c


def judge_home(
    conn: Connection, journal: Journal, home: int, decide: Decide, writing: Writing, again: Collection[str] = ()
) -> list[bytes]:
    """Judge what is ready of a home, at most a batch, and write the order records; the topics that were touched.

    Entries that must wait are held as `awaits` once, and settled by a later record. Call it until it touches
    nothing; then calling it again writes nothing until something arrives. `again` are codes under which entries were
    held and are to be judged once more, because the application may know more by now.
    """
    lock_homes(conn, [home])
    unsettled = or_(
        _E.standing == int(Standing.PENDING), and_(_E.standing == int(Standing.HELD), _E.code.in_([AWAITS, *again]))
    )
    query = (
        select(t.entry)
        .where(_E.home == home, unsettled, _E.type >= FIRST_APPLICATION_TYPE)
        .order_by(_E.standing, _E.feed, _E.epoch, _E.number)
        .limit(_BATCH)
    )
    bench = _Bench(conn, home, decide)
    passed = 0
    while waiting := conn.execute(query.offset(passed)).all():
        if verdicts := bench.judge(waiting):
            _write(conn, journal, home, verdicts, writing)
            return bench.touched
        passed += len(waiting)  # all of these go on waiting: look past them
    return []


def settle(
    conn: Connection, journal: Journal, home: int, entry: tuple[int, int, int], verdict: Verdict, writing: Writing
) -> None:
    """A person settles one held entry (slot, epoch, number)."""
    slot_number, epoch, number = entry
    _write(conn, journal, home, [(slot_number, epoch, number, verdict.standing, verdict.code, verdict.field)], writing)


_Line = tuple[int, int, int, Standing, str, str]


def _write(conn: Connection, journal: Journal, home: int, verdicts: Sequence[_Line], writing: Writing) -> None:
    runs = build_runs(verdicts)
    feed = down(journal.me.author, home)
    for at in range(0, len(runs), RUNS_PER_RECORD_MAX):
        body = pack_runs(runs[at : at + RUNS_PER_RECORD_MAX])
        journal.tell(conn, feed, EntryType.ORDER, body, replace(writing, actor=0))


class _Bench:
    """One sitting over one home."""

    def __init__(self, conn: Connection, home: int, decide: Decide) -> None:
        self._conn = conn
        self._home = home
        self._decide = decide
        self._arrived = arrived(conn, home)
        self._topics: dict[bytes, list[TopicEntry]] = {}
        self.touched: list[bytes] = []

    def judge(self, rows: Sequence[Row[tuple[object, ...]]]) -> list[_Line]:
        """Go over the entries until no more become ready; then hold what is left for the first time."""
        verdicts: list[_Line] = []
        left = list(rows)
        progress = True
        while left and progress:
            still = []
            for row in left:
                line = self._judge_one(row)
                if line is None:
                    still.append(row)
                else:
                    verdicts.append(line)
            progress = len(still) < len(left)
            left = still
        for row in left:
            if row.standing == Standing.PENDING:
                verdicts.append((*_key(row), Standing.HELD, AWAITS, ""))
                self._touch(row.topic)
        return verdicts

    def _judge_one(self, row: Row[tuple[object, ...]]) -> _Line | None:
        if row.topic == NO_TOPIC:
            return (*_key(row), Standing.ADMITTED, "", "")
        topic = self._topic(row.topic)
        mine = next(e for e in topic if (e.slot, e.epoch, e.number) == _key(row))
        if unready(mine, topic, self._arrived):
            return None
        verdict = self._verdict(row, mine, topic)
        if (verdict.standing, verdict.code) == (row.standing, row.code):
            return None
        settled = replace(mine, standing=verdict.standing, judged_by=2**62)
        topic[topic.index(mine)] = settled
        self._touch(row.topic)
        return (*_key(row), verdict.standing, verdict.code, verdict.field)

    def _verdict(self, row: Row[tuple[object, ...]], mine: TopicEntry, topic: Sequence[TopicEntry]) -> Verdict:
        feed = FeedId.parse(row.feed)
        serial = feed_store.serial_of(self._conn, feed, row.epoch, row.number)
        revocations = [r for r in trust.revocations_of(self._conn, feed.author) if r.serial == serial]
        if any(r.past(feed, row.epoch, row.number) for r in revocations):
            return Verdict(Standing.HELD, REVOKED)
        if self._said_before(row, mine, topic):
            return Verdict(Standing.REFUSED, DUPLICATE)
        if built_on_refused(mine, topic):
            return Verdict(Standing.REFUSED, BASIS_REFUSED)
        return self._decide(row.topic, read_entry(row))

    def _said_before(self, row: Row[tuple[object, ...]], mine: TopicEntry, topic: Sequence[TopicEntry]) -> bool:
        """Whether the other copy of a re-issued entry was judged already."""
        origin = parse_header(row.header).origin
        for other in topic:
            if other.slot != mine.slot or other.standing not in (Standing.ADMITTED, Standing.REFUSED):
                continue
            if origin == (other.epoch, other.number) or self._origin(row.feed, other) == (mine.epoch, mine.number):
                return True
        return False

    def _origin(self, feed: bytes, other: TopicEntry) -> tuple[int, int] | None:
        if other.epoch == 0:
            return None
        header = self._conn.execute(
            select(_E.header).where(_E.feed == feed, _E.epoch == other.epoch, _E.number == other.number)
        ).scalar()
        return parse_header(header).origin if header else None

    def _topic(self, topic: bytes) -> list[TopicEntry]:
        if topic not in self._topics:
            rows = self._conn.execute(
                select(t.entry).where(_E.home == self._home, _E.topic == topic, _E.type >= FIRST_APPLICATION_TYPE)
            )
            self._topics[topic] = [topic_entry(row) for row in rows]
        return self._topics[topic]

    def _touch(self, topic: bytes) -> None:
        if topic not in self.touched:
            self.touched.append(topic)


def _key(row: Row[tuple[object, ...]]) -> tuple[int, int, int]:
    return (0 if FeedId.parse(row.feed) == up(row.home) else 1, row.epoch, row.number)
