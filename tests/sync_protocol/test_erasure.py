"""A case's bodies can be put out of existence everywhere, and every chain verifies as before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from sync_protocol import authority
from sync_protocol.dialer import Dialer
from sync_protocol.entries import genesis
from sync_protocol.errors import BadBytes, UnknownTopic
from sync_protocol.feeds import up
from sync_protocol.frontier import Branch
from sync_protocol.fsck import check_replica
from sync_protocol.segments import Item, link
from sync_protocol.store import acceptance, feed_store
from sync_protocol.store import tables as t
from sync_protocol.topology import Tier
from tests.sync_protocol.county import VILLAGE, County, Place, small_county

SECRET = "张三 13900000000"
Four = tuple[County, Place, Place, Place]


@pytest.fixture
def county(tmp_path: Path) -> Four:
    return small_county(tmp_path)


def erase(c: County, home: int, topic: bytes) -> None:
    hub = c.hub
    hub.store.write(lambda conn: authority.erase(conn, hub.replica.journal, home, topic, hub.writing()))


def bodies(place: Place, topic: bytes) -> list[bytes | None]:
    e = t.entry.c
    return place.store.read(lambda conn: list(conn.execute(sa.select(e.body).where(e.topic == topic)).scalars()))


def everything(place: Place) -> bytes:
    """All that a database still says of topics and bodies."""

    def read(conn: sa.Connection) -> bytes:
        rows = [*conn.execute(sa.select(t.entry.c.body)).scalars(), *conn.execute(sa.select(t.topic.c.wrap)).scalars()]
        return b"".join(row for row in rows if row)

    return place.store.read(read)


def sound(place: Place) -> bool:
    found = place.store.read(lambda conn: check_replica(conn, place.me, place.replica.blobs))
    assert found.wrong == []
    return True


def test_an_erasure_reaches_every_tier_and_the_chains_verify(county: Four) -> None:
    c, hub, township, village = county
    topic = village.open_case({"name": SECRET})
    other = village.open_case({"name": "李四"})
    c.sync(village, township)
    township.write(village.author, topic, 66, {"opinion": SECRET})
    c.sync(township, hub)
    c.judge(village.author)
    erase(c, village.author, topic)
    c.sync(township, hub)
    c.sync(village, township)
    for place in (hub, township, village):
        assert bodies(place, topic) == [None, None]
        assert None not in bodies(place, other)
        assert SECRET.encode() not in everything(place)
        assert sound(place)


def test_bodies_that_come_after_their_erasure_are_not_written_down(county: Four) -> None:
    c, hub, township, village = county
    topic = village.open_case({"name": SECRET})
    village.write(village.author, topic, 68, {"note": SECRET})
    other = village.open_case({"name": "李四"})
    erase(c, village.author, topic)  # the county was told by another way
    c.sync(township, hub)
    branch = Branch(up(village.author), 0)
    on_their_way = village.store.read(lambda conn: [one for one, _ in feed_store.cut(conn, branch, 0, 2**20)])
    for segment in on_their_way:
        township.store.write(lambda conn, one=segment: acceptance.accept(conn, township.me.deployment, one, 0))
    assert bodies(township, topic) == [None, None]
    assert None not in bodies(township, other)
    assert SECRET.encode() not in everything(township)
    c.sync(village, township)
    c.sync(township, hub)
    for place in (hub, township, village):
        assert bodies(place, topic) == [None, None]
        assert sound(place)


def test_a_fresh_machine_takes_an_erased_case_as_hashes(county: Four) -> None:
    c, hub, township, village = county
    topic = village.open_case({"name": SECRET})
    c.sync(village, township)
    c.sync(township, hub)
    c.judge(village.author)
    erase(c, village.author, topic)
    again = c.enrol(VILLAGE, Tier.VILLAGE, "again")
    c.sync(township, hub)
    c.sync(again, township)
    assert bodies(again, topic) == [None]
    assert sound(again)
    later = again.open_case({"name": "王五"})
    c.sync(again, township)
    c.sync(township, hub)
    assert len(hub.changes(village.author, later)) == 1


def test_what_was_written_before_the_erasure_was_heard_of_leaves_only_its_hash(county: Four) -> None:
    c, hub, township, village = county
    topic = village.open_case({"name": SECRET})
    c.sync(village, township)
    c.sync(township, hub)
    village.write(village.author, topic, 65, {"reason": SECRET})
    erase(c, village.author, topic)
    c.sync(township, hub)
    dialer = Dialer(village.replica, township.author)
    for _ in range(6):
        c.exchange(dialer, village, township)
        dialer.retry_refused()
    assert bodies(township, topic) == [None, None]
    assert bodies(village, topic) == [None, None]
    c.sync(township, hub)
    assert bodies(hub, topic) == [None, None]
    assert sound(hub) and sound(village)


def test_a_carrier_cannot_leave_a_body_out(county: Four) -> None:
    c, _, township, village = county
    village.open_case({"name": SECRET})
    branch = Branch(up(village.author), 0)
    segment, _ = village.store.read(lambda conn: next(feed_store.cut(conn, branch, 0, 10**6)))
    links = link(village.me.deployment, segment, genesis(village.me.deployment, branch.feed), lambda topic: None)
    stripped = replace(segment, items=(Item(segment.items[0].header, None, links[0].body_hash),))
    with pytest.raises(BadBytes, match="left out"):
        township.store.write(lambda conn: acceptance.accept(conn, township.me.deployment, stripped, 0))
    township.store.write(lambda conn: acceptance.accept(conn, township.me.deployment, segment, 0))
    assert None not in bodies(township, links[0].header.topic)
    c.sync(village, township)


def test_nothing_more_is_written_about_an_erased_case(county: Four) -> None:
    c, hub, township, village = county
    topic = village.open_case({"name": SECRET})
    c.sync(village, township)
    c.sync(township, hub)
    erase(c, village.author, topic)
    c.sync(township, hub)
    c.sync(village, township)
    with pytest.raises(UnknownTopic):
        village.write(village.author, topic, 65, {"reason": "x"})
