"""Keeps the application's tables true to the log, in the transaction that changed it, and answers requests.

Everything here can be thrown away and rebuilt from the log (`fsck` compares); drafts and counters cannot, and are
not made here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, ProgrammingError

from casework import case_store, reference, used_pages
from casework.case_log import HUB_AUTHOR, CaseLog
from casework.changes import ChangeKind
from casework.errors import BadInput
from casework.fold import CaseState
from casework.folding import fold_on
from casework.hall import save_hall
from casework.requests import answer_requests, answered
from casework.revoked_results import save_revoked_result
from casework.staff_log import take_password, take_staff_row
from casework.states import COUNTY, HOME, TOWNSHIP

# What a body can cause. A full disk or a deadlock is none of it: those fail the transaction.
_DATABASE = (DataError, IntegrityError, InterfaceError, ProgrammingError)
_SENSELESS = (BadInput, TypeError, KeyError, ValueError, OverflowError, *_DATABASE)
_log = logging.getLogger("lianban.casework")


class ToldEntry(Protocol):
    """An entry that concerns no case, as the log hands it over; `body` is the plain object."""

    @property
    def author(self) -> int: ...
    @property
    def audience(self) -> int: ...
    @property
    def type(self) -> int: ...
    @property
    def time(self) -> int: ...


Follow = Callable[[Connection, Sequence[tuple[int, bytes]], Sequence[int]], None]
"""Told last of all which (home, topic) changed (home 0: internal entries about the topic), and what kinds of entries
about no case came."""


TakeMore = Callable[[Connection, ToldEntry, Any], None]
"""Handed an entry about no case, and its plain body (None if it is none), that this module has no use for. It may raise
what a senseless body causes: nothing of it has an effect then."""


def _take_nothing(conn: Connection, entry: ToldEntry, body: Any) -> None:
    """For a program that has no use for more either."""


def _nothing_more(conn: Connection, touched: Sequence[tuple[int, bytes]], told: Sequence[int]) -> None:
    """For a program without tables of its own."""


class Projector:
    """`decode` turns an entry's body bytes into a plain object (None if it is none); `clock` gives unix seconds."""

    def __init__(
        self,
        log: CaseLog,
        decode: Callable[[bytes], Any],
        clock: Callable[[], int],
        follow: Follow = _nothing_more,
        take_more: TakeMore = _take_nothing,
    ) -> None:
        self._take_more = take_more
        self._follow = follow
        self._log_of = log
        self._decode = decode
        self._clock = clock

    def __call__(self, conn: Connection, touched: Iterable[tuple[int, bytes]], told: Sequence[Any]) -> None:
        touched = list(touched)
        for entry in told:
            self._take(conn, entry)
        by_home: dict[int, list[bytes]] = {}
        for home, topic in touched:
            by_home.setdefault(home, []).append(topic)
        by_home.pop(0, None)
        for home, topics in by_home.items():
            self._refresh(conn, home, topics)
        self._follow(conn, touched, [entry.type for entry in told])

    def _refresh(self, conn: Connection, home: int, topics: Sequence[bytes]) -> None:
        memory = self._log_of.memory(conn)
        changes = self._log_of.changes_of(conn, home, topics)
        # a case that was erased before anything of it came here has no changes, and no row
        states = {topic: fold_on(memory, topic, changes[topic]).state for topic in topics if changes[topic]}
        case_store.refresh(conn, self._log_of, home, states)
        for topic, state in states.items():
            if state.state is None and home == self._log_of.author and self._log_of.key_of(conn, home, topic) is None:
                used_pages.forget(conn, topic)  # erased: nobody is to learn here whose pages they were
            self._answer(conn, home, topic, state, answered(changes[topic], self._log_of.author))

    def _answer(self, conn: Connection, home: int, topic: bytes, state: CaseState, done: set[str]) -> None:
        """Requests are granted by rule by the holder's program; the county answers only what it has ordered.

        `done` are requests that are not answered again: an answer that is held has no effect yet, but is one.
        """
        office = office_of(self._log_of, home)
        known = (state.base or state) if office == COUNTY else state
        for kind, body in answer_requests(known, office, state.tier):
            if body["request"] in done:
                continue
            now = self._clock()
            self._log_of.write(conn, home, topic, (int(kind), body), actor=0, time=now, quality=1)

    def _take(self, conn: Connection, entry: Any) -> None:
        body = self._decode(entry.body)
        try:
            with conn.begin_nested():
                self._take_body(conn, entry, body)
        except _SENSELESS as error:
            self._log_of.memory(conn).clear()  # what it remembers was undone, and a lock it took
            _log.warning("entry has no effect", extra={"type": entry.type, "reason": type(error).__name__})

    def _take_body(self, conn: Connection, entry: Any, body: Any) -> None:
        by_hub = entry.author == HUB_AUTHOR
        match entry.type:
            case ChangeKind.CATALOGUE_ITEM if by_hub:
                reference.forget(self._log_of.memory(conn))
                reference.take_item(conn, body)
            case ChangeKind.CALENDAR_YEAR if by_hub:
                reference.forget(self._log_of.memory(conn))
                reference.save_calendar_year(conn, body)
                case_store.refresh_due(conn, self._log_of, body["year"])
            case ChangeKind.REGION_ROWS if by_hub:
                reference.save_regions(conn, body["rows"])
            case ChangeKind.ADDRESS if by_hub:
                reference.save_address(conn, body)
            case ChangeKind.HALL if by_hub:
                save_hall(conn, body)
            case ChangeKind.RESULT_REVOKED if by_hub:
                save_revoked_result(conn, body)
            case ChangeKind.STAFF_ROW if by_hub:
                take_staff_row(conn, body, self._log_of.author, HUB_AUTHOR)
            case ChangeKind.STAFF_PASSWORD:
                take_password(conn, entry.author, body)
            case _:
                self._take_more(conn, entry, body)


def office_of(log: CaseLog, home: int) -> str:
    """This program's office for the cases of a home."""
    if log.author == home:
        return HOME
    return COUNTY if log.author == HUB_AUTHOR else TOWNSHIP
