"""Staff rows as they arrive from the hub, and passwords changed while it is away."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from casework import accounts_store as store
from casework.accounts import Account

WANG = Account(12, "wang.mei", "王梅", "intake_clerk", 17, "341882101200", "石狮村", "hub-1", True, False, 1)


def test_a_row_is_stored_found_and_replaced_by_a_newer_one(connection: sa.Connection) -> None:
    assert store.upsert_staff_row(connection, WANG)
    assert store.find_by_login(connection, " WANG.mei") == WANG
    assert store.upsert_staff_row(connection, replace(WANG, display="王小梅", row=2))
    assert store.get(connection, 12) == replace(WANG, display="王小梅", row=2)


def test_rows_that_arrive_twice_or_out_of_order_change_nothing(connection: sa.Connection) -> None:
    newer = replace(WANG, locked=True, row=5)
    store.upsert_staff_row(connection, newer)
    assert not store.upsert_staff_row(connection, replace(WANG, row=4))
    assert not store.upsert_staff_row(connection, replace(WANG, row=5))
    assert store.get(connection, 12) == newer


def test_a_row_written_before_the_hub_heard_of_a_local_password_keeps_it(connection: sa.Connection) -> None:
    store.upsert_staff_row(connection, WANG)
    store.set_local_password(connection, 12, "local-1")
    store.set_local_password(connection, 12, "local-2")
    for row, stale in ((2, "hub-1"), (3, "local-1")):
        store.upsert_staff_row(connection, replace(WANG, hash=stale, display="王小梅", row=row))
        kept = store.get(connection, 12)
        assert kept is not None
        assert (kept.hash, kept.must_change, kept.display) == (
            "local-2",
            False,
            "王小梅",
        )


def test_a_reset_by_the_hub_replaces_a_local_password(connection: sa.Connection) -> None:
    store.upsert_staff_row(connection, WANG)
    store.set_local_password(connection, 12, "local-1")
    store.upsert_staff_row(connection, replace(WANG, hash="hub-2", row=2))
    reset = store.get(connection, 12)
    assert reset is not None
    assert (reset.hash, reset.must_change) == ("hub-2", True)


def test_the_newest_row_owns_a_login_that_moved_between_accounts(connection: sa.Connection) -> None:
    store.upsert_staff_row(connection, WANG)
    store.upsert_staff_row(connection, replace(WANG, account=13, row=9))
    owner = store.find_by_login(connection, "wang.mei")
    assert owner is not None
    assert owner.account == 13
    assert [account.login for account in store.staff_rows(connection)] == ["wang.mei~12", "wang.mei"]


def test_failures_are_counted_by_key_taken_back_by_id_and_dropped_by_age(connection: sa.Connection) -> None:
    key, other = store.login_key("Wang.Mei"), store.address_key("10.0.0.9")
    assert key == store.login_key("wang.mei") != other
    first = store.record_failure(connection, key, 100)
    store.record_failure(connection, key, 200)
    store.record_failure(connection, other, 200)
    assert store.failures_since(connection, key, 100) == [100, 200]
    store.forget_failures(connection, ids=[first])
    assert store.failures_since(connection, key, 0) == [200]
    store.forget_failures(connection, key=key)
    assert store.failures_since(connection, key, 0) == []
    store.drop_failures_before(connection, 201)
    assert store.failures_since(connection, other, 0) == []
