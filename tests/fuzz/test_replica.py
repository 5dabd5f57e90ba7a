"""`Replica.take_entries` before a real store: what liars signed is taken whole, or leaves no trace; fsck agrees.

Every example starts from the same small county: what it did is looked at inside the transaction and undone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from sync_protocol import canonical
from sync_protocol.entries import Opening, genesis, pack_opening
from sync_protocol.errors import BadBytes
from sync_protocol.feeds import HUB, TO_ALL, FeedId, down, up
from sync_protocol.frontier import Branch, Tip
from sync_protocol.fsck import check_replica
from sync_protocol.messages import Frame, _fields, parse_frame
from sync_protocol.replica import Taken
from sync_protocol.segments import Segment
from sync_protocol.store import feed_store
from sync_protocol.store import tables as t
from tests.fuzz.liar import Liar, Lie, entries, places
from tests.fuzz.objects import KINDS
from tests.fuzz.spoil import RECIPES, encode, spoiled, tree
from tests.sync_protocol.county import County, Place, small_county

THIRD = settings.get_profile("fuzz-third")
NOW = 1_790_000_000
MEMBERS = ("order record", "receipt", "grant", "certificate", "revocation", "certificate", "erasure", "share", "ask")
"""By entry type, from 1."""
TABLES = (
    t.entry,
    t.tip,
    t.head_signature,
    t.topic,
    t.blob,
    t.blob_ref,
    t.certificate,
    t.grant,
    t.revocation,
    t.receipt,
)


class Undone(Exception):
    """Ends a transaction that was only looked into."""


class Inside:
    """A store within a transaction that is going to be undone."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def read(self, fn: Callable[[Connection], Any]) -> Any:
        return fn(self._conn)

    write = read


@dataclass
class Scene:
    """A county in which something has happened, and what its liars need to know."""

    county: County
    hub: Place
    township: Place
    village: Place
    topic: bytes

    def liar(self, place: Place) -> Liar:
        c = t.topic.c
        rows = self.village.store.read(lambda conn: conn.execute(select(c.topic, c.salt)).all())
        return Liar(place.me.deployment, place.me.signer, place.me.serial, {row.topic: row.salt for row in rows})

    def tip(self, place: Place, feed: FeedId) -> Tip:
        found = place.store.read(lambda conn: feed_store.tip_of(conn, Branch(feed, 0)))
        return found or Tip(0, genesis(place.me.deployment, feed))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    county, hub, township, village = small_county(tmp_path_factory.mktemp("county"))
    topic = village.open_case({"name": "张三"})
    village.write(village.author, topic, 65, {"reason": "改"})
    for _ in range(2):
        county.sync(village, township)
        county.sync(township, hub)
        county.judge(village.author)
    yield Scene(county, hub, township, village, topic)
    for place in county.places.values():
        place.store.close()


def rows(conn: Connection) -> list[int]:
    return [conn.execute(select(func.count()).select_from(table)).scalar_one() for table in TABLES]


def look(place: Place, peer: int, frames: Sequence[Frame]) -> Taken:
    """Take the frames, see that all is well, undo it. Raises what the product raises."""
    found: list[Taken] = []

    def run(conn: Connection) -> None:
        before = rows(conn), feed_store.frontier(conn, [up(3), down(2, 3), down(HUB, 3), TO_ALL])
        taken = place.replica.take_entries(conn, frames, peer, NOW)
        found.append(taken)
        if taken.entries:
            assert check_replica(conn, place.me, place.replica.blobs).wrong == []
        else:
            assert before == (rows(conn), feed_store.frontier(conn, [up(3), down(2, 3), down(HUB, 3), TO_ALL]))
        raise Undone

    with pytest.raises(Undone):
        place.store.write(run)
    return found[0]


def carried(segments: Sequence[Segment]) -> list[Frame]:
    """As they come off the wire; nothing if the wire's own bounds refuse one of them."""
    try:
        return [parse_frame(canonical.pack(_fields(segment))) for segment in segments]
    except BadBytes:
        return []


