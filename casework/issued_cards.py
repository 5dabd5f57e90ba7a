"""The cards that were issued for one case, out of the hub's internal entries about it. Pure; never raises.

A card is named by (rule, day since). While one of that name is open, or once a person has cleared one, another says
nothing; what the program itself has cleared may be issued again. What names no open card says nothing either.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from casework.changes import ChangeKind, check_body


class InternalEntry(NamedTuple):
    """One internal entry: where it stands in the hub's own feed, what it says, who wrote it and when (unix s)."""

    epoch: int
    number: int
    kind: int
    body: Any
    actor: int
    time: int


@dataclass(frozen=True, slots=True)
class IssuedCard:
    """One card as issued, pleaded against and cleared; accounts 0 and times 0 where that has not happened.

    due: "" for a breach. code: "" while it is open. cleared_by: 0 for the program.
    """

    epoch: int
    number: int
    rule: str
    since: str
    due: str
    colour: str
    owner: str
    office: str
    words: str
    issued: int
    plea: str = ""
    plea_by: int = 0
    plea_at: int = 0
    code: str = ""
    note: str = ""
    cleared_by: int = 0
    cleared_at: int = 0

    @property
    def judged(self) -> bool:
        """Whether a person has cleared it."""
        return self.code != "" and self.cleared_by != 0


KINDS = (ChangeKind.CARD, ChangeKind.PLEA, ChangeKind.CLEAR_CARD)


def issued_cards(entries: Iterable[InternalEntry]) -> list[IssuedCard]:
    """The cards of one case, in the order of their issue; entries in the order of the feed."""
    found: list[IssuedCard] = []
    for entry in entries:
        if entry.kind not in KINDS or check_body(entry.kind, entry.body):
            continue
        body = entry.body
        at = _last(found, body["rule"], body["since"])
        known = found[at] if at is not None else None
        if entry.kind == ChangeKind.CARD:
            if known is None or (known.code and not known.judged):
                found.append(_issued(entry))
        elif at is not None and known is not None and not known.code:
            found[at] = _told(known, entry)
    return found


def _last(found: list[IssuedCard], rule: str, since: str) -> int | None:
    places = [at for at, card in enumerate(found) if (card.rule, card.since) == (rule, since)]
    return places[-1] if places else None


def _issued(entry: InternalEntry) -> IssuedCard:
    body = entry.body
    return IssuedCard(
        epoch=entry.epoch,
        number=entry.number,
        rule=body["rule"],
        since=body["since"],
        due=body.get("due") or "",
        colour=body["colour"],
        owner=body["owner"],
        office=body["office"],
        words=body["words"],
        issued=entry.time,
    )


def _told(card: IssuedCard, entry: InternalEntry) -> IssuedCard:
    body = entry.body
    if entry.kind == ChangeKind.PLEA:
        return replace(card, plea=body["text"], plea_by=entry.actor, plea_at=entry.time)
    return replace(card, code=body["code"], note=body["note"], cleared_by=entry.actor, cleared_at=entry.time)
