"""Result documents on their way down: they go on where they stopped, over every hop, whatever was cut or killed."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from sync_protocol.answerer import Answerer
from sync_protocol.dialer import Dialer
from sync_protocol.entries import BlobRole
from sync_protocol.journal import Writing
from sync_protocol.limits import BLOB_CHUNK_BYTES_MAX, WANTS_MAX
from sync_protocol.messages import Chunk, Frame, Want, pack_message, parse_message
from sync_protocol.replica import Replica
from sync_protocol.store import tables as t
from sync_protocol.store.blob_files import BlobFiles
from sync_protocol.topics import Topics
from sync_protocol.under_way import Sent
from tests.sync_protocol.county import County, Place, small_county

DOCUMENT_CHUNKS = 9


@pytest.fixture
def county(tmp_path: Path):
    return small_county(tmp_path)


def topics(place: Place) -> Topics:
    return Topics(lambda: place.replica)


def attach(hub: Place, village: Place, topic: bytes) -> bytes:
    """A result document of the county, of DOCUMENT_CHUNKS chunks; its name."""
    key = hub.store.read(lambda conn: topics(hub).key_of(conn, village.author, topic))
    plain = hub.replica.random_bytes(BLOB_CHUNK_BYTES_MAX * DOCUMENT_CHUNKS - 2_000)
    sealed = topics(hub).seal(key, plain, int(BlobRole.RESULT))
    hub.store.write(
        lambda conn: topics(hub).write(
            conn, village.author, topic, (74, {}), [sealed.ref], actor=1, time=hub.clock.now, quality=1
        )
    )
    return sealed.ref.hash


def restarted(place: Place, folder: Path, name: str) -> None:
    """The process died: what it knew is gone, what it wrote is there."""
    place.replica = Replica(place.me, BlobFiles(folder / f"{name}-blobs"), place.replica.random_bytes)


def take_in(c: County, dialer: Dialer, child: Place, sent: Sent, frames: list[Frame], *, killed: bool) -> None:
    """The child takes the answer; `killed` dies after the bytes were written, before the database heard of them."""
    progress = child.store.write(lambda conn: dialer.absorb_entries(conn, sent, frames, c.clock.now))
    whole = dialer.absorb_chunks(progress)
    if not (killed and progress.chunks and not whole):
        child.store.write(lambda conn: dialer.absorb_states(conn, sent, frames, whole, progress, c.clock.now))


def ask(c: County, dialer: Dialer, child: Place, parent: Place) -> tuple[Sent, list[Frame]]:
    """A request and the parent's whole answer, not yet taken by the child."""
    now = c.clock.now
    sent = child.store.read(lambda conn: dialer.compose(conn, now, 0))
    answerer = Answerer(parent.replica, child.author, parse_message(pack_message(sent.frames)))
    parent.store.write(lambda conn: answerer.take(conn, now))
    answerer.chunks()
    parent.store.write(lambda conn: answerer.settle(conn, Writing(0, now, 1)))
    answer = parent.store.write(lambda conn: answerer.answer(conn, now))
    return sent, parse_message(pack_message(answer.frames))


def test_a_document_goes_on_where_it_stopped_after_a_kill_on_each_hop(county, tmp_path):
    c, hub, township, village = county
    topic = village.open_case({"name": "张三"})
    c.sync(village, township)
    c.sync(township, hub)
    c.judge(village.author)
    document = attach(hub, village, topic)
    for child, parent, name in ((township, hub, "township"), (village, township, "village")):
        received = 0
        for _ in range(40):
            dialer = Dialer(child.replica, parent.author)  # knows nothing: each round is a new process
            while not child.replica.blobs.holds(document):
                sent, frames = ask(c, dialer, child, parent)
                wants = {h: at for f in sent.frames if isinstance(f, Want) for h, at in f.blobs}
                if document in wants:
                    assert wants[document] == child.replica.blobs.offset(document)
                chunks = [frame for frame in frames if isinstance(frame, Chunk)]
                received += sum(len(chunk.data) for chunk in chunks)
                take_in(c, dialer, child, sent, frames, killed=True)
                if chunks:
                    break
            restarted(child, tmp_path, name)
            if child.replica.blobs.holds(document):
                break
        length = (child.replica.blobs.path(document)).stat().st_size
        assert received == length, "bytes were sent twice"
        c.sync(child, parent)
    assert all(place.replica.blobs.check(document) for place in (hub, township, village))


