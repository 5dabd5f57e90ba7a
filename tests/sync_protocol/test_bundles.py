"""Bundles: a county that has no links at all, and what may happen to a stick on its way."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from sqlalchemy import select

from sync_protocol.bundle_export import bundle_for
from sync_protocol.bundle_import import take_bundle
from sync_protocol.bundles import BundleFile
from sync_protocol.custody import Tier as CustodyTier
from sync_protocol.errors import BadBytes, SyncError, WrongDeployment, WrongReader
from sync_protocol.feeds import HUB, TO_ALL, up
from sync_protocol.frontier import Branch
from sync_protocol.holding import case_custody
from sync_protocol.store import feed_store, peers
from sync_protocol.store import tables as t
from sync_protocol.topology import Tier
from tests.sync_protocol.county import OTHER_VILLAGE, VILLAGE, Place, small_county
from tests.sync_protocol.sticks import carry, take, write

PAGE = bytes(range(256)) * 700


@pytest.fixture
def county(tmp_path: Path):
    return small_county(tmp_path)


def rows(place: Place) -> dict[str, list[tuple]]:
    """Everything in the database, to compare."""
    return place.store.read(
        lambda conn: {
            table.name: sorted(map(repr, conn.execute(select(table)).all())) for table in t.metadata.sorted_tables
        }
    )


def files(place: Place) -> list[str]:
    return sorted(path.name for path in place.replica.blobs._folder.rglob("*") if path.is_file())


def custody(place: Place, home: Place, township: Place, topic: bytes):
    return place.store.read(lambda conn: case_custody(conn, home.author, topic, township.author))


def kinds(place: Place, home: Place, topic: bytes) -> list[tuple[int, str]]:
    return [(entry.kind, entry.standing) for entry in place.changes(home.author, topic)]


def test_a_case_goes_up_and_its_decision_comes_down_by_stick_alone(county):
    c, hub, township, village = county
    topic = village.open_case({"name": "张三"}, pages=(PAGE, PAGE[::-1]))
    done = carry(village, hub)
    assert (done.new_entries, done.new_blobs, done.refused, done.left) == (1, 2, [], 0)
    assert done.homes == {village.author}
    assert c.judge(village.author) == [topic]
    hub.write(village.author, topic, 69, {"case_no": "1"})
    back = carry(hub, village)
    assert back.refused == []
    assert kinds(village, village, topic) == [(64, "ordered"), (69, "ordered")] == kinds(hub, village, topic)
    seen = custody(village, village, township, topic)
    assert (seen.tier, seen.blobs, seen.blobs_county) == (CustodyTier.COUNTY, 2, 2)


def test_a_second_stick_brings_only_what_the_first_answer_did_not_prove(county):
    _, hub, _, village = county
    village.open_case({"name": "张三"}, pages=(PAGE,))
    first, written = write(village, HUB)
    again, unproven = write(village, HUB)
    assert (unproven.entries, unproven.pages) == (written.entries, written.pages)  # a stick may be lost
    take(hub, first)
    carry(hub, village)
    _, nothing = write(village, HUB)
    assert (nothing.entries, nothing.pages) == (0, 0)
    assert take(hub, again).new_entries == 0
    village.open_case({"name": "李四"})
    _, more = write(village, HUB)
    assert (more.entries, more.pages) == (1, 0)
    _, everything = write(village, HUB, everything=True)
    assert everything.entries > more.entries and everything.pages == 1


def test_a_township_carries_what_its_villages_gave_it(county):
    c, hub, township, village = county
    topic = village.open_case({"name": "张三"}, pages=(PAGE,))
    carry(village, township)
    assert custody(township, village, township, topic).tier is CustodyTier.TOWNSHIP
    township.write(village.author, topic, 66, {"opinion": "同意"})
    assert carry(township, hub).new_blobs == 1
    c.judge(village.author)
    hub.write(village.author, topic, 69, {})
    carry(hub, township)
    carry(township, village)
    assert kinds(village, village, topic) == [(64, "ordered"), (66, "ordered"), (69, "ordered")]
    assert custody(village, village, township, topic).blobs_county == 1


def test_taken_twice_it_changes_nothing(county):
    _, hub, _, village = county
    village.open_case({"name": "张三"}, pages=(PAGE,))
    bundle, _ = write(village, HUB)
    take(hub, bundle)
    before, on_disk = rows(hub), files(hub)
    again = take(hub, bundle)
    assert (again.new_entries, again.new_blobs, again.refused) == (0, 0, [])
    assert (rows(hub), files(hub)) == (before, on_disk)


def test_every_byte_changed_in_turn_is_refused_whole(county):
    _, hub, _, village = county
    village.open_case({"name": "张三"}, pages=(b"a page",))
    bundle, _ = write(village, HUB)
    before, on_disk = rows(hub), files(hub)
    rng = random.Random(1)
    for at in range(len(bundle)):
        bad = bytearray(bundle)
        bad[at] ^= 1 << rng.randrange(8)
        with pytest.raises(SyncError):
            take(hub, bytes(bad))
    assert (rows(hub), files(hub)) == (before, on_disk)
    assert take(hub, bundle).new_entries == 1


def test_cut_at_every_length_or_extended_it_is_refused_whole(county):
    _, hub, _, village = county
    village.open_case({"name": "张三"}, pages=(b"a page",))
    bundle, _ = write(village, HUB)
    before, on_disk = rows(hub), files(hub)
    for length in range(len(bundle)):
        with pytest.raises(BadBytes):
            take(hub, bundle[:length])
    for more in (b"\0", bundle):
        with pytest.raises(BadBytes, match="after the bundle"):
            take(hub, bundle + more)
    assert (rows(hub), files(hub)) == (before, on_disk)


def test_two_bundles_do_not_mix(county):
    """Blocks, head or end of one in another: each is bound to its own file."""
    _, hub, _, village = county
    village.open_case({"name": "张三"})
    one, _ = write(village, HUB)
    two, _ = write(village, HUB)
    assert len(one) == len(two) and one != two
    before = rows(hub)
    for at in range(32, len(one), max(1, len(one) // 200)):
        for mixed in (one[:at] + two[at:], two[:at] + one[at:]):
            if mixed not in (one, two):
                with pytest.raises(SyncError):
                    take(hub, mixed)
    assert rows(hub) == before


def test_a_stick_from_another_county_is_refused(county, tmp_path):
    _, hub, _, _ = county
    (tmp_path / "other").mkdir()
    _, _, _, stranger = small_county(tmp_path / "other", seed=2)
    stranger.open_case({"name": "张三"})
    bundle, _ = write(stranger, HUB)
    before = rows(hub)
    with pytest.raises(WrongDeployment):
        take(hub, bundle)
    assert rows(hub) == before


def test_another_reader_says_whose_it_is_and_cannot_open_it(county):
    """A township through whose hands a village's stick goes to the county."""
    _, hub, township, village = county
    village.open_case({"name": "张三"})
    bundle, _ = write(village, HUB)
    before = rows(township)
    with pytest.raises(WrongReader) as caught:
        take(township, bundle)
    assert caught.value.evidence["reader"] == HUB
    assert rows(township) == before
    opened = BundleFile(io.BytesIO(bundle))
    with pytest.raises(SyncError):
        list(opened.messages(hub.me.root_key, HUB, township.me.box))
    assert "张三".encode() not in bundle


