"""Sessions run out, end, and never store their token."""

from __future__ import annotations

import sqlalchemy as sa

from casework import session_store as store
from casework.tables import web_session

LIMITS = store.SessionLimits(idle_seconds=100, absolute_seconds=300)
TOKEN = "ab" * 32


def _start(connection: sa.Connection, token: str = TOKEN, account: int = 12) -> store.Session:
    return store.new_session(connection, token=token, csrf="cd" * 32, account=account, now=1000)


def test_only_the_hash_of_a_token_is_stored(connection: sa.Connection) -> None:
    _start(connection)
    (row,) = connection.execute(sa.select(web_session)).all()
    assert TOKEN not in map(str, row)
    assert store.get_session(connection, row.token_hash, 1000, LIMITS) is None
    assert store.get_session(connection, TOKEN, 1000, LIMITS) is not None


def test_a_session_runs_out_idle_and_in_all(connection: sa.Connection) -> None:
    session = _start(connection)
    assert store.get_session(connection, TOKEN, 1099, LIMITS)
    assert store.get_session(connection, TOKEN, 1100, LIMITS) is None
    session.last_seen = 1290
    store.save_session(connection, session)
    assert store.get_session(connection, TOKEN, 1299, LIMITS)
    assert store.get_session(connection, TOKEN, 1300, LIMITS) is None


def test_a_session_does_not_outlive_a_clock_that_was_set_back(connection: sa.Connection) -> None:
    _start(connection)
    assert store.get_session(connection, TOKEN, 1000 - store.CLOCK_SLACK_SECONDS - 1, LIMITS) is None


def test_saving_an_ended_session_does_not_bring_it_back(connection: sa.Connection) -> None:
    session = _start(connection)
    store.end_session(connection, session)
    store.save_session(connection, session)
    assert store.get_session(connection, TOKEN, 1000, LIMITS) is None


def test_ending_all_sessions_of_one_person_leaves_the_others(connection: sa.Connection) -> None:
    _start(connection)
    _start(connection, token="ee" * 32)
    _start(connection, token="ff" * 32, account=13)
    store.end_sessions_of(connection, 12)
    left = [store.get_session(connection, token, 1000, LIMITS) for token in (TOKEN, "ee" * 32, "ff" * 32)]
    assert [session.account if session else 0 for session in left] == [0, 0, 13]


def test_old_sessions_are_dropped_and_data_is_kept(connection: sa.Connection) -> None:
    session = _start(connection)
    session.data["flash"] = ["已保存"]
    store.save_session(connection, session)
    store.drop_old_sessions(connection, 1050, LIMITS)
    kept = store.get_session(connection, TOKEN, 1050, LIMITS)
    assert kept is not None
    assert kept.data == {"flash": ["已保存"]}
    store.drop_old_sessions(connection, 1101, LIMITS)
    assert connection.execute(sa.select(web_session)).all() == []
