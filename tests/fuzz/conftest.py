"""How many examples a parser meets: 3,000 in CI, the same ones each time; 50,000 fresh ones in a soak."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.scale import SOAK

EXAMPLES = 50_000 if SOAK else 3_000 if os.environ.get("CI") else 500
SOAK_SECONDS_MAX = 3_600

settings.register_profile(
    "fuzz",
    max_examples=EXAMPLES,
    derandomize=not SOAK,
    database=None,
    deadline=None,
    print_blob=True,
    report_multiple_bugs=False,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
_FUZZ = settings.get_profile("fuzz")
# For what costs milliseconds an example: bounds that are measured, databases, pages, child processes.
settings.register_profile("fuzz-third", _FUZZ, max_examples=EXAMPLES // 3)
settings.register_profile("fuzz-tenth", _FUZZ, max_examples=EXAMPLES // 10)
settings.register_profile("fuzz-hundredth", _FUZZ, max_examples=max(5, EXAMPLES // 100))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A soak may take an hour a test, where CI ends one after two minutes."""
    if SOAK:
        for item in items:
            if Path(__file__).parent in Path(item.path).parents:
                item.add_marker(pytest.mark.timeout(SOAK_SECONDS_MAX))
