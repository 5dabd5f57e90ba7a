"""Lists of cases and searches, each through an index that gives it in its order: what one costs follows from what it
shows, not from how many cases a county has had.

A list of several states is read state by state, and the pages are merged; a search is read term by term. Counts stop
at COUNT_MAX, because nobody acts on the difference between a thousand and a thousand and one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_tables import case_row, case_term, catalogue_item
from casework.policy import CaseScope
from casework.search_terms import sought
from casework.states import COUNTY, HOME, TOWNSHIP, State
from casework.tables import storable

PAGE_ROWS = 50
COUNT_MAX = 100
"""A count beyond this is shown as «99+»."""
_ITEMS_MAX = 20
_REGION_DIGITS = 12
_EXACT_CHARACTERS = 12
"""Whoever types so many characters of a number means a whole one."""
_STATES = (*(state.value for state in State), "")
_HOLDERS = (HOME, TOWNSHIP, COUNTY, "")
_C, _T = case_row.c, case_term.c


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """What a list shows. `states`, `holders` and `deciding` narrow it; `text` is a part of a name, some of its initials
    in pinyin, a number or how one ends, or a part of an item's name; `month` is that of the intake, YYYY-MM; `page`
    from 0. `by_due`: the one due first on top; `due_before`: a day; `asked`: a department that has not answered yet
    (并联审批)."""

    states: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    deciding: str = ""
    text: str = ""
    month: str = ""
    trouble: str = ""
    oldest_first: str = ""
    by_due: str = ""
    due_before: str = ""
    asked: str = ""
    page: int = 0


@dataclass(frozen=True, slots=True)
class CasePage:
    """One page of rows, and whether another follows; `total` counts to COUNT_MAX and no further, and says COUNT_MAX on
    all pages behind it."""

    rows: Sequence[sa.Row[Any]]
    more: bool
    total: int


def asked_offices(offices: Iterable[str]) -> str:
    """How a row names the departments that have not answered: each between two line breaks; "" for none."""
    names = sorted(set(offices))
    return "\n" + "\n\n".join(names) + "\n" if names else ""


def count_text(count: int) -> str:
    """A count as pages show it."""
    return str(count) if count < COUNT_MAX else f"{COUNT_MAX - 1}+"


def find(conn: Connection, scope: CaseScope | None, query: CaseQuery) -> CasePage:
    """Cases inside a person's scope: of a search the newest intake first, of a list as it asks for."""
    if scope is None:
        return CasePage([], more=False, total=0)
    text = storable(query.text).strip()
    parts = list(_hits(conn, scope, query, text) if text else _lists(conn, scope, query))
    if not parts:
        return CasePage([], more=False, total=0)
    first = query.page * PAGE_ROWS
    last = max(first + PAGE_ROWS + 1, COUNT_MAX)
    found = _merged(parts, last)
    order = _newest_intake(found.c) if text or query.month else _order(query, found.c)
    passed = first if first >= COUNT_MAX else 0  # of a later page nobody asks how many stand before it
    wanted = sa.select(found.c.topic).order_by(*order).limit(last - passed).offset(passed)
    topics = list(conn.execute(wanted).scalars())
    shown = topics[first - passed : first - passed + PAGE_ROWS]
    rows = {row.topic: row for row in conn.execute(sa.select(case_row).where(_C.topic.in_(shown)))}
    more = len(topics) > first - passed + PAGE_ROWS
    return CasePage([rows[topic] for topic in shown], more=more, total=min(passed + len(topics), COUNT_MAX))


_Part = tuple[sa.Select[Any], tuple[sa.ColumnElement[Any], ...]]
"""A query in the order in which an index gives it, and that order."""


def _merged(parts: Sequence[_Part], most: int) -> sa.Subquery:
    """All of these, each once, of each part no more than `most`."""
    cut = [sa.select(part.order_by(*order).limit(most).subquery()) for part, order in parts]
    return (sa.union(*cut) if len(cut) > 1 else cut[0]).subquery()


def _order(query: CaseQuery, columns: Any) -> tuple[sa.ColumnElement[Any], ...]:
    if query.by_due or query.due_before or query.asked:
        return columns.due, columns.topic
    if query.oldest_first:
        return columns.changed, columns.topic
    return columns.changed.desc(), columns.topic.desc()


def _newest_intake(columns: Any) -> tuple[sa.ColumnElement[Any], ...]:
    return columns.received.desc(), columns.topic.desc()


