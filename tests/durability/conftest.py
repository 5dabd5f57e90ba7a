"""Nearly every test here starts real programs."""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_PURE = "test_synced.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE) and item.path.name != _PURE:
            item.add_marker(pytest.mark.processes)
