"""What every test shares: how hypothesis looks for counter-examples."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web_app
from hypothesis import HealthCheck, settings

from sync_protocol.background import collect_seldom
from tests.compiling import compile_once
from tests.postgres import Cluster, running_cluster
from tests.scheduling import ScopeScheduling, begin_with_the_longest

# CI must say the same thing twice, so it derandomises; a blob in the log replays its counter-example here.
settings.register_profile(
    "ci", derandomize=True, print_blob=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("dev", deadline=None, max_examples=50)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

collect_seldom()  # as the programs do; a play is a fifth quicker
compile_once()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    begin_with_the_longest(items)


def pytest_collection_finish() -> None:
    collect_seldom()  # thousands of tests live as long as the run


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ScopeScheduling:
    return ScopeScheduling(config, log)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of this test process's own."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module", autouse=True)
def forget_applications() -> Iterator[None]:
    """aiohttp remembers the handlers of the last thousand applications, and with each its stores: two gigabytes of them
    at the end of a run, which the collector of cycles goes through again and again."""
    yield
    web_app._cached_build_middleware.cache_clear()
