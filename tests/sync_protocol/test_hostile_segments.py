"""Segments that a carrier spoiled, repeated, mixed up or forged, in front of real replicas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select

from sync_protocol import authority, canonical
from sync_protocol.crypto import Signer
from sync_protocol.dialer import Dialer
from sync_protocol.entries import EntryType, Header, genesis, head_message, pack_header
from sync_protocol.errors import BadSignature, Fork, SyncError, TooLarge
from sync_protocol.feeds import HUB, TO_ALL, FeedId, down, up
from sync_protocol.forks import check_proof, parse_proof
from sync_protocol.frontier import Branch, Tip
from sync_protocol.fsck import check_replica
from sync_protocol.limits import BODY_BYTES_MAX
from sync_protocol.messages import Chunk, Hello
from sync_protocol.replica import Taken
from sync_protocol.segments import Item, Segment, link
from sync_protocol.store import acceptance, feed_store, trust
from sync_protocol.store import tables as t
from sync_protocol.topology import Tier
from tests.sync_protocol.county import OTHER_VILLAGE, TOWNSHIP, VILLAGE, Place, small_county
from tests.sync_protocol.test_hostile_bytes import flips


@pytest.fixture
def county(tmp_path):
    return small_county(tmp_path)


def segments(place: Place, feed: FeedId, epoch: int = 0, after: int = 0) -> list[Segment]:
    return place.store.read(
        lambda conn: [segment for segment, _ in feed_store.cut(conn, Branch(feed, epoch), after, 10**6)]
    )


def take(place: Place, peer: int, frames: Sequence[Segment]) -> Taken:
    return place.store.write(lambda conn: place.replica.take_entries(conn, frames, peer, place.clock.now))


def tip(place: Place, feed: FeedId, epoch: int = 0) -> Tip | None:
    return place.store.read(lambda conn: feed_store.tip_of(conn, Branch(feed, epoch)))


def entries(place: Place, feed: FeedId) -> list[tuple[int, int]]:
    e = t.entry.c
    query = select(e.number, e.type).where(e.feed == feed.packed()).order_by(e.epoch, e.number)
    return place.store.read(lambda conn: [(row.number, row.type) for row in conn.execute(query)])


def codes(taken: Taken) -> list[str]:
    return [fault.code for fault in taken.faults]


def forged(
    signer: Signer, deployment: bytes, feed: FeedId, at: tuple[int, int, bytes], serial: int, *bodies: bytes
) -> Segment:
    """Entries after (epoch, number, head), signed with a key of one's choice."""
    epoch, number, head = at
    items = tuple(Item(pack_header(Header(200, b"", 7, 0)), body) for body in bodies or (b"\xc0",))
    bare = Segment(feed, epoch, number + 1, items, serial, bytes(64))
    after = link(deployment, bare, head, lambda topic: None)[-1].head
    return replace(bare, signature=signer.sign(head_message(deployment, feed, epoch, bare.last, after, serial)))


def spoiled(segment: Segment) -> list[Segment]:
    """Every bit of every body and header of the segment flipped, one at a time."""
    found = []
    for index, item in enumerate(segment.items):
        others = [replace(item, header=header) for header in flips(item.header)]
        others += [replace(item, body=body) for body in flips(item.body or b"")]
        for other in others:
            items = (*segment.items[:index], other, *segment.items[index + 1 :])
            found.append(replace(segment, items=items))
    return found


def test_a_relay_flips_a_bit_and_nothing_of_the_segment_is_kept(county):
    _, _, township, village = county
    topic = village.open_case({"name": "张三"})
    village.write(village.author, topic, 65, {"reason": "改"})
    feed = up(village.author)
    good = segments(village, feed)
    assert len(good) == 1
    whole = good[0]
    before = tip(township, feed)
    for bad in spoiled(whole)[::7]:
        taken = take(township, village.author, [bad])
        assert codes(taken)[0] in ("bad_signature", "not_canonical", "unknown_topic")
        assert taken.entries == 0 and tip(township, feed) == before and entries(township, feed) == []
    taken = take(township, village.author, [whole])
    assert codes(taken) == [] and taken.entries == 2
    assert [entry.body for entry in township.changes(village.author, topic)] == [{"name": "张三"}, {"reason": "改"}]


def test_one_bad_segment_stops_its_home_and_no_other(county):
    c, hub, township, village = county
    other = c.enrol(OTHER_VILLAGE, Tier.VILLAGE, "other")
    c.sync(township, hub)
    village.open_case({"name": "a"})
    other.open_case({"name": "b"})
    c.sync(other, township)
    bad = replace(segments(village, up(village.author))[0], signature=bytes(64))
    assert take(township, village.author, [bad]).entries == 0
    frames = [bad, *segments(township, down(township.author, village.author)), *segments(township, up(other.author))]
    taken = take(hub, township.author, frames)
    assert codes(taken) == ["bad_signature"]
    assert taken.homes == {other.author}


