"""Judging a home's entries at the hub: what is ready, in which order, written down as runs (SPEC section 11).

The home is locked before anything of it is looked at. Whether a change is *admissible* is the application's question,
passed in as `decide`; whether it is *ready* is answered here from headers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection, Select, bindparam, select, text

from sync_protocol.entries import FIRST_APPLICATION_TYPE, NO_TOPIC, EntryType, parse_header
from sync_protocol.epochs import Revocation
from sync_protocol.feeds import FeedId, down
from sync_protocol.journal import Journal, Writing
from sync_protocol.order import (
    AWAITS,
    BASIS_REFUSED,
    DUPLICATE,
    REVOKED,
    Standing,
    TopicEntry,
    build_runs,
    built_on_refused,
    pack_records,
    unready,
)
from sync_protocol.reading import PlacedEntry, Stored, arrived, read_as_admitted, slot_of, topic_entry, topic_rows
from sync_protocol.store import feed_store, trust
from sync_protocol.store import tables as t
from sync_protocol.store.dialect import lock_homes
from sync_protocol.store.memory import memory


class Verdict(NamedTuple):
    """ADMITTED, or REFUSED or HELD with a code and the field it concerns."""

    standing: Standing
    code: str = ""
    field: str = ""


Decide = Callable[[bytes, PlacedEntry], Verdict]
"""Whether the application admits a change of a topic, given as it will be read if it does; called in the order in which
changes are placed."""

_BATCH = 256
"""Entries judged in one transaction, so that other writers are not kept waiting for long."""
_COMPANIONS_MAX = 3 * _BATCH
_SITTING_MAX, _TOPIC_ENTRIES_MAX = 16 * _BATCH, _BATCH
"""What is judged of a home in the write that takes it in: entries in all, and entries that a topic may have."""
UNSETTLED = "standing in (0, 3)"
"""As text, and word for word the partial index's: only so does the planner see that the index will do."""
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
    query = waiting_entries(home, again).limit(_BATCH)
    bench = _Bench(conn, home, decide, frozenset((AWAITS, *again)))
    passed = 0
    while waiting := conn.execute(query.offset(passed)).all():
        if verdicts := bench.judge([_Place._make(row) for row in waiting]):
            _write(conn, journal, home, verdicts, writing)
            return bench.touched
        passed += len(waiting)  # all of these go on waiting: look past them
    return []


def judge_topics(
    conn: Connection,
    journal: Journal,
    home: int,
    topics: Collection[bytes],
    decide: Decide,
    writing: Writing,
    *,
    last: bool,
) -> list[bytes]:
    """Judge what is ready of some topics, of which entries have just come; the topics that were touched.

    Unless these are the `last` for now, what is not ready stays pending: what it waits for is on its way. So does what
    goes beyond a sitting: `judge_home` finds it.
    """
    lock_homes(conn, [home])
    bench = _Bench(conn, home, decide, frozenset((AWAITS,)))
    if verdicts := bench.judge_whole(topics, hold=last):
        _write(conn, journal, home, verdicts, writing)
    return bench.touched


_WAITING_LEFT = (
    select(_E.number)
    .where(_E.home == bindparam("home"), text(UNSETTLED), _E.code.in_(["", AWAITS]), _E.type >= FIRST_APPLICATION_TYPE)
    .limit(1)
)


def has_waiting(conn: Connection, home: int) -> bool:
    """Whether a home has entries that nobody has judged, or that wait for what may have come by now."""
    return conn.execute(_WAITING_LEFT, {"home": home}).first() is not None


def waiting_entries(home: int, again: Collection[str]) -> Select[tuple[bytes, int, int, bytes]]:
    """Where the entries of a home stand that nobody has judged, or that are held under `awaits` or these codes.

    What is pending has no code. The index of what is unsettled gives them in this order, so that the first ones cost
    the same however many wait, and however many were ever settled.
    """
    return (
        select(_E.feed, _E.epoch, _E.number, _E.topic)
        .where(_E.home == home, text(UNSETTLED), _E.code.in_(["", AWAITS, *again]), _E.type >= FIRST_APPLICATION_TYPE)
        .order_by(_E.standing, _E.feed, _E.epoch, _E.number)
    )


def settle(
    conn: Connection, journal: Journal, home: int, entry: tuple[int, int, int], verdict: Verdict, writing: Writing
) -> None:
    """A person settles one held entry (slot, epoch, number)."""
    slot_number, epoch, number = entry
    _write(conn, journal, home, [(slot_number, epoch, number, verdict.standing, verdict.code, verdict.field)], writing)


_Line = tuple[int, int, int, Standing, str, str]


def _write(conn: Connection, journal: Journal, home: int, verdicts: Sequence[_Line], writing: Writing) -> None:
    feed = down(journal.me.author, home)
    for body in pack_records(build_runs(verdicts)):
        journal.tell(conn, feed, EntryType.ORDER, body, replace(writing, actor=0))


_Key = tuple[int, int, int]


class _Place(NamedTuple):
    """Where an entry that waits stands, and its topic."""

    feed: bytes
    epoch: int
    number: int
    topic: bytes


