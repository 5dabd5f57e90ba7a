"""Accidents below the protocol: a full disk in a shared commit, scans twice at once, files gone bad."""

from __future__ import annotations

import asyncio
import errno
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import sqlalchemy as sa

from sync_protocol.answerer import Answerer
from sync_protocol.bell import Bell
from sync_protocol.body import HeldBody
from sync_protocol.crypto import sha256
from sync_protocol.dialer import Dialer
from sync_protocol.entries import FIRST_APPLICATION_TYPE, Header, Opening, pack_opening, topic_of
from sync_protocol.errors import DiskFull, NotCanonical
from sync_protocol.feeds import up
from sync_protocol.frontier import Branch
from sync_protocol.journal import Writing
from sync_protocol.judging import Verdict, settle
from sync_protocol.messages import Chunk
from sync_protocol.order import Standing
from sync_protocol.server import Parent
from sync_protocol.store import async_store, feed_store
from sync_protocol.store.blob_files import BlobFiles, Disk, DiskFailed
from sync_protocol.store.seam import SqliteStore
from tests.sync_protocol.county import County, Place, small_county

Four = tuple[County, Place, Place, Place]


@pytest.fixture
def county(tmp_path: Path) -> Four:
    return small_county(tmp_path)


def test_a_full_disk_fails_everything_that_shared_the_commit(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "x.db", b"k" * 32)
    store.write(lambda conn: conn.execute(sa.text("create table t (v blob)")))

    def put(size: int):
        return lambda conn: conn.execute(sa.text("insert into t values (zeroblob(:n))"), {"n": size})

    store.write(put(10))
    pages = store.write(lambda conn: conn.exec_driver_sql("pragma page_count").scalar())
    store.write(lambda conn: conn.exec_driver_sql(f"pragma max_page_count = {pages + 4}").scalar())
    try:
        outcome = store.write_many([put(1), put(10_000_000), put(2)])
    except DiskFull:
        outcome = []
    with pytest.raises(DiskFull):
        store.write(put(10_000_000))
    rows = store.read(lambda conn: conn.execute(sa.text("select length(v) from t")).scalars().all())
    said = sum(not isinstance(result, BaseException) for result in outcome)
    assert len(rows) - 1 == said, "what was called saved is there, and nothing else"
    store.write(put(3))
    assert 3 in store.read(lambda conn: conn.execute(sa.text("select length(v) from t")).scalars().all())


