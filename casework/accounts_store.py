"""Staff rows and sign-in failures in the database; every function takes a SQLAlchemy connection.

The hub owns staff rows. A password may be changed at a station while the county is away, so a row that
arrives later with a password the station has already superseded must not bring the old one back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.accounts import Account, canonical_login
from casework.tables import sign_in_failure, staff

_FIELDS = tuple(Account.__dataclass_fields__)
_LOCAL = "local:"
_MARKS_KEPT = 16


def find_by_login(connection: Connection, login: str) -> Account | None:
    """The account that signs in under this name, locked or not."""
    return _one(connection, staff.c.login == canonical_login(login))


def get(connection: Connection, account: int) -> Account | None:
    """The account with this number, locked or not."""
    return _one(connection, staff.c.account == account)


def staff_rows(connection: Connection) -> list[Account]:
    """All accounts in the order of their numbers."""
    return [_account(row) for row in connection.execute(sa.select(staff).order_by(staff.c.account))]


def upsert_staff_row(connection: Connection, incoming: Account) -> bool:
    """Take a row that the hub wrote; False if what we have is as new. Keeps a newer password set here.

    Applying the same rows twice, or an old one after a new one, changes nothing.
    """
    known = connection.execute(sa.select(staff).where(staff.c.account == incoming.account)).one_or_none()
    if known is not None and known.row >= incoming.row:
        return False
    values = {name: getattr(incoming, name) for name in _FIELDS} | {"login": canonical_login(incoming.login)}
    values["origin"] = ""
    if known is not None and _mark(incoming.hash) in _superseded(known.origin):
        values |= {"hash": known.hash, "must_change": known.must_change, "origin": known.origin}
    _free_login(connection, values["login"], incoming.account)
    _write_row(connection, incoming.account, values)
    return True


def set_local_password(connection: Connection, account: int, new_hash: str) -> None:
    """Set the password that its owner chose here and remember which ones it supersedes."""
    marks = password_marks(connection, account)
    values = {"hash": new_hash, "must_change": False, "origin": _LOCAL + ",".join(marks)}
    connection.execute(sa.update(staff).where(staff.c.account == account).values(values))


def password_marks(connection: Connection, account: int) -> list[str]:
    """Marks of the passwords that one chosen now supersedes, oldest first; the last is the present one's."""
    known = connection.execute(sa.select(staff).where(staff.c.account == account)).one()
    return [*_superseded(known.origin), _mark(known.hash)][-_MARKS_KEPT:]


def login_key(login: str) -> str:
    """The key under which failures of a login name are counted."""
    return hashlib.sha256(b"login:" + canonical_login(login).encode()).hexdigest()


def address_key(address: str) -> str:
    """The key under which failures from a network address are counted."""
    return hashlib.sha256(b"address:" + address.encode()).hexdigest()


def one_at_a_time(connection: Connection, *keys: str) -> None:
    """Until this transaction ends nobody counts failures under these keys; SQLite has one writer anyhow."""
    if connection.dialect.name == "postgresql":
        for key in keys:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(key, 0))))


def record_failure(connection: Connection, key: str, at: int) -> int:
    """Count one failure; returns its id so that `forget_failures` can take it back."""
    row = connection.execute(sa.insert(sign_in_failure).values(key=key, at=at).returning(sign_in_failure.c.id))
    return int(row.scalar_one())


def failures_since(connection: Connection, key: str, since: int) -> list[int]:
    """Unix seconds of the failures under a key, oldest first."""
    query = sa.select(sign_in_failure.c.at).where(sign_in_failure.c.key == key, sign_in_failure.c.at >= since)
    return [int(at) for at in connection.execute(query.order_by(sign_in_failure.c.at)).scalars()]


def forget_failures(connection: Connection, *, key: str | None = None, ids: Sequence[int] = ()) -> None:
    """Drop the failures under a key, and single ones by id."""
    chosen = sa.or_(sign_in_failure.c.id.in_(ids), sign_in_failure.c.key == key)
    connection.execute(sa.delete(sign_in_failure).where(chosen))


def drop_failures_before(connection: Connection, limit: int) -> None:
    """Drop failures too old to matter, so that the table stays small."""
    connection.execute(sa.delete(sign_in_failure).where(sign_in_failure.c.at < limit))


def _one(connection: Connection, condition: sa.ColumnElement[bool]) -> Account | None:
    row = connection.execute(sa.select(staff).where(condition)).one_or_none()
    return None if row is None else _account(row)


def _account(row: sa.Row[tuple[object, ...]]) -> Account:
    return Account(**{name: row._mapping[name] for name in _FIELDS})


def _write_row(connection: Connection, account: int, values: dict[str, object]) -> None:
    changed = connection.execute(sa.update(staff).where(staff.c.account == account).values(values))
    if changed.rowcount == 0:
        connection.execute(sa.insert(staff).values(values))


def _free_login(connection: Connection, login: object, account: int) -> None:
    """The newest row owns the name; whoever had it keeps a distinct one until the hub's next row for them."""
    taken = sa.update(staff).where(staff.c.login == login, staff.c.account != account)
    connection.execute(taken.values(login=staff.c.login + "~" + sa.cast(staff.c.account, sa.Text)))


def _mark(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]


def _superseded(origin: str) -> list[str]:
    return origin.removeprefix(_LOCAL).split(",") if origin.startswith(_LOCAL) else []
