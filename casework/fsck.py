"""Compare the application's rows with a fresh fold of the log, and write them anew where that is asked for.

The rows say nothing that the log does not: whatever differs is the row's fault. Cases are taken in batches, each in a
transaction of its own, so that the memory needed does not grow with their number and a server may run beside.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import case_store, facts_store, reference
from casework.case_log import CaseLog
from casework.case_tables import case_facts, case_row, case_term
from casework.fold import fold

T = TypeVar("T")
_log = logging.getLogger("lianban.casework")
WRONG_MAX = 1_000
"""Differences are named so many times."""
ROWS = b"6"
"""Which way of making rows this program has; another number whenever they say something else of the same log."""
_BATCH = 200
_NO_TOPIC = (0, b"")


class Store(Protocol):
    """What is needed of a store: see sync_protocol.store.seam."""

    def read(self, fn: Callable[[Connection], T]) -> T: ...
    def write(self, fn: Callable[[Connection], T]) -> T: ...


@dataclass(slots=True)
class CaseFindings:
    """How many cases were compared; what differs in words, and of that what was written anew."""

    cases: int = 0
    wrong: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)


def make_rows_anew(
    store: Store,
    log: CaseLog,
    made: Callable[[Connection], bytes | None],
    note: Callable[[Connection, bytes], None],
) -> None:
    """After a program was replaced by one that makes rows otherwise; `made` and `note` keep which way they were made.

    Once, before anything reads them, at several thousand entries a second; a program that dies meanwhile does it again.
    """
    if store.read(made) != ROWS:
        if look_at_cases(store, log, mend=True).cases:
            _log.info("lists and searches were made anew")
        store.write(lambda conn: note(conn, ROWS))


def look_at_cases(store: Store, log: CaseLog, *, mend: bool = False) -> CaseFindings:
    """Compare every case's row with its log; with `mend` what differs is written anew, byte for byte the fold's."""
    found = CaseFindings()
    said = found.mended if mend else found.wrong
    run = store.write if mend else store.read
    after: tuple[int, bytes] | None = _NO_TOPIC
    while after is not None:
        topics, lines = run(partial(_batch, log=log, after=after, mend=mend))
        found.cases += len(topics)
        _note(said, lines)
        after = topics[-1] if topics else None
    for table in (case_row, case_facts) if facts_store.kept_by(log) else (case_row,):
        topic: bytes | None = b""
        while topic is not None:
            topic, lines = run(partial(_rows_without_log, table=table, log=log, after=topic, mend=mend))
            _note(said, lines)
    if not store.read(_found_by_their_terms):
        _note(said, ["cases are not found by what their rows say"])
        if mend:
            store.write(case_store.write_terms)
    return found


def _found_by_their_terms(conn: Connection) -> bool:
    """Whether the terms are those of the rows: each of them is there, and there are as many. In one transaction, for a
    server beside adds to both."""
    wanted = 0
    after: bytes | None = b""
    while after is not None:
        after, terms, there = _terms_after(conn, after)
        wanted += terms
        if terms != there:
            return False
    return wanted == conn.execute(sa.select(sa.func.count()).select_from(case_term)).scalar_one()


def _terms_after(conn: Connection, after: bytes) -> tuple[bytes | None, int, int]:
    """Where the batch of rows after this one begins; how many terms this one's rows have, and how many are there."""
    rows = conn.execute(sa.select(case_row).where(case_row.c.topic > after).order_by(case_row.c.topic).limit(_BATCH))
    terms, last = [], None
    for row in rows:
        terms += [tuple(term.values()) for term in case_store.terms_of_row(row._asdict())]
        last = row.topic
    key = sa.tuple_(case_term.c.term, case_term.c.received, case_term.c.topic)
    there = 0
    for at in range(0, len(terms), _BATCH):
        some = sa.select(sa.func.count()).select_from(case_term).where(key.in_(terms[at : at + _BATCH]))
        there += conn.execute(some).scalar_one()
    return last, len(terms), there


def _note(said: list[str], lines: list[str]) -> None:
    room = WRONG_MAX - len(said)
    if room >= 0:
        said.extend(lines[:room])
        if len(lines) > room:
            said.append(f"more cases differ than these {WRONG_MAX}")


def _batch(
    conn: Connection, log: CaseLog, after: tuple[int, bytes], *, mend: bool
) -> tuple[list[tuple[int, bytes]], list[str]]:
    topics = log.topics_after(conn, after, _BATCH)
    if mend:
        log.lock(conn, {home for home, _ in topics})  # a server beside us may be moving these cases
    all_topics = [topic for _, topic in topics]
    stored, known = _rows(conn, all_topics), reference.Once()
    facts = facts_store.stored(conn, all_topics) if facts_store.kept_by(log) else None
    lines = []
    for home, topic in topics:
        changes = log.changes(conn, home, topic)
        if not changes and topic not in stored:
            continue  # erased before anything of it came here
        state = fold(changes)
        fresh = case_store.row_of(conn, log, home, topic, state, known)
        line = _difference(topic, stored.get(topic), fresh)
        if line:
            lines.append(line)
            if mend:
                case_store.write_row(conn, fresh)
        if facts is not None:
            counted = facts_store.row_of(conn, topic, state, log.region_of(conn, home), known)
            if facts.get(topic) != counted:
                lines.append(f"case {topic.hex()}: what is counted of it differs")
                if mend:
                    facts_store.write(conn, topic, counted)
    return topics, lines


def _rows(conn: Connection, topics: list[bytes]) -> dict[bytes, dict[str, Any]]:
    rows = conn.execute(sa.select(case_row).where(case_row.c.topic.in_(topics))).mappings()
    return {row["topic"]: dict(row) for row in rows}


def _difference(topic: bytes, stored: dict[str, Any] | None, fresh: dict[str, Any]) -> str:
    if stored is None:
        return f"case {topic.hex()}: has no row"
    different = sorted(name for name in fresh if stored[name] != fresh[name])
    return f"case {topic.hex()}: the row differs in {', '.join(different)}" if different else ""


def _rows_without_log(
    conn: Connection, table: sa.Table, log: CaseLog, after: bytes, *, mend: bool
) -> tuple[bytes | None, list[str]]:
    """Of the next batch of rows those whose case the log does not know; and where the batch after it begins."""
    c = table.c
    topics = list(conn.execute(sa.select(c.topic).where(c.topic > after).order_by(c.topic).limit(_BATCH)).scalars())
    known = log.known_topics(conn, topics)
    stray = [topic for topic in topics if topic not in known]
    if mend and stray:
        conn.execute(sa.delete(table).where(c.topic.in_(stray)))
    return (topics[-1] if topics else None), [f"case {topic.hex()}: a row without a log" for topic in stray]
