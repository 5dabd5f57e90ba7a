"""What the hub measures of itself before each scrape."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from casework.policy import Role
from casework.workdays import china_day
from hub.metrics import HubMetrics
from tests.hub.hall import Hall
from tests.sync_protocol.county import VILLAGE


def shown(hall: Hall, today: date, free: int = 5) -> dict[str, float]:
    metrics = HubMetrics()
    hall.hub.store.read(lambda conn: metrics.show(conn, today, free))
    value = metrics.registry.get_sample_value
    found = {when: value("cases_due", {"when": when}) for when in ("over", "today", "near")}
    found |= {name: value(f"hub_{name}") for name in ("workday", "disk_free_bytes")}
    return {name: number for name, number in found.items() if number is not None}


@pytest.fixture
def waiting(hall: Hall) -> bytes:
    """A case that the county holds."""
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    topic = hall.collect(agent)
    hall.sync()
    hall.township.write(hall.village.author, topic, 66, {"opinion": "同意"})
    hall.sync()
    hall.judge()
    return topic


def test_a_case_counts_by_its_next_limit_while_it_waits_at_the_county(hall: Hall, waiting: bytes) -> None:
    due = date.fromisoformat(hall.row(hall.hub, waiting).due)
    for day, expected in (
        (china_day(hall.now()), (0, 0, 0)),
        (due - timedelta(days=1), (0, 0, 1)),
        (due, (0, 1, 0)),
        (due + timedelta(days=1), (1, 0, 0)),
    ):
        found = shown(hall, day)
        assert (found["over"], found["today"], found["near"]) == expected, day


def test_a_case_that_is_still_on_its_way_is_not_the_countys_to_hurry(hall: Hall) -> None:
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    hall.collect(agent)
    hall.sync()
    hall.judge()
    found = shown(hall, china_day(hall.now()) + timedelta(days=100))
    assert (found["over"], found["today"], found["near"]) == (0, 0, 0)


def test_a_working_day_is_one_of_the_countys_calendar(hall: Hall) -> None:
    assert shown(hall, date(2026, 9, 30))["workday"] == 1
    assert shown(hall, date(2026, 10, 1))["workday"] == 0  # the National Day, a Thursday
    assert shown(hall, date(2026, 10, 10))["workday"] == 1  # a Saturday that is worked instead
    assert shown(hall, date(2026, 10, 11), free=7)["disk_free_bytes"] == 7
