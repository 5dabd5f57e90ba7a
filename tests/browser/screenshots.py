"""`make screenshots`: every page of the filled county as a desk, a tablet, the elder view and English show it.

Writes build/screenshots/ with an index.html; `python -m tests.browser.screenshots PLACE ...` draws these places alone.
"""

from __future__ import annotations

import re
import shutil
import sys
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

from casework.web.looks import ELDER_COOKIE, LANGUAGE_COOKIE
from tests.browser.conftest import CHROMIUM, CHROMIUM_ARGUMENTS, DESKTOP, TABLET, Visits
from tests.browser.county import BrowserCounty, served_county
from tests.browser.crawling import Seen
from tests.browser.routes import PLACES
from tests.browser.walking import crawl_place
from tests.processes.running import ROOT

TARGET = ROOT / "build" / "screenshots"
VARIANTS = {
    "desktop": (DESKTOP, {}),
    "tablet": (TABLET, {}),
    "elder": (DESKTOP, {ELDER_COOKIE: "1"}),
    "english": (DESKTOP, {LANGUAGE_COOKIE: "en"}),
}
"""Name → size of the window, and cookies."""
_NAMES = {"hub": "县级 county", "township": "乡镇 township", "village": "村站 village"}


def main(places: list[str]) -> int:
    """Exit code 0; says one line a place."""
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    rows: list[str] = []
    temporary = TemporaryDirectory()
    with temporary as folder, served_county(Path(folder) / "places") as county, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS))
        for place in places or PLACES:
            rows += _draw_place(place, county, Visits(browser, county))
        browser.close()
    (TARGET / "index.html").write_text(_index(rows), "utf-8")
    print(f"{TARGET / 'index.html'}")
    return 0


def _draw_place(place: str, county: BrowserCounty, visit: Visits) -> list[str]:
    crawl, _ = crawl_place(place, county, visit)
    pages = {kind: seen for kind, seen in crawl.kinds().items() if seen.is_page}
    rows = [f"<h2>{_NAMES[place]}</h2>"]
    for kind, seen in sorted(pages.items()):
        files = _draw_page(place, kind, seen, visit)
        links = "".join(
            f'<a href="{file}"><img src="{file}" alt="{escape(file)}" loading="lazy"></a>' for file in files
        )
        rows.append(f"<h3>{escape(kind)} <small>{escape(seen.who or 'public')}</small></h3><p>{links}</p>")
    print(f"{place}: {len(pages)} pages, {len(pages) * len(VARIANTS)} pictures", flush=True)
    return rows


def _draw_page(place: str, kind: str, seen: Seen, visit: Visits) -> list[str]:
    slug = re.sub(r"[^a-z0-9_-]+", "-", kind.lower()).strip("-") or "home"
    page = visit(seen.who, seen.path, place=place)
    files = []
    for variant, (size, cookies) in VARIANTS.items():
        _dress(page, cookies)
        page.set_viewport_size(size)
        page.goto(seen.path)
        file = f"{place}-{slug}-{variant}.png"
        page.screenshot(path=TARGET / file, full_page=True, animations="disabled")
        files.append(file)
    page.context.close()
    visit.contexts.clear()
    return files


def _dress(page: Page, cookies: dict[str, str]) -> None:
    """The looks that were chosen before are chosen no more."""
    for name in (ELDER_COOKIE, LANGUAGE_COOKIE):
        page.context.clear_cookies(name=name)
    page.context.add_cookies([{"name": name, "value": value, "url": page.url} for name, value in cookies.items()])


def _index(rows: list[str]) -> str:
    style = "body{font-family:sans-serif;margin:2rem}img{width:22%;margin:.5%;border:1px solid #bbb;vertical-align:top}"
    return f"<!doctype html><meta charset=utf-8><title>Pages</title><style>{style}</style>{''.join(rows)}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
