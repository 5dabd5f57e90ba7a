"""The figures of many cases: what is counted, what is divided by what, and for whom. Pure.

Each figure counts the cases to which its own thing happened within the period: 收件 by the day of intake, 受理 by the
day of acceptance, 办结 and what is said of it by the day of closing. So a month that is over changes only by what the
county hears of it late. docs/statistics.md says the same in a table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from operator import attrgetter

from casework.case_facts import CLOSED, EARLY, LATE, ON_DAY, OPEN, REFUSED, WITHDRAWN, CaseFacts
from casework.change_choices import LAPSE_RULES
from casework.errors import BadInput, Problem
from casework.texts import N_, say
from casework.workdays import FIRST_DAY, LAST_DAY

ITEM, OFFICE, STATION, MONTH = "item", "office", "station", "month"
GROUPINGS = (ITEM, OFFICE, STATION, MONTH)
GROUP_KEYS = {ITEM: attrgetter("item"), OFFICE: attrgetter("office"), STATION: attrgetter("home_region")}
MONTH_CHARACTERS = 7
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NOTHING = "—"
"""Said where there is no case to divide by: no case early is 0 %, no case at all is neither 0 % nor 100 %."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which cases, grouped by what. first, last: days of the period, both in it. region: the digits with which the
    codes of the homes begin. office: None for all. item: "" for all.
    """

    first: date
    last: date
    by: str
    region: str
    office: str | None = None
    item: str = ""


@dataclass(frozen=True, slots=True)
class Ratio:
    """So many of so many."""

    part: int
    whole: int

    def percent(self) -> str:
        """With two decimals, halves away from nought; NOTHING when there is nothing to divide by."""
        return NOTHING if self.whole == 0 else _decimal(self.part * 100, self.whole)

    def each(self) -> str:
        """The same as a number of days per case, with two decimals."""
        return NOTHING if self.whole == 0 else _decimal(self.part, self.whole)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one group. «timed» are cases of `closed` that were decided and not closed as 退回、作废、删除 or 到期终止.

    received: cases taken in. open: of those, neither closed nor refused nor withdrawn at the moment of the figures;
    overdue: of those, past the day by which the office had to act (受理 within five working days of 第三十二条, or the
    decision within the promise or the statutory limit, whichever is due first; a paused clock is due on no day).
    accepted: 受理, also by silence. refused: 不予受理. withdrawn: 撤回. closed: 办结; granted, denied: of those, 准予
    and 不予许可; lapsed: of those, the ones that time ended (补正不来, 容缺逾期).
    early, on_day, late: timed cases decided before, on and after the day promised. in_law, over_law: timed cases
    decided by and after the last day of the statutory limit. extended: timed cases whose limit was extended.
    provisional: timed cases reckoned through a year whose calendar is not official (预估).
    timed, used: timed cases, and their working days. law_promised, promised: of timed cases of items with both limits,
    the sums of the statutory and of the promised limit. law, law_used: of timed cases of items with a statutory limit,
    the sums of that limit and of the working days used. All in working days; limits as published, without extension.
    """

    received: int = 0
    open: int = 0
    overdue: int = 0
    accepted: int = 0
    refused: int = 0
    withdrawn: int = 0
    closed: int = 0
    granted: int = 0
    denied: int = 0
    lapsed: int = 0
    early: int = 0
    on_day: int = 0
    late: int = 0
    in_law: int = 0
    over_law: int = 0
    extended: int = 0
    provisional: int = 0
    timed: int = 0
    used: int = 0
    law_promised: int = 0
    promised: int = 0
    law: int = 0
    law_used: int = 0

    @property
    def early_rate(self) -> Ratio:
        """提前办结率: decided before the day promised, of all timed cases of items with a promise."""
        return Ratio(self.early, self.early + self.on_day + self.late)

    @property
    def kept_rate(self) -> Ratio:
        """按时办结率: decided by the day promised, of the same."""
        return Ratio(self.early + self.on_day, self.early + self.on_day + self.late)

    @property
    def lawful_rate(self) -> Ratio:
        """法定期限内办结率: decided by the statutory limit, of all timed cases of items with one (第四十二条)."""
        return Ratio(self.in_law, self.in_law + self.over_law)

    @property
    def promise_compression(self) -> Ratio:
        """承诺压缩率: what the promise saves of the statutory limit."""
        return Ratio(self.law_promised - self.promised, self.law_promised)

    @property
    def actual_compression(self) -> Ratio:
        """实际压缩率: what the time used saves of the statutory limit; below nought when more was used."""
        return Ratio(self.law - self.law_used, self.law)

    @property
    def mean_used(self) -> Ratio:
        """平均用时: working days used per timed case."""
        return Ratio(self.used, self.timed)


