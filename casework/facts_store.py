"""The table of case facts at the hub, kept true to the fold, and the figures summed from it by the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import reference
from casework.case_facts import CLOSED, EARLY, LATE, ON_DAY, OPEN, REFUSED, WITHDRAWN, CaseFacts, facts_of
from casework.case_log import HUB_AUTHOR, CaseLog
from casework.case_tables import case_facts, case_row
from casework.change_choices import LAPSE_RULES
from casework.fold import CaseState
from casework.statistics import ITEM, MONTH, MONTH_CHARACTERS, OFFICE, STATION, Figures, Selection
from casework.tables import storable

_F = case_facts.c
_VALUES = [column.name for column in case_facts.c if column.name != "topic"]
_NEW = sa.insert(case_facts).values({column.name: sa.bindparam(column.name) for column in case_facts.c})
_MOVE = (
    sa.update(case_facts)
    .where(_F.topic == sa.bindparam("new_topic"))
    .values({name: sa.bindparam(f"new_{name}") for name in _VALUES})
)
_REGION_DIGITS = 12
_Sums = dict[str, sa.ColumnElement[Any]]


def kept_by(log: CaseLog) -> bool:
    """Whether this program has the table: the county's alone."""
    return log.author == HUB_AUTHOR


def row_of(
    conn: Connection, topic: bytes, state: CaseState, home_region: str, known: reference.Once
) -> dict[str, Any] | None:
    """The row that says what is ordered of a case; None where nothing is, or where it was erased."""
    ordered = state.base or state
    item = known.item(conn, ordered.item, ordered.version) if ordered.state is not None else None
    facts = facts_of(state, home_region, item, known.calendar(conn))
    return {"topic": topic, **plain(facts)} if facts is not None else None


def plain(facts: CaseFacts) -> dict[str, Any]:
    """Facts as columns keep them."""
    return {name: storable(value) if isinstance(value, str) else value for name, value in asdict(facts).items()}


def stored(conn: Connection, topics: Sequence[bytes]) -> dict[bytes, dict[str, Any]]:
    """The rows of these cases that there are."""
    rows = conn.execute(sa.select(case_facts).where(_F.topic.in_(topics))).mappings()
    return {row["topic"]: dict(row) for row in rows}


def refresh(
    conn: Connection, log: CaseLog, states: Mapping[bytes, CaseState], home_region: str, known: reference.Once
) -> None:
    """Write the facts of some cases of one home; what is right already is left alone."""
    there = stored(conn, list(states))
    new, moved = [], []
    for topic, state in states.items():
        row, before = row_of(conn, topic, state, home_region, known), there.get(topic)
        if row is None and before is not None:
            write(conn, topic, None)
        elif row is not None and before is None:
            new.append(row)
        elif row is not None and row != before:
            moved.append({f"new_{name}": value for name, value in row.items()})
    for statement, rows in ((_NEW, new), (_MOVE, moved)):
        if rows:
            log.run_many(conn, statement, rows)


def write(conn: Connection, topic: bytes, row: Mapping[str, Any] | None) -> None:
    """Put a row in the place of the one that the case has, or take that away."""
    conn.execute(sa.delete(case_facts).where(_F.topic == topic))
    if row is not None:
        conn.execute(sa.insert(case_facts).values(**row))


def reckoned_in(year: int) -> sa.Select[tuple[int, bytes]]:
    """Cases (home, topic) that are over and whose days were counted through this year's calendar."""
    within = sa.and_(_F.accepted != "", _F.accepted <= f"{year}-12-31", _F.reckoned_to >= f"{year}-01-01")
    return sa.select(case_row.c.home, case_row.c.topic).join(case_facts, _F.topic == case_row.c.topic).where(within)


def figures(conn: Connection, selection: Selection, today: date) -> dict[str, Figures]:
    """The same as casework.statistics.tally of all rows."""
    sums: dict[str, dict[str, int]] = {}
    accepted: _Sums = {"accepted": sa.func.count()}
    for day, counted in ((_F.received, _of_intake(today)), (_F.accepted, accepted), (_F.ended, _of_end())):
        for key, *values in conn.execute(_summed(selection, day, counted)):
            numbers = (int(value or 0) for value in values)
            sums.setdefault(key, {}).update(zip(counted, numbers, strict=True))
    return {key: Figures(**counted) for key, counted in sums.items()}


def offices(conn: Connection) -> list[str]:
    """Those that any case has."""
    return sorted(conn.execute(sa.select(_F.office).where(_F.office != "").distinct()).scalars())


def _summed(selection: Selection, day: sa.ColumnElement[str], counted: _Sums) -> sa.Select[Any]:
    keys = {ITEM: _F.item, OFFICE: _F.office, STATION: _F.home_region}
    key = sa.func.substr(day, 1, MONTH_CHARACTERS) if selection.by == MONTH else keys[selection.by]
    # by its place, because PostgreSQL takes two equal expressions with parameters for different ones
    return sa.select(key, *counted.values()).where(*_within(selection, day)).group_by(sa.literal_column("1"))


def _within(selection: Selection, day: sa.ColumnElement[str]) -> Iterator[sa.ColumnElement[bool]]:
    yield day.between(selection.first.isoformat(), selection.last.isoformat())
    prefix = selection.region
    yield _F.home_region.between(prefix.ljust(_REGION_DIGITS, "0"), prefix.ljust(_REGION_DIGITS, "9"))
    if selection.office is not None:
        yield _F.office == selection.office
    if selection.item:
        yield _F.item == selection.item


def _of_intake(today: date) -> _Sums:
    is_open = _F.outcome == OPEN
    return {
        "received": sa.func.count(),
        "open": _number_of(is_open),
        "overdue": _number_of(sa.and_(is_open, _F.due < today.isoformat())),
    }


def _of_end() -> _Sums:
    closed, timed, lawful = _F.outcome == CLOSED, _F.used.is_not(None), _F.statutory.is_not(None)
    both = sa.and_(lawful, _F.promised.is_not(None))
    return {
        "refused": _number_of(_F.outcome == REFUSED),
        "withdrawn": _number_of(_F.outcome == WITHDRAWN),
        "closed": _number_of(closed),
        "granted": _number_of(sa.and_(closed, _F.decision == "granted")),
        "denied": _number_of(sa.and_(closed, _F.decision == "denied")),
        "lapsed": _number_of(sa.and_(closed, _F.close_result.in_(LAPSE_RULES))),
        "timed": _number_of(timed),
        "used": sa.func.sum(_F.used),
        **{word: _number_of(_F.promise == word) for word in (EARLY, ON_DAY, LATE)},
        "in_law": _number_of(_F.statute.in_((EARLY, ON_DAY))),
        "over_law": _number_of(_F.statute == LATE),
        "extended": _number_of(sa.and_(timed, _F.extended > 0)),
        "provisional": sa.func.sum(_F.provisional),
        "law": _sum_where(lawful, _F.statutory),
        "law_used": _sum_where(lawful, _F.used),
        "law_promised": _sum_where(both, _F.statutory),
        "promised": _sum_where(both, _F.promised),
    }


def _number_of(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


def _sum_where(condition: sa.ColumnElement[bool], column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, column), else_=0))
