"""The measured rate of a link: overlapping messages count their time once, and small talk says nothing."""

from __future__ import annotations

import pytest

from sync_protocol.goodput import Goodput


def test_nothing_is_measured_until_something_of_size_was_carried() -> None:
    rate = Goodput()
    assert rate.rate == 0.0
    rate.carried(0.0, 0.6, 516)
    rate.carried(1.0, 1.0, 50_000)
    assert rate.rate == 0.0


def test_messages_under_way_together_share_their_time() -> None:
    rate = Goodput()
    for began, ended in ((0.0, 4.0), (0.0, 8.0), (4.0, 12.0)):
        rate.carried(began, ended, 32_000)
    assert rate.rate == pytest.approx(96_000 / 12)


def test_silence_between_messages_is_not_the_links_fault() -> None:
    rate = Goodput()
    rate.carried(0.0, 4.0, 32_000)
    rate.carried(1000.0, 1004.0, 32_000)
    assert rate.rate == pytest.approx(8_000)


def test_a_link_that_became_slower_is_known_for_it_after_a_minute() -> None:
    rate = Goodput()
    rate.carried(0.0, 1.0, 1_000_000)
    for minute in range(3):
        for step in range(15):
            at = 1 + 60 * minute + 4 * step
            rate.carried(at, at + 4, 32_000)
    assert rate.rate == pytest.approx(8_000, rel=0.01)
