"""Issuing cards, pleading against them and clearing them: each is an internal entry of the hub (hub→hub).

The sweep looks only at cases that have changed, or whose day has come (`card_look`), so its cost follows from what is
due and not from what has been.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select, update

from casework import reference
from casework.case_tables import card, card_look, case_row
from casework.changes import ChangeKind
from casework.deadlines import NO_DUE
from casework.errors import BadInput, NotFound, Problem
from casework.fold import fold
from casework.issuing import due, next_day
from casework.policy import Act, Person, Target, may, require
from casework.supervised import Card
from casework.supervision import cards
from casework.supervision_rules import BY_PERSON, DEFAULT_RULES, PLEA_UPHELD, RECTIFIED, Rules
from casework.texts import N_, say
from casework.workdays import LAST_DAY
from sync_protocol.journal import Journal, Message, Writing
from sync_protocol.reading import ordered
from sync_protocol.store.dialect import lock_homes
from sync_protocol.store.memory import memory

LOOK_AT_ONCE = 100
_FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What a fault of the rules can raise; it is looked at again when the case changes."""
_log = logging.getLogger("lianban.hub")
TEXT_MAX_CHARS = 1000
_K, _L = card.c, card_look.c
_KEY = re.compile(r"(0|[1-9][0-9]{0,9})-([1-9][0-9]{0,15})")


def issue_cards(
    conn: Connection, journal: Journal, today: date, writing: Writing, rules: Rules = DEFAULT_RULES
) -> bool:
    """Look at the next cases that are due for it: issue what is new, clear what needs no person. True if some were
    looked at, and more may wait. Again is harmless."""
    wanted = select(_L.topic, _L.home).where(_L.day <= today.isoformat()).order_by(_L.day, _L.topic)
    found = conn.execute(wanted.limit(LOOK_AT_ONCE)).all()
    lock_homes(conn, {row.home for row in found})  # what another hub process has looked at meanwhile is looked at again
    for row in found:
        try:
            with conn.begin_nested():
                _look_at(conn, journal, row.home, row.topic, today, writing, rules)
        except _FAULTS:  # one case that the rules cannot tell must not keep the others from being looked at
            _log.exception("a case cannot be supervised", extra={"topic": row.topic.hex()})
            memory(conn).clear()
            conn.execute(update(card_look).where(_L.topic == row.topic).values(day=NO_DUE))
    return bool(found)


def _look_at(
    conn: Connection, journal: Journal, home: int, topic: bytes, today: date, writing: Writing, rules: Rules
) -> None:
    earned, to_come = _earned(conn, home, topic, today, rules)
    known = {(row.rule, row.since): row for row in conn.execute(_of(topic).order_by(_K.epoch, _K.number))}
    still_open = [(rule, date.fromisoformat(since)) for (rule, since), row in known.items() if not row.over]
    judged = [(rule, date.fromisoformat(since)) for (rule, since), row in known.items() if row.over and row.cleared_by]
    todo = due(earned, judged, still_open)
    program = Writing(0, writing.time, writing.quality)
    for (rule, since), code in todo.clear:
        body = {"rule": rule, "since": since.isoformat(), "code": code, "note": ""}
        journal.note(conn, topic, Message(int(ChangeKind.CLEAR_CARD), body), program)
    for one in todo.issue:
        journal.note(conn, topic, Message(int(ChangeKind.CARD), _body(one)), program)
    later = next_day(to_come, today)
    day = later.isoformat() if later is not None else NO_DUE
    conn.execute(update(card_look).where(_L.topic == topic).values(day=day))


def _earned(
    conn: Connection, home: int, topic: bytes, today: date, rules: Rules
) -> tuple[tuple[Card, ...], tuple[Card, ...]]:
    """The case's cards by today, and all that time alone would bring; by the county's order, nothing else."""
    changes = ordered(conn, home, topic)
    state, known = fold(changes), reference.once(memory(conn))
    item = known.item(conn, state.item, state.version)
    if item is None or state.state is None:
        return (), ()
    receipts = {change.ref: change.received for change in changes}
    calendar = known.calendar(conn)
    now, to_come = (cards(state, item, calendar, day, receipts, rules) for day in (today, LAST_DAY))
    return now, to_come


def _body(one: Card) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "since": one.since.isoformat(),
        "due": one.due.isoformat() if one.due is not None else None,
        "colour": one.colour,
        "owner": one.owner,
        "office": one.department,
        "words": one.words,
    }


