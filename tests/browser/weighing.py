"""What a page weighs on its first visit: its HTML, styles and scripts as gzip -9 would send them."""

from __future__ import annotations

import gzip
import http.client
import re
from dataclasses import dataclass

_LINK = re.compile(r"<link\b[^>]*>")
_SCRIPT = re.compile(r"<script\b[^>]*>")
_HREF = re.compile(r'\b(?:href|src)="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Weight:
    """kB (1,000 bytes) each."""

    html: float
    css: float
    js: float

    def over(self, budget: Weight) -> list[str]:
        """Which parts are heavier than the budget allows."""
        pairs = (("html", self.html, budget.html), ("css", self.css, budget.css), ("js", self.js, budget.js))
        return [f"{name} {found:.1f} of {allowed:.0f} kB" for name, found, allowed in pairs if found > allowed]


def fetch(host: str, path: str, cookie: str = "") -> tuple[int, bytes]:
    """Status and body of one address at "host:port"."""
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def weigh(url: str, path: str, cookie: str = "") -> Weight:
    """One page of the program at `url`, with what its head names. Styles within the page count as HTML."""
    host = url.split("//", 1)[1]
    status, body = fetch(host, path, cookie)
    assert status == 200, f"{path}: {status}"
    text = body.decode("utf-8")
    styles = [tag for tag in _LINK.findall(text) if 'rel="stylesheet"' in tag]
    return Weight(_kb(body), _sum(host, styles), _sum(host, _SCRIPT.findall(text)))


def _sum(host: str, tags: list[str]) -> float:
    found = {match.group(1) for tag in tags if (match := _HREF.search(tag))}
    return sum(_kb(fetch(host, address)[1]) for address in found)


def _kb(data: bytes) -> float:
    return len(gzip.compress(data, 9)) / 1000