class _Bench:
    """One sitting over one home."""

    def __init__(self, conn: Connection, home: int, decide: Decide, waiting: frozenset[str]) -> None:
        self._conn = conn
        self._home = home
        self._decide = decide
        self._memory = memory(conn)
        self._revoked: dict[int, list[Revocation]] = {}
        self._refused: set[bytes] = set()
        """Topics of which an entry was refused."""
        self._waiting = waiting
        self._arrived = arrived(conn, home)
        self._topics: dict[bytes, dict[_Key, TopicEntry]] = {}
        self._open: dict[bytes, dict[_Key, TopicEntry]] = {}
        """Of each topic what others may have to wait for."""
        self._rows: dict[tuple[bytes, int, int], Stored] = {}
        self._origins: dict[tuple[bytes, _Key], tuple[int, int]] = {}
        """Of entries that were said again by a new machine: (epoch, number) of what the old one had said."""
        self._touched: dict[bytes, None] = {}

    @property
    def touched(self) -> list[bytes]:
        return list(self._touched)

    def judge(self, places: Sequence[_Place]) -> list[_Line]:
        """Go over the entries until no more become ready; then hold what is left for the first time.

        What else waits of the same topics is judged with them: else an entry would be held for another one that came
        with it and only stands in a later batch.
        """
        topics = dict.fromkeys(place.topic for place in places if place.topic != NO_TOPIC)
        self._load(topics)
        verdicts = [self._without_topic(place) for place in places if place.topic == NO_TOPIC]
        left = [self._rows[place[:3]] for place in places if place.topic != NO_TOPIC]
        left += self._companions(topics, {place[:3] for place in places})[:_COMPANIONS_MAX]
        return verdicts + self._settle(left, hold=True)

    def judge_whole(self, topics: Collection[bytes], *, hold: bool) -> list[_Line]:
        """The same over what waits of these topics, each of them whole or not at all.

        Each entry is compared with all of its topic, so that one with very many would keep other writers waiting.
        """
        left: list[Stored] = []
        known = topic_rows(self._conn, self._home, list(topics))
        for topic in topics:
            if len(known[topic]) > _TOPIC_ENTRIES_MAX:
                continue
            waiting = self._companions([topic], ())
            if len(left) + len(waiting) > _SITTING_MAX:
                break
            self._load([topic])
            left += waiting
        left.sort(key=lambda row: row[:3])
        return self._settle(left, hold=hold)

    def _settle(self, left: list[Stored], *, hold: bool) -> list[_Line]:
        verdicts: list[_Line] = []
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
        for row in left if hold else ():
            if row.standing == Standing.PENDING:
                verdicts.append((*_key(row), Standing.HELD, AWAITS, ""))
                self._touched[row.topic] = None
        return verdicts

    def _without_topic(self, place: _Place) -> _Line:
        return (slot_of(place.feed), place.epoch, place.number, Standing.ADMITTED, "", "")

    def _companions(self, topics: Iterable[bytes], besides: Collection[tuple[bytes, int, int]]) -> list[Stored]:
        found = [
            row
            for changes in topic_rows(self._conn, self._home, list(topics)).values()
            for row in changes
            if row[:3] not in besides
            and (row.standing == Standing.PENDING or (row.standing == Standing.HELD and row.code in self._waiting))
        ]
        found.sort(key=lambda row: row[:3])
        return found

    def _load(self, topics: Collection[bytes]) -> None:
        """Read what is known of these topics at once."""
        new = [topic for topic in topics if topic not in self._topics]
        for topic, rows in topic_rows(self._conn, self._home, new).items():
            entries = self._topics[topic] = {}
            open_ = self._open[topic] = {}
            for row in rows:
                header = parse_header(row.header)
                key, entry = _key(row), topic_entry(row, header)
                self._rows[row[:3]] = row
                entries[key] = entry
                if entry.unsettled:
                    open_[key] = entry
                elif entry.standing is Standing.REFUSED:
                    self._refused.add(topic)
                if header.origin is not None:
                    self._origins[topic, key] = header.origin

    def _judge_one(self, row: Stored) -> _Line | None:
        key, topic, others = _key(row), self._topics[row.topic], self._open[row.topic]
        mine = topic[key]
        if unready(mine, others.values(), self._arrived):
            return None
        verdict = self._verdict(row, mine, topic)
        if (verdict.standing, verdict.code) == (row.standing, row.code):
            return None
        topic[key] = mine.judged(verdict.standing, by=2**62)
        if verdict.standing is not Standing.HELD:
            others.pop(key, None)
        if verdict.standing is Standing.REFUSED:
            self._refused.add(row.topic)
        self._touched[row.topic] = None
        return (*key, verdict.standing, verdict.code, verdict.field)

    def _verdict(self, row: Stored, mine: TopicEntry, topic: Mapping[_Key, TopicEntry]) -> Verdict:
        feed = FeedId.parse(row.feed)
        if feed.author not in self._revoked:
            self._revoked[feed.author] = trust.revocations_of(self._conn, feed.author)
        if revocations := self._revoked[feed.author]:
            serial = feed_store.serial_of(self._conn, feed, row.epoch, row.number)
            if any(r.serial == serial and r.past(feed, row.epoch, row.number) for r in revocations):
                return Verdict(Standing.HELD, REVOKED)
        if self._said_before(row.topic, mine, topic):
            return Verdict(Standing.REFUSED, DUPLICATE)
        if row.topic in self._refused and built_on_refused(mine, topic.values()):
            return Verdict(Standing.REFUSED, BASIS_REFUSED)
        return self._decide(row.topic, read_as_admitted(self._memory, row))

    def _said_before(self, topic: bytes, mine: TopicEntry, entries: Mapping[_Key, TopicEntry]) -> bool:
        """Whether the other copy of a re-issued entry was judged already."""
        if not self._origins:
            return False
        origin = self._origins.get((topic, (mine.slot, mine.epoch, mine.number)))
        for key, other in entries.items():
            if other.slot != mine.slot or other.standing not in (Standing.ADMITTED, Standing.REFUSED):
                continue
            if origin == (other.epoch, other.number) or self._origins.get((topic, key)) == (mine.epoch, mine.number):
                return True
        return False


def _key(row: Stored) -> _Key:
    return (slot_of(row.feed), row.epoch, row.number)