def test_a_bundle_for_a_machine_that_was_replaced_says_so(county):
    c, hub, _, village = county
    bundle, _ = write(hub, village.author)
    new = c.enrol(VILLAGE, Tier.VILLAGE, "new machine")
    with pytest.raises(WrongReader) as caught:
        take(new, bundle)
    assert caught.value.evidence["machine"]


def test_a_new_machine_gets_back_what_its_predecessor_sent(county):
    c, hub, _, village = county
    topic = village.open_case({"name": "张三"}, pages=(PAGE,))
    carry(village, hub)
    carry(hub, village)
    assert hub.store.read(lambda conn: peers.proven(conn, village.author))
    new = c.enrol(VILLAGE, Tier.VILLAGE, "new machine")
    assert hub.store.read(lambda conn: peers.proven(conn, village.author)) is None
    done = carry(hub, new)
    assert done.refused == [] and done.new_blobs == 1
    assert kinds(new, new, topic) == [(64, "tentative")]


def test_what_the_reader_lost_comes_with_everything(county):
    """The start that was assumed is too late: the gap is told, and `everything` closes it."""
    c, hub, _, village = county
    c.sync(c.places[2], hub)
    topic = village.open_case({"name": "张三"})
    carry(village, hub)
    carry(hub, village)
    village.write(village.author, topic, 65, {"reason": "改"})
    bundle, written = write(village, HUB)
    assert written.entries == 1
    (hub.replica.blobs._folder.parent / "restored").mkdir()
    fresh, _, _, _ = small_county(hub.replica.blobs._folder.parent / "restored", seed=1)
    restored = fresh.hub
    assert restored.me.deployment == hub.me.deployment
    told = take(restored, bundle)
    assert [fault.code for fault in told.refused] == ["gap"] and told.new_entries == 0
    assert carry(village, restored, everything=True).new_entries >= 2


