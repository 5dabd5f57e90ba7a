"""A guide for every role, with the names that the pages really bear, on one page each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from casework.policy import ROLE_NAMES, Role
from casework.web.guides import GUIDES, Guide
from casework.web.guides.pages import file_name, main, page
from casework.web.help_pages import with_buttons
from tests.casework.web.extracted import extracted
from tests.casework.web.tiny_program import AGENT, Browser, Open, Place

DOCS = Path(__file__).parents[3] / "docs"
NAMED = re.compile("「([^「」]+)」")
PAGE_CHARS = 1150
"""What fits one A4 page at 10 points beside headings, in characters (tests/browser prints them)."""


def texts(guide: Guide) -> Iterator[str]:
    """Every text of a guide."""
    yield guide.purpose
    for step in guide.day:
        yield from (step.title, step.how)
    for trouble in guide.troubles:
        yield from (trouble.when, trouble.do)
    yield from (what for _key, what in guide.keys)
    yield from guide.call


def test_every_role_has_a_guide() -> None:
    assert set(GUIDES) == set(Role)
    assert all(guide.day and guide.troubles and guide.call for guide in GUIDES.values())


@pytest.mark.parametrize("guide", GUIDES.values(), ids=lambda guide: guide.role)
def test_the_page_in_docs_is_current(guide: Guide) -> None:
    assert (DOCS / file_name(guide)).read_text(encoding="utf-8") == page(guide), "python -m casework.web.guides.pages"


def test_docs_hold_no_guide_of_a_role_that_is_gone(tmp_path: Path) -> None:
    main(tmp_path)
    assert {path.name for path in DOCS.glob("help-*.md")} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("guide", GUIDES.values(), ids=lambda guide: guide.role)
def test_a_guide_names_only_what_stands_on_a_page(guide: Guide) -> None:
    elsewhere = {text for text, files in extracted().items() if any("/guides/" not in name for name in files)}
    named = {name for text in texts(guide) for name in NAMED.findall(text)}
    assert named
    assert sorted(named - elsewhere) == []


@pytest.mark.parametrize("guide", GUIDES.values(), ids=lambda guide: guide.role)
def test_a_guide_is_short_enough_for_one_page(guide: Guide) -> None:
    assert sum(map(len, texts(guide))) <= PAGE_CHARS


def test_a_button_is_said_as_its_page_says_it() -> None:
    english = {"点「收件」": "Press 「收件」", "收件": "Intake", "「": "“", "」": "”"}
    assert with_buttons("点「收件」", lambda text: english.get(text, text)) == "Press “Intake”"
    assert with_buttons("点「收件」", str) == "点「收件」"


async def test_each_role_opens_its_own_guide_and_any_other(place: Place, open_browser: Open) -> None:
    await place.add(AGENT)
    browser = await open_browser()
    await browser.sign_in()
    status, own = await browser.get("/help")
    assert status == 200
    assert f"使用指南：{ROLE_NAMES[Role.VILLAGE_AGENT]}" in own
    assert GUIDES[Role.VILLAGE_AGENT].day[0].how in own
    assert own.count('href="/help/') == len(Role) - 1
    status, other = await browser.get("/help/ops")
    assert status == 200
    assert GUIDES[Role.OPS].purpose in other
    assert 'href="/help"' in other
    assert (await browser.get("/help/emperor"))[0] == 404


async def test_the_approver_is_shown_the_keys(place: Place, open_browser: Open) -> None:
    await place.add(replace(AGENT, role=Role.COUNTY_APPROVER, office="民政局"))
    browser = await open_browser()
    await browser.sign_in()
    text = (await browser.get("/help"))[1]
    assert "<kbd>J / K</kbd>" in text


async def test_a_guide_needs_signing_in(browser: Browser) -> None:
    status, _text = await browser.get("/help")
    assert status == 303
