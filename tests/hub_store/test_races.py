"""Two programs on one PostgreSQL do the same thing at the same moment: one chain, one verdict, one owner.

Where a test lets two threads meet, the meeting must not happen: whoever comes second waits for the home's lock, so
that the wait at the barrier is over before it enters.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from casework import accounts_store, reference
from casework.accounts import LOGIN_THROTTLE
from casework.errors import BadInput
from casework.policy import Role
from casework.web.attempts import _begin
from hub import staff
from hub.county import migrate
from sync_protocol import authority
from sync_protocol.authority import invite, redeem
from sync_protocol.crypto import BoxKey, Signer
from sync_protocol.enrolment import EnrolRequest, Token, pack_request, parse_request
from sync_protocol.epochs import parse_revocation
from sync_protocol.errors import BadNonce, BadToken
from sync_protocol.feeds import HUB, TO_ALL, TO_SELF, down, up
from sync_protocol.journal import Message, Writing
from sync_protocol.judging import Verdict, judge_home
from sync_protocol.messages import Frame
from sync_protocol.order import Standing
from sync_protocol.reading import PlacedEntry
from sync_protocol.replica import Taken
from sync_protocol.segments import Segment
from sync_protocol.store import feed_store, peers, trust
from sync_protocol.store import tables as t
from sync_protocol.store.dialect import lock_homes
from sync_protocol.store.postgres_store import PostgresStore
from sync_protocol.topology import Tier
from tests.hub_store.places import Twice, numbers, times_settled, wrong
from tests.postgres import Cluster
from tests.sync_protocol.county import OTHER_VILLAGE, Place

AtOnce = Callable[..., list[Any]]
Pair = tuple[PostgresStore, PostgresStore]
MEET_SECONDS = 1.0


class Meeting:
    """Notes whether two threads were ever inside at the same time."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2)
        self.happened = False

    def enter(self) -> None:
        """The first time of each thread waits a little for the other."""
        try:
            self._barrier.wait(MEET_SECONDS)
            self.happened = True
        except threading.BrokenBarrierError:
            pass


def _judging(hub: Place, home: int, decide: Callable[[bytes, PlacedEntry], Verdict]) -> Callable[[], list[bytes]]:
    writing = Writing(0, hub.clock.now, 1)
    return lambda: hub.store.write(lambda conn: judge_home(conn, hub.replica.journal, home, decide, writing))


def test_one_home_is_judged_by_one_worker_at_a_time(twice: Twice, at_once: AtOnce) -> None:
    village, home = twice.village, twice.village.author
    topics = [village.open_case({"name": f"{n}"}) for n in range(5)]
    twice.county.sync(village, twice.township)
    twice.county.sync(twice.township, twice.hubs[0])
    meeting, asked = Meeting(), []

    def decide(topic: bytes, _: PlacedEntry) -> Verdict:
        asked.append(topic)
        meeting.enter()
        return Verdict(Standing.ADMITTED)

    results = at_once(*(_judging(hub, home, decide) for hub in twice.hubs))
    assert sorted(results, key=len) == [[], topics], results
    assert not meeting.happened
    assert asked == topics, "nothing is asked twice"
    assert set(times_settled(twice.hubs[0].store, down(HUB, home)).values()) == {1}
    assert wrong(twice.hubs[1]) == []


def test_two_homes_are_judged_at_once(twice: Twice, at_once: AtOnce) -> None:
    """The lock is the home's, not the hub's: here the two threads do meet."""
    c = twice.county
    for place in (twice.village, twice.township):
        place.open_case({"name": "x"})
    c.sync(twice.village, twice.township)
    c.sync(twice.township, twice.hubs[0])
    meeting = Meeting()

    def decide(_topic: bytes, _entry: PlacedEntry) -> Verdict:
        meeting.enter()
        return Verdict(Standing.ADMITTED)

    homes = (twice.village.author, twice.township.author)
    results = at_once(*(_judging(hub, home, decide) for hub, home in zip(twice.hubs, homes, strict=True)))
    assert [len(one) for one in results] == [1, 1], results
    assert meeting.happened


