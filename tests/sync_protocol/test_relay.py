"""A township keeps the work of sixty villages for a month without the county, and passes it on byte for byte."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from sync_protocol.dialer import Dialer
from sync_protocol.feeds import HUB
from sync_protocol.limits import MESSAGE_BYTES_MAX
from sync_protocol.messages import Segment, pack_message
from sync_protocol.replica import Replica
from sync_protocol.store import blob_store, feed_store, trust
from sync_protocol.store import tables as t
from sync_protocol.topology import Tier
from tests.sync_protocol.county import REGION, TOWNSHIP, County, Place

VILLAGES, DAYS, SYNC_EVERY_DAYS, RESTART_ON_DAY = 60, 30, 10, 15
CASE_EVERY_DAYS = 5
DAY_SECONDS = 86_400


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    """The county hears nothing for a month; villages bring their cases to the township, which restarts on the way."""
    county = County(tmp_path_factory.mktemp("relay"), random.Random(60))
    county.found()
    township = county.enrol(TOWNSHIP, Tier.TOWNSHIP, "township")
    villages = [county.enrol(f"{REGION[:6]}103{201 + n}", Tier.VILLAGE, f"village-{n}") for n in range(VILLAGES)]
    county.sync(township, county.hub)
    for day in range(1, DAYS + 1):
        county.clock.now += DAY_SECONDS
        for number, village in enumerate(villages):
            pages = (b"scan %d %d" % (day, number) * 40,) if (day + number) % SYNC_EVERY_DAYS == 0 else ()
            if day % CASE_EVERY_DAYS == 0:
                village.open_case({"day": day, "village": number}, pages=pages)
            if (day + number) % SYNC_EVERY_DAYS == 0 or day == DAYS:
                county.sync(village, township)
        if day == RESTART_ON_DAY:
            township = _restarted(county, township)
    yield county
    for place in county.places.values():
        place.store.close()


def _restarted(county: County, place: Place) -> Place:
    place.store.close()
    store = county.store("township")
    again = Place(store, Replica(place.me, county.blobs("township"), county.rng.randbytes), county.clock)
    county.places[place.author] = again
    return again


def _township(county: County) -> Place:
    return county.places[HUB + 1]


def _villages(county: County) -> list[Place]:
    return [place for author, place in county.places.items() if author > HUB + 1]


Rows = list[tuple[object, ...]]


def _written(place: Place, home: int) -> Rows:
    """What the home wrote, as this place keeps it."""
    e = t.entry.c
    query = sa.select(e.feed, e.epoch, e.number, e.header, e.body, e.head).where(e.home == home, e.type >= 64)
    rows = place.store.read(lambda conn: conn.execute(query.order_by(e.feed, e.epoch, e.number)).all())
    return [tuple(row) for row in rows]


def test_the_county_gets_all_of_it_from_the_township_as_it_was_signed(month: County) -> None:
    hub, township = month.hub, _township(month)
    assert all(not _written(hub, village.author) for village in _villages(month))
    dialer, largest, exchanges = Dialer(township.replica, HUB), 0, 0
    while True:
        sent = township.store.read(lambda conn: dialer.compose(conn, month.clock.now, 0))
        largest = max(largest, len(pack_message(sent.frames)))
        assert sum(isinstance(frame, Segment) for frame in sent.frames) <= 4 * VILLAGES * DAYS
        dialer.drop(sent)
        exchanges += 1
        if not month.exchange(dialer, township, hub).again:
            break
        assert exchanges < 200
    assert largest < MESSAGE_BYTES_MAX
    for village in _villages(month):
        mine = _written(village, village.author)
        assert len(mine) == DAYS // CASE_EVERY_DAYS
        assert mine == _written(township, village.author) == _written(hub, village.author)
    missing = hub.store.read(lambda conn: conn.execute(sa.select(t.blob.c.hash).where(t.blob.c.held == 0)).all())
    assert missing == [] and len(_villages(month)) == VILLAGES


def test_the_countys_answers_find_their_way_back_to_every_village(month: County) -> None:
    month.sync(_township(month), month.hub)
    for village in _villages(month):
        while month.judge(village.author):
            pass
    month.sync(_township(month), month.hub)
    for village in _villages(month):
        month.sync(village, _township(month))
        standing = sa.select(t.entry.c.standing).where(t.entry.c.home == village.author, t.entry.c.type >= 64)
        settled = village.store.read(lambda conn, q=standing: set(conn.execute(q).scalars()))  # type: ignore[misc]
        assert settled == {1}
        homes = [village.author]
        left = village.store.read(lambda conn, h=homes: blob_store.unacknowledged(conn, h, HUB + 1, 10))  # type: ignore[misc]
        assert left == []


def test_a_month_later_a_poll_says_no_more_than_at_first(month: County) -> None:
    township = _township(month)
    dialer = Dialer(township.replica, HUB)
    month.sync(township, month.hub)
    while month.exchange(dialer, township, month.hub).again:
        pass
    sent = township.store.read(lambda conn: dialer.compose(conn, month.clock.now, 60))
    assert len(pack_message(sent.frames)) < 100
    feeds = township.store.read(lambda conn: trust.topology(conn).held_feeds(township.author))
    held = [place.store.read(lambda conn: feed_store.frontier(conn, feeds)) for place in (township, month.hub)]
    assert held[0] == held[1] and len(held[0]) > VILLAGES
