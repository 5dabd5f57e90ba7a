"""Taking ratings in at the county, and recording what is done about bad ones: internal entries of the hub (hub→hub).

A station's rating comes sealed and about no case; what opens and fits is noted about its case, so that rows and history
follow from the hub's own feed. What does not is counted by reason and logged without a word of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, select

from casework import case_store, reference
from casework.case_log import CaseLog
from casework.case_tables import case_row, rating, serial
from casework.changes import ChangeKind
from casework.errors import BadInput, NotFound
from casework.policy import Act, Person, Target, may, require
from casework.projector import ToldEntry
from casework.rated_stages import RatedStage, step_problems
from casework.ratings import (
    RECTIFY_WORKDAYS,
    STAGES,
    VERDICT,
    WINDOW,
    Rating,
    stages_of,
    unpack_told,
)
from casework.texts import N_
from casework.workdays import china_day
from hub.rating_rows import rated_of
from sync_protocol.errors import BadSignature
from sync_protocol.journal import Journal, Message, Writing
from sync_protocol.replica import Replica
from sync_protocol.store.dialect import lock_homes

SEALED_MAX_BYTES = 4096
_IGNORED = "rating-ignored:"
UNREADABLE, UNKNOWN_CASE, FOREIGN = "unreadable", "unknown_case", "foreign"
IGNORED: Mapping[str, str] = {
    UNREADABLE: N_("打不开或内容不对"),
    UNKNOWN_CASE: N_("县级没有这个办件"),
    FOREIGN: N_("不是收件站点报来的"),
}
_NONE = N_("没有这条评价，或不在您可查看的范围内")
_log = logging.getLogger("lianban.hub")


def take_told(
    conn: Connection, entry: ToldEntry, body: Any, *, replica: Replica, log: CaseLog, now: Callable[[], int]
) -> None:
    """A rating that a station told, if it is one. Its stage may be one that the county does not know of yet (the word
    of a close travels in another feed): it is noted, and counts once it fits."""
    if entry.type != ChangeKind.RATING:
        return
    sealed = body.get("sealed") if isinstance(body, dict) else None
    told = None
    if isinstance(sealed, bytes) and len(sealed) <= SEALED_MAX_BYTES:
        try:
            told = unpack_told(replica.me.box.open(sealed))
        except BadSignature:
            told = None
    home = log.home_of(conn, told.topic) if told is not None else None
    if told is None:
        _ignore(conn, UNREADABLE)
    elif home is None:
        _ignore(conn, UNKNOWN_CASE)
    elif home != entry.author:
        _ignore(conn, FOREIGN)
    else:
        note_rating(conn, replica.journal, log, told.topic, told.stage, told.rating, told.channel, told.time, now())


def _ignore(conn: Connection, reason: str) -> None:
    reference.next_serials(conn, _IGNORED + reason)
    _log.warning("a rating has no effect", extra={"reason": reason})


def ignored(conn: Connection) -> dict[str, int]:
    """How many told ratings had no effect, by reason."""
    names = {_IGNORED + reason: reason for reason in IGNORED}
    rows = conn.execute(select(serial).where(serial.c.name.in_(names)).order_by(serial.c.name))
    return {names[row.name]: row.last for row in rows}


def note_rating(
    conn: Connection,
    journal: Journal,
    log: CaseLog,
    topic: bytes,
    stage: str,
    given: Rating,
    channel: str,
    at: int,
    now: int,
) -> None:
    """Write a rating about a case known here. at: when it was given, now: the hub's clock (unix seconds)."""
    home = log.home_of(conn, topic)
    assert home is not None
    lock_homes(conn, [home])  # two of one stage are put in order
    found = case_store.load(conn, log, topic)
    state = found[1] if found is not None else None
    item = reference.item(conn, state.item, state.version) if state is not None else None
    due = reference.calendar(conn).add_workdays(china_day(now), RECTIFY_WORKDAYS)[0].isoformat() if given.bad else None
    body = {
        "stage": stage,
        "grade": given.grade,
        "marks": list(given.marks),
        "words": given.words,
        "given": at,
        "channel": channel,
        "region": log.region_of(conn, home),
        "office": (state.office if state is not None else "") or (item.office if item is not None else ""),
        "item": state.item if state is not None else "",
        "due": due,
    }
    journal.note(conn, topic, Message(int(ChangeKind.RATING), body), Writing(0, now, 1))


def rating_offer(conn: Connection, log: CaseLog, topic: bytes, now: int) -> list[str]:
    """The stages of a case that an applicant may still rate at the county: not rated yet, or to be replaced."""
    found = case_store.load(conn, log, topic)
    if found is None:
        return []
    rated = {one.stage: one for one in rated_of(conn, topic)}
    return [stage for stage in stages_of(found[1].timeline) if stage not in rated or rated[stage].replaceable(now)]


def rated_here(conn: Connection, topic: bytes) -> frozenset[str]:
    """The stages of a case that somebody has rated, wherever."""
    return frozenset(conn.execute(select(rating.c.stage).where(rating.c.topic == topic)).scalars())


class CountyRatings:
    """What the rating pages ask of the county's own hall; see `casework.web.case_keys.Ratings`."""

    def __init__(self, journal: Callable[[], Journal], log: CaseLog, channel: str = WINDOW) -> None:
        self._journal, self._log, self._channel = journal, log, channel

    def given(self, conn: Connection, topic: bytes) -> frozenset[str]:
        return rated_here(conn, topic)

    def give(self, conn: Connection, topic: bytes, stage: str, rating: Rating, now: int) -> None:
        note_rating(conn, self._journal(), self._log, topic, stage, rating, self._channel, now, now)


def rated_stage(conn: Connection, person: Person, topic: bytes, stage: str) -> RatedStage:
    """One rating with its history, for the one who sees whose it is. Raises NotFound also where they may not."""
    row = conn.execute(select(rating).where(rating.c.topic == topic, rating.c.stage == stage)).one_or_none()
    if row is None or not may(person, Act.MEND_RATING, Target(row.home_region, row.office)):
        raise NotFound(_NONE)
    return next(one for one in rated_of(conn, topic) if one.stage == stage)


def rectify(
    conn: Connection,
    journal: Journal,
    person: Person,
    topic: bytes,
    stage: str,
    step: str,
    text: str,
    verdict: str,
    writing: Writing,
) -> None:
    """Record a step about a bad rating. Raises NotFound, NotAllowed, BadInput."""
    home = conn.execute(select(case_row.c.home).where(case_row.c.topic == topic)).scalar()
    if home is None or stage not in STAGES:
        raise NotFound(_NONE)
    lock_homes(conn, [home])
    known = rated_stage(conn, person, topic, stage)
    require(person, Act.MEND_RATING, Target(known.region, known.office))
    said, chosen = text.strip(), verdict if step == VERDICT else ""
    if problems := step_problems(known, step, said, chosen):
        raise BadInput(problems)
    body = {"stage": stage, "step": step, "text": said, "verdict": chosen or None}
    journal.note(conn, topic, Message(int(ChangeKind.RECTIFY), body), writing)
