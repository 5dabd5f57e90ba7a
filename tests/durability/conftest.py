"""Nearly every test here starts real programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.durability.forked import ForkedServer
from tests.durability.staffed import Staffed, found_staffed

_HERE = Path(__file__).parent
_PURE = "test_synced.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE) and item.path.name != _PURE:
            item.add_marker(pytest.mark.processes)


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    """A county of forked servers with its people, for one module."""
    found = found_staffed(tmp_path_factory.mktemp("staffed") / "county", ForkedServer)
    try:
        found.serve()
        yield found
    finally:
        found.county.stop()
