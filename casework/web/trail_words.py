"""Which tier is proven to hold each change and each scan of a case, as rows of two tables. Pure.

`_` translates; it is passed in because this module knows no request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from casework.case_parts import TimelineItem
from casework.changes import kind_name
from casework.desk import CaseView
from casework.own_rules import receipt_of
from casework.states import COUNTY, HOME, TOWNSHIP

Translate = Callable[[str], str]

AT_HOME, AT_TOWNSHIP, AT_COUNTY = 0, 1, 2
_TIER_OF = {HOME: AT_HOME, TOWNSHIP: AT_TOWNSHIP, COUNTY: AT_COUNTY}


@dataclass(frozen=True, slots=True)
class TrailRow:
    """One change or scan. at: unix seconds, 0 for a scan. cells: (sign, word, tone) for each column of the trail."""

    what: str
    at: int
    cells: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Trail:
    """`columns` are the tiers, from below."""

    columns: tuple[str, ...]
    entries: tuple[TrailRow, ...]
    scans: tuple[TrailRow, ...]


def trail(view: CaseView, _: Translate = str) -> Trail:
    """Where everything of the case lies, by signed receipts and by what is on this machine."""
    here = _TIER_OF[view.office]
    names = {AT_HOME: _("收件站点"), AT_TOWNSHIP: _("乡镇"), AT_COUNTY: _("县级")} | {here: _("本机")}
    tiers = [tier for tier in names if tier != AT_TOWNSHIP or view.state.tier != "township"]
    return Trail(
        tuple(names[tier] for tier in tiers),
        tuple(_entry(line, view, tiers, here, _) for line in view.state.timeline),
        tuple(_scans(view, tiers, here, _)),
    )


def _entry(line: TimelineItem, view: CaseView, tiers: Collection[int], here: int, _: Translate) -> TrailRow:
    holders = view.entry_holders.get(line.ref, frozenset()) | {here}
    written_at = _TIER_OF.get(line.office, AT_COUNTY)
    cells = [_cell(tier in holders, _) if tier in holders or tier >= written_at else _unsigned(_) for tier in tiers]
    return TrailRow(_(kind_name(line.kind)), line.time, tuple(cells))


def _scans(view: CaseView, tiers: Collection[int], here: int, _: Translate) -> list[TrailRow]:
    pages = [
        (_("{name} 第 {n} 页").format(name=material.name, n=number), page.blob)
        for material in view.state.materials
        for number, page in enumerate(material.pages, 1)
    ]
    receipt = receipt_of(view.state)
    rows = []
    for what, blob in [*pages, *([(_("送达回证"), receipt.blob)] if receipt is not None else [])]:
        holders = view.blob_holders.get(blob, frozenset()) | {AT_HOME}
        holders = holders - {here} if blob in view.missing else holders | {here}
        rows.append(TrailRow(what, 0, tuple(_cell(tier in holders, _) for tier in tiers)))
    return rows


def _cell(held: bool, _: Translate) -> tuple[str, str, str]:  # noqa: FBT001
    return ("●", _("有"), "good") if held else ("○", _("还没有"), "warn")


def _unsigned(_: Translate) -> tuple[str, str, str]:
    return "–", _("下行，不签收"), "plain"
