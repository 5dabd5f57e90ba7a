"""Which scans of a case are here, which only as a preview, and who must act on those that are away. Pure.

`_` translates; it is passed in because this module knows no request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from casework.case_parts import Page
from casework.desk import CaseView
from casework.states import COUNTY, HOME

Translate = Callable[[str], str]

AT_HOME, AT_TOWNSHIP, AT_COUNTY = 0, 1, 2
"""How far a scan has provably come."""
LATE_SECONDS = 2 * 86_400
"""A scan that has not come for so long does not come by itself: a person has to act."""
_PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class PageRow:
    """One page as it can be shown now. Hashes in hex.

    number: its place among all scans of the case, from 1. page: the page's own. picture: what to show small, "" for
    nothing. opens: what is shown at full size, "" for nothing. here: whether the page itself has come. where: where it
    is if not. asked: when it was asked for, 0 for never.
    """

    number: int
    page: str
    picture: str
    opens: str
    here: bool
    pdf: bool
    where: str
    asked: int
    may_ask: bool


@dataclass(frozen=True, slots=True)
class Away:
    """What is said above the materials while some pages are away: urgent or not, what, and who has to do what."""

    late: bool
    text: str
    remedy: str
    askable: int


def page_rows(view: CaseView, _: Translate = str) -> dict[str, list[PageRow]]:
    """The pages of each material, by its name."""
    number = count(1)
    return {m.name: [_row(next(number), page, view, _) for page in m.pages] for m in view.state.materials}


def _row(number: int, page: Page, view: CaseView, _: Translate) -> PageRow:
    here = page.blob not in view.missing
    preview = page.preview if page.preview is not None and page.preview not in view.missing else None
    opens = page.blob if here else preview
    picture = preview or (page.blob if here and page.type != _PDF else None)
    asked = view.asked.get(page.blob, 0)
    return PageRow(
        number=number,
        page=page.blob.hex(),
        picture=picture.hex() if picture else "",
        opens=opens.hex() if opens else "",
        here=here,
        pdf=page.type == _PDF,
        where="" if here else _where(view, page.blob, _),
        asked=0 if here else asked,
        may_ask=may_ask(view) and not here and not asked,
    )


def may_ask(view: CaseView) -> bool:
    """Who waits above may ask; the home has nobody to ask, and who cannot open a page has no use for it."""
    return view.office != HOME and view.readable


def _where(view: CaseView, page: bytes, _: Translate) -> str:
    if view.office == HOME:
        return _("本机没有这一页")
    return _("在乡镇") if view.tier_of(page) == AT_TOWNSHIP else _("在收件站点")


def away(view: CaseView, now: int, _: Translate = str) -> Away | None:
    """What to say about pages that are not here; None when all are. `now` in unix seconds."""
    missing = view.missing_pages
    if not missing:
        return None
    if view.office == HOME:
        return _lost_at_home(view, missing, _)
    late = now - _waiting_since(view, missing) > LATE_SECONDS
    at_township = [blob for blob in missing if view.tier_of(blob) == AT_TOWNSHIP]
    below = len(missing) - len(at_township)
    places = []
    if at_township and view.office == COUNTY:
        places.append(_("{n} 页在乡镇，由乡镇负责传来").format(n=len(at_township)))
    elif at_township:
        places.append(_("{n} 页曾到本级，本机现在找不到").format(n=len(at_township)))
    if below:
        places.append(_("{n} 页在收件站点（{place}），由该站点负责传来").format(n=below, place=view.home_name))
    text = _("还有 {n} 页原件没有到：{places}").format(n=len(missing), places=_("；").join(places))
    askable = sum(1 for blob in missing if may_ask(view) and blob not in view.asked)
    return Away(late, text, _late(below, view, _) if late else _on_the_way(_), askable)


def _waiting_since(view: CaseView, missing: list[bytes]) -> int:
    """When the oldest change that brought one of them was written, by its author's clock."""
    pages = (page for material in view.state.materials for page in material.pages if page.blob in missing)
    refs = {page.ref for page in pages}
    return min((line.time for line in view.state.timeline if line.ref in refs), default=0)


def _on_the_way(_: Translate) -> str:
    return _("正在按紧急程度传输；急着看哪一页，按「现在要原件」让它先传")


def _late(below: int, view: CaseView, _: Translate) -> str:
    who = view.home_name if below or view.office != COUNTY else _("乡镇")
    return _(
        "已超过 {days} 天没有到。请联系{who}：接通网络，或用 U 盘把材料送来；扫描件已找不到的，"
        "由收件站点重新扫描后用「更正」或「补正」提交"
    ).format(days=LATE_SECONDS // 86_400, who=who)


def _lost_at_home(view: CaseView, missing: list[bytes], _: Translate) -> Away:
    lost = [blob for blob in missing if view.tier_of(blob) == AT_HOME]
    if not lost:
        text = _("有 {n} 页扫描件本机已没有，上级已收到").format(n=len(missing))
        return Away(False, text, _("不影响办理，不用重新扫描"), 0)
    text = _("有 {n} 页扫描件在本机找不到，也没有送到上级").format(n=len(lost))
    return Away(True, text, _("请本站重新扫描，用「更正」提交；已受理的，请承办方发补正告知后提交"), 0)
