"""Who waits at one program hears of commits at the other, once, and of nothing that was not committed."""

from __future__ import annotations

import queue
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from sync_protocol.bell import EVERYTHING
from sync_protocol.feeds import HUB, TO_ALL, down
from sync_protocol.store.postgres_store import PostgresStore
from sync_protocol.store.postgres_wakes import PAYLOAD_BYTES_MAX, PAYLOADS_MAX, payloads
from sync_protocol.store.seam import wake
from tests.hub_store.places import Twice
from tests.postgres import Cluster

Pair = tuple[PostgresStore, PostgresStore]


class Ears:
    """What a store's listener was told, in order."""

    def __init__(self, store: PostgresStore) -> None:
        self._heard: queue.Queue[frozenset[str]] = queue.Queue()
        store.listen(self._heard.put)

    def next(self) -> frozenset[str]:
        """Waits for it."""
        return self._heard.get(timeout=30)

    def nothing_before(self, mark: str, store: PostgresStore) -> None:
        """The next thing heard is what `store` says now: notifications come in the order of the commits."""
        store.write(lambda conn: wake(conn, mark))
        assert self.next() == {mark}


@pytest.fixture
def ears(pair: Pair) -> tuple[Ears, Ears]:
    return Ears(pair[0]), Ears(pair[1])


def waking(*names: str) -> Callable[[Connection], None]:
    return lambda conn: wake(conn, *names)


def test_both_programs_hear_a_commit_once(pair, ears) -> None:
    pair[0].write(waking("home:3", "up:3"))
    assert ears[0].next() == ears[1].next() == {"home:3", "up:3"}
    ears[1].nothing_before("mark", pair[0])
    assert ears[0].next() == {"mark"}
    ears[0].nothing_before("back", pair[1])


def test_what_was_undone_is_not_told(pair, ears) -> None:
    def failing(conn: Connection) -> None:
        wake(conn, "lost")
        raise LookupError

    with pytest.raises(LookupError):
        pair[0].write(failing)
    ears[1].nothing_before("mark", pair[0])


def test_a_write_that_was_run_again_tells_what_it_did_in_the_end(pair, ears) -> None:
    runs: list[int] = []

    def fn(conn: Connection) -> None:
        runs.append(1)
        wake(conn, f"run {len(runs)}")
        if len(runs) == 1:
            conn.execute(sa.text("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$"))

    pair[0].write(fn)
    assert ears[0].next() == ears[1].next() == {"run 2"}


def test_very_many_names_ring_everything(pair, ears) -> None:
    many = [f"home:{n}" for n in range(20_000)]
    pair[0].write(waking(*many))
    assert ears[1].next() == {EVERYTHING}
    assert ears[0].next() == set(many)


def test_a_lost_connection_is_made_anew_and_everything_rings(cluster: Cluster, database, pair, ears) -> None:
    with cluster.admin() as conn:
        end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = :name"
        assert conn.execute(sa.text(end), {"name": database}).scalar_one() >= 4
    assert ears[0].next() == ears[1].next() == {EVERYTHING}
    pair[0].write(waking("home:3"))
    assert ears[0].next() == ears[1].next() == {"home:3"}
    ears[0].nothing_before("back", pair[1])


def test_an_entry_for_a_home_rings_its_name_at_the_other_program(twice: Twice) -> None:
    ears = Ears(twice.hubs[1].store)  # type: ignore[arg-type]
    hub, home = twice.hubs[0], twice.village.author
    hub.store.write(lambda conn: hub.replica.journal.tell(conn, down(HUB, home), 99, b"", hub.writing()))
    assert f"home:{home}" in ears.next()
    hub.store.write(lambda conn: hub.replica.journal.tell(conn, TO_ALL, 99, b"", hub.writing()))
    assert str(TO_ALL) in ears.next()


@given(st.sets(st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), min_size=1, max_size=300)))
def test_every_name_is_in_some_payload_and_no_payload_is_too_long(names: set[str]) -> None:
    found = payloads(7, names)
    assert all(len(one.encode()) <= PAYLOAD_BYTES_MAX for one in found) and len(found) <= PAYLOADS_MAX
    heard = {name for one in found for name in one.split("\n")[1:]}
    assert heard in (names, {EVERYTHING})
    assert {one.split("\n")[0] for one in found} <= {"7"}
    if sum(len(name.encode()) + 1 for name in names) < PAYLOAD_BYTES_MAX - 2:
        assert heard == names and len(found) == min(1, len(names))


def test_a_name_longer_than_a_payload_rings_everything() -> None:
    assert payloads(1, {"x" * 9000}) == [f"1\n{EVERYTHING}"]
