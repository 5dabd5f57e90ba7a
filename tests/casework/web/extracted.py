"""The texts that the gettext tools find in the sources, each with the files it stands in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
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
