"""What is judged in the write that takes it in has its bounds, and whatever lies beyond them is judged afterwards."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sync_protocol import canonical, reading
from sync_protocol.blobs import wrap_key
from sync_protocol.entries import EntryType, Flag, Opening, pack_opening
from sync_protocol.feeds import up
from sync_protocol.frontier import Branch, Tip
from sync_protocol.fsck import check_replica
from sync_protocol.journal import Message, Writing, _topic_salt
from sync_protocol.judging import Verdict, has_waiting, judge_topics
from sync_protocol.limits import BODY_BYTES_MAX
from sync_protocol.order import RUN_ENTRIES_MAX, Standing, build_runs, pack_records, parse_runs, placements
from sync_protocol.reading import PlacedEntry
from sync_protocol.replica import Taken
from sync_protocol.segments import Segment
from sync_protocol.store import feed_store
from sync_protocol.store import tables as t
from sync_protocol.store.seam import touched
from tests.sync_protocol.county import County, Place, admit_all, small_county

Four = tuple[County, Place, Place, Place]


@pytest.fixture
def county(tmp_path):
    return small_county(tmp_path)


def told(verdicts: list[tuple[int, int, int, Standing, str, str]]) -> list[tuple[int, int, int, Standing, str, str]]:
    """What order records made of verdicts say to whoever reads them."""
    found = []
    for body in pack_records(build_runs(verdicts)):
        assert len(body) <= BODY_BYTES_MAX
        found += [(p.slot, p.epoch, p.number, p.standing, p.code, p.field) for p in placements(1, parse_runs(body))]
    return found


@pytest.mark.parametrize("count", [1, RUN_ENTRIES_MAX, RUN_ENTRIES_MAX + 1, 3 * RUN_ENTRIES_MAX])
def test_records_of_any_number_of_verdicts_can_be_read(count: int) -> None:
    in_a_row = [(0, 0, number, Standing.ADMITTED, "", "") for number in range(1, count + 1)]
    assert told(in_a_row) == in_a_row
    apart = [(0, 0, 2 * number, Standing.ADMITTED, "", "") for number in range(1, min(count, 5000) + 1)]
    assert told(apart) == apart
    wordy = [(1, 3, n, Standing.REFUSED, "c" * 64, "申" * 128) for n in range(1, min(count, 2000) + 1)]
    assert told(wordy) == wordy


def bulk(village: Place, counts: list[int]) -> list[Segment]:
    """Cases with so many changes each, as one message."""
    topics = [village.open_case({"n": n}) for n in range(len(counts))]
    rows = [
        (topic, Message(68, {"n": n})) for topic, count in zip(topics, counts, strict=True) for n in range(count - 1)
    ]
    village.store.write(lambda conn: village.replica.journal.write_all(conn, village.author, rows, village.writing()))
    branch = Branch(up(village.author), 0)
    return village.store.read(lambda conn: [segment for segment, _ in feed_store.cut(conn, branch, 0, 10**8)])


def take_and_judge(hub: Place, village: Place, segments: list[Segment], decide=admit_all, *, last: bool = True) -> bool:
    """Whether something is left to the worker."""

    def run(conn: sa.Connection) -> bool:
        taken = hub.replica.take_entries(conn, segments, village.author, hub.clock.now)
        assert not taken.faults, taken.faults
        topics = touched(conn)[village.author]
        writing = Writing(0, hub.clock.now, 1)
        judge_topics(conn, hub.replica.journal, village.author, topics, decide, writing, last=last)
        return has_waiting(conn, village.author)

    return hub.store.write(run)


def refuse_some(topic: bytes, entry: PlacedEntry) -> Verdict:
    return (
        Verdict(Standing.REFUSED, "no", "f") if int(entry.ref.rpartition("/")[2]) % 7 == 0 else admit_all(topic, entry)
    )


def take(place: Place, child: Place, segments: list[Segment]) -> Taken:
    return place.store.write(lambda conn: place.replica.take_entries(conn, segments, child.author, place.clock.now))


def standings(hub: Place) -> dict[tuple[int, str], int]:
    e = t.entry.c
    query = sa.select(e.standing, e.code, sa.func.count()).where(e.type >= 64, e.topic != b"")
    rows = hub.store.read(lambda conn: conn.execute(query.group_by(e.standing, e.code)).all())
    return {(row[0], row[1]): row[2] for row in rows}


def sound(hub: Place) -> None:
    assert hub.store.read(lambda conn: check_replica(conn, hub.me, hub.replica.blobs)).wrong == []


def test_more_than_a_record_holds_in_one_message_is_settled_once(county: Four) -> None:
    c, hub, _, village = county
    segments = bulk(village, [100] * 50)
    assert take_and_judge(hub, village, segments, refuse_some)  # a sitting has its bound
    seen = standings(hub)
    assert 3500 < sum(count for (standing, _), count in seen.items() if standing != Standing.PENDING) <= 4096
    assert not [code for (standing, code) in seen if standing == Standing.HELD]
    while c.judge(village.author):
        pass
    assert (int(Standing.PENDING), "") not in standings(hub) and sum(standings(hub).values()) == 5000
    records = sa.select(sa.func.count()).where(t.entry.c.type == EntryType.ORDER)
    assert hub.store.read(lambda conn: conn.execute(records).scalar_one()) >= 2
    sound(hub)


def test_a_case_with_very_many_changes_is_left_to_the_worker_and_the_others_are_not(county: Four) -> None:
    c, hub, _, village = county
    assert take_and_judge(hub, village, bulk(village, [3, 400, 3]))
    assert standings(hub) == {(int(Standing.ADMITTED), ""): 6, (int(Standing.PENDING), ""): 400}
    while c.judge(village.author):
        pass
    assert standings(hub) == {(int(Standing.ADMITTED), ""): 406}
    sound(hub)


def test_what_waits_is_looked_at_when_another_message_comes(county: Four) -> None:
    """`after` counts a feed's entries: what it waits for may concern another case, or none."""
    c, hub, township, village = county
    first, second = village.open_case({"n": 1}), village.open_case({"n": 2})
    c.sync(village, township)
    township.write(village.author, second, 67, {"defects": []})
    c.sync(village, township)
    village.write(village.author, first, 68, {"note": "补"})
    branch = Branch(up(village.author), 0)
    segments = village.store.read(lambda conn: [one for one, _ in feed_store.cut(conn, branch, 0, 10**6)])
    assert take_and_judge(hub, village, segments)
    assert standings(hub)[int(Standing.HELD), "awaits"] == 1
    c.sync(township, hub)
    assert hub.store.read(lambda conn: has_waiting(conn, village.author))
    while c.judge(village.author):
        pass
    assert standings(hub) == {(int(Standing.ADMITTED), ""): 4}
    assert not hub.store.read(lambda conn: has_waiting(conn, village.author))