def test_reordered_segments_are_a_gap_and_then_fine(county):
    _, _, township, village = county
    topic = village.open_case({"name": "a"})
    first = segments(village, up(village.author))
    village.write(village.author, topic, 65, {"reason": "b"})
    second = segments(village, up(village.author), after=first[-1].last)
    taken = take(township, village.author, [*second, *first])
    assert codes(taken) == ["gap"] and taken.entries == 0
    assert take(township, village.author, [*first, *second]).entries == 2


def test_replayed_and_overlapping_segments_change_nothing(county):
    _, _, township, village = county
    topic = village.open_case({"name": "a"})
    feed = up(village.author)
    first = segments(village, feed)
    for number in range(4):
        village.write(village.author, topic, 65, {"reason": str(number)})
    whole = segments(village, feed)
    assert (first[0].last, whole[0].first, whole[0].last) == (1, 1, 5)
    assert take(township, village.author, [first[0], first[0]]).entries == 1
    assert take(township, village.author, whole).entries == 4
    held = entries(township, feed)
    for again in (first, whole, segments(village, feed, after=3)):
        taken = take(township, village.author, again)
        assert (codes(taken), taken.entries) == ([], 0)
    assert entries(township, feed) == held and len(held) == 5
    assert segments(township, feed) == whole


def test_entries_of_unknown_types_are_stored_and_passed_on_without_effect(county):
    c, hub, township, village = county
    feed = up(village.author)
    for kind in (63, 9, 200, 65_535):
        village.store.write(
            lambda conn, k=kind: village.replica.journal.tell(conn, feed, k, b"\xff any bytes", village.writing())
        )
    c.sync(village, township)
    c.sync(township, hub)
    assert entries(hub, feed) == entries(township, feed) == [(1, 63), (2, 9), (3, 200), (4, 65_535)]
    assert c.judge(village.author) == []
    topic = village.open_case({"name": "a"})
    village.write(village.author, topic, 4_000, {"of": "a later version"})
    village.write(village.author, topic, 40, {"of": "a later version"})
    c.sync(village, township)
    c.sync(township, hub)
    c.judge(village.author)
    assert [(e.kind, e.standing) for e in hub.changes(village.author, topic)] == [(64, "ordered"), (4_000, "ordered")]
    assert entries(hub, feed)[-1] == (7, 40)


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 6, 7, 8])
def test_a_malformed_entry_of_the_hub_has_no_effect_and_stops_nothing(county, kind):
    c, hub, township, village = county
    for body in (b"", b"\xff", canonical.pack([]), canonical.pack([1, 2, 3, [4]]), canonical.pack([[9, 9]])):
        for feed in (TO_ALL, down(HUB, village.author)):
            hub.store.write(
                lambda conn, f=feed, b=body: hub.replica.journal.tell(conn, f, EntryType(kind), b, hub.writing())
            )
    c.sync(township, hub)
    assert c.sync(village, township).in_step
    assert tip(village, TO_ALL) == tip(hub, TO_ALL)
    for place in (hub, township, village):
        blobs = place.replica.blobs
        assert place.store.read(lambda conn, p=place, b=blobs: check_replica(conn, p.me, b)).wrong == []


def test_a_station_cannot_speak_as_the_authority(county):
    c, hub, township, village = county
    feed = up(village.author)
    certificate = hub.store.read(lambda conn: trust.signed_certificate(conn, township.me.serial))
    grant = canonical.pack([township.author, 7, 9, []])
    revocation = canonical.pack([township.author, township.me.serial, "forged", []])
    order = canonical.pack([[0, 0, 1, 20, []]])
    bodies = {4: certificate.packed(), 3: grant, 5: revocation, 1: order}
    for kind, body in bodies.items():
        village.store.write(
            lambda conn, k=kind, b=body: village.replica.journal.tell(conn, feed, k, b, village.writing())
        )
        township.store.write(
            lambda conn, k=kind, b=body: township.replica.journal.tell(
                conn, down(township.author, village.author), k, b, township.writing()
            )
        )
    topic = village.open_case({"name": "a"})
    c.sync(village, township)
    c.sync(township, hub)
    c.sync(village, township)
    for place in (hub, township, village):
        grants, revoked = place.store.read(
            lambda conn: (trust.grant_of(conn, township.author, 7), trust.is_revoked(conn, township.me.serial))
        )
        assert (grants, revoked) == (None, None)
        assert [e.standing for e in place.changes(village.author, topic)] == ["tentative"]


