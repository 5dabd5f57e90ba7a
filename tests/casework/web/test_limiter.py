"""Buckets of tokens: what one address may ask, and what they cost in memory."""

from __future__ import annotations

import pytest

from casework.web import limiter
from casework.web.limiter import Limiter, household


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_address_has_its_burst_then_one_more_as_time_goes_by() -> None:
    clock = Clock()
    one = Limiter(3, 10.0, clock)
    assert [one.allow("a") for _ in range(5)] == [True, True, True, False, False]
    assert one.empty("a") and not one.empty("b") and one.allow("b")
    clock.now = 9.0
    assert not one.allow("a")
    clock.now = 10.0
    assert one.allow("a") and not one.allow("a")
    clock.now = 10_000.0
    assert [one.allow("a") for _ in range(4)] == [True, True, True, False]
    assert one.wait() == 10


def test_a_clock_that_goes_back_gives_nothing_and_takes_nothing() -> None:
    clock = Clock()
    clock.now = 100.0
    one = Limiter(1, 10.0, clock)
    assert one.allow("a")
    clock.now = 0.0
    assert not one.allow("a")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "BUCKETS_MAX", 10)
    one = Limiter(1, 1e9, Clock())
    for number in range(100):
        one.allow(str(number))
    assert len(one._buckets) == 10
    assert one.empty("99") and not one.empty("1")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("x" * 100, "x" * 64),
    ],
)
def test_a_household_is_counted_as_one(address: str, counted: str) -> None:
    assert household(address) == counted