def test_one_home_that_is_refused_holds_up_no_other(county):
    c, hub, township, village = county
    other = c.enrol(OTHER_VILLAGE, Tier.VILLAGE, "other")
    noise = random.Random(1)
    for _ in range(60):  # more than one message's worth
        village.open_case({"note": noise.randbytes(9000)})
    for place in (village, other):
        place.open_case({"name": "x"}, pages=(PAGE,))
        carry(place, township)
    wrong = t.head_signature.update().where(t.head_signature.c.feed == up(village.author).packed())
    township.store.write(lambda conn: conn.execute(wrong.values(signature=bytes(64))))
    done = carry(township, hub)
    assert [fault.code for fault in done.refused] == ["bad_signature"]
    assert (done.homes, done.new_entries, done.left) == ({other.author}, 2, 1)  # its case and its receipt
    assert done.new_blobs == 1


def test_a_station_that_is_new_here_is_known_by_what_its_bundle_brings(county):
    c, _, township, _ = county
    new = c.enrol(OTHER_VILLAGE, Tier.VILLAGE, "other")
    topic = new.open_case({"name": "x"})
    c.sync(new, c.hub)
    done = carry(new, township)
    assert done.refused == [] and new.author in done.homes
    assert kinds(township, new, topic)


def test_a_place_neither_above_nor_below_gets_no_bundle(county):
    c, _, _, village = county
    other = c.enrol(OTHER_VILLAGE, Tier.VILLAGE, "other")
    c.sync(village, c.places[2])
    with pytest.raises(SyncError):
        write(village, other.author)


def test_a_result_that_has_not_come_is_asked_for_again(county):
    """The entry came by link, its document did not: the next stick up says so and the answer brings it."""
    from sync_protocol.blobs import seal_blob
    from sync_protocol.entries import BlobRef
    from sync_protocol.journal import Message
    from sync_protocol.store import blob_store

    c, hub, township, village = county
    topic = village.open_case({"name": "x"})
    c.sync(village, township)
    c.sync(township, hub)
    c.judge(village.author)
    key = hub.store.read(lambda conn: hub.replica.journal.key_of(conn, village.author, topic))
    hash_, length = hub.replica.blobs.put(seal_blob(key, hub.me.deployment, b"s" * 16, b"the permit"))

    def attach(conn):
        blob_store.note_held(conn, hash_, length)
        result = Message(74, {"name": "证"}, (BlobRef(hash_, length, 2),))
        return hub.replica.journal.write(conn, village.author, topic, [result], hub.writing())

    hub.store.write(attach)
    bundle, written = write(hub, village.author)
    assert written.documents == 1
    village.store.write(
        lambda conn: village.replica.take_entries(
            conn,
            [frame for message in _opened(village, bundle) for frame in message],
            HUB,
            c.clock.now,
        )
    )
    assert not village.replica.blobs.holds(hash_)
    assert carry(village, hub).refused == []
    assert carry(hub, village).new_blobs == 1
    assert village.replica.blobs.holds(hash_)
    assert carry(village, hub).refused == []
    assert write(hub, village.author)[1].documents == 0


def _opened(place: Place, bundle: bytes):
    return BundleFile(io.BytesIO(bundle)).messages(place.me.root_key, place.author, place.me.box)


@pytest.mark.parametrize("at", ["certificates", "entries", "blob", "rows", "receipts"])
def test_killed_midway_it_is_imported_again(county, monkeypatch, at):
    c, hub, township, village = county
    topics = [village.open_case({"name": str(n)}, pages=(PAGE, bytes([n]) * 3000)) for n in range(3)]
    bundle, _ = write(village, HUB)

    class Killed(BaseException): ...

    def die(*_args, **_named):
        raise Killed

    where = {
        "certificates": "sync_protocol.bundle_import._Taking._learn_certificates",
        "entries": "sync_protocol.replica.Replica.take_entries",
        "blob": "sync_protocol.store.blob_files.BlobFiles.put_named",
        "rows": "sync_protocol.bundle_import._Taking._note_held",
        "receipts": "sync_protocol.bundle_import._Taking._sign_receipts",
    }[at]
    with monkeypatch.context() as patch:
        patch.setattr(where, die)
        with pytest.raises(Killed):
            take(hub, bundle)
    done = take(hub, bundle)
    assert done.refused == [] and done.left == 0
    c.judge(village.author)
    carry(hub, village)
    for topic in topics:
        seen = custody(village, village, township, topic)
        assert (seen.tier, seen.blobs_county) == (CustodyTier.COUNTY, seen.blobs)


