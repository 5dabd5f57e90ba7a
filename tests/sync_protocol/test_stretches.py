"""Several segments of one branch in one message: each is verified alone, what is good of them is written once."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from sync_protocol.feeds import TO_ALL, FeedId, up
from sync_protocol.frontier import Branch, Tip
from sync_protocol.fsck import check_replica
from sync_protocol.replica import Taken
from sync_protocol.segments import Segment
from sync_protocol.store import feed_store
from sync_protocol.store import tables as t
from sync_protocol.topology import Tier
from tests.sync_protocol.county import OTHER_VILLAGE, County, Place, small_county

Four = tuple[County, Place, Place, Place]


@pytest.fixture
def county(tmp_path):
    return small_county(tmp_path)


def grown(village: Place, cases: int = 40) -> list[Segment]:
    """The village's feed after so many cases, cut at every signature; one case has more than its opening."""
    topic = village.open_case({"name": "0"})
    for number in range(1, cases):
        village.open_case({"name": str(number)})
        village.write(village.author, topic, 68, {"note": str(number)})
    branch, cut, after = Branch(up(village.author), 0), [], 0
    while found := village.store.read(lambda conn, at=after: list(feed_store.cut(conn, branch, at, 1))):
        segment, tip = found[0]
        cut.append(segment)
        after = tip.number
    assert len(cut) >= 3
    return cut


def take(place: Place, peer: Place, frames: list[Segment]) -> Taken:
    return place.store.write(lambda conn: place.replica.take_entries(conn, frames, peer.author, place.clock.now))


def tip(place: Place, feed: FeedId) -> Tip | None:
    return place.store.read(lambda conn: feed_store.tip_of(conn, Branch(feed, 0)))


def whole(place: Place, other: Place) -> None:
    """Both hold the same entries of the other's feed, and what is held here is sound."""
    feed = up(other.author).packed()
    for table in (t.entry, t.topic):
        columns = [c for c in table.c if c.name not in ("received", "standing", "place", "judged_by", "code", "key")]
        query = sa.select(*columns).order_by(*table.primary_key)
        if "feed" in table.c:
            query = query.where(table.c.feed == feed)
        rows = [p.store.read(lambda conn, q=query: [tuple(r) for r in conn.execute(q)]) for p in (place, other)]
        assert rows[0] == rows[1], table.name
    assert place.store.read(lambda conn: check_replica(conn, place.me, place.replica.blobs)).wrong == []


def test_a_feed_that_comes_in_one_message_is_held_as_its_author_holds_it(county: Four) -> None:
    _, _, township, village = county
    segments = grown(village)
    taken = take(township, village, segments)
    assert not taken.faults and taken.entries == sum(len(one.items) for one in segments)
    assert (
        taken.tips[Branch(up(village.author), 0)]
        == tip(township, up(village.author))
        == tip(village, up(village.author))
    )
    whole(township, village)


def test_what_stands_before_a_spoiled_segment_is_kept_and_what_stands_behind_is_asked_for_again(county: Four) -> None:
    _, _, township, village = county
    segments = grown(village)
    spoiled = replace(segments[1], signature=bytes(64))
    taken = take(township, village, [segments[0], spoiled, *segments[2:]])
    assert [fault.code for fault in taken.faults] == ["bad_signature"]
    assert (
        taken.entries == len(segments[0].items) and taken.tips[Branch(up(village.author), 0)].number == segments[0].last
    )
    held = tip(township, up(village.author))
    assert held is not None and held.number == segments[0].last
    assert not take(township, village, segments).faults
    whole(township, village)


def test_what_a_message_says_twice_is_taken_once(county: Four) -> None:
    _, _, township, village = county
    segments = grown(village)
    twice = [segments[0], segments[1], segments[0], segments[1], *segments[1:]]
    taken = take(township, village, twice)
    assert not taken.faults and taken.entries == sum(len(one.items) for one in segments)
    whole(township, village)


def test_a_topic_opened_in_one_segment_salts_the_next_of_the_same_message(county: Four) -> None:
    _, _, township, village = county
    first, *later = grown(village)
    assert not take(township, village, [first, *later]).faults
    assert [f.code for f in take(county[1], township, later).faults] == ["gap"]  # never without what stands before


def test_a_message_may_bring_a_certificate_and_what_was_signed_under_it(county: Four) -> None:
    c, hub, township, village = county
    c.enrol(OTHER_VILLAGE, Tier.VILLAGE, "other")
    held = tip(township, TO_ALL)
    assert held is not None
    cut = hub.store.read(lambda conn: [s for s, _ in feed_store.cut(conn, Branch(TO_ALL, 0), held.number, 10**6)])
    other = next(
        place for place in c.places.values() if place.author not in (hub.author, township.author, village.author)
    )
    other.open_case({"name": "x"})
    theirs = other.store.read(lambda conn: [s for s, _ in feed_store.cut(conn, Branch(up(other.author), 0), 0, 10**6)])
    assert [f.code for f in take(township, hub, [*cut, *theirs]).faults] == []
    assert tip(township, up(other.author)) is not None
