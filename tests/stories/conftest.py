from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.programs import Programs, open_programs


@pytest.fixture
async def programs(tmp_path: Path) -> AsyncIterator[Programs]:
    found = open_programs(tmp_path)
    yield found
    await found.close()
