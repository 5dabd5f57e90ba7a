"""How soon a weak PC shows a page: first paint with the CPU slowed four times, beside an empty page of the same server,
and from deciding one case to reading the next.

Prints ratios and judges none: a machine's seconds are its own. Sizes are asserted by tests/browser/test_budgets.py.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, CHROMIUM_ARGUMENTS, Visits
from tests.browser.county import served_county

SLOWED = 4
_LOOKS = 1000
_EMPTY = "/rated"
"""The barest page that every program has: the frame of all pages, and two sentences."""
_PAINT = """() => {
    const found = performance.getEntriesByName("first-contentful-paint");
    return found.length ? found[0].startTime : 0;
}"""
PAGES = (
    ("agent", "/"),
    ("agent", "/cases"),
    ("agent", "/intake/elder_allowance"),
    ("township", "/review"),
    ("township", "/status"),
    ("approver", "/queue"),
    ("supervisor", "/cards"),
    ("ops", "/status"),
)


def main() -> int:
    """Exit code 0 when every page painted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three loads of each page instead of ten")
    loads = 3 if parser.parse_args().quick else 10
    temporary = tempfile.TemporaryDirectory()
    with temporary as folder, served_county(Path(folder) / "places") as county, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS))
        visit = Visits(browser, county)
        print(f"first contentful paint, CPU slowed {SLOWED} times, median of {loads} first visits")
        painted = [_page(visit, who, path, loads) for who, path in PAGES]
        painted.append(_next_case(visit, loads))
        browser.close()
    return 0 if all(painted) else 1


def _slowed(page: Any) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})


def _median(measure: Callable[[], float], loads: int) -> float:
    return statistics.median(measure() for _ in range(loads))


def _paint(page: Any, path: str) -> float:
    """Milliseconds from asking for it to its first contentful paint; 0 for a page that never painted."""
    page.goto(path)
    for _ in range(_LOOKS):
        if found := float(page.evaluate(_PAINT)):
            return found
        page.wait_for_timeout(10)
    return 0.0


def _page(visit: Any, who: str, path: str, loads: int) -> bool:
    page = visit(who, path)
    _slowed(page)

    empty, full = _median(lambda: _paint(page, _EMPTY), loads), _median(lambda: _paint(page, path), loads)
    _say(who, path, full, empty)
    page.context.close()
    return full > 0 and empty > 0


def _say(who: str, what: str, found: float, empty: float) -> None:
    print(f"  {who:<11} {what:<26} {found:6.0f} ms, an empty page {empty:6.0f} ms, ratio {found / empty:4.2f}")


def _next_case(visit: Any, loads: int) -> bool:
    """From the key that moves on to the next case's name on the screen."""
    page = visit("reviewer", "/queue")
    _slowed(page)
    empty = _median(lambda: _paint(page, _EMPTY), loads)
    page.goto("/queue")
    page.locator(".case-panes").wait_for()
    took = []
    for _ in range(loads):
        before = page.locator(".case-panes").get_attribute("data-case")
        began = time.perf_counter()
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.locator(f'.case-panes:not([data-case="{before}"])').wait_for()
        took.append((time.perf_counter() - began) * 1000)
    found = statistics.median(took)
    _say("reviewer", "next case (J, Enter)", found, empty)
    return found > 0


if __name__ == "__main__":
    sys.exit(main())
