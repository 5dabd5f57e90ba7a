"""Statistics as the page, the file and the command show them: groups with their names, columns with their heads.

Figures of now are summed from the table of facts; those of a past moment are folded from the log, which takes as long
as reading all of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import facts_store
from casework.case_log import CaseLog
from casework.case_tables import catalogue_item, region_row
from casework.csv_text import Cell, csv_bytes
from casework.errors import BadInput, Problem
from casework.past_facts import facts_at
from casework.policy import CaseScope, in_region, region_prefix
from casework.statistics import (
    GROUPINGS,
    ITEM,
    MONTH,
    NAMES,
    NOTHING,
    OFFICE,
    STATION,
    Figures,
    Ratio,
    Selection,
    period_of,
    tally,
    total,
)
from casework.texts import joined, say
from casework.web.i18n import N_
from casework.workdays import china_day
from hub.county import County

GROUPING_NAMES = {ITEM: N_("事项"), OFFICE: N_("部门"), STATION: N_("站点"), MONTH: N_("月份")}
UNKNOWN = N_("（未知）")
TOTAL = N_("合计")
_CHINA = timezone(timedelta(hours=8))
_TEXT_MAX = 64
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?([+-][0-9]{2}:[0-9]{2})?)?")


@dataclass(frozen=True, slots=True)
class Line:
    """One group: its key, and its name for people."""

    key: str
    name: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a selection as of a moment (unix seconds). cut: in words, what was left out beside the period."""

    selection: Selection
    moment: int
    cut: str
    lines: tuple[Line, ...]
    total: Figures


def selection_of(asked: Mapping[str, str], scope: CaseScope, today: date) -> Selection:
    """What somebody asked for by from, to, by, item, office and station, cut to what they may see. Raises BadInput."""
    first, last = period_of(asked.get("from", ""), asked.get("to", ""), today)
    by, station = asked.get("by", "") or ITEM, asked.get("station", "")
    if by not in GROUPINGS:
        raise BadInput(
            [
                Problem(
                    "by",
                    say("不能按「{by}」分组", by=by[:20]),
                    say("请选 {names} 之一", names=joined(N_("、"), GROUPINGS)),
                )
            ]
        )
    if station and not in_region(scope.region_prefix, station):
        raise BadInput(
            [
                Problem(
                    "station",
                    say("「{station}」不是本辖区的站点", station=station[:20]),
                    N_("请填写本辖区站点或乡镇的区划代码"),
                )
            ]
        )
    office = asked.get("office", "")[:_TEXT_MAX]
    return Selection(
        first,
        last,
        by,
        region=region_prefix(station) if station else scope.region_prefix,
        office=scope.office if scope.office is not None else office or None,
        item=asked.get("item", "")[:_TEXT_MAX],
    )


def read(county: County, asked: Mapping[str, str], at: str, now: int) -> Report:
    """Of the whole county: of now, or of a moment that somebody typed. Raises BadInput."""
    moment = moment_of(at, now) if at else now
    selection = selection_of(asked, CaseScope(region_prefix(county.region), None), china_day(moment))
    if at:
        return county.store.read(lambda conn: report_at(conn, county.topics, selection, moment))
    return county.store.read(lambda conn: report_now(conn, selection, moment))


def report_now(conn: Connection, selection: Selection, moment: int) -> Report:
    """`moment` is now."""
    return _report(conn, selection, moment, facts_store.figures(conn, selection, china_day(moment)))


def report_at(conn: Connection, log: CaseLog, selection: Selection, moment: int) -> Report:
    """The same from the log, as it was ordered by a moment."""
    return _report(conn, selection, moment, tally(facts_at(conn, log, moment), selection, china_day(moment)))


def _report(conn: Connection, selection: Selection, moment: int, groups: Mapping[str, Figures]) -> Report:
    names = _NAMERS[selection.by](conn)
    lines = [Line(key, names.get(key, key) or UNKNOWN, figures) for key, figures in groups.items()]
    lines.sort(key=lambda line: (line.key if selection.by in (MONTH, STATION) else line.name, line.key))
    return Report(selection, moment, _cut(conn, selection), tuple(lines), total(groups.values()))


def _cut(conn: Connection, selection: Selection) -> str:
    station = selection.region.ljust(12, "0")
    item = item_names(conn).get(selection.item, selection.item)
    return joined(
        N_("；"), (word for word in (station_names(conn).get(station, station), selection.office, item) if word)
    )


def item_names(conn: Connection) -> dict[str, str]:
    """The newest name of each item, by its key."""
    c = catalogue_item.c
    return {row.key: row.name for row in conn.execute(sa.select(c.key, c.name).order_by(c.key, c.version))}


def station_names(conn: Connection) -> dict[str, str]:
    """Names by region code, a village's with its township's before it: villages of one county share names."""
    rows = conn.execute(sa.select(region_row)).all()
    plain = {row.code: row.name for row in rows}
    villages = [row for row in rows if row.level == "village" and row.parent in plain]
    return plain | {row.code: f"{plain[row.parent]} {row.name}" for row in villages}


_NAMERS: dict[str, Callable[[Connection], dict[str, str]]] = {
    ITEM: item_names,
    OFFICE: lambda _: {},
    STATION: station_names,
    MONTH: lambda _: {},
}


def _rate(ratio: Ratio) -> Cell:
    text = ratio.percent()
    return text if text == NOTHING else Decimal(text)