def test_a_segment_of_another_county_is_refused(county, tmp_path):
    _, _, township, village = county
    (tmp_path / "elsewhere").mkdir()
    _, _, _, stranger = small_county(tmp_path / "elsewhere", seed=2)
    assert stranger.author == village.author
    stranger.open_case({"name": "a"})
    taken = take(township, village.author, segments(stranger, up(stranger.author)))
    assert codes(taken) == ["bad_signature"] and taken.entries == 0


def test_a_peer_brings_only_what_it_may_hold(county):
    c, hub, township, village = county
    other = c.enrol(OTHER_VILLAGE, Tier.VILLAGE, "other")
    c.sync(township, hub)
    other.open_case({"name": "a"})
    frames = segments(other, up(other.author))
    assert codes(take(township, village.author, frames)) == ["not_for_us"]
    assert codes(take(village, township.author, frames)) == ["not_for_us"]
    assert codes(take(township, other.author, frames)) == []


def test_a_village_has_no_office_over_another_home(county):
    c, hub, township, village = county
    other = c.enrol(OTHER_VILLAGE, Tier.VILLAGE, "other")
    c.sync(township, hub)
    feed = down(other.author, village.author)
    start = genesis(hub.me.deployment, feed)
    segment = forged(other.me.signer, hub.me.deployment, feed, (0, 0, start), other.me.serial)
    for place, peer in ((hub, township), (township, village), (village, township)):
        taken = take(place, peer.author, [segment])
        assert codes(taken) == ["not_for_us"] and entries(place, feed) == []


def test_a_segment_under_another_authors_certificate_is_refused(county):
    _, hub, township, village = county
    feed = up(village.author)
    start = genesis(hub.me.deployment, feed)
    for signer in (township, hub):
        segment = forged(signer.me.signer, hub.me.deployment, feed, (0, 0, start), signer.me.serial)
        assert codes(take(hub, township.author, [segment])) == ["bad_signature"]
    unknown = forged(village.me.signer, hub.me.deployment, feed, (0, 0, start), 99)
    assert codes(take(hub, township.author, [unknown])) == ["unknown_certificate"]


def test_a_replaced_machine_cannot_write_in_its_successors_epoch(county):
    c, hub, township, village = county
    village.open_case({"name": "旧机"})
    c.sync(village, township)
    c.sync(township, hub)
    c.enrol(VILLAGE, Tier.VILLAGE, "again")
    c.sync(township, hub)
    feed = up(village.author)
    held = tip(township, feed)
    assert held is not None
    segment = forged(village.me.signer, hub.me.deployment, feed, (1, held.number, held.head), village.me.serial)
    assert codes(take(township, village.author, [segment])) == ["bad_signature"]
    assert tip(township, feed, 1) is None


def test_a_machine_revoked_before_its_first_entry_is_held_for_a_person(county):
    c, hub, township, village = county
    topic = village.open_case({"name": "旧机"})
    c.sync(village, township)
    c.sync(township, hub)
    c.judge(village.author)
    again = c.enrol(VILLAGE, Tier.VILLAGE, "again")
    c.sync(township, hub)
    c.sync(again, township)
    hub.store.write(lambda conn: authority.revoke(conn, hub.replica.journal, again.me.serial, "stolen", hub.writing()))
    again.write(again.author, topic, 65, {"reason": "盗"})
    c.sync(again, township)
    c.sync(township, hub)
    c.judge(village.author)
    assert [(e.standing, e.code) for e in hub.changes(village.author, topic)] == [("ordered", ""), ("held", "revoked")]


def test_a_villages_township_gets_a_new_machine_and_is_heard_below(county):
    c, hub, township, village = county
    topic = village.open_case({"name": "a"})
    c.sync(village, township)
    c.sync(township, hub)
    again = c.enrol(TOWNSHIP, Tier.TOWNSHIP, "again")
    c.sync(again, hub)
    again.write(village.author, topic, 66, {"opinion": "同意"})
    assert c.sync(village, again).in_step
    assert [(e.kind, e.author) for e in village.changes(village.author, topic)] == [(64, 3), (66, 2)]


