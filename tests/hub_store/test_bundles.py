"""Bundles at a hub whose database is a file or PostgreSQL's."""

from __future__ import annotations

from sync_protocol.feeds import HUB
from tests.sync_protocol.sticks import carry, take, write

PAGE = bytes(range(256)) * 900


def test_a_stick_up_and_its_answer_down(county):
    hub, village = county.places[HUB], county.places[3]
    topic = village.open_case({"name": "张三"}, pages=(PAGE, PAGE[::-1]))
    bundle, _ = write(village, HUB)
    done = take(hub, bundle)
    assert (done.new_entries, done.new_blobs, done.refused) == (1, 2, [])
    again = take(hub, bundle)
    assert (again.new_entries, again.new_blobs, again.refused) == (0, 0, [])
    assert county.judge(village.author) == [topic]
    assert carry(hub, village).refused == []
    assert [entry.standing for entry in village.changes(village.author, topic)] == ["ordered"]
    _, nothing = write(village, HUB)
    assert (nothing.entries, nothing.pages) == (0, 0)


def test_two_programs_take_the_same_stick_at_once(twice):
    """An operator's command beside a colleague's page, over one database."""
    from concurrent.futures import ThreadPoolExecutor

    village = twice.village
    for n in range(5):
        village.open_case({"n": n}, pages=(bytes([n]) * 5000,))
    bundle, _ = write(village, HUB)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda place: take(place, bundle), twice.hubs))
    assert sum(one.new_entries for one in done) == 5
    assert all(one.refused == [] and one.left == 0 for one in done)
    assert carry(twice.hubs[0], village).refused == []
