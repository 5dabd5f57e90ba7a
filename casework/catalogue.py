"""The catalogue: all service items that a county offers, read once from its YAML file.

The file holds `format: 1`, a `sources` map shared by all items, and `items`, each in the form that
`catalogue_format` describes but without `sources` of its own. One bad item makes the file unusable, and the
error names every problem of every item, so that it can be mended in one go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from casework.catalogue_format import CatalogueError, item_from_plain, item_to_plain
from casework.catalogue_rules import cited_sources
from casework.errors import NotFound, Problem
from casework.service_item import Days, FormField, MaterialRule, ServiceItem, Step
from casework.yaml_text import NotYaml, plain_of

__all__ = [
    "BUILT_IN_CATALOGUE",
    "Catalogue",
    "CatalogueError",
    "Days",
    "FormField",
    "MaterialRule",
    "ServiceItem",
    "Step",
    "item_from_plain",
    "item_to_plain",
    "load_catalogue",
    "parse_catalogue",
]

BUILT_IN_CATALOGUE = Path(__file__).parent / "data" / "catalogue.yaml"
CATALOGUE_FORMAT = 1


class Catalogue:
    """The newest version of each item, by key, in the file's order."""

    def __init__(self, items: Mapping[str, ServiceItem]) -> None:
        self._items = dict(items)

    def get(self, key: str) -> ServiceItem:
        """The item with this key; NotFound names it."""
        if key not in self._items:
            raise NotFound(f"目录里没有事项「{key[:40]}」，请检查事项的键")
        return self._items[key]

    def offices(self) -> tuple[str, ...]:
        """The county departments in charge of any item, each once, in the file's order."""
        return tuple(dict.fromkeys(item.office for item in self))

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[ServiceItem]:
        return iter(self._items.values())

    def __len__(self) -> int:
        return len(self._items)


def load_catalogue(path: Path = BUILT_IN_CATALOGUE) -> Catalogue:
    """Reads and checks a catalogue file; CatalogueError names item, field and remedy of every problem."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _file_error(f"事项目录 {path} 读不出来：{error}", "请检查路径和权限，并存为 UTF-8") from error
    return parse_catalogue(text)


@lru_cache(maxsize=2)
def parse_catalogue(text: str) -> Catalogue:
    """A catalogue from YAML text; CatalogueError with all problems of all items. Slow: to read YAML takes half a second
    for twenty items."""
    root = _root(text)
    problems: list[Problem] = []
    items: dict[str, ServiceItem] = {}
    for number, raw in enumerate(root["items"], start=1):
        try:
            item = _read_item(raw, root["sources"])
        except CatalogueError as error:
            problems += error.problems
            continue
        if item.key in items:
            problems.append(Problem(item.key, f"第 {number} 个事项的 key「{item.key}」重复", "请改成不同的 key"))
        items[item.key] = item
    if problems:
        raise CatalogueError(problems)
    return Catalogue(items)


def _root(text: str) -> dict[str, Any]:
    try:
        root = plain_of(text)
    except NotYaml as error:
        raise _file_error(f"事项目录不是正确的 YAML：{error}", "请按提示的行改正缩进、引号或冒号") from error
    if not isinstance(root, dict) or root.get("format") != CATALOGUE_FORMAT:
        raise _file_error("事项目录的 format 不对", f"第一层应当有 format: {CATALOGUE_FORMAT}")
    if not isinstance(root.get("items"), list) or not root["items"]:
        raise _file_error("事项目录里没有 items", "第一层应当有 items，至少一个事项")
    if not isinstance(root.setdefault("sources", {}), dict):
        raise _file_error("事项目录的 sources 不对", "应当是「键: {what, url}」")
    return root


def _read_item(raw: object, sources: Mapping[str, Any]) -> ServiceItem:
    """Gives the item exactly the sources that it cites, so that it can travel alone."""
    if not isinstance(raw, dict):
        return item_from_plain(raw)
    item = item_from_plain({**raw, "sources": sources})
    cited = set(cited_sources(item))
    return item_from_plain({**raw, "sources": {k: v for k, v in sources.items() if k in cited}})


def _file_error(message: str, remedy: str) -> CatalogueError:
    return CatalogueError([Problem("catalogue", message, remedy)])
