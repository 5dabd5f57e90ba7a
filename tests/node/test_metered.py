"""A station that pays by the byte asks seldom, and often enough in office hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from node.metered import ASK_SECONDS, QUIET_SECONDS, rest_seconds

CHINA = timezone(timedelta(hours=8))


def _is_workday(day: date) -> bool:
    return day.weekday() < 5


def _at(day: int, hour: int, minute: int = 0) -> int:
    """June 2026: the 1st is a Monday."""
    return int(datetime(2026, 6, day, hour, minute, tzinfo=CHINA).astimezone(UTC).timestamp())


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (_at(1, 8), ASK_SECONDS),
        (_at(1, 17, 59), ASK_SECONDS),
        (_at(1, 18), QUIET_SECONDS),
        (_at(1, 7, 59), 60),
        (_at(1, 22), QUIET_SECONDS),
        (_at(2, 3), QUIET_SECONDS),
        (_at(2, 6), 2 * 3600),
        (_at(5, 23), QUIET_SECONDS),
        (_at(7, 23, 30), QUIET_SECONDS),
        (_at(8, 5, 30), 9000),
    ],
)
def test_the_next_question_comes_soon_in_office_hours_and_when_they_begin(moment: int, seconds: int) -> None:
    assert rest_seconds(moment, _is_workday) == seconds


def test_over_a_month_no_office_hour_goes_by_for_longer_than_a_quarter_unasked() -> None:
    now, end = _at(1, 0), _at(1, 0) + 30 * 86_400
    asked = [now]
    while now < end:
        now += rest_seconds(now, _is_workday)
        asked.append(now)
    for minute in range(_at(1, 0), end - 86_400, 60):
        local = datetime.fromtimestamp(minute, CHINA)
        if _is_workday(local.date()) and 8 <= local.hour < 18:
            assert any(0 <= moment - minute <= 15 * 60 for moment in asked), local
    assert len(asked) < 1200