def test_feeds_that_both_programs_append_to_stay_one_chain(twice: Twice, at_once: AtOnce) -> None:
    home, each = twice.village.author, 12
    feeds = (TO_ALL, TO_SELF, down(HUB, home))
    before = [len(numbers(twice.hubs[0], feed)) for feed in feeds]

    def append(hub: Place, n: int) -> Callable[[], object]:
        feed = feeds[n % 3]
        return lambda: hub.store.write(lambda conn: hub.replica.journal.tell(conn, feed, 99, b"x" * n, hub.writing()))

    results = at_once(*(append(hub, n) for n in range(each * 3) for hub in twice.hubs))
    assert [one for one in results if isinstance(one, BaseException)] == []
    for feed, there in zip(feeds, before, strict=True):
        assert numbers(twice.hubs[1], feed) == list(range(1, there + 2 * each + 1))
    assert wrong(twice.hubs[0]) == []


def _frames(place: Place, home: int) -> list[Frame]:
    return place.store.read(
        lambda conn: [
            one for branch in feed_store.frontier(conn, [up(home)]) for one, _ in feed_store.cut(conn, branch, 0, 2**20)
        ]
    )


def test_the_same_segments_arriving_at_both_are_taken_once(twice: Twice, at_once: AtOnce) -> None:
    village, township = twice.village, twice.township
    for n in range(70):
        village.open_case({"name": f"{n}"}, pages=(b"scan %d" % n,) if n < 3 else ())
    twice.county.sync(village, township)
    frames = _frames(village, village.author)
    assert len([one for one in frames if isinstance(one, Segment)]) > 1

    def take(hub: Place) -> Callable[[], Taken]:
        now = hub.clock.now
        return lambda: hub.store.write(lambda conn: hub.replica.take_entries(conn, frames, township.author, now))

    results = at_once(*(take(hub) for hub in twice.hubs * 3))
    assert all(isinstance(one, Taken) and one.faults == [] for one in results), results
    assert sorted(one.entries for one in results) == [0, 0, 0, 0, 0, 70]
    assert len({tuple(one.tips.items()) for one in results}) == 1
    assert wrong(twice.hubs[1]) == []


def test_a_nonce_is_spent_at_one_program_only(pair: Pair, at_once: AtOnce) -> None:
    drawn = iter(range(1, 10**6))
    nonces = pair[0].write(lambda conn: peers.fresh_nonces(conn, 5, lambda size: next(drawn).to_bytes(size, "big")))
    assert len(nonces) > 1

    def spend(store: PostgresStore, nonce: bytes) -> Callable[[], object]:
        return lambda: store.write(lambda conn: peers.spend_nonce(conn, 5, nonce))

    results = at_once(*(spend(store, nonce) for nonce in nonces for store in pair * 2))
    for at in range(0, len(results), 4):
        outcomes = sorted(type(one).__name__ for one in results[at : at + 4])
        assert outcomes == ["BadNonce", "BadNonce", "BadNonce", "NoneType"]
    with pytest.raises(BadNonce):
        spend(pair[0], nonces[0])()


def test_a_peer_met_by_both_for_the_first_time(pair: Pair, at_once: AtOnce) -> None:
    results = at_once(
        *((lambda s=s, n=n: s.write(lambda c: peers.note_contact(c, 9, n, 0))) for n in range(5) for s in pair)
    )
    assert results == [None] * 10


def _request(text: str, seed: int) -> bytes:
    token, signer, box = Token.parse(text), Signer(bytes([seed]) * 32), BoxKey(bytes([seed]) * 32)
    return pack_request(EnrolRequest(token.id, token.station, token.tier, signer.public, box.public), token, signer)


def test_an_invitation_serves_one_machine_at_whichever_program(twice: Twice, at_once: AtOnce) -> None:
    now, draw = twice.county.clock.now, twice.county.rng.randbytes
    hub = twice.hubs[0]
    token = hub.store.write(lambda conn: invite(conn, hub.me, OTHER_VILLAGE, Tier.VILLAGE, draw, now)).token

    def ask(hub: Place, seed: int) -> Callable[[], bytes]:
        sealed = parse_request(_request(token, seed))
        return lambda: hub.store.write(lambda conn: redeem(conn, hub.replica.journal, sealed, now)).packed()

    results = at_once(*(ask(hub, seed) for seed in (1, 2) for hub in twice.hubs * 2))
    granted = [one for one in results if isinstance(one, bytes)]
    assert len(granted) == 4 and len(set(granted)) == 1, "one machine has it, and gets the same answer each time"
    assert all(isinstance(one, bytes | BadToken) for one in results), results
    assert wrong(hub) == []