def _lists(conn: Connection, scope: CaseScope, query: CaseQuery) -> Iterator[_Part]:
    order = _newest_intake(_C) if query.month else _order(query, _C)
    base = sa.select(_C.topic, _C.changed, _C.due, _C.received)
    base = base.where(*_within(conn, scope, query.month), *_narrowed(query))
    if (
        query.month
        or query.trouble
        or query.asked
        or not (query.states or query.holders or query.by_due or query.due_before)
    ):
        yield _narrow(base, query), order
        return
    for state in query.states or _STATES:
        for holder in query.holders or _HOLDERS:
            yield base.where(_C.state == state, _C.holder == holder), order


def _narrow(base: sa.Select[Any], query: CaseQuery) -> sa.Select[Any]:
    if query.states:
        base = base.where(_C.state.in_(query.states))
    return base.where(_C.holder.in_(query.holders)) if query.holders else base


def _narrowed(query: CaseQuery) -> Iterator[sa.ColumnElement[bool]]:
    if query.deciding:
        yield _C.deciding == query.deciding
    if query.trouble:
        yield _C.trouble != sa.literal_column("''")  # as in the index, which is there for these alone
    if query.asked:
        yield _C.asked != sa.literal_column("''")
        yield _C.asked.contains(asked_offices([query.asked]), autoescape=True)
    if query.month:
        yield _C.received.between(f"{query.month}-01", f"{query.month}-31")
    if query.due_before:
        yield _C.due < query.due_before


def _region(conn: Connection) -> sa.ColumnElement[str]:
    """Nearly all rows of a database are within a scope's regions. PostgreSQL knows that; SQLite takes them for few, and
    would read and sort them all unless it is told, by a plus sign, to look for no index."""
    if conn.dialect.name != "sqlite":
        return _C.home_region
    return sa.type_coerce(sa.literal_column("+case_row.home_region"), sa.String)


def _within(conn: Connection, scope: CaseScope, month: str = "") -> Iterator[sa.ColumnElement[bool]]:
    """Region codes are digits, so that a prefix is a range. Only a station's month is read by its region."""
    prefix = scope.region_prefix
    if len(prefix) == _REGION_DIGITS:
        yield (_C.home_region if month else _region(conn)) == prefix
    else:
        yield _region(conn).between(prefix.ljust(_REGION_DIGITS, "0"), prefix.ljust(_REGION_DIGITS, "9"))
    if scope.office is not None:
        yield _C.office == scope.office


def _hits(conn: Connection, scope: CaseScope, query: CaseQuery, text: str) -> Iterator[_Part]:
    base = _narrow(sa.select(_C.topic, _C.received).where(*_within(conn, scope), *_narrowed(query)), query)
    meant = sought(text)
    if len(meant.number) >= _EXACT_CHARACTERS:
        for column, number in ((_C.id_number, meant.number), (_C.code, meant.number), (_C.case_no, text)):
            yield base.where(column == number), _newest_intake(_C)
    by_term = base.join(case_term, _T.topic == _C.topic)
    if meant.tail:
        yield by_term.where(_T.term == meant.tail, _ends_in(meant.number)), _newest_intake(_T)
    if meant.piece:
        named = by_term.where(_T.term == meant.piece)
        longer = meant.name != meant.piece
        yield named.where(_C.name.icontains(meant.name, autoescape=True)) if longer else named, _newest_intake(_T)
    if meant.initials:
        one, *others = meant.initials
        yield by_term.where(_T.term == one, *map(_has_term, others)), _newest_intake(_T)
    for item in _items_named(conn, text):
        yield base.where(_C.item == item), _newest_intake(_C)


def _has_term(term: str) -> sa.ColumnElement[bool]:
    """Whether the case of the term found has this one too; a look-up by the whole key."""
    other = case_term.alias().c
    return sa.exists().where(other.term == term, other.received == _T.received, other.topic == _T.topic)


def _ends_in(number: str) -> sa.ColumnElement[bool]:
    columns = (_C.id_number, _C.code, sa.func.replace(_C.case_no, "-", ""))
    return sa.or_(*(column.endswith(number, autoescape=True) for column in columns))


def _items_named(conn: Connection, text: str) -> list[str]:
    c = catalogue_item.c
    named = sa.select(c.key).where(c.name.icontains(text, autoescape=True)).distinct()
    return list(conn.execute(named.order_by(c.key).limit(_ITEMS_MAX)).scalars())


def count_by_state(conn: Connection, scope: CaseScope | None) -> dict[str, int]:
    """How many cases of each state the scope has, each to COUNT_MAX and no further; states without any are left out."""
    if scope is None:
        return {}
    some = [
        sa.select(_C.state).where(_C.state == state, *_within(conn, scope)).limit(COUNT_MAX).subquery()
        for state in _STATES
    ]
    each = sa.union_all(*(sa.select(one) for one in some)).subquery()
    rows = conn.execute(sa.select(each.c.state, sa.func.count()).group_by(each.c.state))
    return {state: int(count) for state, count in rows}
