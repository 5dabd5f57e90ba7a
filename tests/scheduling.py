"""How several workers share a whole run: what takes minutes begins first, and what shares a county stays together."""

from __future__ import annotations

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

BROWSER = "tests/browser"
LONGEST_FIRST = (
    "tests/federation/test_county.py",
    "tests/browser/test_every_page.py",
    BROWSER,
    "tests/federation/test_mutations.py",
    "tests/durability",
    "tests/processes/test_demo.py",
    "tests/processes/test_kill.py",
    "tests/processes/test_two_hubs.py",
    "tests/processes/test_sync_command.py",
    "tests/processes",
    "tests/fuzz/test_objects.py",
    "tests/fuzz",
    "tests/deploy",
    "tests/stories",
)
"""By seconds, of one worker in a whole run; what is not named here follows."""


def turn(path: str) -> int:
    """The place of a file's tests in a whole run; less is earlier."""
    return next((at for at, part in enumerate(LONGEST_FIRST) if path.startswith(part)), len(LONGEST_FIRST))


def begin_with_the_longest(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: turn(item.nodeid))


class ScopeScheduling(LoadScopeScheduling):
    """One worker takes a module at a time, but all modules with the browser's county, which takes half a minute to make
    and which each worker would make anew."""

    def _split_scope(self, nodeid: str) -> str:
        scope: str = super()._split_scope(nodeid)
        return BROWSER if scope.startswith(BROWSER) else scope