def test_stations_invited_at_once_get_numbers_of_their_own(twice: Twice, at_once: AtOnce) -> None:
    now = twice.county.clock.now
    regions = [f"3418821042{n:02}" for n in range(8)]

    def ask(hub: Place, region: str) -> Callable[[], Any]:
        seed = int(region[-2:]) + 1
        return lambda: hub.store.write(
            lambda conn: invite(conn, hub.me, region, Tier.VILLAGE, lambda size: bytes([seed]) * size, now)
        )

    invited = at_once(*(ask(twice.hubs[n % 2], region) for n, region in enumerate(regions)))

    def enrol(hub: Place, token: str, seed: int) -> Callable[[], bytes]:
        sealed = parse_request(_request(token, seed))
        return lambda: hub.store.write(lambda conn: redeem(conn, hub.replica.journal, sealed, now)).packed()

    answers = at_once(*(enrol(twice.hubs[n % 2], one.token, n + 1) for n, one in enumerate(invited)))
    assert all(isinstance(one, bytes) for one in answers), answers
    certificates = twice.hubs[0].store.read(
        lambda conn: conn.execute(sa.select(t.certificate.c.serial, t.certificate.c.author)).all()
    )
    assert sorted(c.serial for c in certificates) == list(range(1, 12))
    assert sorted(c.author for c in certificates) == list(range(1, 12))
    assert wrong(twice.hubs[1]) == []


def test_a_revocation_cuts_where_the_feed_really_ends(twice: Twice, at_once: AtOnce) -> None:
    """What arrives in the same moment is either before the cut or held by it, never admitted beyond it."""
    village, township, home = twice.village, twice.township, twice.village.author
    one, other = twice.hubs
    twice.county.sync(village, township)
    frames: list[list[Frame]] = []
    for _ in range(6):
        village.open_case({"name": "x"})
        frames.append(_frames(village, home))
    serial = one.store.read(lambda conn: trust.current_certificate(conn, home)).serial
    now = one.clock.now

    halfway = threading.Event()

    def take() -> None:
        for n, some in enumerate(frames):
            if n == 3:
                halfway.set()
            other.store.write(lambda conn, some=some: other.replica.take_entries(conn, some, township.author, now))
            _judging(other, home, lambda _topic, _entry: Verdict(Standing.ADMITTED))()

    def revoke() -> None:
        halfway.wait(20)
        one.store.write(lambda conn: authority.revoke(conn, one.replica.journal, serial, "电脑丢失", one.writing()))

    assert at_once(take, revoke) == [None, None]
    body = one.store.read(lambda conn: conn.execute(sa.select(t.revocation.c.body)).scalar_one())
    cut = next(number for feed, _, number in parse_revocation(body).cuts if feed == up(home))
    assert cut >= 3
    settled = times_settled(one.store, down(HUB, home))
    assert sorted(number for slot, _, number in settled if slot == 0) == list(range(1, cut + 1))
    assert wrong(one) == []


def test_counters_give_each_number_once(pair: Pair, at_once: AtOnce) -> None:
    results = at_once(
        *((lambda s=s: s.write(lambda c: reference.next_serials(c, "case")[0])) for _ in range(10) for s in pair)
    )
    assert sorted(results) == list(range(1, 21))


