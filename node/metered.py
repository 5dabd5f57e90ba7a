"""When a station that pays by the byte asks its parent. Pure.

It hangs up after each exchange. What is written here leaves at once; what is written above waits until the station asks
again, which in office hours is within a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from casework.workdays import china_day

OFFICE_HOURS = (8, 18)
ASK_SECONDS = 14 * 60
"""The rest of a quarter of an hour is for the exchange itself on a slow link."""
QUIET_SECONDS = 4 * 3600
_DAY, _HOUR, _CHINA = 86_400, 3600, 8 * 3600


def rest_seconds(now: int, is_workday: Callable[[date], bool]) -> int:
    """How long to wait before the next question (seconds, at least 1); `now` in unix seconds.

    In office hours (China's time) 14 minutes; else until the next ones begin, four hours at most.
    """
    today = china_day(now)
    second = (now + _CHINA) % _DAY
    opens, closes = (hour * _HOUR for hour in OFFICE_HOURS)
    if is_workday(today) and opens <= second < closes:
        return ASK_SECONDS
    if is_workday(today) and second < opens:
        return min(opens - second, QUIET_SECONDS)
    if is_workday(today + timedelta(days=1)):
        return min(_DAY - second + opens, QUIET_SECONDS)
    return QUIET_SECONDS