def station_lies(scene: Scene) -> list[Lie]:
    """What a village may say, and what it may not."""
    opening = tree(canonical.unpack(pack_opening(Opening(bytes(16), ((1, b"w"),), b"\xc0")), bytes_max=99))
    note = [200, b"", 7, NOW]
    change = [65, scene.topic, 7, NOW, 1, [0, 0, 2**32]]
    stray = [65, bytes([1] * 16), 7, NOW, 1, [0, 0, 0]]
    opened = [64, bytes(16), 7, NOW, 1, [0, 0, 0], [[bytes(32), 9, 0], [bytes(32), 9, 1]], 20_000, 1]
    own = [Lie([kind, b"", 0, NOW], KINDS[name].samples[0]) for kind, name in enumerate(MEMBERS, 1)]
    body = tree({"reason": "改", "n": 1})
    return [
        Lie(note, body),
        Lie(change, body),
        Lie(change, body),
        Lie(stray, body),
        Lie(opened, opening),
        Lie(opened, opening),
        *own,
    ]


def test_what_a_village_signs_is_taken_whole_or_leaves_no_trace(scene):
    feed, seen = up(scene.village.author), Counter()
    liar, stranger = scene.liar(scene.village), scene.liar(scene.township)
    tip, start = scene.tip(scene.hub, feed), genesis(scene.hub.me.deployment, feed)
    feeds = [feed] * 9 + [down(scene.village.author, 2), down(2, 3), up(2), up(9), TO_ALL]
    lies = station_lies(scene)

    @THIRD
    @given(
        made=st.lists(st.tuples(places(tip, start), entries(lies, 3)), min_size=1, max_size=2),
        feed=st.sampled_from(feeds),
        serial=st.sampled_from([0] * 6 + [1, 2, 99, 99, 2**32 - 1]),
        who=st.sampled_from([liar] * 8 + [stranger]),
    )
    def run(made, feed, serial, who):
        segments = [who.segment(feed, *place, items, serial) for place, items in made]
        taken = look(scene.hub, scene.township.author, carried(segments))
        seen.update(fault.code for fault in taken.faults)
        seen["taken"] += taken.entries

    run()
    wanted = {"taken", "not_canonical", "gap", "bad_signature", "unknown_certificate", "not_for_us"}
    assert wanted <= set(seen), seen


def test_what_the_county_signs_has_its_effect_or_none_and_stops_nobody(scene):
    liar, seen = scene.liar(scene.hub), Counter()
    choices = [(feed, scene.tip(scene.village, feed)) for feed in (TO_ALL, down(HUB, 3))]
    lies = [Lie([kind, b"", 0, NOW], KINDS[name].samples[0]) for kind, name in enumerate(MEMBERS, 1)]
    lies += [Lie([100 + kind, b"", 0, NOW], KINDS["any value"].samples[4]) for kind in range(6)]

    @THIRD
    @given(made=entries(lies, 3), which=st.integers(0, 1))
    def run(made, which):
        feed, tip = choices[which]
        taken = look(
            scene.village, scene.township.author, carried([liar.segment(feed, 0, tip.number + 1, tip.head, made)])
        )
        seen.update(fault.code for fault in taken.faults)
        seen["taken"] += taken.entries

    run()
    assert seen["taken"] > 10 and seen["not_canonical"] > 10, seen


def test_a_spoiled_copy_of_true_segments_is_never_taken(scene):
    """A carrier between the two spoils what the author truly signed."""
    feed = up(scene.village.author)
    scene.village.write(scene.village.author, scene.topic, 65, {"reason": "再改"})
    held = scene.tip(scene.hub, feed).number
    whole = scene.village.store.read(lambda conn: [s for s, _ in feed_store.cut(conn, Branch(feed, 0), held, 10**6)])
    good = [tree(canonical.unpack(canonical.pack(_fields(segment)), bytes_max=10**6)) for segment in whole]
    assert look(scene.hub, scene.township.author, carried(whole)).entries == 1

    @THIRD
    @given(recipe=RECIPES)
    def run(recipe):
        data = spoiled(good, recipe)
        try:
            frame = parse_frame(data)
        except BadBytes:
            return
        taken = look(scene.hub, scene.township.author, [frame])
        assert taken.entries == (data == encode(good[recipe[0] % len(good)]))

    run()
