"""Every HTML page that the programs' tables name is found by its links, opened in Chromium and judged.

A route that nothing leads to, or whose page nobody may open, fails here: link it, or add its address to
`walking._unlinked`. It goes before all others (tests/scheduling.py): what they do to the county decides which pages
there are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from casework.web.assets import PREFIX
from casework.web.looks import ELDER_COOKIE, LANGUAGE_COOKIE
from tests.browser import routes
from tests.browser.conftest import DESKTOP, TABLET, Visits
from tests.browser.county import BrowserCounty
from tests.browser.crawling import Crawl, Seen
from tests.browser.walking import crawl_place

pytestmark = pytest.mark.timeout(600)
_PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]|\{\{|\{%")
_ASSETS = PREFIX + "{name}"
_SIDEWAYS = "() => document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
_WHO_CUTS = """() => [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .slice(0, 3).map((one) => one.outerHTML.slice(0, 120))"""


def test_every_module_that_adds_pages_is_looked_into():
    assert routes.modules_that_add_pages() == routes.known_modules()


@dataclass
class Walk:
    """One place, gone through by everybody who works there."""

    place: str
    county: BrowserCounty
    visit: Visits
    faults: list[str] = field(default_factory=list)

    def judge(self, seen: Seen) -> list[str]:
        """Open it as the person who found it: wide and narrow, and in the elder view."""
        page = self.visit(seen.who, seen.path, place=self.place)
        faults = self._sideways(page, "")
        self._cookie(page, ELDER_COOKIE, "1")
        faults += self._sideways(page, "elder view, ")
        return faults + self.visit.leave(page)

    def english(self, crawl: Crawl, kinds: list[Seen]) -> list[str]:
        """The same pages in English have all their words filled in."""
        found = []
        for seen in kinds:
            answer = crawl.open(seen.path, seen.who, f"{crawl.cookie_of(seen.who)}; {LANGUAGE_COOKIE}=en")
            if answer.status != seen.status or _PLACEHOLDER.search(answer.body):
                found.append(f"{seen.path}: in English: {answer.status} {_PLACEHOLDER.findall(answer.body)}")
        return found

    def _cookie(self, page: Page, name: str, value: str) -> None:
        page.context.add_cookies([{"name": name, "value": value, "url": page.url}])
        page.reload()

    def _sideways(self, page: Page, how: str) -> list[str]:
        """Nothing scrolls sideways, on the desk's screen and on a tablet."""
        found = []
        for size in (TABLET, DESKTOP):
            page.set_viewport_size(size)
            if over := page.evaluate(_SIDEWAYS):
                cut = page.evaluate(_WHO_CUTS)
                found.append(f"{urlsplit(page.url).path}: {how}{size['width']} px: {over} px too wide: {cut}")
        return found


@pytest.mark.parametrize("places", [("hub",), ("township", "village")], ids=["hub", "node"])
def test_every_page_of_a_program_is_visited_and_sound(places, county, visit):
    faults, judged, known, opened = list[str](), set[str](), {_ASSETS}, {_ASSETS}
    for place in places:
        walk = Walk(place, county, visit)
        crawl, walk.faults = crawl_place(place, county, visit)
        faults += walk.faults + [f"{seen.path}: status {seen.status}" for seen in crawl.seen if seen.status >= 500]
        faults += [f"{seen.path}: {found}" for seen in crawl.seen if (found := _PLACEHOLDER.findall(seen.body))]
        # A village shows the same pages as a township, from the same templates.
        pages = [seen for kind, seen in crawl.kinds().items() if seen.is_page and kind not in judged]
        judged.update(crawl.kinds())
        for seen in pages:
            faults += walk.judge(seen)
        faults += walk.english(crawl, pages)
        known |= {route.path for route in crawl.routes}
        opened |= {route.path for seen in crawl.seen if seen.status in (200, 303) and (route := crawl.route(seen))}
    faults += [f"{path}: nothing leads there" for path in sorted(known - opened)]
    assert not faults, "\n".join(faults)


def test_a_page_that_is_not_there_and_one_that_is_not_ours_say_so(visit):
    for who, path, words in (
        ("agent", "/cases/" + "0" * 32, "没有"),
        ("agent", "/nowhere", ""),
        ("agent", "/review", ""),
    ):
        page = visit(who)
        answer = page.goto(path)
        assert answer is not None and answer.status in (403, 404), path
        assert words in page.locator("main").inner_text() and page.locator("main a").count(), path
