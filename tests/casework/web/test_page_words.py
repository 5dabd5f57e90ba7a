"""What is said of scans that are not here: never that a preview is the page, and always who must act."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from casework.desk import CaseView
from casework.fold import fold
from casework.web.page_words import LATE_SECONDS, away, page_rows
from tests.casework.cases import Blob, collect_body, entry

PAGES = [Blob(bytes([n]) * 32, 100 + n, 0) for n in (1, 2)]
PREVIEWS = [Blob(bytes([n]) * 32, 10 + n, 1) for n in (11, 12)]
COLLECTED_AT = 1_790_000_000


def view(office: str = "county", missing: tuple[bytes, ...] = (), **more: Any) -> CaseView:
    body = collect_body()
    body["materials"][1]["pages"] = [
        {"blob": n, "plain": b"p" * 32, "type": "image/jpeg", "preview": 2 + n} for n in (0, 1)
    ]
    change = replace(entry(64, body=body), blobs=(*PAGES, *PREVIEWS), time=COLLECTED_AT)
    empty: dict[str, Any] = dict.fromkeys(CaseView.__slots__)
    given = {"state": fold([change]), "office": office, "missing": frozenset(missing), "readable": True}
    return CaseView(**(empty | {"home_name": "洪源村", "asked": {}, "blob_holders": {}} | given | more))


def rows(of: CaseView) -> list[Any]:
    return page_rows(of)[of.state.materials[1].name]


def said(of: CaseView, after: int = 60) -> str:
    found = away(of, COLLECTED_AT + after)
    return f"{found.text} {found.remedy}" if found else ""


def test_a_page_that_is_here_opens_itself_and_shows_its_preview():
    row = rows(view())[0]
    assert (row.picture, row.opens, row.here, row.may_ask) == (
        PREVIEWS[0].hash.hex(), PAGES[0].hash.hex(), True, False
    )  # fmt: skip
    assert away(view(), COLLECTED_AT) is None


def test_a_preview_stands_in_for_its_page_and_says_so():
    first, second = rows(view(missing=(PAGES[0].hash, PAGES[1].hash, PREVIEWS[1].hash)))
    assert (first.picture, first.opens, first.here) == (PREVIEWS[0].hash.hex(),) * 2 + (False,)
    assert (second.picture, second.opens, second.here) == ("", "", False)
    assert first.may_ask and second.may_ask and first.where == "在收件站点"


def test_a_page_is_asked_for_once_and_by_those_who_wait():
    missing = (PAGES[0].hash,)
    asked = rows(view(missing=missing, asked={PAGES[0].hash: 77}))[0]
    assert (asked.asked, asked.may_ask) == (77, False)
    assert not rows(view("home", missing))[0].may_ask
    assert not rows(view("township", missing, readable=False))[0].may_ask


def test_each_office_is_told_whose_turn_it_is():
    both = (PAGES[0].hash, PAGES[1].hash)
    at_township = {PAGES[0].hash: frozenset([1])}
    text = said(view("county", both, blob_holders=at_township))
    assert "1 页在乡镇，由乡镇负责传来" in text and "1 页在收件站点（洪源村），由该站点负责传来" in text
    assert "1 页曾到本级" in said(view("township", both, blob_holders=at_township))
    assert rows(view("county", both, blob_holders=at_township))[0].where == "在乡镇"


def test_after_two_days_a_person_has_to_act():
    missing = (PAGES[0].hash,)
    on_time, late = (
        away(view(missing=missing), COLLECTED_AT + LATE_SECONDS),
        said(view(missing=missing), LATE_SECONDS + 1),
    )
    assert on_time is not None and not on_time.late and "正在按紧急程度传输" in on_time.remedy
    assert "请联系洪源村" in late and "重新扫描" in late
    assert "请联系乡镇" in said(view(missing=missing, blob_holders={PAGES[0].hash: frozenset([1])}), LATE_SECONDS + 1)


def test_the_home_is_told_at_once_when_its_own_scan_is_gone():
    missing = (PAGES[0].hash,)
    lost = away(view("home", missing), COLLECTED_AT)
    assert lost is not None and lost.late and "本站重新扫描" in lost.remedy
    safe = away(view("home", missing, blob_holders={PAGES[0].hash: frozenset([1])}), COLLECTED_AT)
    assert safe is not None and not safe.late and "不用重新扫描" in safe.remedy
