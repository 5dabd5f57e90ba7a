"""The county, the browser, and `visit`, with which every test here begins."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.county import BrowserCounty, served_county
from tests.browser.guarding import AXE, Guard, axe_faults
from tests.browser.people import PASSWORD
from tests.memory_folder import memory_folder

_HERE = Path(__file__).parent
CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Whatever a page might ask for elsewhere is not found; the guard tells of it.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
DESKTOP = {"width": 1280, "height": 900}
TABLET = {"width": 820, "height": 1180}
_WAIT_MS = 15_000
_SECONDS = 300
"""For one test, with the making of the county if it is the first."""
expect.set_options(timeout=_WAIT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.browser)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(_SECONDS))


@pytest.fixture(scope="session")
def served() -> Iterator[BrowserCounty]:
    folder = memory_folder("lianban-browser-")  # five weeks of work are thousands of synced writes
    try:
        with served_county(folder / "places") as county:
            yield county
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def county(served: BrowserCounty) -> Iterator[BrowserCounty]:
    """The county; what a test cuts or kills is whole again after it."""
    yield served
    served.mend()


# One module at a time: while Playwright's own loop is there, no other test of this process could run a loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM.exists(), "needs chromium: run deploy/setup.sh dev"
    assert AXE.exists(), "needs axe-core: run deploy/setup.sh dev"
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS))
        yield found
        found.close()


_SIGNED_IN: dict[str, Any] = {}
"""Cookies by person, so that a password is typed once a run; a session that has ended is opened again."""


@dataclass
class Visits:
    """Calling it opens a page as somebody. Each call has a browser of its own: cookies, cache, windows."""

    browser: Browser
    county: BrowserCounty
    contexts: list[tuple[BrowserContext, Guard]] = field(default_factory=list)

    def __call__(self, who: str = "", path: str = "/", *, place: str = "", **context: Any) -> Page:
        """`who` is a key of people.STAFF, "" for somebody not signed in (at `place`); `context` are options of
        Playwright's new_context, such as viewport, java_script_enabled, permissions."""
        place = self.county.worker(who).place if who else place or "hub"
        options = {"viewport": DESKTOP, "locale": "zh-CN", "base_url": self.county.url(place)} | context
        opened = self.browser.new_context(storage_state=_SIGNED_IN.get(who), **options)
        opened.set_default_timeout(_WAIT_MS)
        guard = Guard(who or "public", scripted=context.get("java_script_enabled", True))
        guard.watch(opened)
        self.contexts.append((opened, guard))
        page = opened.new_page()
        page.goto(path)
        if who and page.url.split("?")[0].endswith("/sign-in"):
            self.sign_in(page, who)
            _SIGNED_IN[who] = opened.storage_state()
            page.goto(path)
        return page

    def sign_in(self, page: Page, who: str) -> None:
        """Type name and password on the sign-in page, which is open."""
        page.get_by_label("登录名").fill(self.county.worker(who).login)
        page.get_by_label("密码", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        expect(page).not_to_have_url(re.compile("/sign-in"))

    def guard(self, page: Page) -> Guard:
        """The guard of this page: what it has visited, and what it is to expect."""
        return next(guard for context, guard in self.contexts if context == page.context)

    def look(self, page: Page) -> None:
        """Have axe-core judge the page as it stands; the last page of a test is judged in any case."""
        self.guard(page).faults.extend(axe_faults(page))

    def leave(self, page: Page) -> list[str]:
        """Judge a page that is done with and close it; what was wrong since it was opened."""
        at = next(n for n, (context, _) in enumerate(self.contexts) if context == page.context)
        context, guard = self.contexts.pop(at)
        for opened in context.pages:
            if guard.scripted and opened.url.startswith("http") and _is_html(opened):
                guard.faults.extend(axe_faults(opened))
        context.close()
        return [f"[{guard.who}] {fault}" for fault in guard.faults]

    def close(self) -> list[str]:
        """Leave every page that is open still."""
        return [fault for context, _ in list(self.contexts) for fault in self.leave(context.pages[0])]


def _is_html(page: Page) -> bool:
    return bool(page.evaluate("document.contentType") == "text/html")


@pytest.fixture
def visit(browser: Browser, county: BrowserCounty) -> Iterator[Visits]:
    """`visit("agent")` is a page of the village's agent, signed in; see Visits."""
    visits = Visits(browser, county)
    yield visits
    found = visits.close()
    assert not found, "\n".join(found)