COLUMNS: tuple[tuple[str, Callable[[Figures], Cell]], ...] = (
    (N_("收件"), lambda f: f.received),
    (N_("其中在办"), lambda f: f.open),
    (N_("其中超期在办"), lambda f: f.overdue),
    (N_("受理"), lambda f: f.accepted),
    (N_("不予受理"), lambda f: f.refused),
    (N_("撤回"), lambda f: f.withdrawn),
    (N_("办结"), lambda f: f.closed),
    (N_("其中准予"), lambda f: f.granted),
    (N_("其中不予许可"), lambda f: f.denied),
    (N_("其中到期终止"), lambda f: f.lapsed),
    (N_("计时办结"), lambda f: f.timed),
    (N_("早于承诺日"), lambda f: f.early),
    (N_("承诺日当天"), lambda f: f.on_day),
    (N_("晚于承诺日"), lambda f: f.late),
    (N_("提前办结率（%）"), lambda f: _rate(f.early_rate)),
    (N_("按时办结率（%）"), lambda f: _rate(f.kept_rate)),
    (N_("法定期限内"), lambda f: f.in_law),
    (N_("超法定期限"), lambda f: f.over_law),
    (N_("法定期限内办结率（%）"), lambda f: _rate(f.lawful_rate)),
    (N_("延长审批"), lambda f: f.extended),
    (N_("用时合计（工作日）"), lambda f: f.used),
    (N_("平均用时（工作日）"), lambda f: f.mean_used.each() if not f.timed else Decimal(f.mean_used.each())),
    (N_("法定时限合计（有承诺的）"), lambda f: f.law_promised),
    (N_("承诺时限合计"), lambda f: f.promised),
    (N_("承诺压缩率（%）"), lambda f: _rate(f.promise_compression)),
    (N_("法定时限合计"), lambda f: f.law),
    (N_("用时合计（有法定时限的）"), lambda f: f.law_used),
    (N_("实际压缩率（%）"), lambda f: _rate(f.actual_compression)),
    (N_("预估件"), lambda f: f.provisional),
)
"""Every figure and what it was divided by, so that whoever has the file can divide again."""


def csv_of(report: Report) -> bytes:
    """One row a group and one for all together. Each says for which days and as of when, wherever it is copied to."""
    chosen, until = report.selection, moment_text(report.moment)
    frame: list[Cell] = [chosen.first.isoformat(), chosen.last.isoformat(), report.cut, until]
    head = [
        GROUPING_NAMES[chosen.by],
        "编码",
        *(name for name, _ in COLUMNS),
        "期间自",
        "期间至",
        "范围",
        "数据截至",
    ]
    lines = [*report.lines, Line("", TOTAL, report.total)]
    return csv_bytes([head, *([one.name, one.key, *(of(one.figures) for _, of in COLUMNS), *frame] for one in lines)])


def text_of(report: Report) -> str:
    """A few of the columns, for a terminal."""
    chosen = report.selection
    head = f"{chosen.first} – {chosen.last}, {report.cut}, {moment_text(report.moment)}"
    lines = [*report.lines, Line("", TOTAL, report.total)]
    names = ["", *(name for name, _ in COLUMNS if name in _IN_TEXT)]
    rows = [[one.name, *(str(of(one.figures)) for name, of in COLUMNS if name in _IN_TEXT)] for one in lines]
    return "\n".join([head, *("\t".join(row) for row in [names, *rows])])


_IN_TEXT = (
    "收件",
    "受理",
    "办结",
    "提前办结率（%）",
    "按时办结率（%）",
    "承诺压缩率（%）",
    "实际压缩率（%）",
)


def csv_name(report: Report) -> str:
    """A file name of plain letters."""
    chosen = report.selection
    return f"statistics-{chosen.by}-{chosen.first.isoformat()}-{chosen.last.isoformat()}.csv"


def plain_report(report: Report) -> dict[str, Any]:
    """As one JSON object."""
    chosen = report.selection
    return {
        "from": chosen.first.isoformat(),
        "to": chosen.last.isoformat(),
        "by": chosen.by,
        "cut": report.cut,
        "at": report.moment,
        "groups": [{"key": line.key, "name": line.name, **_plain(line.figures)} for line in report.lines],
        "total": _plain(report.total),
    }


_RATES = ("early_rate", "kept_rate", "lawful_rate", "promise_compression", "actual_compression")


def _plain(figures: Figures) -> dict[str, Any]:
    rates = {name: getattr(figures, name).percent() for name in _RATES}
    return {name: getattr(figures, name) for name in NAMES} | rates | {"mean_used": figures.mean_used.each()}


def moment_text(moment: int) -> str:
    """To the second, in China."""
    return datetime.fromtimestamp(moment, UTC).astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S")


def moment_of(text: str, now: int) -> int:
    """Unix seconds of a moment typed as a day, then its end, or as day and time, both in China; of today, now. Raises
    BadInput."""
    try:
        typed = datetime.fromisoformat(text if _MOMENT.fullmatch(text) else "")
        whole_day = len(text) == len("2026-01-01")
        typed = datetime.combine(typed.date(), time(23, 59, 59)) if whole_day else typed
        moment = int(typed.replace(tzinfo=typed.tzinfo or _CHINA).timestamp())
    except (ValueError, OverflowError):
        remedy = N_("请写成 2026-01-31 或 2026-01-31T17:30 这样的时刻（北京时间）")
        raise BadInput([Problem("at", say("「{text}」不是时刻", text=text[:30]), remedy)]) from None
    if whole_day and china_day(moment) == china_day(now):
        return now
    if moment > now:
        raise BadInput([Problem("at", say("「{text}」还没有到", text=text[:30]), N_("请写已经过去的时刻"))])
    return moment
