"""The check of a replica reads in stretches: what lies on their edges is looked at like everything else."""

from __future__ import annotations

import sqlalchemy as sa

from sync_protocol import fsck
from sync_protocol.judging import Verdict
from sync_protocol.order import Standing
from sync_protocol.reading import home_of
from sync_protocol.store import tables as t
from tests.sync_protocol.county import small_county

CASES = 11


def _filled(folder):
    """Cases that were judged a few at a time, so that several records speak of one stretch; the last is pending."""
    county, hub, township, village = small_county(folder)
    verdicts = [Verdict(Standing.ADMITTED), Verdict(Standing.HELD, "later"), Verdict(Standing.REFUSED, "no", "x")]
    for number in range(CASES):
        village.open_case({"n": number})
        if number % 3 == 2:
            county.sync(village, township)
            county.sync(township, hub)
            county.judge(village.author, lambda topic, entry: verdicts[entry.body["n"] % 3])
    county.sync(township, hub)
    county.sync(village, township)
    return village


def _check(place):
    return place.store.read(lambda conn: fsck.check_replica(conn, place.me, place.replica.blobs))


def test_every_standing_is_placed_anew_whatever_the_stretch(tmp_path, monkeypatch):
    village = _filled(tmp_path)
    e = t.entry.c
    of_village = sa.and_(e.home == village.author, e.type == 64)
    stored = village.store.read(lambda conn: set(conn.execute(sa.select(e.standing).where(of_village)).scalars()))
    assert stored == set(map(int, Standing))
    for stretch in (1, 2, 3, 4, CASES, 100):
        monkeypatch.setattr(fsck, "_STRETCH", stretch)
        assert _check(village).wrong == []
        for number in range(1, CASES + 1):
            where = sa.and_(of_village, e.number == number)
            right = village.store.write(
                lambda conn, where=where: conn.execute(sa.select(e.place).where(where)).scalar()
            )
            change = sa.update(t.entry).where(where)
            village.store.write(lambda conn, change=change: conn.execute(change.values(place=999)))
            found = _check(village).wrong
            assert len(found) == 1 and f"up:{village.author} 0/{number}: standing is" in found[0], found
            village.store.write(lambda conn, change=change, right=right: conn.execute(change.values(place=right)))


def test_a_signature_where_no_entry_is_is_named(tmp_path):
    village = _filled(tmp_path)
    h = t.head_signature
    of_village = sa.and_(sa.func.substr(h.c.feed, 1, 1) == b"\x01")

    def add(conn):
        row = dict(conn.execute(sa.select(h).where(of_village).order_by(h.c.number.desc()).limit(1)).mappings().one())
        conn.execute(sa.insert(h).values(row | {"number": row["number"] + 1}))

    village.store.write(add)
    assert "signed entries are missing" in " ".join(_check(village).wrong)


def test_what_is_wrong_is_listed_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(fsck, "WRONG_MAX", 3)
    found = fsck.Findings()
    for number in range(10):
        found.say(str(number))
    assert found.wrong == ["0", "1", "2", "more is wrong than these 3"]


def test_a_case_is_found_by_its_topic_alone_without_going_through_all(tmp_path):
    _, _, _, village = small_county(tmp_path)
    topic = village.open_case({})
    asked = []

    def look(conn):
        sa.event.listen(conn, "before_cursor_execute", lambda *words: asked.append(words[2]))
        assert home_of(conn, topic) == village.author
        return [str(row) for row in conn.exec_driver_sql("EXPLAIN QUERY PLAN " + asked[0], (topic,))]

    assert all("SEARCH" in step for step in village.store.read(look))
