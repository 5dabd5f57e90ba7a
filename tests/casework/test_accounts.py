"""Passwords and the throttle."""

from __future__ import annotations

import pytest

from casework.accounts import (
    LOGIN_THROTTLE,
    ThrottleRule,
    canonical_login,
    canonical_password,
    password_problems,
    wait_seconds,
)

RULE = ThrottleRule(free=4, first_wait_seconds=15, longest_wait_seconds=900, window_seconds=86_400)


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("short9", "少于 10 个字符"),
        ("九个汉字不够长的哦", "少于 10 个字符"),
        ("x" * 5 + "y" * 130, "超过 128"),
        ("Wang.Xiaomei", "与登录名相同"),
        ("PASSWORD123", "太常见"),
        ("１２３４５６７８９０", "太常见"),
        ("ababababababab", "太常见"),
    ],
)
def test_a_weak_password_is_refused_with_a_remedy(password: str, says: str) -> None:
    (problem,) = password_problems(password, "wang.xiaomei")
    assert says in problem.message
    assert problem.remedy
    assert problem.field == "password"


@pytest.mark.parametrize("password", ["石桥 竹海 旧书 2 本", "correct horse battery", "x7-kiosk-lamp-Grün"])
def test_a_long_uncommon_password_is_taken(password: str) -> None:
    assert password_problems(password, "wang.xiaomei") == []


def test_full_width_typing_means_the_same_password_and_login() -> None:
    assert canonical_password("Ｌａｍｐ－１２３") == canonical_password("Lamp-123")
    assert canonical_login(" ＷＡＮＧ.mei ") == "wang.mei"


def test_the_first_failures_are_free() -> None:
    assert wait_seconds([], 1000, RULE) == 0
    assert wait_seconds([1000, 1001, 1002], 1002, RULE) == 0


def test_the_wait_doubles_up_to_a_ceiling_and_runs_down() -> None:
    at = [1000] * 4
    assert [wait_seconds([*at, *[1000] * more], 1000, RULE) for more in range(8)] == [
        15, 30, 60, 120, 240, 480, 900, 900,
    ]  # fmt: skip
    assert wait_seconds(at, 1014, RULE) == 1
    assert wait_seconds(at, 1015, RULE) == 0


def test_failures_are_forgotten_after_the_window() -> None:
    assert wait_seconds([1000] * 10, 1000 + RULE.window_seconds - 1, RULE) == 0
    assert wait_seconds([1000] * 10 + [87_000], 1000 + RULE.window_seconds, RULE) == 0


def test_a_clock_set_back_locks_nobody_out_for_longer_than_the_ceiling() -> None:
    assert wait_seconds([10_000_000] * 30, 1000, LOGIN_THROTTLE) == LOGIN_THROTTLE.longest_wait_seconds
