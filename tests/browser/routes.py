"""Which pages the programs have, by their own tables, and who may open each."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import casework.web.setup
import hub.app
import node.app
from casework.policy import may_ever
from casework.web.pages import Page
from tests.browser.people import STAFF
from tests.processes.running import ROOT

_SHARED = (casework.web.setup,)
PROGRAM = {"hub": hub.app, "township": node.app, "village": node.app}
PLACES = tuple(PROGRAM)


def _added(module: ModuleType) -> Iterator[Page]:
    """The pages that the module's calls of `add_pages` add."""
    for call in _calls(ast.parse(inspect.getsource(module))):
        yield from eval(compile(ast.Expression(call.args[1]), str(module.__file__), "eval"), vars(module))  # noqa: S307


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for found in ast.walk(tree):
        if isinstance(found, ast.Call) and isinstance(found.func, ast.Name) and found.func.id == "add_pages":
            yield found


def modules_that_add_pages() -> set[str]:
    """Every module of the product that calls `add_pages`, by dotted name."""
    files = [path for name in ("casework", "hub", "node") for path in (ROOT / name).rglob("*.py")]
    adding = [path for path in files if "add_pages(" in path.read_text("utf-8")]
    return {_dotted(path) for path in adding if any(_calls(ast.parse(path.read_text("utf-8"))))}


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def known_modules() -> set[str]:
    """The modules that `pages_of` looks into."""
    return {module.__name__ for module in (*_SHARED, *PROGRAM.values())}


@dataclass(frozen=True, slots=True)
class Route:
    """A GET route of one place."""

    place: str
    path: str
    pattern: re.Pattern[str]
    who: tuple[str, ...]
    """Keys of the staff who may open it; "" first where nobody needs to sign in."""


def routes_of(place: str) -> list[Route]:
    """Every GET route of a place that somebody there may open, in the order in which they are matched."""
    pages = [page for module in (*_SHARED, PROGRAM[place]) for page in _added(module) if page.method == "GET"]
    found = []
    for page in pages:
        here = [key for key, worker in STAFF.items() if worker.place == place]
        allowed = tuple(key for key in here if page.act is None or may_ever(STAFF[key].role, page.act))
        who = ("", *allowed) if page.public else allowed
        if who:
            found.append(Route(place, page.path, _pattern(page.path), who))
    return found


def _pattern(path: str) -> re.Pattern[str]:
    words = re.split(r"\{[^}]*\}", path)
    return re.compile("[^/]+".join(map(re.escape, words)))


def route_of(routes: list[Route], path: str) -> Route | None:
    """The route that a path belongs to: a plain one goes before one with a variable, as in the programs' router."""
    matching = [route for route in routes if route.pattern.fullmatch(path)]
    return min(matching, key=lambda route: (route.path.count("{"), -len(route.path)), default=None)
