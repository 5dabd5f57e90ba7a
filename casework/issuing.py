"""What follows from comparing the cards that a case has earned with those that were issued for it. Pure.

A card is issued for (rule, day since) and never unmade. The program itself clears only what needs no judgement:
what later entries show never to have been so, a warning that was heeded, a warning that turned into a red card. Work
that was done late leaves its card to a supervisor.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from casework.supervised import Card
from casework.supervision_rules import IN_TIME, RAISED, UNFOUNDED

Key = tuple[str, date]


@dataclass(frozen=True, slots=True)
class Due:
    """What the program does now: cards to issue, and keys of issued ones to clear with a code."""

    issue: tuple[Card, ...]
    clear: tuple[tuple[Key, str], ...]


def due(earned: Collection[Card], judged: Collection[Key], still_open: Collection[Key]) -> Due:
    """earned: `supervision.cards` of today; judged: keys of cards that a person has cleared; still_open: of those that
    nobody has.

    A warning that is over already is not issued any more: nobody can heed it. What the program itself has cleared is
    issued again if late entries show that it stood after all.
    """
    known = {card.key: card for card in earned}
    new = tuple(card for card in earned if card.key not in {*judged, *still_open} and not _heeded(card))
    return Due(new, tuple((key, code) for key in still_open if (code := _code(known.get(key)))))


def _code(card: Card | None) -> str:
    if card is None:
        return UNFOUNDED
    if card.ended is None or (card.late and not card.warns):
        return ""
    return RAISED if card.late else IN_TIME


def _heeded(card: Card) -> bool:
    return card.ended is not None and (card.warns or not card.late)


def next_day(to_come: Collection[Card], today: date) -> date | None:
    """The next day on which time alone changes something; to_come: `supervision.cards` of the last day there is."""
    days = [card.since for card in to_come]
    days += [card.due + timedelta(days=1) for card in to_come if card.due is not None]
    days += [card.ended for card in to_come if card.ended is not None]
    return min((day for day in days if day > today), default=None)