def test_a_full_disk_is_told_and_the_rest_comes_later(county, monkeypatch):
    import errno

    from sync_protocol.store.blob_files import BlobFiles

    _, hub, _, village = county
    village.open_case({"name": "x"}, pages=(PAGE, PAGE[::-1], b"small"))
    bundle, _ = write(village, HUB)
    honest, left = BlobFiles.put_named, [1]

    def full(self, hash_, pieces):
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        left.pop()
        return honest(self, hash_, pieces)

    with monkeypatch.context() as patch:
        patch.setattr(BlobFiles, "put_named", full)
        with pytest.raises(OSError, match="No space"):
            take(hub, bundle)
    done = take(hub, bundle)
    assert (done.new_entries, done.new_blobs, done.left) == (0, 2, 0)


def test_what_was_erased_while_it_was_written_is_still_understood(county):
    from sync_protocol.authority import erase

    c, hub, township, village = county
    noise = random.Random(1)
    topics = [village.open_case({"name": str(n), "note": noise.randbytes(9000)}) for n in range(60)]
    carry(village, hub)
    writer = bundle_for(hub.store, hub.replica, township.author, c.clock.now)
    pieces = writer.pieces()
    first = [next(pieces) for _ in range(3)]
    hub.store.write(lambda conn: erase(conn, hub.replica.journal, village.author, topics[-1], hub.writing()))
    done = take(township, b"".join(first) + b"".join(pieces))
    assert done.refused == []
    tips = township.store.read(lambda conn: feed_store.frontier(conn, [up(village.author)]))
    assert tips[Branch(up(village.author), 0)].number == 60


def test_a_damaged_scan_is_left_out_and_counted(county):
    _, hub, _, village = county
    village.open_case({"name": "x"}, pages=(PAGE, PAGE[::-1]))
    path = next(p for p in village.replica.blobs._folder.rglob("*") if p.is_file() and p.parent.name != "partial")
    path.write_bytes(b"x" + path.read_bytes()[1:])
    bundle, written = write(village, HUB)
    assert (written.damaged, written.pages) == (1, 1)
    assert take(hub, bundle).new_blobs == 1


def test_looked_into_without_a_key_it_names_places_and_counts_only(county):
    _, hub, _, village = county
    village.open_case({"name": "张三"}, pages=(PAGE,))
    bundle, written = write(village, HUB)
    opened = BundleFile(io.BytesIO(bundle))
    certificates = opened.skim()
    assert {c.region for c in certificates.values()} == {hub_region(hub), VILLAGE}
    assert (opened.counts.entries, opened.counts.blobs, opened.counts.blob_bytes) == (
        written.entries,
        1,
        written.blob_bytes,
    )
    for at in range(len(bundle)):
        bad = bytearray(bundle)
        bad[at] ^= 0x10
        if at % 997 == 0 or at < 800 or at > len(bundle) - 200:
            with pytest.raises(SyncError):
                BundleFile(io.BytesIO(bytes(bad))).skim()


def hub_region(hub: Place) -> str:
    from sync_protocol.store import trust

    return hub.store.read(lambda conn: trust.certificate_of(conn, hub.me.serial)).region


def test_its_writers_certificate_was_revoked_since_it_is_taken_but_proves_nothing(county):
    from sync_protocol.authority import revoke

    _, hub, _, village = county
    village.open_case({"name": "x"})
    bundle, _ = write(village, HUB)
    hub.store.write(lambda conn: revoke(conn, hub.replica.journal, village.me.serial, "lost", hub.writing()))
    assert take(hub, bundle).new_entries == 1
    assert hub.store.read(lambda conn: peers.proven(conn, village.author)) is None


def test_memory_does_not_grow_with_the_bundle(county):
    """Many times the message size goes through; what is held at once stays at some messages."""
    import tracemalloc

    _, hub, _, village = county
    pages = tuple(random.Random(n).randbytes(300_000) for n in range(60))
    village.open_case({"name": "x"}, pages=pages)
    path = hub.replica.blobs._folder.parent / "big.bundle"
    writer = bundle_for(village.store, village.replica, HUB, village.clock.now)
    tracemalloc.start()
    with path.open("wb") as out:
        for piece in writer.pieces():
            out.write(piece)
    wrote = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    with path.open("rb") as file:
        take_bundle(hub.store, hub.replica, file, hub.clock.now, lambda what, length: None)
    took = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 18_000_000
    assert wrote < 12_000_000 and took < 12_000_000, (wrote, took)


def test_the_frontier_shown_is_kept_for_the_answer(county):
    _, hub, _, village = county
    carry(village, hub)
    told = hub.store.read(lambda conn: peers.proven(conn, village.author))
    assert told is not None
    mine = village.store.read(lambda conn: feed_store.frontier(conn, [TO_ALL]))
    assert told[Branch(TO_ALL, 0)] == mine[Branch(TO_ALL, 0)]
