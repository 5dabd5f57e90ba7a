"""The texts that the gettext tools find in the sources, each with the files it stands in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg

ROOT = Path(__file__).parents[3]
KEYWORDS = DEFAULT_KEYWORDS | {"N_": None, "say": None}


@cache
def extracted() -> Mapping[str, frozenset[str]]:
    """Text: paths below the root."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as config:
        methods, options = parse_mapping_cfg(config)
    found: dict[str, set[str]] = {}
    for package in ("casework", "node", "hub"):
        inside = [(pattern.removeprefix(f"{package}/"), how) for pattern, how in methods if pattern.startswith(package)]
        given = {pattern.removeprefix(f"{package}/"): one for pattern, one in options.items()}
        for name, _line, text, _comments, _context in extract_from_dir(ROOT / package, inside, given, KEYWORDS):
            for one in text if isinstance(text, tuple) else (text,):
                found.setdefault(one, set()).add(f"{package}/{name}")
    return {text: frozenset(files) for text, files in found.items()}


class _Texts(HTMLParser):
    """Everything that a person reads of a page, or is read to them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        spoken = {"alt", "aria-label", "placeholder", "title"}
        written = ("data-text-", "data-field-")  # what a standard wording puts into the record
        self.found += [
            value
            for name, value in attrs
            if value and (name in spoken or name.startswith("data-")) and not name.startswith(written)
        ]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def said_in_chinese(page: str) -> Iterator[str]:
    """Texts of the programs that a page in another language shows as they stand in the source."""
    parser = _Texts()
    parser.feed(page)
    for text in (" ".join(text.split()) for text in parser.found):
        if text in extracted() and any("\u4e00" <= char <= "\u9fff" for char in text):
            yield text