class _SmallDisk(Disk):
    """Has room for so many bytes."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, file: BinaryIO, data: bytes) -> None:
        fits, self.room = data[: self.room], self.room - len(data)
        file.write(fits)
        if len(fits) < len(data):
            file.flush()
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_scan_goes_on_from_what_found_room(tmp_path: Path) -> None:
    disk = _SmallDisk(70)
    files = BlobFiles(tmp_path / "blobs", disk)
    data = bytes(range(100))
    name = sha256(data)
    with pytest.raises(DiskFull):
        files.extend(name, 100, 0, data)
    assert (files.offset(name), files.holds(name)) == (70, False)
    disk.room = 1000
    assert files.extend(name, 100, 70, data[70:])
    assert b"".join(files.pieces(name)) == data


def test_a_scan_put_on_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    files = BlobFiles(tmp_path / "blobs", _SmallDisk(5))
    with pytest.raises(DiskFull):
        files.put([b"a" * 4, b"b" * 4])
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


def test_one_scan_that_comes_twice_at_once_is_written_once(tmp_path: Path) -> None:
    rng = random.Random(5)
    for round_ in range(40):
        files = BlobFiles(tmp_path / str(round_))
        data = rng.randbytes(200_000)
        hash_ = sha256(data)
        threads = [threading.Thread(target=_bring, args=(files, hash_, data)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        _bring(files, hash_, data)
        assert files.check(hash_)


def _bring(files: BlobFiles, hash_: bytes, data: bytes) -> None:
    for at in range(0, len(data), 65536):
        files.extend(hash_, len(data), at, data[at : at + 65536])


@pytest.mark.parametrize("damage", ["gone", "short"])
def test_a_damaged_scan_holds_up_neither_its_neighbours_nor_the_link(county: Four, damage: str) -> None:
    c, _, township, village = county
    first = village.open_case({"name": "x"}, pages=(b"a" * 150_000,))
    second = village.open_case({"name": "y"}, pages=(b"b" * 150_000,))
    path = village.replica.blobs.path(village.changes(village.author, first)[0].blobs[0].hash)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:70_000])
    dialer = Dialer(village.replica, township.author)
    progress = [c.exchange(dialer, village, township) for _ in range(8)]
    assert not progress[-1].again
    good = village.changes(village.author, second)[0].blobs[0].hash
    assert township.replica.blobs.holds(good)


def test_messages_stay_small_until_the_link_has_carried_a_full_one(county: Four) -> None:
    """A short question that gets through says nothing of a link on which a long message is always cut."""
    c, _, township, village = county
    dialer = Dialer(village.replica, township.author)
    village.open_case({"name": "x"}, pages=(random.Random(3).randbytes(3_000_000),))
    for _ in range(2):
        c.exchange(dialer, village, township)
    for _ in range(3):
        dialer.forget()
    dialer._size.cut()
    kinds, sizes = [], []
    for _ in range(4):
        sent = village.store.read(lambda conn: dialer.compose(conn, c.clock.now, 0))
        kinds.append((sent.reached is not None, sent.entries > 0, bool(sent.blob_ends())))
        sizes.append(dialer._size.bytes // 1024)
        dialer.drop(sent)
        c.exchange(dialer, village, township)
    asks, blobs = (False, False, False), (True, False, True)
    assert kinds == [asks, blobs, blobs, blobs]
    assert sizes == [8, 8, 16, 32], "a question does not raise it, a full one does"


def test_messages_with_blobs_go_beside_each_other_and_carry_different_ones(county: Four) -> None:
    """What was dropped on the way goes again; what is under way goes once."""
    c, _, township, village = county
    dialer = Dialer(village.replica, township.author)
    village.open_case({"name": "x"}, pages=(b"a" * 50_000, b"b" * 50_000))
    for _ in range(2):
        c.exchange(dialer, village, township)
    one, other, third = (village.store.read(lambda conn: dialer.compose(conn, c.clock.now, 0)) for _ in range(3))
    assert len(one.blob_ends()) == len(other.blob_ends()) == 1
    assert not one.blob_ends().keys() & other.blob_ends().keys()
    assert not third.blob_ends(), "both are under way"
    dialer.drop(other)
    again = village.store.read(lambda conn: dialer.compose(conn, c.clock.now, 0))
    assert again.blob_ends() == other.blob_ends()


def test_after_a_cut_a_blob_goes_on_where_the_parent_has_it(county: Four) -> None:
    """A new program, which remembers nothing, sends no byte of it twice."""
    c, _, township, village = county
    topic = village.open_case({"name": "x"}, pages=(random.Random(4).randbytes(100_000),))
    ref = village.changes(village.author, topic)[0].blobs[0]
    first = Dialer(village.replica, township.author)
    for _ in range(3):
        c.exchange(first, village, township)
    reached = township.replica.blobs.offset(ref.hash)
    assert 0 < reached < ref.length
    second = Dialer(village.replica, township.author)
    c.exchange(second, village, township)
    sent = village.store.read(lambda conn: second.compose(conn, c.clock.now, 0))
    assert [frame.offset for frame in sent.frames if isinstance(frame, Chunk)] == [reached]


def test_an_answer_passes_over_a_damaged_scan(county: Four) -> None:
    _, _, _, village = county
    topic = village.open_case({"name": "x"}, pages=(b"a" * 150_000,))
    ref = village.changes(village.author, topic)[0].blobs[0]
    assert isinstance(village.replica.chunk(ref.hash, ref.length, 0), Chunk)
    village.replica.blobs.path(ref.hash).write_bytes(b"")
    assert village.replica.chunk(ref.hash, ref.length, 0) is None


def test_nobody_opens_another_homes_topic(county: Four) -> None:
    """A township knows the topics of its villages; it cannot open one of them as its own."""
    c, _, township, village = county
    topic = village.open_case({"name": "x"})
    c.sync(village, township)
    salt = b"s" * 16
    assert topic_of(township.author, salt) != topic
    header = Header(FIRST_APPLICATION_TYPE, topic, 7, c.clock.now, flags=1)
    draft = feed_store.Draft(header, pack_opening(Opening(salt, (), b"\xc0")))
    me = township.me

    def forge(conn: sa.Connection) -> None:
        branch = Branch(up(me.author), 0)
        feed_store.append(conn, me.deployment, me.signer, me.serial, branch, [draft], c.clock.now)

    with pytest.raises(NotCanonical, match="home can open"):
        township.store.write(forge)


def test_what_waits_behind_many_that_wait_is_reached(county: Four) -> None:
    """More waiting entries than one sitting takes must not hide one that has become ready."""
    c, hub, township, village = county
    topics = [village.open_case({"name": f"x{n}"}) for n in range(280)]
    for topic in topics:
        village.write(village.author, topic, 65, {"reason": "y"})
    c.sync(village, township)
    c.sync(township, hub)

    def hold_first(topic: bytes, entry) -> Verdict:
        return Verdict(Standing.HELD, "for_a_person") if entry.kind == 64 else Verdict(Standing.ADMITTED)

    while c.judge(village.author, hold_first):
        pass
    last = topics[-1]
    number = int(hub.changes(village.author, last)[0].ref.rsplit("/", 1)[1])

    hub.store.write(
        lambda conn: settle(
            conn,
            hub.replica.journal,
            village.author,
            (0, 0, number),
            Verdict(Standing.ADMITTED),
            Writing(1, c.clock.now, 1),
        )
    )
    assert c.judge(village.author, hold_first) == [last]
    assert [e.standing for e in hub.changes(village.author, last)] == ["ordered", "ordered"]


def test_a_disk_that_does_not_keep_what_it_is_given_ends_the_process() -> None:
    ended: list[int] = []

    def fail() -> None:
        raise DiskFailed("fsync")

    async_store.ending_on_disk_failure(fail, ended.append)
    assert ended == [async_store.EXIT_DISK_FAILED]


class _SlowStore:
    """A real store whose first write waits until the test lets it go on."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()

    async def write(self, fn: Callable[[sa.Connection], Any]) -> Any:
        self.entered.set()
        await self.go_on.wait()
        return self._store.write(fn)

    async def read(self, fn: Callable[[sa.Connection], Any]) -> Any:
        return self._store.read(fn)

    async def off_loop(self, fn: Callable[[], Any]) -> Any:
        return fn()


