"""The table of pages: method, path, handler, and who may open it.

A route that is not in the table needs a signed-in person and takes no files.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from casework.policy import Act
from casework.web import keys

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How much a page takes in with one form. The default takes no files."""

    files: int = 0
    file_bytes: int = 0
    total_bytes: int = 1 * MIB


@dataclass(frozen=True, slots=True)
class Page:
    """One route. The role must have `act` before the handler runs; `public` needs no signing in.

    `open_form`: the form carries no token, because whoever opens it has no session and the address itself is what
    entitles; what another site's page sends is refused all the same.
    `polled`: asked for by a page that is open, which does not mean that somebody sits before it.
    """

    method: str
    path: str
    handler: Handler
    act: Act | None = None
    public: bool = False
    open_form: bool = False
    before_first_password: bool = False
    upload: UploadLimits = UploadLimits()
    polled: bool = False


class PageTable:
    """Which page a request is for."""

    def __init__(self) -> None:
        self._pages: dict[tuple[str, str], Page] = {}

    def add(self, page: Page) -> None:
        self._pages[page.method, page.path] = page

    def has(self, method: str, path: str) -> bool:
        """Whether the program has such a page."""
        return (method, path) in self._pages

    def of(self, request: web.Request) -> Page:
        """The page of a matched request; the strict default for a route that nobody described."""
        resource = request.match_info.route.resource
        path = resource.canonical if resource is not None else ""
        method = "GET" if request.method == "HEAD" else request.method
        return self._pages.get((method, path)) or Page(method, path, request.match_info.handler)


def add_pages(app: web.Application, pages: Sequence[Page]) -> None:
    """Add routes to a program whose page layer has been set up."""
    for page in pages:
        app[keys.PAGES].add(page)
        if page.method == "GET":
            app.router.add_get(page.path, page.handler)
        else:
            app.router.add_route(page.method, page.path, page.handler)
