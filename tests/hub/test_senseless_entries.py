"""A validly signed entry with a senseless body changes nothing and holds up nothing."""

from __future__ import annotations

import pytest

from casework.changes import ChangeKind
from casework.policy import Role
from sync_protocol import canonical
from sync_protocol.feeds import up
from tests.hub.hall import Hall
from tests.sync_protocol.county import VILLAGE


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