def test_on_a_link_that_cuts_every_large_answer_a_document_still_comes_down(county):
    """Up for so short a time that an answer of full size never ends: what was cut is lost, so less is asked for."""
    c, hub, township, village = county
    topic = village.open_case({"name": "张三"})
    c.sync(village, township)
    c.sync(township, hub)
    c.judge(village.author)
    document = attach(hub, village, topic)
    dialer = Dialer(township.replica, hub.author)
    lost = 0
    for _ in range(60):
        if township.replica.blobs.holds(document):
            break
        sent, frames = ask(c, dialer, township, hub)
        if sum(len(frame.data) for frame in frames if isinstance(frame, Chunk)) > BLOB_CHUNK_BYTES_MAX:
            dialer.forget(sent)
            dialer.drop(sent)
            lost += 1
            continue
        take_in(c, dialer, township, sent, frames, killed=False)
    assert township.replica.blobs.holds(document), f"{lost} answers were too large for the link"
    assert lost >= 1


def brought_up(county, *scans: bytes) -> list[bytes]:
    """Hashes of scans of a case each, which all three places hold."""
    c, hub, township, village = county
    for scan in scans:
        village.open_case({}, pages=(scan,))
    c.sync(village, township)
    c.sync(township, hub)
    pages = village.store.read(lambda conn: conn.execute(sa.select(t.blob.c.hash)).scalars().all())
    assert len(pages) == len(scans) and all(hub.replica.blobs.holds(page) for page in pages)
    return list(pages)


def lose(pages: list[bytes], *places: Place) -> None:
    """As after their machines were replaced: the entries came back, the scans did not."""
    for place in places:
        for page in pages:
            place.replica.blobs.path(page).unlink()
        place.store.write(lambda conn: conn.execute(sa.update(t.blob).values(held=0)))


def test_a_scan_that_station_and_township_have_lost_comes_back_from_the_county(county):
    c, hub, township, village = county
    (page,) = brought_up(county, b"scan" * 500)
    lose([page], village, township)
    stations, halls = Dialer(village.replica, township.author), Dialer(township.replica, hub.author)
    for _ in range(4):
        c.exchange(stations, village, township)
        c.exchange(halls, township, hub)
    assert township.replica.blobs.holds(page) and village.replica.blobs.holds(page)
    assert township.replica.asked_below == {}
    asked = c.exchange(halls, township, hub)
    assert asked.blobs_received == 0


def test_what_the_county_lacks_too_is_asked_for_once_for_each_time_that_the_child_asks(county):
    c, hub, township, village = county
    (page,) = brought_up(county, b"scan" * 500)
    lose([page], village, township, hub)
    stations, halls = Dialer(village.replica, township.author), Dialer(township.replica, hub.author)
    c.exchange(stations, village, township)
    c.exchange(halls, township, hub)  # who holds what
    asked = []
    for child_asks in (True, False, False, True, False):
        if child_asks:
            c.exchange(stations, village, township)
        sent, frames = ask(c, halls, township, hub)
        take_in(c, halls, township, sent, frames, killed=False)
        asked.append(page in sent.wants())
    assert asked == [True, False, False, True, False]


def test_more_than_one_answer_holds_comes_down_though_the_child_asked_once(county):
    c, hub, township, village = county
    pages = brought_up(county, *(bytes([number]) * 150_000 for number in range(8)))
    lose(pages, village, township)
    stations, halls = Dialer(village.replica, township.author), Dialer(township.replica, hub.author)
    for _ in range(2):
        c.exchange(halls, township, hub)
        c.exchange(stations, village, township)  # the second one asks
    for _ in range(50):
        if not c.exchange(halls, township, hub).again:
            break
    assert all(township.replica.blobs.holds(page) for page in pages)


def test_what_is_asked_of_a_relay_is_bounded(county):
    _, _, township, _ = county
    for number in range(3 * WANTS_MAX):
        township.replica.ask_above_for(number.to_bytes(32, "big"), 9)
    assert len(township.replica.asked_below) == WANTS_MAX
    assert next(reversed(township.replica.asked_below)) == (3 * WANTS_MAX - 1).to_bytes(32, "big")