def test_the_first_opening_counts_however_the_hops_cut_it(county: Four) -> None:
    _, hub, township, village = county
    journal = village.replica.journal
    topic, key = journal.new()

    def opening(conn: sa.Connection, readers: list[int]) -> None:
        box = {reader: journal._box_key(conn, reader) for reader in readers}
        wraps = tuple(
            (reader, wrap_key(key, box[reader], village.me.deployment, village.author, topic)) for reader in readers
        )
        header = journal._header(topic, Message(64, {}), village.writing(), (0, 0, 0))._replace(flags=int(Flag.OPENING))
        body = pack_opening(Opening(_topic_salt(key), wraps, canonical.pack({})))
        journal._append(conn, up(village.author), [feed_store.Draft(header, body)], village.clock.now)

    village.store.write(lambda conn: opening(conn, [1, township.author]))
    village.store.write(lambda conn: opening(conn, []))
    branch = Branch(up(village.author), 0)

    def cut(after: int, upto: int) -> tuple[Segment, Tip]:
        return village.store.read(lambda conn: next(feed_store.cut(conn, branch, after, 1, upto)))

    one, two, both = cut(0, 1)[0], cut(1, 2)[0], cut(0, 2)[0]
    for place, messages in ((township, [[one], [two]]), (hub, [[one, two]])):
        for frames in messages:
            assert not take(place, village, frames).faults
    assert len(both.items) == 2
    keys = [
        p.store.read(lambda conn, p=p: p.replica.journal.key_of(conn, village.author, topic)) for p in (township, hub)
    ]
    assert keys == [key, key]


def test_a_topic_with_many_entries_in_one_message_is_not_sorted_again_for_each(county: Four, monkeypatch) -> None:
    _, hub, _, village = county
    segments, asked = bulk(village, [1000]), []
    honest = reading._position
    monkeypatch.setattr(reading, "_position", lambda row: asked.append(0) or honest(row))
    take(hub, village, segments)
    assert 1000 <= len(asked) <= 3000
