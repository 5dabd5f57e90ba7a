"""Ratings for the page of those who see to them: bad ones by due day, and how satisfied people are.

The rated (an office's own people) see no case, no applicant, no words and no time of day; and of fewer than
ANONYMITY_LEAST ratings of one station neither the station nor the days of a single one, nor any grades.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from casework import reference
from casework.case_lists import PAGE_ROWS
from casework.case_tables import case_row, rating
from casework.policy import Act, CaseScope, Person, case_scope
from casework.ratings import (
    ANONYMITY_LEAST,
    CHANNELS,
    GRADES,
    STAGES,
    VERDICTS,
    Satisfaction,
    marks_in_words,
)
from casework.tables import storable
from casework.texts import N_, joined

_R = rating.c
OVERDUE, OPEN, OVER = "overdue", "open", "over"
GROUPINGS: Mapping[str, sa.Column[Any]] = {"station": _R.home_region, "office": _R.office, "item": _R.item}


@dataclass(frozen=True, slots=True)
class RatingLine:
    """One bad rating. path, words, item: "" where the reader may not know whose it is. standing: one of the three."""

    path: str
    stage: str
    station: str
    office: str
    grade: str
    marks: str
    words: str
    channel: str
    day: str
    due: str
    standing: str
    verdict: str
    item: str


@dataclass(frozen=True, slots=True)
class RatingPage:
    """One page of bad ratings, and whether another follows."""

    lines: tuple[RatingLine, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class GroupLine:
    """One station, office or item; name "" for several together. shown: whether the reader may see its grades."""

    name: str
    figures: Satisfaction
    shown: bool


def sees_all(person: Person) -> bool:
    """Whether this person may know whose a rating is: a supervisor."""
    return case_scope(person, Act.MEND_RATING) is not None


def bad_ratings(conn: Connection, person: Person, today: str, page: int, *, over: bool) -> RatingPage:
    """Those within reach, the earliest due day first; of those that are over, the latest."""
    scope = case_scope(person, Act.VIEW_RATINGS)
    if scope is None:
        return RatingPage((), more=False)
    order = (_R.due.desc(), _R.topic) if over else (_R.due, _R.topic)
    query = (
        sa.select(rating, case_row.c.item_name)
        .outerjoin(case_row, case_row.c.topic == _R.topic)
        .where(_R.over == int(over), _R.due != "", sa.or_(_R.counted == 1, _R.verdict != ""), *_within(scope))
        .order_by(*order)
        .limit(PAGE_ROWS + 1)
        .offset(page * PAGE_ROWS)
    )
    rows = conn.execute(query).all()
    lines = [_line(conn, row, today) for row in rows[:PAGE_ROWS]]
    if not sees_all(person):
        lines = [_hidden(conn, line, row) for line, row in zip(lines, rows, strict=False)]
    return RatingPage(tuple(lines), more=len(rows) > PAGE_ROWS)


def satisfaction(conn: Connection, person: Person, by: str, first: str, last: str) -> tuple[list[GroupLine], GroupLine]:
    """The counted ratings that reached the county from `first` to `last`, by station, office or item; and all."""
    scope = case_scope(person, Act.VIEW_RATINGS)
    if scope is None:
        return [], GroupLine("", Satisfaction(), shown=True)
    group = GROUPINGS[by]
    rows = conn.execute(
        sa.select(group, _R.grade, sa.func.count())
        .where(_R.counted == 1, _R.day >= first, _R.day <= last, *_within(scope))
        .group_by(group, _R.grade)
        .order_by(group, _R.grade)
    )
    groups: dict[str, Satisfaction] = {}
    whole = Satisfaction()
    for key, grade, count in rows:
        groups[key] = groups.get(key, Satisfaction()).plus(grade, count)
        whole = whole.plus(grade, count)
    if not sees_all(person):
        return _few_together(conn, by, groups), GroupLine("", whole, whole.enough)
    lines = [GroupLine(_name(conn, by, key), found, shown=True) for key, found in groups.items()]
    return lines, GroupLine("", whole, shown=True)


def _few_together(conn: Connection, by: str, groups: Mapping[str, Satisfaction]) -> list[GroupLine]:
    """As the rated see them: those with fewer ratings than keep a rater hidden are one line without a name."""
    lines = [GroupLine(_name(conn, by, key), found, shown=True) for key, found in groups.items() if found.enough]
    rest = Satisfaction()
    for found in groups.values():
        if not found.enough:
            for grade, count in enumerate(found.grades, 1):
                rest = rest.plus(grade, count)
    return [*lines, GroupLine("", rest, rest.enough)] if rest.counted else lines


def _within(scope: CaseScope) -> list[Any]:
    where = [_R.home_region.startswith(scope.region_prefix, autoescape=True)]
    if scope.office is not None:
        where.append(_R.office == storable(scope.office))
    return where


def _line(conn: Connection, row: Row[Any], today: str) -> RatingLine:
    standing = OVER if row.over else OVERDUE if row.due < today else OPEN
    return RatingLine(
        path=f"/ratings/{row.topic.hex()}/{row.stage}",
        stage=STAGES.get(row.stage, row.stage),
        station=reference.region_name(conn, row.home_region),
        office=row.office,
        grade=GRADES.get(row.grade, ""),
        marks=joined(N_("、"), marks_in_words(row.marks.split(",") if row.marks else [])),
        words=row.words,
        channel=CHANNELS.get(row.channel, row.channel),
        day=row.day,
        due=row.due,
        standing=standing,
        verdict=VERDICTS.get(row.verdict, row.verdict),
        item=row.item_name or "",
    )


def _hidden(conn: Connection, line: RatingLine, row: Row[Any]) -> RatingLine:
    """As the rated see it."""
    line = replace(line, path="", words="", channel="", item="")
    some = sa.select(_R.topic).where(_R.home_region == row.home_region, _R.office == row.office, _R.counted == 1)
    count = conn.execute(sa.select(sa.func.count()).select_from(some.limit(ANONYMITY_LEAST).subquery())).scalar_one()
    return line if count >= ANONYMITY_LEAST else replace(line, station="", day=line.day[:7], due=line.due[:7])


def _name(conn: Connection, by: str, key: str) -> str:
    if by == "station":
        return reference.region_name(conn, key)
    item = reference.item(conn, key) if by == "item" else None
    return item.name if item is not None else key
