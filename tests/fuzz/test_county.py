"""The application on top of a replica: what liars signed about cases, staff and reference data is projected, judged
and shown at the county without a fault, and the rows stay what the log says. Each example is undone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from casework import accounts_store, reference
from casework.case_lists import CaseQuery
from casework.catalogue_format import item_to_plain
from casework.changes import ChangeKind
from casework.errors import NotFound
from casework.fsck import look_at_cases
from casework.policy import Person, Role
from casework.staff_log import row_body
from casework.web.render import moment
from casework.workdays import china_day, year_to_plain
from hub.held import list_held
from hub.judge import judge_one_home
from hub.queue import HELD_BY_COUNTY, coming, queue
from sync_protocol import canonical
from sync_protocol.entries import Opening, pack_opening
from sync_protocol.feeds import HUB, TO_ALL, down, up
from sync_protocol.frontier import Branch
from sync_protocol.fsck import check_replica
from sync_protocol.store import feed_store
from sync_protocol.store import tables as t
from tests.casework.cases import body_of
from tests.fuzz.liar import Liar, Lie, entries
from tests.fuzz.spoil import tree
from tests.fuzz.test_cases import BODIES, ITEM, RIGHT
from tests.fuzz.test_replica import NOW, Inside, Undone, carried
from tests.hub.hall import REGION, Hall, build_hall
from tests.sync_protocol.county import VILLAGE, Place

TENTH = settings.get_profile("fuzz-tenth")
LOOKER = Person(9, "l", Role.SUPERVISOR, HUB, REGION)


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    found = build_hall(tmp_path_factory.mktemp("county"))
    found.add_user("v.agent", Role.VILLAGE_AGENT, VILLAGE)
    found.village.open_case(RIGHT[ChangeKind.COLLECT] | {"materials": []})
    found.sync()
    found.judge()
    found.sync()
    yield found
    for place in found.county.places.values():
        place.store.close()


def liar_of(hall: Hall, place: Place) -> Liar:
    c = t.topic.c
    rows = hall.village.store.read(lambda conn: conn.execute(sa.select(c.topic, c.salt)).all())
    return Liar(place.me.deployment, place.me.signer, place.me.serial, {row.topic: row.salt for row in rows})


def tip_of(place: Place, feed) -> object:
    return place.store.read(lambda conn: feed_store.tip_of(conn, Branch(feed, 0)))


def show(conn: Connection, hall: Hall, place: Place, seen: Counter[str]) -> None:
    """What pages read of every case, list and table."""
    topics, desk = hall.topics(place), hall.desk(place)
    for row in desk.find(conn, LOOKER, CaseQuery()).rows:
        assert moment(row.changed)
        try:
            seen[str(desk.view(conn, LOOKER, row.topic).state.state)] += 1
        except NotFound:
            seen["not found"] += 1
    reference.calendar(conn), reference.items(conn), reference.regions(conn), reference.addresses(conn)
    accounts_store.staff_rows(conn)
    if place.author == HUB:
        list_held(conn, topics, LOOKER)
        queue(conn, topics, LOOKER, HELD_BY_COUNTY, china_day(NOW)), coming(conn, topics, LOOKER, china_day(NOW))
    assert look_at_cases(Inside(conn), topics).wrong == []
    assert check_replica(conn, place.me, place.replica.blobs).wrong == []


def test_what_a_village_signs_of_cases_is_judged_and_shown(hall):
    place, feed, seen = hall.hub, up(hall.village.author), Counter()
    liar, tip = liar_of(hall, hall.village), tip_of(hall.hub, feed)
    topic = next(iter(liar.salts))
    wrapped = Opening(bytes(16), ((1, b"w"),), canonical.pack(RIGHT[ChangeKind.COLLECT] | {"materials": []}))
    opening = tree(canonical.unpack(pack_opening(wrapped), bytes_max=49_152))
    lies = [Lie([64, bytes(16), 7, NOW, 1, [0, 0, 0], [], 20_000, 1], opening)] * 4
    lies += [Lie([int(kind), topic, 7, NOW, 1, [0, 0, 0]], tree(RIGHT.get(kind) or body_of(kind))) for kind in BODIES]
    password = {"account": 1, "hash": "$argon2id$", "over": ["0" * 16]}
    lies += [Lie([101, b"", 7, NOW], tree(password))] * 3

    @TENTH
    @given(made=entries(lies, 3))
    def run(made):
        frames = carried([liar.segment(feed, 0, tip.number + 1, tip.head, made)])

        def work(conn: Connection) -> None:
            taken = place.replica.take_entries(conn, frames, hall.township.author, NOW)
            seen["taken"] += taken.entries
            place.store._project(conn)
            if taken.entries:
                judge_one_home(conn, place.replica.journal, hall.topics(place), hall.desk(place), 3, NOW)
                place.store._project(conn)
                show(conn, hall, place, seen)
            raise Undone

        with pytest.raises(Undone):
            place.store.write(work)

    run()
    assert seen["taken"] > 10 and seen["collected"] > 10, seen


def test_what_the_county_publishes_is_kept_or_passed_over_and_never_stops_a_station(hall):
    place, seen = hall.village, Counter()
    liar = liar_of(hall, hall.hub)
    account = hall.village.store.read(accounts_store.staff_rows)[0]
    year = hall.hub.store.read(reference.calendar).year(2026)
    assert year is not None
    bodies = {
        100: row_body(replace(account, row=99)),
        102: item_to_plain(replace(ITEM, version=99, legal_basis=(), steps=ITEM.steps[:1])),
        103: year_to_plain(year),
        104: {"text": "x"},
        110: {"id": bytes(16), "since": 1_790_000_000, "reason": "承诺不实"},
        106: {"author": 2, "url": "https://hall.example:8080"},
        105: {"rows": [[VILLAGE, "village", "341882103000", "村"], ["1", "2", "3", "4"]]},
    }
    lies = [Lie([kind, b"", 0, NOW], tree(body)) for kind, body in bodies.items()]
    tips = {feed: tip_of(place, feed) for feed in (TO_ALL, down(HUB, place.author))}

    @TENTH
    @given(made=entries(lies, 3), feed=st.sampled_from(list(tips)))
    def run(made, feed):
        frames = carried([liar.segment(feed, 0, tips[feed].number + 1, tips[feed].head, made)])

        def work(conn: Connection) -> None:
            taken = place.replica.take_entries(conn, frames, hall.township.author, NOW)
            seen["taken"] += taken.entries
            place.store._project(conn)
            if taken.entries:
                show(conn, hall, place, seen)
            raise Undone

        with pytest.raises(Undone):
            place.store.write(work)

    run()
    assert seen["taken"] > 10, seen
