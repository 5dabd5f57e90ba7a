"""In which order scans go up: what lets somebody begin to read first, what was asked for before that, each once."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_protocol import canonical
from sync_protocol.asking import pack_ask, parse_ask
from sync_protocol.dialer import Dialer
from sync_protocol.entries import BlobRef, BlobRole, EntryType
from sync_protocol.errors import BadBytes
from sync_protocol.feeds import down, up
from sync_protocol.journal import Writing
from sync_protocol.limits import BLOB_CHUNK_BYTES_MAX, WANTS_MAX
from sync_protocol.messages import Chunk
from sync_protocol.store import blob_store
from sync_protocol.topics import Topics
from tests.sync_protocol.county import Place, small_county

PAGE, PREVIEW = int(BlobRole.PAGE), int(BlobRole.PREVIEW)


@pytest.fixture
def county(tmp_path: Path):
    return small_county(tmp_path)


def topics(place: Place) -> Topics:
    return Topics(lambda: place.replica)


def bring(village: Place, urgency: int, pages: int = 1, page_bytes: int = 70_000) -> list[BlobRef]:
    """A case with pages and previews; the blobs in the order in which its entry names them."""
    log = topics(village)
    topic, key = log.new()
    refs = []
    for _ in range(pages):
        refs.append(log.seal(key, village.replica.random_bytes(page_bytes), PAGE).ref)
        refs.append(log.seal(key, village.replica.random_bytes(3_000), PREVIEW).ref)
    village.store.write(
        lambda conn: log.open(
            conn, topic, key, (64, {}), refs, relays_read=False, actor=7, time=village.clock.now, quality=1,
            urgency=urgency,
        )
    )  # fmt: skip
    return refs


def queue(place: Place, parent: Place, village: Place) -> list[bytes]:
    homes = [village.author]
    return [b.hash for b in place.store.read(lambda conn: blob_store.unacknowledged(conn, homes, parent.author, 99))]


def sent_chunks(dialer: Dialer, place: Place) -> list[bytes]:
    place.replica.message_target_bytes = BLOB_CHUNK_BYTES_MAX  # one chunk a message, as on a slow link
    frames = place.store.read(lambda conn: dialer.compose(conn, place.clock.now, 0)).frames
    return [frame.hash for frame in frames if isinstance(frame, Chunk)]


def test_every_preview_goes_before_any_page_and_the_urgent_case_first(county):
    _, _, township, village = county
    late, soon, never = bring(village, 20_010, pages=2), bring(village, 20_001), bring(village, 0)
    expected = [soon[1], late[1], late[3], never[1], soon[0], late[0], late[2], never[0]]
    assert queue(village, township, village) == [ref.hash for ref in expected]


def test_a_blob_that_two_cases_name_is_queued_once_and_as_the_more_urgent(county):
    _, _, township, village = county
    first, other = bring(village, 20_010), bring(village, 20_005)
    log = topics(village)
    topic, key = log.new()
    village.store.write(
        lambda conn: log.open(
            conn, topic, key, (64, {}), first, relays_read=False, actor=7, time=1, quality=1, urgency=20_001
        )
    )
    expected = [first[1], other[1], first[0], other[0]]
    assert queue(village, township, village) == [ref.hash for ref in expected]
    assert village.store.read(lambda conn: blob_store.count_unacknowledged(conn, [village.author], 1)) == 4


def test_what_the_county_asks_for_jumps_the_queue_at_the_village_and_at_the_relay(county):
    c, hub, township, village = county
    cases = [bring(village, 20_001 + n) for n in range(4)]
    wanted = cases[-1][0].hash
    dialer = Dialer(village.replica, township.author)
    while not sent_chunks(dialer, village):
        c.exchange(dialer, village, township)
    assert sent_chunks(dialer, village)[0] == cases[0][1].hash
    c.sync(township, hub)

    hub.store.write(lambda conn: topics(hub).ask(conn, village.author, [wanted], actor=5, time=c.clock.now, quality=1))
    c.exchange(relay := Dialer(township.replica, hub.author), township, hub)
    c.exchange(relay, township, hub)
    c.exchange(dialer, village, township)
    c.exchange(dialer, village, township)
    assert sent_chunks(dialer, village)[0] == wanted, "the village does not send it next"
    assert village.store.read(lambda conn: topics(village).asked(conn, [wanted, b"x" * 32])) == {wanted: c.clock.now}

    c.sync(village, township)
    assert queue(township, hub, village)[0] == wanted, "the relay does not send it next"
    c.sync(township, hub)
    assert all(hub.replica.blobs.holds(ref.hash) for case in cases for ref in case)


def test_where_each_scan_is_follows_from_what_was_signed(county):
    c, hub, township, village = county
    (page, preview) = (ref.hash for ref in bring(village, 0))

    def tiers(place: Place) -> list[int]:
        found = place.store.read(lambda conn: topics(place).blob_holders(conn, village.author, [page, preview]))
        return [max(found[page], default=0), max(found[preview], default=0)]

    assert tiers(village) == [0, 0]
    c.sync(village, township)
    assert tiers(village) == tiers(township) == [1, 1]
    c.sync(township, hub)
    assert tiers(hub) == [2, 2] and tiers(village) == [1, 1]
    c.sync(township, hub)
    c.sync(village, township)
    assert tiers(village) == [2, 2]


def test_only_an_ancestor_can_ask_and_a_bad_ask_changes_nothing(county):
    c, hub, township, village = county
    page = bring(village, 0)[0].hash
    writing = Writing(0, c.clock.now, 1)
    own, asking = up(village.author), pack_ask([page])
    bodies = [b"", canonical.pack([]), canonical.pack([page, page]), canonical.pack([b"short"]), canonical.pack(7)]
    village.store.write(lambda conn: village.replica.journal.tell(conn, own, EntryType.ASK, asking, writing))
    for body in bodies:
        with pytest.raises(BadBytes):
            parse_ask(body)
        hub.store.write(
            lambda conn, b=body: hub.replica.journal.tell(conn, down(1, village.author), EntryType.ASK, b, writing)
        )
    with pytest.raises(BadBytes):
        parse_ask(pack_ask([bytes([n]) * 32 for n in range(WANTS_MAX + 1)]))
    c.sync(township, hub)
    c.sync(village, township)
    for place in (hub, township, village):
        assert place.store.read(lambda conn, p=place: topics(p).asked(conn, [page])) == {}


def test_a_change_may_name_as_many_blobs_as_a_long_file_has_pages_and_previews(county):
    c, hub, township, village = county
    refs = bring(village, 0, pages=60, page_bytes=100)
    c.sync(village, township)
    c.sync(township, hub)
    assert all(hub.replica.blobs.holds(ref.hash) for ref in refs)
