"""What the county held because it did not know enough is judged again once it knows more."""

from __future__ import annotations

import sqlalchemy as sa

from casework.case_tables import catalogue_item
from casework.policy import Role
from hub.judge import KNOWN_BY_NOW, judge_one_home, unsettled_homes
from sync_protocol.feeds import HUB, down
from sync_protocol.frontier import Branch
from sync_protocol.store import feed_store
from tests.hub.hall import ITEM, Hall
from tests.sync_protocol.county import VILLAGE


def _head(hall: Hall) -> int:
    branch = Branch(down(HUB, hall.village.author), 0)
    tip = hall.hub.store.read(lambda conn: feed_store.tip_of(conn, branch))
    return tip.number if tip else 0


def test_an_entry_held_for_an_item_unknown_here_is_judged_again_when_it_is_known(hall: Hall) -> None:
    hall.publish()
    agent = hall.add_user("li", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    topic = hall.collect(agent)
    mine = catalogue_item.c.key == ITEM
    rows = hall.hub.store.read(lambda conn: conn.execute(sa.select(catalogue_item).where(mine)).mappings().all())
    hall.hub.store.write(lambda conn: conn.execute(sa.delete(catalogue_item).where(mine)))
    hall.sync()
    hall.judge()
    entry = hall.hub.changes(hall.village.author, topic)[0]
    assert (entry.standing, entry.code) == ("held", "item_unknown")

    def again(conn: sa.Connection) -> list[bytes]:
        desk = hall.desk(hall.hub)
        return judge_one_home(
            conn,
            hall.hub.replica.journal,
            hall.topics(hall.hub),
            desk,
            hall.village.author,
            hall.now(),
            again=KNOWN_BY_NOW,
        ).topics

    before = _head(hall)
    assert hall.village.author in hall.hub.store.read(unsettled_homes)
    assert hall.hub.store.write(again) == []
    assert _head(hall) == before, "looking again and knowing no more writes nothing"
    hall.hub.store.write(lambda conn: conn.execute(sa.insert(catalogue_item), [dict(row) for row in rows]))
    assert hall.hub.store.write(again) == [topic]
    assert hall.hub.changes(hall.village.author, topic)[0].standing == "ordered"