def test_a_login_is_given_to_one_person(twice: Twice, at_once: AtOnce) -> None:
    from tests.hub.hall import follow

    for hub in twice.hubs:
        follow(hub, lambda: twice.county.clock.now)

    def add(hub: Place, station: str) -> Callable[[], Any]:
        new = staff.NewUser("li", "李", str(Role.VILLAGE_AGENT if station else Role.ADMIN), station)
        return lambda: hub.store.write(
            lambda conn: staff.add_user(conn, hub.replica.journal, new, "hash", hub.writing())
        )

    results = at_once(*(add(hub, station) for hub in twice.hubs for station in ("", "341882103201")))
    assert sorted(type(one).__name__ for one in results) == ["Account", "BadInput", "BadInput", "BadInput"], results
    rows = twice.hubs[1].store.read(accounts_store.staff_rows)
    assert [(row.login, row.account) for row in rows] == [("li", 1)]
    assert all(isinstance(one, BadInput | accounts_store.Account) for one in results)


def test_attempts_at_once_do_not_slip_past_the_count(pair: Pair, at_once: AtOnce) -> None:
    def attempt(store: PostgresStore) -> Callable[[], Any]:
        return lambda: store.write(lambda conn: _begin(conn, "li", "k" * 64, "a" * 64, 1000))

    results = at_once(*(attempt(store) for store in pair * 8))
    assert sum(not one.wait for one in results) == LOGIN_THROTTLE.free


def test_two_programs_starting_at_once_migrate_once(cluster: Cluster, at_once: AtOnce) -> None:
    name = cluster.database()
    stores = [cluster.store(name) for _ in range(4)]
    try:
        assert at_once(*((lambda s=s: s.migrate(migrate)) for s in stores)) == [None] * 4
        version = sa.text("select count(*) from alembic_version")
        assert stores[0].read(lambda conn: conn.execute(version).scalar()) == 1
    finally:
        for store in stores:
            store.close()
        cluster.drop(name)


def test_a_deadlock_is_run_again_and_both_count(pair: Pair, at_once: AtOnce) -> None:
    barrier, runs = threading.Barrier(2), []

    def crossing(store: PostgresStore, first: int, second: int) -> Callable[[], object]:
        def fn(conn: Connection) -> None:
            runs.append(first)
            lock_homes(conn, [first])
            if len(runs) <= 2:
                barrier.wait(20)
            lock_homes(conn, [second])
            reference.next_serials(conn, "crossed")[0]

        return lambda: store.write(fn)

    assert at_once(crossing(pair[0], 3, 4), crossing(pair[1], 4, 3)) == [None, None]
    assert len(runs) == 3, "one of the two was ended by the server and run again"
    assert pair[0].write(lambda conn: reference.next_serials(conn, "crossed")[0]) == 3


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_running_again_is_bounded(cluster: Cluster, database: str, state: str) -> None:
    slept: list[float] = []
    store = PostgresStore(cluster.store_url(database), sleep=slept.append)
    runs: list[int] = []

    def fn(conn: Connection) -> None:
        runs.append(1)
        conn.execute(sa.text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$"))

    with pytest.raises(OperationalError):
        store.write(fn)
    store.close()
    assert len(runs) == 12 and len(slept) == 11
    assert all(0 <= one <= 1 for one in slept) and len(set(slept)) > 5, (
        "the waits are drawn, so that two do not keep step"
    )


def test_what_else_fails_is_not_run_again(pair: Pair) -> None:
    runs: list[int] = []

    def fn(conn: Connection) -> None:
        runs.append(1)
        conn.execute(sa.text("select no_such_column"))

    with pytest.raises(sa.exc.ProgrammingError):
        pair[0].write(fn)
    assert len(runs) == 1


def test_a_topic_told_of_by_both_is_noted_in_the_hubs_own_feed_in_order(twice: Twice, at_once: AtOnce) -> None:
    """An opinion is written after the home's lock: the two orders of locks are the same at both programs."""
    home = twice.village.author

    def note(hub: Place, n: int) -> Callable[[], object]:
        def fn(conn: Connection) -> None:
            lock_homes(conn, [home])
            hub.replica.journal.tell(conn, down(HUB, home), 99, b"", hub.writing())
            hub.replica.journal.note(conn, bytes(16), Message(80, {"n": n}), hub.writing())

        return lambda: hub.store.write(fn)

    results = at_once(*(note(hub, n) for n in range(8) for hub in twice.hubs))
    assert [one for one in results if isinstance(one, BaseException)] == []
    assert numbers(twice.hubs[0], TO_SELF) == list(range(1, 17))
    assert wrong(twice.hubs[0]) == []