async def test_what_was_taken_is_followed_to_the_end_though_the_child_has_gone(county: Four) -> None:
    c, _, township, village = county
    topic = village.open_case({"name": "x"})
    dialer = Dialer(village.replica, township.author)
    c.exchange(dialer, village, township)
    sent = village.store.read(lambda conn: dialer.compose(conn, c.clock.now, 0))
    answerer = Answerer(township.replica, village.author, sent.frames)
    store, heard = _SlowStore(township.store), []

    async def no_enrolment(_request: bytes) -> bytes:
        raise AssertionError

    parent = Parent(
        replica=lambda: township.replica,
        store=store,
        bell=Bell(asyncio.get_running_loop()),
        now=lambda: c.clock.now,
        random_bytes=random.Random(1).randbytes,
        enrol=no_enrolment,
        count=lambda what, number: None,
        after_exchange=lambda followed, more: heard.append(list(followed.homes)),
    )
    handler = asyncio.create_task(parent._answer(answerer, HeldBody(b"")))
    await store.entered.wait()
    handler.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handler
    store.go_on.set()
    for _ in range(200):
        await asyncio.sleep(0.01)
        if heard:
            break
    assert heard == [[village.author]]
    assert [e.standing for e in township.changes(village.author, topic)] == ["tentative"]
