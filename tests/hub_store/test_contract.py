"""What every store of a hub promises, held against SQLCipher and against a real PostgreSQL."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from casework import reference
from sync_protocol.authority import invite, redeem
from sync_protocol.crypto import BoxKey, Signer
from sync_protocol.custody import Tier as CustodyTier
from sync_protocol.enrolment import EnrolRequest, Token, pack_request, parse_request
from sync_protocol.errors import BadNonce, BadToken
from sync_protocol.feeds import TO_ALL, TO_SELF, down, up
from sync_protocol.frontier import Branch
from sync_protocol.holding import case_custody
from sync_protocol.journal import Message
from sync_protocol.judging import Verdict
from sync_protocol.order import Standing
from sync_protocol.store import blob_store, feed_store, peers
from sync_protocol.store import tables as t
from sync_protocol.store.dialect import insert_absent, insert_or_set
from sync_protocol.store.me import load_me, put
from sync_protocol.store.seam import Store, Told, hear, touch, wake
from sync_protocol.topology import Tier
from tests.hub_store.places import numbers, times_settled, wrong
from tests.sync_protocol.county import OTHER_VILLAGE, County, Place


class Failed(Exception):
    pass


def named(store: Store) -> set[str]:
    """The names in the identity table, which the tests here use as any table."""
    return set(store.read(lambda conn: conn.execute(sa.select(t.identity.c.name)).scalars().all()))


def putting(name: str, fail: str = "") -> Callable[[Connection], str]:
    def fn(conn: Connection) -> str:
        put(conn, name, b"x")
        wake(conn, name)
        if fail:
            raise Failed(name)
        return name

    return fn


def test_a_write_that_fails_leaves_no_trace_and_its_neighbours_count(store: Store) -> None:
    heard: list[frozenset[str]] = []
    store.listen(heard.append)
    results = store.write_many([putting("a"), putting("b", fail="yes"), putting("c")])
    assert results[0] == "a" and isinstance(results[1], Failed) and results[2] == "c"
    with pytest.raises(Failed):
        store.write(putting("d", fail="yes"))
    assert named(store) == {"a", "c"}
    assert frozenset().union(*heard) == {"a", "c"}


def test_the_collector_of_cycles_rests_during_a_write_and_comes_back_however_that_ends(store: Store) -> None:
    assert store.write(lambda conn: gc.isenabled()) is False
    assert gc.isenabled()
    with pytest.raises(Failed):
        store.write(putting("a", fail="yes"))
    assert gc.isenabled()


def test_a_statement_that_fails_leaves_no_trace_either(store: Store) -> None:
    def twice(conn: Connection) -> None:
        for _ in range(2):
            conn.execute(sa.insert(t.identity).values(name="a", value=b""))

    results = store.write_many([putting("b"), twice, putting("c")])
    assert isinstance(results[1], DBAPIError)
    assert named(store) == {"b", "c"}


def test_listeners_hear_after_the_commit_and_see_what_was_written(store: Store) -> None:
    seen: list[set[str]] = []
    store.listen(lambda names: seen.append(named(store)))
    store.write(putting("a"))
    assert seen == [{"a"}]


def test_a_read_sees_one_snapshot(open_store: Callable[[], Store]) -> None:
    store, other = open_store(), open_store()

    def look(conn: Connection) -> tuple[int, int]:
        query = sa.select(sa.func.count()).select_from(t.identity)
        before = conn.execute(query).scalar_one()
        other.write(putting("a"))
        return before, conn.execute(query).scalar_one()

    assert store.read(look) == (0, 0)
    assert named(store) == {"a"}


def test_the_application_follows_in_the_same_transaction_and_follows_itself(store: Store) -> None:
    said: list[tuple[list[tuple[int, bytes]], list[Told]]] = []

    def project(conn: Connection, touched: Iterable[tuple[int, bytes]], told: Sequence[Told]) -> None:
        said.append((list(touched), list(told)))
        put(conn, f"projected {len(said)}", b"")
        if len(said) == 1:
            touch(conn, 3, b"t")
        if len(said) == 3:
            raise Failed

    store.projector = project
    one = Told("all", 1, 0, 1, 70, 0, 0, b"")
    store.write(lambda conn: hear(conn, one))
    assert said == [([], [one]), ([(3, b"t")], [])]
    with pytest.raises(Failed):
        store.write(lambda conn: (touch(conn, 4, b"u"), put(conn, "lost", b"")))
    assert named(store) == {"projected 1", "projected 2"}


def test_keys_that_are_there_are_passed_over_or_set(store: Store) -> None:
    rows = [{"hash": bytes([n]) * 32, "length": n, "held": 0} for n in (1, 2)]

    def run(conn: Connection) -> list[tuple[int, int]]:
        insert_absent(conn, t.blob, rows[:1])
        insert_absent(conn, t.blob, [{**rows[0], "held": 1}, rows[1]])
        insert_absent(conn, t.blob, [])
        insert_or_set(conn, t.blob, {**rows[1], "length": 9, "held": 1}, ["held"])
        return [(row.length, row.held) for row in conn.execute(sa.select(t.blob).order_by(t.blob.c.hash))]

    assert store.write(run) == [(1, 0), (2, 1)]


def test_a_chain_goes_up_is_ordered_and_comes_down_the_same(county: County) -> None:
    hub, township, village = county.places.values()
    topics = [village.open_case({"name": f"{n}"}) for n in range(40)]
    county.sync(village, township)
    township.write(village.author, topics[0], 66, {"opinion": "同意"})
    county.sync(township, hub)
    verdicts = {topics[1]: Verdict(Standing.REFUSED, "no_such_item", "item"), topics[2]: Verdict(Standing.HELD, "x")}
    touched = county.judge(village.author, lambda topic, _: verdicts.get(topic, Verdict(Standing.ADMITTED)))
    assert set(touched) == set(topics)
    assert county.judge(village.author) == []
    hub.write(village.author, topics[0], 69, {"case_no": "1"})
    for child, parent in ((township, hub), (village, township)):
        county.sync(child, parent)
    for topic in topics[:4]:
        assert _said(hub, village, topic) == _said(township, village, topic) == _said(village, village, topic)
    assert [code for _, _, code in _said(village, village, topics[1])] == ["no_such_item"]
    assert [wrong(place) for place in county.places.values()] == [[], [], []]
    assert numbers(hub, up(village.author)) == list(range(1, 41))
    settled = times_settled(hub.store, down(hub.author, village.author))
    assert len(settled) == 40 and set(settled.values()) == {1}  # one is held


def _said(place: Place, home: Place, topic: bytes) -> list[tuple[int, str, str]]:
    return [(e.kind, e.standing, e.code) for e in place.changes(home.author, topic)]


def test_segments_are_cut_where_signatures_stand_and_not_beyond_what_was_asked(county: County) -> None:
    hub, township, village = county.places.values()
    ends = []
    for size in (3, 5, 2):
        for _ in range(size):
            village.open_case({"name": "x"})
        county.sync(village, township)
        county.sync(township, hub)
        ends.append(len(numbers(hub, up(village.author))))
    branch = Branch(up(village.author), 0)

    def cut(place: Place, *more: int) -> list[tuple[int, int, bytes]]:
        found = place.store.read(lambda conn: list(feed_store.cut(conn, branch, 0, 2**40, *more)))
        return [(segment.first, tip.number, segment.signature) for segment, tip in found]

    assert [last for _, last, _ in cut(hub)] == [10]
    assert [last for _, last, _ in cut(hub, ends[1])] == [8]
    assert cut(hub) == cut(village)


def test_scans_are_noted_wanted_and_signed_for(county: County) -> None:
    hub, township, village = county.places.values()
    pages = (bytes(range(256)) * 900, b"preview" * 2000)
    topic = village.open_case({"name": "李四"}, pages=pages)
    county.sync(village, township)
    county.sync(township, hub)
    county.judge(village.author)
    county.sync(township, hub)
    county.sync(village, township)
    custody = village.store.read(lambda conn: case_custody(conn, village.author, topic, township.author))
    assert (custody.tier, custody.blobs, custody.blobs_county) == (CustodyTier.COUNTY, 2, 2)
    homes = [village.author]
    at_hub = hub.store.read
    assert at_hub(lambda conn: blob_store.unacknowledged(conn, homes, hub.author, 9)) == []
    assert len(at_hub(lambda conn: blob_store.unacknowledged(conn, homes, 99, 9))) == 2
    assert at_hub(lambda conn: blob_store.count_unacknowledged(conn, homes, 99)) == 2
    assert at_hub(lambda conn: blob_store.wanted_from_above(conn, hub.author, 9)) == []
    assert at_hub(lambda conn: blob_store.receiptable(conn, up(village.author), 0, 99, 9)) != []
    assert wrong(hub) == []


def test_a_nonce_is_spent_once_and_what_is_known_of_a_peer_is_kept(store: Store) -> None:
    drawn = iter(range(1, 99))

    def draw(size: int) -> bytes:
        return next(drawn).to_bytes(size, "big")

    first = store.write(lambda conn: peers.fresh_nonces(conn, 7, draw))
    store.write(lambda conn: peers.spend_nonce(conn, 7, first[0]))
    for nonce in (first[0], b"never handed out"):
        with pytest.raises(BadNonce):
            store.write(lambda conn, nonce=nonce: peers.spend_nonce(conn, 7, nonce))
    store.write(lambda conn: peers.note_contact(conn, 7, 1000, -3))
    assert store.read(lambda conn: peers.contact(conn, 7)) == (1000, -3)
    store.write(lambda conn: peers.spend_nonce(conn, 7, first[1]))


def test_an_invitation_is_redeemed_by_one_machine(county: County) -> None:
    hub, draw, now = county.hub, county.rng.randbytes, county.clock.now
    invitation = hub.store.write(lambda conn: invite(conn, hub.me, OTHER_VILLAGE, Tier.VILLAGE, draw, now))
    one, other = (_request(invitation.token, draw) for _ in range(2))

    def ask(data: bytes) -> Any:
        return hub.store.write(lambda conn: redeem(conn, hub.replica.journal, parse_request(data), now)).packed()

    assert ask(one) == ask(one)
    with pytest.raises(BadToken):
        ask(other)
    assert wrong(hub) == []


def _request(text: str, draw: Callable[[int], bytes]) -> bytes:
    token, signer, box = Token.parse(text), Signer(draw(32)), BoxKey(draw(32))
    return pack_request(EnrolRequest(token.id, token.station, token.tier, signer.public, box.public), token, signer)


def test_the_hubs_own_feeds_and_who_it_is(county: County) -> None:
    hub = county.hub
    topic = bytes(16)
    for _ in range(3):
        hub.store.write(
            lambda conn: hub.replica.journal.note(conn, topic, Message(80, {"text": "内部"}), hub.writing())
        )
    assert numbers(hub, TO_SELF) == [1, 2, 3]
    assert numbers(hub, TO_ALL) == [1, 2, 3]  # the hub's key, and two certificates
    assert hub.store.read(load_me) == hub.me


def test_counters_count(store: Store) -> None:
    def take(name: str) -> int:
        return store.write(lambda conn: reference.next_serials(conn, name)[0])

    assert [take("a"), take("a"), take("b"), take("a")] == [1, 2, 1, 3]
    with pytest.raises(Failed):
        store.write(lambda conn: (reference.next_serials(conn, "a")[0], putting("x", fail="yes")(conn)))
    assert take("a") == 4