def _of(topic: bytes) -> Any:
    return select(card).where(_K.topic == topic)


@dataclass(frozen=True, slots=True)
class CardKey:
    """Which card: epoch and number of the entry that issued it."""

    epoch: int
    number: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> CardKey:
        """Raises NotFound for what names no card."""
        match = _KEY.fullmatch(text)
        if match is None:
            raise NotFound(_NONE)
        return cls(int(match[1]), int(match[2]))


_NONE = N_("没有这张监察牌，或不在您可查看的范围内")


def target_of_card(row: Row[Any]) -> Target:
    """What the rights table is asked about."""
    return Target(row.home_region, row.office)


def card_row(conn: Connection, person: Person, key: CardKey) -> Row[Any]:
    """A card with its case's row. Raises NotFound also where the person may not look."""
    c = case_row.c
    query = (
        select(card, c.home, c.home_region, c.name, c.item_name, c.code.label("intake_code"), c.case_no, c.state)
        .join(case_row, c.topic == _K.topic)
        .where(_K.epoch == key.epoch, _K.number == key.number)
    )
    row = conn.execute(query).one_or_none()
    if row is None or not may(person, Act.VIEW_CARDS, target_of_card(row)):
        raise NotFound(_NONE)
    return row


def plead(conn: Connection, journal: Journal, person: Person, key: CardKey, text: str, writing: Writing) -> None:
    """Say why a card should not stand; said again, the later word counts. Raises NotFound, NotAllowed, BadInput."""
    row = _locked(conn, person, key, Act.PLEAD_CARD)
    body = {"rule": row.rule, "since": row.since, "text": _text(text, "text", N_("申辩理由"), needed=True)}
    journal.note(conn, row.topic, Message(int(ChangeKind.PLEA), body), writing)


def clear(
    conn: Connection,
    journal: Journal,
    person: Person,
    key: CardKey,
    code: str,
    note: str,
    writing: Writing,
    today: date,
    rules: Rules = DEFAULT_RULES,
) -> None:
    """End a card with a code that a person may give. Raises NotFound, NotAllowed, BadInput."""
    row = _locked(conn, person, key, Act.CLEAR_CARD)
    if code not in BY_PERSON:
        raise BadInput([Problem("code", N_("没有选择消牌原因"), N_("请从列出的原因中选择一个"))])
    said = _text(note, "note", N_("核实情况"), needed=code != RECTIFIED)
    if code == PLEA_UPHELD and not row.plea:
        raise BadInput([Problem("code", N_("还没有人申辩，不能以申辩成立消牌"), N_("请另选原因，或等责任单位申辩"))])
    if code == RECTIFIED and _goes_on(conn, row, today, rules):
        raise BadInput([Problem("code", N_("这一环节还没有办完，不能按已整改消牌"), N_("请办完后再消牌，或另选原因"))])
    body = {"rule": row.rule, "since": row.since, "code": code, "note": said}
    journal.note(conn, row.topic, Message(int(ChangeKind.CLEAR_CARD), body), writing)


def _locked(conn: Connection, person: Person, key: CardKey, act: Act) -> Row[Any]:
    """The open card, with its home's lock held, so that two people do not clear it at once."""
    lock_homes(conn, [card_row(conn, person, key).home])
    row = card_row(conn, person, key)
    require(person, act, target_of_card(row))
    if row.over:
        raise BadInput([Problem("", N_("这张牌已经消牌"), N_("无需再处理，请返回列表"))])
    return row


def _goes_on(conn: Connection, row: Row[Any], today: date, rules: Rules) -> bool:
    """Whether what the card is about has not been done. A breach is done with; it can only be made good."""
    earned, _ = _earned(conn, row.home, row.topic, today, rules)
    key = (row.rule, row.since)
    return any((one.rule, one.since.isoformat()) == key and one.ended is None and one.due for one in earned)


def _text(text: str, field: str, what: str, *, needed: bool) -> str:
    said = text.strip()
    if needed and not said:
        raise BadInput([Problem(field, say("没有填写{what}", what=what), N_("请写明事实和依据"))])
    if len(said) > TEXT_MAX_CHARS:
        raise BadInput(
            [
                Problem(
                    field, say("{what}超过 {text_max_chars} 字", what=what, text_max_chars=TEXT_MAX_CHARS), N_("请缩短")
                )
            ]
        )
    return said
