"""Signed-in browser sessions in the database. A token is 256 random bits; only its SHA-256 is stored."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.tables import web_session

TOKEN_BYTES = 32
# A session made "in the future" by more than this was made before the clock was set back.
CLOCK_SLACK_SECONDS = 300


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts without a click, and in all."""

    idle_seconds: int = 10 * 3600
    absolute_seconds: int = 24 * 3600


@dataclass(slots=True)
class Session:
    """One signed-in browser. `data` is a small JSON object that pages may change."""

    token_hash: str
    account: int
    created: int
    last_seen: int
    csrf: str
    data: dict[str, Any] = field(default_factory=dict)


def new_session(connection: Connection, *, token: str, csrf: str, account: int, now: int) -> Session:
    """Store a session under a token that the caller drew at random (`TOKEN_BYTES`, as hex)."""
    session = Session(_hash(token), account, now, now, csrf)
    values = {"account": account, "created": now, "last_seen": now, "csrf": csrf, "data": "{}"}
    connection.execute(sa.insert(web_session).values(token_hash=session.token_hash, **values))
    return session


def get_session(connection: Connection, token: str, now: int, limits: SessionLimits) -> Session | None:
    """The live session of a token, or None when there is none or it has run out."""
    query = sa.select(web_session).where(web_session.c.token_hash == _hash(token))
    row = connection.execute(query).one_or_none()
    if row is None or not _live(row.created, row.last_seen, now, limits):
        return None
    return Session(row.token_hash, row.account, row.created, row.last_seen, row.csrf, json.loads(row.data))


def save_session(connection: Connection, session: Session) -> None:
    """Write back `last_seen` and `data`; a session that has been ended meanwhile stays ended."""
    values = {"last_seen": session.last_seen, "data": json.dumps(session.data, ensure_ascii=False)}
    this = web_session.c.token_hash == session.token_hash
    connection.execute(sa.update(web_session).where(this).values(values))


def end_session(connection: Connection, session: Session) -> None:
    """Sign this browser out."""
    connection.execute(sa.delete(web_session).where(web_session.c.token_hash == session.token_hash))


def end_sessions_of(connection: Connection, account: int) -> None:
    """Sign a person out everywhere: after a password change, a reset or a lock."""
    connection.execute(sa.delete(web_session).where(web_session.c.account == account))


def drop_old_sessions(connection: Connection, now: int, limits: SessionLimits) -> None:
    """Remove sessions that have run out."""
    idle = web_session.c.last_seen < now - limits.idle_seconds
    old = web_session.c.created < now - limits.absolute_seconds
    connection.execute(sa.delete(web_session).where(sa.or_(idle, old)))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _live(created: int, last_seen: int, now: int, limits: SessionLimits) -> bool:
    in_time = now - last_seen < limits.idle_seconds and now - created < limits.absolute_seconds
    return in_time and created <= now + CLOCK_SLACK_SECONDS
