"""Staff accounts: who may sign in, what a good password is, and how long to wait after failures.

Pure rules. Rows live in `casework.accounts_store`, hashes are made by `casework.passwords`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from casework.errors import Problem
from casework.policy import Person, Role
from casework.texts import N_, say

MIN_PASSWORD_CHARS = 10
MAX_PASSWORD_CHARS = 128
MAX_LOGIN_CHARS = 64

# The passwords seen first in every published list that also satisfy the length rule, plus local habits.
COMMON_PASSWORDS = frozenset(
    """
    1234567890 0123456789 12345678910 1234567891 0987654321 9876543210 1111111111 0000000000
    8888888888 6666666666 1122334455 1234512345 123456789a a123456789 123456789q q123456789
    1qaz2wsx3edc qwertyuiop asdfghjkl1 1q2w3e4r5t abcd123456 abc1234567 abcdefghij password12
    password123 password1234 p@ssw0rd123 passw0rd123 admin12345 admin123456 administrator woaini1314
    woaini5201314 woaini520520 5201314520 1314520520 iloveyou123 qwerty1234 qwerty12345 qwe1234567
    aa123456789 aa12345678 zxcvbnm123 letmein1234 welcome123 changeme123 guest12345 root123456
    test123456 user123456 zwfw123456 lianban123 lianban1234 lianban123456 qwer123456 asdf123456
    """.split()
)


@dataclass(frozen=True, slots=True)
class Account:
    """One member of staff. `account` and `author` are hub-given numbers; `row` is the row's version."""

    account: int
    login: str
    display: str
    role: str
    author: int
    region: str
    office: str
    hash: str
    must_change: bool
    locked: bool
    row: int


def person_of(account: Account) -> Person | None:
    """Who this account is to the policy; None when its role is one that only a newer program knows."""
    if account.role not in set(Role):
        return None
    role = Role(account.role)
    return Person(account.account, account.display, role, account.author, account.region, account.office)


@dataclass(frozen=True, slots=True)
class ThrottleRule:
    """After `free` failures inside `window_seconds` each further one doubles the wait, up to a ceiling."""

    free: int
    first_wait_seconds: int = 15
    longest_wait_seconds: int = 15 * 60
    window_seconds: int = 24 * 3600


# A whole hall often shares one address, so an address may fail more often than a name.
LOGIN_THROTTLE = ThrottleRule(free=4)
ADDRESS_THROTTLE = ThrottleRule(free=20)


def canonical_login(text: str) -> str:
    """The form in which logins are stored and compared: NFKC, trimmed, case folded."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def canonical_password(text: str) -> str:
    """NFKC, because a Chinese input method may type full-width digits where the eye sees plain ones."""
    return unicodedata.normalize("NFKC", text)


def password_problems(password: str, login: str, *, field: str = "password") -> list[Problem]:
    """What is wrong with a new password; empty when it may be used (NIST SP 800-63B: length, no recipes)."""
    text = canonical_password(password)
    if len(text) < MIN_PASSWORD_CHARS:
        remedy = N_("请加长，例如用几个不相干的词连起来")
        return [
            Problem(field, say("新密码少于 {min_password_chars} 个字符", min_password_chars=MIN_PASSWORD_CHARS), remedy)
        ]
    if len(text) > MAX_PASSWORD_CHARS:
        return [
            Problem(
                field,
                say("新密码超过 {max_password_chars} 个字符", max_password_chars=MAX_PASSWORD_CHARS),
                N_("请缩短后重试"),
            )
        ]
    if canonical_login(text) == canonical_login(login):
        return [Problem(field, N_("新密码与登录名相同"), N_("请换一个与登录名无关的密码"))]
    if text.casefold() in COMMON_PASSWORDS or len(set(text)) < 3:
        return [Problem(field, N_("新密码太常见，容易被猜到"), N_("请换一个不常见的密码"))]
    return []


def wait_seconds(failures: Sequence[int], now: int, rule: ThrottleRule) -> int:
    """Seconds until the next attempt is looked at; 0 when it may go ahead.

    `failures` are unix seconds. One that lies in the future (the clock was set back) counts as just now.
    """
    recent = [at for at in failures if at > now - rule.window_seconds]
    excess = len(recent) - rule.free
    if excess < 0 or not recent:
        return 0
    penalty = min(rule.first_wait_seconds << min(excess, 20), rule.longest_wait_seconds)
    return max(0, min(max(recent), now) + penalty - now)
