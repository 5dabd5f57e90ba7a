"""A validly signed entry with a senseless body changes nothing and holds up nothing."""

from __future__ import annotations

import pytest

from casework.case_lists import CaseQuery
from casework.changes import ChangeKind
from casework.fsck import look_at_cases
from casework.policy import Person, Role
from sync_protocol import canonical
from sync_protocol.feeds import up
from sync_protocol.journal import Message
from tests.hub.hall import Hall
from tests.sync_protocol.county import REGION, VILLAGE

ADMIN = Person(1, "陈管理", Role.SUPERVISOR, 1, REGION)


@pytest.mark.parametrize(
    "body",
    [
        {"account": "9" * 30, "hash": "x", "over": []},
        {"account": None, "hash": "x", "over": []},
        {"account": 2**62, "hash": 5, "over": "no"},
        ["not", "a", "map"],
        None,
    ],
)
def test_a_senseless_password_entry_stops_nobody(hall: Hall, body: object) -> None:
    agent = hall.add_user("li", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    village = hall.village
    packed = canonical.pack(body)
    village.store.write(
        lambda conn: village.replica.journal.tell(
            conn, up(village.author), int(ChangeKind.STAFF_PASSWORD), packed, hall.writing()
        )
    )
    topic = hall.collect(agent)
    hall.sync()
    hall.judge()
    assert [entry.standing for entry in hall.hub.changes(village.author, topic)] == ["ordered"]


@pytest.mark.parametrize("nul", ["name", "code", "item", "ref"])
def test_a_text_that_a_database_cannot_keep_stops_nobody(hall: Hall, nul: str) -> None:
    """PostgreSQL keeps no NUL in a text; the log keeps what its author wrote, lists show a mark in its place."""
    agent = hall.add_user("li", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    body = dict(hall.changes(hall.village, hall.collect(agent))[0].body)
    village, journal = hall.village, hall.village.replica.journal
    topic, key = journal.new()
    body |= {"applicant": {**body["applicant"], "name": "张\0三"}} if nul == "name" else {nul: "a\0b"}
    readers = [hall.hub.author]
    village.store.write(
        lambda conn: journal.open(conn, topic, key, readers, Message(int(ChangeKind.COLLECT), body), hall.writing())
    )
    last = hall.collect(agent)
    hall.sync()
    hall.judge()
    assert [entry.standing for entry in hall.changes(hall.hub, last)] == ["ordered"]
    row = hall.row(hall.hub, topic)
    assert getattr(row, nul) == ("张\ufffd三" if nul == "name" else "a\ufffdb")
    assert hall.changes(hall.hub, topic)[0].body == body
    log = hall.topics(hall.hub)
    assert look_at_cases(hall.hub.store, log).wrong == []
    found = hall.hub.store.read(lambda conn: hall.desk(hall.hub).find(conn, ADMIN, CaseQuery(text="张\0三")))
    assert (topic in {one.topic for one in found.rows}) == (nul == "name")