def test_two_histories_under_one_key_are_proven_and_stop_the_feed(county, tmp_path):
    c, hub, township, village = county
    feed = up(village.author)
    start = genesis(hub.me.deployment, feed)
    at = (0, 0, start)
    one = forged(village.me.signer, hub.me.deployment, feed, at, village.me.serial, b"\x01")
    two = forged(village.me.signer, hub.me.deployment, feed, at, village.me.serial, b"\x02")
    assert take(township, village.author, [one]).entries == 1
    held = tip(township, feed)
    assert held is not None
    taken = take(township, village.author, [two])
    assert (codes(taken), taken.entries, tip(township, feed)) == (["fork"], 0, held)

    proofs = township.store.read(lambda conn: conn.execute(select(t.fork)).all())
    assert [(row.feed, row.epoch, row.number) for row in proofs] == [(feed.packed(), 0, 1)]
    proof = parse_proof(proofs[0].proof)
    check_proof(hub.me.deployment, proof, lambda serial: trust_key(township, serial))
    assert (proof.feed, proof.epoch, proof.number) == (feed, 0, 1)
    assert all(side.leaves == () for side in proof.sides)

    more = forged(village.me.signer, hub.me.deployment, feed, (0, 1, held.head), village.me.serial)
    assert (codes(take(township, village.author, [more])), tip(township, feed)) == (["fork"], held)
    with pytest.raises(Fork):
        township.store.write(lambda conn: acceptance.accept(conn, hub.me.deployment, more, 0))
    assert codes(take(township, village.author, [one])) == []  # what is held may be said again
    assert len(township.store.read(lambda conn: conn.execute(select(t.fork)).all())) == 1

    assert codes(take(hub, township.author, [one])) == []  # the stop is each holder's own finding
    other_home = c.enrol(OTHER_VILLAGE, Tier.VILLAGE, "other")
    c.sync(township, hub)
    other_home.open_case({"name": "b"})
    assert c.sync(other_home, township).in_step


@pytest.mark.parametrize("held_count", [1, 3])
@pytest.mark.parametrize("arriving_count", [1, 2, 5])
def test_a_fork_is_proven_whatever_lies_between_the_signatures(county, held_count, arriving_count):
    _, hub, township, village = county
    deployment, feed = hub.me.deployment, up(village.author)
    start = (0, 0, genesis(deployment, feed))
    one = forged(village.me.signer, deployment, feed, start, village.me.serial, *(b"1",) * held_count)
    two = forged(village.me.signer, deployment, feed, start, village.me.serial, *(b"2",) * arriving_count)
    assert codes(take(township, village.author, [one])) == []
    assert codes(take(township, village.author, [two])) == ["fork"]
    stored = township.store.read(lambda conn: conn.execute(select(t.fork.c.proof)).scalar_one())
    proof = parse_proof(stored)
    assert proof.number == min(held_count, arriving_count)
    assert [len(side.leaves) for side in proof.sides] == [arriving_count - proof.number, held_count - proof.number]
    check_proof(deployment, proof, lambda serial: trust_key(township, serial))
    with pytest.raises(BadSignature):
        check_proof(bytes(16), proof, lambda serial: trust_key(township, serial))
    with pytest.raises(BadSignature):
        check_proof(deployment, replace(proof, sides=(proof.sides[0],) * 2), lambda serial: trust_key(township, serial))
    for flipped in list(flips(stored))[::11]:
        with pytest.raises(SyncError):
            check_proof(deployment, parse_proof(flipped), lambda serial: trust_key(township, serial))


def trust_key(place: Place, serial: int) -> bytes:
    return place.store.read(lambda conn: trust.certificate_of(conn, serial)).sign_key


def test_a_body_that_no_peer_would_take_is_not_written(county):
    _, _, township, village = county
    topic = village.open_case({"name": "a"})
    feed = up(village.author)
    with pytest.raises(TooLarge):
        village.write(village.author, topic, 65, {"text": "x" * BODY_BYTES_MAX})
    assert entries(village, feed) == [(1, 64)]
    village.write(village.author, topic, 65, {"text": "x" * (BODY_BYTES_MAX - 100)})
    assert take(township, village.author, segments(village, feed)).entries == 2


def test_an_exchange_goes_on_after_a_fault(county):
    """The whole way: a spoiled message, its fault, then the same entries again and in step."""
    c, _, township, village = county
    dialer = Dialer(village.replica, township.author)
    while c.exchange(dialer, village, township).again:
        pass
    topic = village.open_case({"name": "a"})
    good = segments(village, up(village.author))[0]
    assert codes(take(township, village.author, [replace(good, signature=bytes(64))])) == ["bad_signature"]
    while (progress := c.exchange(dialer, village, township)).again:
        assert not progress.faults
    assert progress.in_step
    assert len(township.changes(village.author, topic)) == 1


def test_a_parent_cannot_fill_the_disk_with_blobs_that_nobody_named(county):
    c, _, township, village = county
    dialer = Dialer(village.replica, township.author)
    while c.exchange(dialer, village, township).again:
        pass
    sent = village.store.read(lambda conn: dialer.compose(conn, c.clock.now, 0))
    unasked = Chunk(bytes(32), 64 * 1024 * 1024, 0, bytes(64 * 1024))
    reply = [Hello(1, c.clock.now, bytes(16)), unasked]
    progress = village.store.write(lambda conn: dialer.absorb_entries(conn, sent, reply, c.clock.now))
    assert dialer.absorb_chunks(progress) == {}
    assert village.replica.blobs.offset(bytes(32)) == 0
