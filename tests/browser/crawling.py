"""Going through a place's pages by their links, as each of its people, without a browser: quick, and a page that no
link leads to is not found."""

from __future__ import annotations

import html
import http.client
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from tests.browser.routes import Route, route_of

_ADDRESS = re.compile(r"""\s(?:href|src|hx-get|data-[a-z-]+|formaction|action)="(/[^"]*)\"""")
_SECONDS = 60
_PAGE_BYTES_MAX = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """One address as one person got it."""

    path: str
    who: str
    status: int
    media_type: str
    body: str
    location: str = ""

    @property
    def is_page(self) -> bool:
        """A whole page of HTML, and not a part that a script puts into one."""
        return self.media_type == "text/html" and self.body.lstrip()[:9].lower() == "<!doctype"


@dataclass
class Crawl:
    """One place. `seen` is in the order of opening."""

    url: str
    routes: list[Route]
    seen: list[Seen] = field(default_factory=list)
    _kinds: set[tuple[str, str]] = field(default_factory=set)
    _cookies: dict[str, str] = field(default_factory=dict)

    def go(self, who: str, cookies: Sequence[dict[str, Any]], starts: Sequence[str]) -> None:
        """Breadth first from these paths; what is given is opened whatever was opened before."""
        jar = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in cookies)
        self._cookies[who] = jar
        waiting, met = list(starts), set(starts)
        while waiting:
            path = waiting.pop(0)
            route = route_of(self.routes, urlsplit(path).path)
            if route is None or who not in route.who or (path not in starts and self._enough(who, route, path)):
                continue
            found = self.open(path, who, jar)
            self.seen.append(found)
            self._kinds.add((who, kind_of(route, path)))
            for link in [*_links(path, found.body), *([found.location] if found.location else [])]:
                if link not in met:
                    met.add(link)
                    waiting.append(link)

    def _enough(self, who: str, route: Route, path: str) -> bool:
        """Links depend on who looks, so everybody opens one page of each route; papers and acts look alike."""
        kind = kind_of(route, path)
        return (who, kind) in self._kinds or (kind != route.path and any(kind == other for _, other in self._kinds))

    def kinds(self) -> dict[str, Seen]:
        """The first of each kind of page."""
        found: dict[str, Seen] = {}
        for seen in self.seen:
            route = self.route(seen)
            assert route is not None
            found.setdefault(kind_of(route, seen.path), seen)
        return found

    def cookie_of(self, who: str) -> str:
        """What this person's browser sends; "" for somebody not signed in."""
        return self._cookies.get(who, "")

    def route(self, seen: Seen) -> Route | None:
        """Which route that was."""
        return route_of(self.routes, urlsplit(seen.path).path)

    def open(self, path: str, who: str, cookie: str) -> Seen:
        """Ask for one address; of what is no HTML only the head is read."""
        connection = http.client.HTTPConnection(self.url.split("//")[1], timeout=_SECONDS)
        try:
            connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
            answer = connection.getresponse()
            media_type = (answer.getheader("Content-Type") or "").split(";")[0]
            body = answer.read(_PAGE_BYTES_MAX).decode("utf-8") if media_type == "text/html" else ""
        finally:
            connection.close()
        return Seen(path, who, answer.status, media_type, body, answer.getheader("Location") or "")


def kind_of(route: Route, path: str) -> str:
    """The route's path, with the kind of act or paper filled in: each is a page of its own."""
    last = urlsplit(path).path.rsplit("/", 1)[1]
    return route.path.replace("{kind}.pdf", last).replace("{kind}", last)


def _links(base: str, text: str) -> Iterator[str]:
    for found in _ADDRESS.findall(text):
        link = urlsplit(urljoin(base, html.unescape(found)))
        if not link.path.startswith("/static/"):
            yield link.path + (f"?{link.query}" if link.query else "")
