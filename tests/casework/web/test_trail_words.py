"""The two tables of a case: which tier has signed for each change and each scan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from casework.desk import CaseView
from casework.fold import fold
from casework.web.trail_words import TrailRow, trail
from tests.casework.cases import Blob, collect_body, entry

PAGES = [Blob(bytes([n]) * 32, 100 + n, 0) for n in (1, 2)]
UP, DOWN = "up:3/0/1", "down:1:3/0/4"


def view(office: str, missing: tuple[bytes, ...] = (), *, tier: str = "village", **more: Any) -> CaseView:
    body = collect_body() | {"tier": tier}
    body["materials"][1]["pages"] = [{"blob": n, "plain": b"p" * 32, "type": "image/jpeg"} for n in (0, 1)]
    change = replace(entry(64, body=body), blobs=tuple(PAGES), ref=UP)
    answer = replace(entry(69, "county", body={"case_no": "1"}), ref=DOWN)
    empty: dict[str, Any] = dict.fromkeys(CaseView.__slots__)
    given = {"state": fold([change, answer]), "office": office, "missing": frozenset(missing)}
    held = {"blob_holders": {}, "entry_holders": {UP: frozenset({0}), DOWN: frozenset({2})}}
    return CaseView(**(empty | held | given | more))


def signs(rows: tuple[TrailRow, ...]) -> list[str]:
    return ["".join(sign for sign, _, _ in row.cells) for row in rows]


def test_what_nobody_above_has_signed_for_is_only_here() -> None:
    found = trail(view("home"))
    assert found.columns == ("本机", "乡镇", "县级")
    assert signs(found.entries) == ["●○○", "●–●"]
    assert signs(found.scans) == ["●○○", "●○○"]


def test_each_tier_shows_what_it_signed_for_even_past_the_one_between() -> None:
    held = {UP: frozenset({0, 2}), DOWN: frozenset({2})}
    blobs = {PAGES[0].hash: frozenset({2}), PAGES[1].hash: frozenset({1, 2})}
    found = trail(view("home", entry_holders=held, blob_holders=blobs))
    assert signs(found.entries)[0] == "●○●"
    assert signs(found.scans) == ["●○●", "●●●"]


def test_a_scan_that_is_gone_from_here_or_not_come_is_not_called_here() -> None:
    missing = (PAGES[0].hash,)
    assert signs(trail(view("home", missing, blob_holders={PAGES[0].hash: frozenset({1})})).scans) == ["○●○", "●○○"]
    at_county = trail(view("county", missing))
    assert at_county.columns == ("收件站点", "乡镇", "本机")
    assert signs(at_county.scans) == ["●○○", "●○●"]
    assert signs(at_county.entries) == ["●○●", "––●"]


def test_a_hall_of_its_own_has_no_township_above_it() -> None:
    assert trail(view("home", tier="township")).columns == ("本机", "县级")
