"""Staff in the log: what a row and a changed password say, and what they do to the tables when they arrive.

The hub writes the rows of everybody. A person's new password is written where the person works, so the two can
cross on the way: a password entry names the marks of the passwords it supersedes, and counts only over one of
those. So a reset by the hub beats every change that was made before its owner had seen the reset, in whichever
order they arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection

from casework.accounts import Account
from casework.accounts_store import get, password_marks, set_local_password, upsert_staff_row
from casework.changes import ChangeKind
from casework.session_store import end_sessions_of

Say = Callable[[Connection, int, dict[str, Any]], object]
"""Writes an entry of this kind and plain body into the program's own feed (a station's up, the hub's own)."""


def row_body(account: Account) -> dict[str, Any]:
    """The body of a STAFF_ROW."""
    return asdict(account)


def account_from_plain(body: Mapping[str, Any]) -> Account:
    """The account a STAFF_ROW speaks of; fields of newer programs are passed over. Raises KeyError, ValueError."""
    account = Account(**{name.name: body[name.name] for name in fields(Account)})
    flags, numbers = (account.must_change, account.locked), (account.account, account.author, account.row)
    texts = (account.login, account.display, account.role, account.region, account.office, account.hash)
    if any(type(flag) is not bool for flag in flags) or any(type(n) is not int or n <= 0 for n in numbers):
        raise ValueError("staff row")
    if any(type(text) is not str for text in texts) or not account.login:
        raise ValueError("staff row")
    return account


def password_changed(conn: Connection, account: int, new_hash: str, say: Say) -> None:
    """Its owner chose a new password here: write it to the log; the projection stores it in the same transaction."""
    body = {"account": account, "hash": new_hash, "over": password_marks(conn, account)}
    say(conn, int(ChangeKind.STAFF_PASSWORD), body)


def take_staff_row(conn: Connection, body: Mapping[str, Any], me: int, hub: int) -> None:
    """Apply a row that the hub wrote, at the hub and at the person's own station; a new password or lock signs out."""
    account = account_from_plain(body)
    if me not in (account.author, hub):
        return
    before = get(conn, account.account)
    if not upsert_staff_row(conn, account) or before is None:
        return
    now = get(conn, account.account)
    if now is not None and (now.locked or now.hash != before.hash):
        end_sessions_of(conn, account.account)


def take_password(conn: Connection, author: int, body: Mapping[str, Any]) -> None:
    """Apply a password chosen at a station by one of its own people; nobody else's is touched."""
    account, new_hash, over = get(conn, int(body["account"])), body["hash"], body["over"]
    if account is None or account.author != author or not isinstance(new_hash, str) or not isinstance(over, list):
        return
    if account.hash != new_hash and password_marks(conn, account.account)[-1] in over:
        set_local_password(conn, account.account, new_hash)