NAMES = tuple(field.name for field in fields(Figures))


def tally(facts: Iterable[CaseFacts], selection: Selection, today: date) -> dict[str, Figures]:
    """The figures of each group that has any, by its key: item key, office, region code or YYYY-MM."""
    sums: dict[str, Counter[str]] = {}
    first, last, now = selection.first.isoformat(), selection.last.isoformat(), today.isoformat()
    for one in facts:
        if not _selected(one, selection):
            continue
        for day, counted in (
            (one.received, _of_intake(one, now)),
            (one.accepted, _ACCEPTED),
            (one.ended, _of_end(one)),
        ):
            if first <= day <= last:
                key = day[:MONTH_CHARACTERS] if selection.by == MONTH else GROUP_KEYS[selection.by](one)
                sums.setdefault(key, Counter()).update(counted)
    return {key: Figures(**counted) for key, counted in sums.items()}


def total(groups: Iterable[Figures]) -> Figures:
    """All groups together."""
    sums: Counter[str] = Counter()
    for one in groups:
        sums.update({name: getattr(one, name) for name in NAMES})
    return Figures(**sums)


def _selected(one: CaseFacts, selection: Selection) -> bool:
    return (
        one.home_region.startswith(selection.region)
        and selection.office in (None, one.office)
        and selection.item in ("", one.item)
    )


_ACCEPTED = {"accepted": 1}


def _of_intake(one: CaseFacts, today: str) -> dict[str, int]:
    is_open = one.outcome == OPEN
    return {"received": 1, "open": int(is_open), "overdue": int(is_open and one.due < today)}


def _of_end(one: CaseFacts) -> dict[str, int]:
    counted = {
        "refused": int(one.outcome == REFUSED),
        "withdrawn": int(one.outcome == WITHDRAWN),
        "closed": int(one.outcome == CLOSED),
        "granted": int(one.outcome == CLOSED and one.decision == "granted"),
        "denied": int(one.outcome == CLOSED and one.decision == "denied"),
        "lapsed": int(one.outcome == CLOSED and one.close_result in LAPSE_RULES),
    }
    return counted | dict(_of_timed(one, one.used)) if one.used is not None else counted


def _of_timed(one: CaseFacts, used: int) -> Iterator[tuple[str, int]]:
    yield from (("timed", 1), ("used", used))
    yield from ((word, int(one.promise == word)) for word in (EARLY, ON_DAY, LATE))
    yield from (("in_law", int(one.statute in (EARLY, ON_DAY))), ("over_law", int(one.statute == LATE)))
    yield from (("extended", int(one.extended > 0)), ("provisional", one.provisional))
    if one.statutory is not None:
        yield from (("law", one.statutory), ("law_used", used))
        if one.promised is not None:
            yield from (("law_promised", one.statutory), ("promised", one.promised))


def _decimal(part: int, whole: int) -> str:
    hundredths, rest = divmod(abs(part) * 100, whole)
    hundredths += rest * 2 >= whole
    sign = "-" if part < 0 and hundredths else ""
    return f"{sign}{hundredths // 100}.{hundredths % 100:02}"


def period_of(first: str, last: str, today: date) -> tuple[date, date]:
    """The days that somebody typed as YYYY-MM-DD; the month of `today` up to it where nothing was. Raises BadInput."""
    problems: list[Problem] = []
    start = _day("from", first, today.replace(day=1), problems)
    end = _day("to", last, today, problems)
    if not problems and start > end:
        problems.append(Problem("to", N_("统计期间的结束日早于开始日"), N_("请把开始日和结束日对调，或改正其中一个")))
    if problems:
        raise BadInput(problems)
    return start, end


def _day(name: str, text: str, default: date, problems: list[Problem]) -> date:
    if not text:
        return default
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is not None and FIRST_DAY <= day <= LAST_DAY:
        return day
    problems.append(
        Problem(name, say("「{text}」不是统计可用的日期", text=text[:20]), N_("请写成 2026-01-31 这样的日期"))
    )
    return default
