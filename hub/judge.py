"""Judging at the county: one transaction per home, the log's order around the application's verdicts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, text

from casework import reference
from casework.changes import ChangeKind
from casework.desk import Desk
from casework.fold import CaseState
from casework.folding import Folding, fold_on
from casework.judge import Hold, Refuse, judge
from casework.refusals import Code
from sync_protocol.entries import NO_TOPIC
from sync_protocol.journal import Journal, Writing
from sync_protocol.judging import UNSETTLED, Verdict, judge_home, judge_topics
from sync_protocol.order import AWAITS, Standing
from sync_protocol.reading import PlacedEntry
from sync_protocol.store import tables as t
from sync_protocol.topics import Topics


@dataclass(slots=True)
class Judged:
    """What one sitting did: topics it touched."""

    topics: list[bytes]


_ADMITTED = Verdict(Standing.ADMITTED)


class _Decider:
    """The application's verdicts over one home; keeps each case's ordered state while the home is judged."""

    def __init__(self, conn: Connection, topics: Topics, home: int) -> None:
        self._conn = conn
        self._topics = topics
        self._home = home
        self._tier = topics.tier_of(conn, home)
        self._foldings: dict[bytes, Folding] = {}
        self._reference = reference.once(topics.memory(conn))

    def state(self, topic: bytes) -> CaseState:
        return self._folding(topic).state

    def _folding(self, topic: bytes) -> Folding:
        if topic not in self._foldings:
            ordered = self._topics.ordered(self._conn, self._home, topic)
            self._foldings[topic] = fold_on(self._topics.memory(self._conn), topic, ordered)
        return self._foldings[topic]

    def __call__(self, topic: bytes, entry: PlacedEntry) -> Verdict:
        folding = self._folding(topic)
        verdict = judge(folding.state, entry, home_tier=self._tier, route_for=self._route)
        if isinstance(verdict, Refuse):
            return Verdict(Standing.REFUSED, verdict.code.value, verdict.field)
        if isinstance(verdict, Hold):
            return Verdict(Standing.HELD, verdict.code.value)
        folding.take(entry, checked=True)
        return _ADMITTED

    def _route(self, item: str, version: int) -> dict[str, object] | None:
        found = self._reference.item(self._conn, item, version)
        return reference.route_of(found) if found else None


def judge_one_home(
    conn: Connection,
    journal: Journal,
    topics: Topics,
    desk: Desk,
    home: int,
    now: int,
    settled: Sequence[bytes] = (),
    again: Collection[str] = (),
) -> Judged:
    """Judge what is ready of a home, then write what the county's program adds by itself.

    `settled` are topics of which a person has just settled an entry; `again` are codes to be judged once more.
    """
    decider = _Decider(conn, topics, home)
    touched = judge_home(conn, journal, home, decider, Writing(0, now, 1), again)
    number(conn, topics, desk, {(home, topic): decider.state(topic) for topic in [*settled, *touched]}, now)
    return Judged(touched)


def judge_arrived(
    conn: Connection,
    journal: Journal,
    topics: Topics,
    desk: Desk,
    arrived: Mapping[int, Collection[bytes]],
    now: int,
    *,
    last: bool,
) -> Judged:
    """Judge what has just come (home → topics) in the write that takes it in, so that its answer goes with the reply.

    `last` is False when more of it is announced: what waits for that is left alone.
    """
    done: list[bytes] = []
    states: dict[tuple[int, bytes], CaseState] = {}
    for home, of_home in arrived.items():
        decider = _Decider(conn, topics, home)
        touched = judge_topics(conn, journal, home, of_home, decider, Writing(0, now, 1), last=last)
        states.update({(home, topic): decider.state(topic) for topic in touched})
        done += touched
    number(conn, topics, desk, states, now)
    return Judged(done)


def number(
    conn: Connection, topics: Topics, desk: Desk, states: Mapping[tuple[int, bytes], CaseState], now: int
) -> None:
    """Cases (home, topic) accepted below the county get their 办件编号 here."""
    new = {case: state for case, state in states.items() if state.accepted_at is not None and not state.case_no}
    if not new:
        return
    by_home: dict[int, list[tuple[bytes, tuple[int, dict[str, object]]]]] = {}
    for (home, topic), number in zip(new, desk.new_case_nos(conn, list(new.values())), strict=True):
        by_home.setdefault(home, []).append((topic, (int(ChangeKind.NUMBER), {"case_no": number})))
    for home, changes in by_home.items():
        topics.write_all(conn, home, changes, actor=0, time=now, quality=1)


KNOWN_BY_NOW = (Code.UNKNOWN_KIND.value, Code.ITEM_UNKNOWN.value)
"""Held because this program or its catalogue did not know something; looked at again after every start."""


def unsettled_homes(conn: Connection) -> list[int]:
    """Homes with entries that nobody has judged, that wait for others, or that may be understood by now."""
    e = t.entry.c
    codes = ["", AWAITS, *KNOWN_BY_NOW]  # what is pending has none
    homes = select(e.home).where(text(UNSETTLED), e.code.in_(codes), e.topic != NO_TOPIC).distinct()
    return sorted(conn.execute(homes).scalars())
