"""Lists of cards for pages, each through an index in the order in which it is shown: the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from casework import accounts_store
from casework.case_lists import COUNT_MAX, PAGE_ROWS
from casework.case_tables import card, case_row
from casework.policy import RIGHTS, Act, Person, Scope, Target, may
from casework.states import OFFICE_NAMES
from casework.supervision_rules import CLEARINGS, COLOURS, Rules

_K, _C = card.c, case_row.c
TONES = {"purple": "purple", "yellow": "warn", "red": "bad"}
SIGNS = {"purple": "◆", "yellow": "▲", "red": "■"}
"""Never by colour alone."""


@dataclass(frozen=True, slots=True)
class CardQuery:
    """Which cards: open ones or those that are over, of one colour and one office, or "" for all; page from 0."""

    over: bool = False
    colour: str = ""
    office: str = ""
    page: int = 0


@dataclass(frozen=True, slots=True)
class CardLine:
    """One card in words. at: CardKey as text. state "" while it is open, else why it is over."""

    at: str
    topic: str
    colour: str
    sign: str
    tone: str
    rule: str
    law: str
    words: str
    owner: str
    office: str
    since: str
    due: str
    issued: int
    plea: str
    plea_by: str
    plea_at: int
    state: str
    note: str
    cleared_by: str
    cleared_at: int
    name: str
    item_name: str
    number: str
    home_region: str


@dataclass(frozen=True, slots=True)
class CardPage:
    """One page of cards, and whether another follows."""

    lines: tuple[CardLine, ...]
    more: bool


def office_of(person: Person) -> str | None:
    """The one office whose cards a person may see, "" for every office; None for nobody's."""
    scope = RIGHTS[person.role].get(Act.VIEW_CARDS)
    if scope is None or (scope is Scope.OFFICE and not person.office):
        return None
    return person.office if scope is Scope.OFFICE else ""


def find_cards(conn: Connection, person: Person, query: CardQuery, rules: Rules) -> CardPage:
    """Cards within the person's reach."""
    own = office_of(person)
    if own is None or (own and query.office not in ("", own)):
        return CardPage((), more=False)
    wanted = _with_cases().where(*_where(query.over, query.colour, own or query.office))
    wanted = wanted.order_by(_K.epoch.desc(), _K.number.desc()).limit(PAGE_ROWS + 1).offset(query.page * PAGE_ROWS)
    rows = conn.execute(wanted).all()
    mine = [row for row in rows[:PAGE_ROWS] if may(person, Act.VIEW_CARDS, Target(row.home_region, row.office))]
    return CardPage(tuple(card_line(conn, row, rules) for row in mine), more=len(rows) > PAGE_ROWS)


def count_open(conn: Connection, person: Person) -> int:
    """How many cards are open within the person's reach, to COUNT_MAX and no further."""
    own = office_of(person)
    if own is None:
        return 0
    some = select(_K.number).where(*_where(over=False, colour="", office=own)).limit(COUNT_MAX)
    return int(conn.execute(select(func.count()).select_from(some.subquery())).scalar_one())


def cards_of_case(conn: Connection, person: Person, topic: bytes, rules: Rules) -> list[CardLine]:
    """All cards of one case that the person may see, the oldest first."""
    rows = conn.execute(_with_cases().where(_K.topic == topic).order_by(_K.epoch, _K.number).limit(PAGE_ROWS))
    mine = [row for row in rows if may(person, Act.VIEW_CARDS, Target(row.home_region, row.office))]
    return [card_line(conn, row, rules) for row in mine]


def offices_with_cards(conn: Connection) -> list[str]:
    """The offices that ever had a card, each found by one step in the index."""
    found: list[str] = []
    for over in (0, 1):
        last = ""
        while len(found) < PAGE_ROWS:
            following = select(func.min(_K.office)).where(_K.over == over, _K.office > last)
            last = conn.execute(following).scalar() or ""
            if not last:
                break
            found.append(last)
    return sorted(set(found))


def _where(over: bool, colour: str, office: str) -> Sequence[Any]:  # noqa: FBT001
    where = [_K.over == int(over)]
    if colour:
        where.append(_K.colour == colour)
    if office:
        where.append(_K.office == office)
    return where


def _with_cases() -> Select[Any]:
    case = (_C.home_region, _C.name, _C.item_name, _C.case_no, _C.code.label("intake_code"))
    return select(card, *case).join(case_row, _C.topic == _K.topic)


def card_line(conn: Connection, row: Row[Any], rules: Rules) -> CardLine:
    """A card's row, joined to its case, in words."""
    return CardLine(
        at=f"{row.epoch}-{row.number}",
        topic=row.topic.hex(),
        colour=COLOURS.get(row.colour, row.colour),
        sign=SIGNS.get(row.colour, "●"),
        tone=TONES.get(row.colour, "plain"),
        rule=rules.name(row.rule),
        law=rules.law(row.rule),
        words=row.words,
        owner=OFFICE_NAMES.get(row.owner, row.owner),
        office=row.office,
        since=row.since,
        due=row.due,
        issued=row.issued,
        plea=row.plea,
        plea_by=_name(conn, row.plea_by),
        plea_at=row.plea_at,
        state=CLEARINGS.get(row.code, row.code),
        note=row.note,
        cleared_by=_name(conn, row.cleared_by),
        cleared_at=row.cleared_at,
        name=row.name,
        item_name=row.item_name,
        number=row.case_no or row.intake_code,
        home_region=row.home_region,
    )


def _name(conn: Connection, account: int) -> str:
    found = accounts_store.get(conn, account) if account else None
    return found.display if found is not None else ""
