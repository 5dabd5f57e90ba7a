"""The page of statistics, and the same as a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from casework import reference
from casework.csv_text import MEDIA_TYPE
from casework.errors import BadInput, NotAllowed, Problem
from casework.policy import Act, CaseScope, case_scope, in_region
from casework.statistics import period_of
from casework.web import keys
from casework.web.i18n import N_
from casework.web.render import render
from casework.workdays import china_day
from hub.statistics import (
    GROUPING_NAMES,
    Report,
    csv_name,
    csv_of,
    moment_text,
    report_now,
    selection_of,
    station_names,
)

PATH = "/statistics"
_ASKED = ("from", "to", "by", "item", "office", "station")
_ASKED_MAX = 100


async def show_statistics(request: web.Request) -> web.Response:
    """GET /statistics?from=DAY&to=DAY&by=GROUPING&item=KEY&office=NAME&station=CODE."""
    scope, asked, now = _scope(request), _asked(request), request.app[keys.CLOCK]()
    problems: tuple[Problem, ...] = ()
    report = None
    try:
        report = await _read(request, scope, asked, now)
    except BadInput as error:
        problems = error.problems
    choices = await request.app[keys.STORE].read(lambda conn: _choices(conn, scope))
    shown = {"from": asked["from"], "to": asked["to"]}
    if report is not None:
        shown = {"from": report.selection.first.isoformat(), "to": report.selection.last.isoformat()}
    context = {
        "report": report,
        "asked": asked | {"by": asked["by"] or next(iter(GROUPING_NAMES))},
        "choices": choices,
        "groupings": GROUPING_NAMES,
        "presets": _presets(asked, china_day(now)),
        "csv": _address(PATH + ".csv", asked),
        "until": moment_text(now),
    }
    return await render(request, "statistics.html", context, problems=problems, values=shown)


async def download_statistics(request: web.Request) -> web.Response:
    """GET /statistics.csv with the same query."""
    report = await _read(request, _scope(request), _asked(request), request.app[keys.CLOCK]())
    headers = {
        "Content-Disposition": f'attachment; filename="{csv_name(report)}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return web.Response(body=csv_of(report), content_type=MEDIA_TYPE, charset="utf-8", headers=headers)


def _scope(request: web.Request) -> CaseScope:
    scope = case_scope(request[keys.PERSON], Act.VIEW_STATISTICS)
    if scope is None:
        raise NotAllowed(N_("您的账号没有部门，看不到统计；请管理员为您的账号填上部门"))
    return scope


def _asked(request: web.Request) -> dict[str, str]:
    return {name: request.query.get(name, "").strip()[:_ASKED_MAX] for name in _ASKED}


async def _read(request: web.Request, scope: CaseScope, asked: Mapping[str, str], now: int) -> Report:
    selection = selection_of(asked, scope, china_day(now))
    return await request.app[keys.STORE].read(lambda conn: report_now(conn, selection, now))


def _choices(conn: Connection, scope: CaseScope) -> dict[str, Any]:
    """What can be chosen: items, offices where there is a choice, townships and stations within reach."""
    items = [(item.key, item.name) for item in reference.items(conn) if scope.office in (None, item.office)]
    stations = {code: name for code, name in station_names(conn).items() if in_region(scope.region_prefix, code)}
    return {
        "all_items": sorted(items, key=lambda pair: pair[1]),
        "offices": sorted(reference.offices(conn)) if scope.office is None else [],
        "office": scope.office,
        "stations": sorted(stations.items()),
    }


def _presets(asked: Mapping[str, str], today: date) -> list[tuple[str, str, bool]]:
    """Periods that are asked for every day: name, address, and whether it is the one that is shown."""
    this_month = today.replace(day=1)
    last_month = this_month - timedelta(days=1)
    last_year = date(today.year - 1, 12, 31)
    periods = (
        (N_("本月"), this_month, today),
        (N_("上月"), last_month.replace(day=1), last_month),
        (N_("今年"), date(today.year, 1, 1), today),
        (N_("去年"), date(last_year.year, 1, 1), last_year),
    )
    try:
        shown = period_of(asked["from"], asked["to"], today)
    except BadInput:
        shown = None
    return [
        (name, _address(PATH, {**asked, "from": first.isoformat(), "to": last.isoformat()}), shown == (first, last))
        for name, first, last in periods
    ]


def _address(path: str, asked: Mapping[str, str]) -> str:
    query = {name: value for name, value in asked.items() if value}
    return path + (f"?{urlencode(query)}" if query else "")
