"""What every page of every browser test is held to, whatever the test looks at.

No request leaves the machine, no script fails, the content security policy is never broken, and axe-core finds
nothing on any page that was looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

AXE = Path(__file__).parents[2] / "build" / "front" / "node_modules" / "axe-core" / "axe.min.js"
_OWN_HOSTS = {"127.0.0.1", "localhost", ""}
_AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_REFUSED_FORM = re.compile(r"^Failed to load resource: the server responded with a status of 4(03|04|09|22|29)\b")
"""Chromium writes this for every answer of 4xx; a form that comes back with what is wrong in it is one."""
_RUN_AXE = """async (tags) => {
    const found = await axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]});
    return found.violations.map((one) => ({
        rule: one.id, help: one.help,
        where: one.nodes.slice(0, 5).map((node) => node.target.join(" ") + "  " + node.html.slice(0, 160)),
    }));
}"""


@dataclass
class Guard:
    """One browser context under guard. `faults` are told at the end of the test, all at once."""

    who: str
    scripted: bool = True
    """axe-core is a script, so a page that runs none is judged when it is visited with script."""
    faults: list[str] = field(default_factory=list)
    visited: list[str] = field(default_factory=list)
    """Paths of the documents that were opened, in order."""
    _allowed: list[re.Pattern[str]] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.on("page", self._watch_page)
        context.on("request", self._saw_request)

    @contextmanager
    def expecting(self, pattern: str) -> Iterator[None]:
        """While this lasts, console errors that match are no fault: for a program that was killed on purpose."""
        self._allowed.append(re.compile(pattern))
        try:
            yield
        finally:
            self._allowed.pop()

    def _watch_page(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"{_path(page.url)}: script failed: {error}"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type != "error" or any(allowed.search(message.text) for allowed in self._allowed):
            return
        place = urlsplit(message.location.get("url", ""))
        if _REFUSED_FORM.match(message.text) and not place.path.startswith("/static/"):
            return
        self.faults.append(f"{place.path}: console error: {message.text}")

    def _saw_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in _OWN_HOSTS:
            self.faults.append(f"a request to {parts.hostname} from {_path(request.frame.url)}")
        if request.is_navigation_request():
            self.visited.append(parts.path)


def _path(url: str) -> str:
    return urlsplit(url).path


def axe_faults(page: Page) -> list[str]:
    """What axe-core finds on the page as it stands."""
    page.evaluate(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(_RUN_AXE, _AXE_TAGS)
    return [f"{_path(page.url)}: {one['rule']}: {one['help']}\n      " + "\n      ".join(one["where"]) for one in found]
