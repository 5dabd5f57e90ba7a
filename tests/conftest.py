"""What every test shares: how hypothesis looks for counter-examples."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from sync_protocol.background import collect_seldom
from tests.postgres import Cluster, running_cluster

# CI must say the same thing twice, so it derandomises; a blob in the log replays its counter-example here.
settings.register_profile(
    "ci", derandomize=True, print_blob=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("dev", deadline=None, max_examples=50)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

collect_seldom()  # as the programs do; a play is a fifth quicker


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of this test process's own."""
    with running_cluster() as cluster:
        yield cluster
