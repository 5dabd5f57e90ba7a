"""Exchange between real replicas: entries, order, receipts, blobs, the cost of saying nothing."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from sync_protocol.answerer import Answerer
from sync_protocol.custody import Tier as CustodyTier
from sync_protocol.dialer import Dialer
from sync_protocol.feeds import up
from sync_protocol.frontier import Branch
from sync_protocol.holding import case_custody
from sync_protocol.judging import Verdict
from sync_protocol.messages import Vector, pack_message
from sync_protocol.order import Standing
from sync_protocol.store import feed_store
from sync_protocol.topology import Tier
from tests.sync_protocol.county import OTHER_VILLAGE, TOWNSHIP, VILLAGE, small_county


@pytest.fixture
def county(tmp_path: Path):
    return small_county(tmp_path)


def custody_at(place, village, township, topic):
    return place.store.read(lambda conn: case_custody(conn, village.author, topic, township.author))


def test_a_change_travels_up_is_ordered_and_the_answer_comes_back(county):
    c, hub, township, village = county
    topic = village.open_case({"name": "张三"})
    assert custody_at(village, village, township, topic).tier is CustodyTier.HERE
    c.sync(village, township)
    assert custody_at(village, village, township, topic).tier is CustodyTier.TOWNSHIP
    township.write(village.author, topic, 66, {"opinion": "同意"})
    c.sync(township, hub)
    assert c.judge(village.author) == [topic]
    hub.write(village.author, topic, 69, {"case_no": "1"})
    c.sync(township, hub)
    c.sync(village, township)
    assert custody_at(village, village, township, topic).tier is CustodyTier.COUNTY
    seen = [
        [(e.kind, e.office, e.standing) for e in p.changes(village.author, topic)] for p in (village, township, hub)
    ]
    assert seen[0] == seen[1] == seen[2]
    assert seen[0] == [(64, "home", "ordered"), (66, "township", "ordered"), (69, "county", "ordered")]


def test_pages_follow_and_are_signed_for_by_each_tier(county):
    c, hub, township, village = county
    page = bytes(range(256)) * 1500
    topic = village.open_case({"name": "李四"}, pages=(page, page[::-1]))
    c.sync(village, township)
    at_village = custody_at(village, village, township, topic)
    assert (at_village.blobs, at_village.blobs_township, at_village.blobs_county) == (2, 2, 0)
    c.sync(township, hub)
    c.judge(village.author)
    c.sync(township, hub)
    c.sync(village, township)
    at_village = custody_at(village, village, township, topic)
    assert (at_village.blobs, at_village.blobs_county) == (2, 2)


def test_a_poll_with_nothing_to_say_is_one_small_message_whatever_the_history(county):
    c, _, township, village = county
    sizes = []
    for count in (1, 40):
        for _ in range(count):
            village.open_case({"name": "王五"})
        dialer = Dialer(village.replica, township.author)
        while c.exchange(dialer, village, township).again:
            pass
        sent = village.store.read(lambda conn, d=dialer: d.compose(conn, c.clock.now, 50))
        assert not any(isinstance(frame, Vector) for frame in sent.frames)
        sizes.append(len(pack_message(sent.frames)))
        assert c.exchange(dialer, village, township).in_step
    assert sizes[0] == sizes[1] < 60


def test_nothing_that_was_uploaded_comes_back(county):
    c, _, township, village = county
    dialer = Dialer(village.replica, township.author)
    while c.exchange(dialer, village, township).again:
        pass
    village.open_case({"name": "赵六"})
    progress = c.exchange(dialer, village, township)
    assert progress.entries_sent == 1
    assert progress.entries_received == 1  # the township's receipt


def test_a_parents_false_claim_holds_up_nothing_once_it_speaks_the_truth(county, monkeypatch):
    c, _, township, village = county
    topic = village.open_case({"name": "x"})
    c.sync(village, township)
    dialer = Dialer(village.replica, township.author)
    honest = Answerer.answer

    def claim_more(self, conn, now):
        answer = honest(self, conn, now)
        for at, frame in enumerate(answer.frames):
            if isinstance(frame, Vector):
                more = {b: tip._replace(number=tip.number + 5) for b, tip in frame.frontier.items()}
                answer.frames[at] = Vector(more)
        return answer

    monkeypatch.setattr(Answerer, "answer", claim_more)
    c.exchange(dialer, village, township)
    monkeypatch.undo()
    c.exchange(dialer, village, township)
    village.write(village.author, topic, 65, {"reason": "改"})
    assert village.store.read(dialer.has_news)
    assert c.exchange(dialer, village, township).entries_sent == 1


def test_a_refusal_reaches_the_origin_with_its_code(county):
    c, hub, township, village = county
    topic = village.open_case({"name": "x"})
    c.sync(village, township)
    c.sync(township, hub)
    c.judge(village.author, lambda t, e: Verdict(Standing.REFUSED, "no_such_item", "item"))
    later = village.write(village.author, topic, 65, {"reason": "改"})
    assert later[0].standing == "tentative"
    c.sync(township, hub)
    c.sync(village, township)
    c.sync(township, hub)
    c.judge(village.author)
    c.sync(township, hub)
    c.sync(village, township)
    got = [(e.kind, e.standing, e.code, e.field) for e in village.changes(village.author, topic)]
    assert got == [(64, "refused", "no_such_item", "item"), (65, "refused", "basis_refused", "")]


def test_an_entry_waits_for_what_its_author_had_seen(county):
    c, hub, township, village = county
    topic = village.open_case({"name": "x"})
    c.sync(village, township)
    township.write(village.author, topic, 67, {"defects": []})
    c.sync(village, township)
    village.write(village.author, topic, 68, {"note": "补"})
    # the village reaches the county directly, and the county has not heard of what the township said
    from sync_protocol.feeds import up
    from sync_protocol.frontier import Branch
    from sync_protocol.store import acceptance, feed_store

    segments = village.store.read(lambda conn: list(feed_store.cut(conn, Branch(up(village.author), 0), 0, 10**6)))
    for segment, _ in segments:
        hub.store.write(lambda conn, s=segment: acceptance.accept(conn, hub.me.deployment, s, 0))
    c.judge(village.author)
    assert [(e.kind, e.standing, e.code) for e in hub.changes(village.author, topic)] == [
        (64, "ordered", ""),
        (68, "held", "awaits"),
    ]
    c.sync(township, hub)
    c.judge(village.author)
    assert [(e.kind, e.standing) for e in hub.changes(village.author, topic)] == [
        (64, "ordered"),
        (67, "ordered"),
        (68, "ordered"),
    ]


def test_a_bulk_backlog_goes_in_several_messages(county):
    c, hub, township, village = county
    village.replica.message_target_bytes = 2000
    township.replica.message_target_bytes = 2000
    topics = [village.open_case({"name": f"人{i}", "x": "y" * 100}) for i in range(40)]
    c.sync(village, township, rounds=200)
    c.sync(township, hub, rounds=200)
    c.judge(village.author)
    assert len(hub.changes(village.author, topics[-1])) == 1


def test_a_village_holds_no_other_villages_feeds(county):
    c, hub, township, village = county
    other = c.enrol(OTHER_VILLAGE, Tier.VILLAGE, "other")
    topic = village.open_case({"name": "秘密"})
    c.sync(village, township)
    c.sync(township, hub)
    c.sync(other, township)
    assert other.changes(village.author, topic) == []


def test_a_new_machine_gets_its_feeds_back_and_goes_on_in_a_new_epoch(county):
    c, hub, township, village = county
    topic = village.open_case({"name": "旧机"})
    c.sync(village, township)
    c.sync(township, hub)
    c.judge(village.author)
    again = c.enrol(VILLAGE, Tier.VILLAGE, "replacement")
    assert (again.author, again.me.epoch) == (village.author, 1)
    c.sync(township, hub)
    c.sync(again, township)
    assert [e.standing for e in again.changes(village.author, topic)] == ["ordered"]
    again.write(again.author, topic, 65, {"reason": "新机"})
    c.sync(again, township)
    c.sync(township, hub)
    c.judge(village.author)
    assert [(e.kind, e.standing, e.ref) for e in hub.changes(village.author, topic)] == [
        (64, "ordered", "up:3/0/1"),
        (65, "ordered", "up:3/1/2"),
    ]
    # what the old machine still signs is kept, and held for a person
    village.write(village.author, topic, 65, {"reason": "旧机又写"})
    dialer = Dialer(village.replica, township.author)
    c.exchange(dialer, village, township)
    c.exchange(dialer, village, township)
    c.sync(township, hub)
    c.judge(village.author)
    assert [(e.ref, e.standing, e.code) for e in hub.changes(village.author, topic)][-1] == (
        "up:3/0/2",
        "held",
        "revoked",
    )


def test_what_a_parent_refuses_is_not_sent_over_and_over_and_holds_up_nobody_else(county):
    from sqlalchemy import update

    from sync_protocol.store import tables as t

    c, hub, township, village = county
    other = c.enrol(OTHER_VILLAGE, Tier.VILLAGE, "other")
    c.sync(township, hub)
    c.sync(other, township)
    bad = village.open_case({"name": "x"}, pages=(b"scan" * 50_000,))
    good = other.open_case({"name": "y"})
    c.sync(village, township)
    c.sync(other, township)
    mine = t.certificate.c.serial == village.me.serial
    hub.store.write(lambda conn: conn.execute(update(t.certificate).where(mine).values(serial=900)))
    dialer = Dialer(township.replica, hub.author)
    progress = [c.exchange(dialer, township, hub) for _ in range(6)]
    assert [f.code for p in progress for f in p.refused] == ["unknown_certificate"]
    assert not progress[-1].again
    assert progress[-1].entries_sent == 0
    assert dialer.refusal == "unknown_certificate"
    assert [e.standing for e in hub.changes(other.author, good)] == ["tentative"]
    assert hub.changes(village.author, bad) == []
    hub.store.write(
        lambda conn: conn.execute(
            update(t.certificate).where(t.certificate.c.serial == 900).values(serial=village.me.serial)
        )
    )
    dialer.retry_refused()
    while c.exchange(dialer, township, hub).again:
        pass
    assert [e.standing for e in hub.changes(village.author, bad)] == ["tentative"]
    assert custody_at(hub, village, township, bad).blobs_county == 1


def test_a_scan_that_went_bad_on_disk_is_not_sent_for_ever(county):
    c, _, township, village = county
    topic = village.open_case({"name": "x"}, pages=(b"scan" * 50_000,))
    hash_ = village.changes(village.author, topic)[0].blobs[0].hash
    path = village.replica.blobs.path(hash_)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    dialer = Dialer(village.replica, township.author)
    progress = [c.exchange(dialer, village, township) for _ in range(6)]
    assert not progress[-1].again
    assert sum(bool(p.refused) for p in progress) <= 2
    assert custody_at(village, village, township, topic).blobs_township == 0


def test_a_replaced_townships_receipts_count_no_more_and_its_new_machine_gets_the_scans_again(county):
    c, hub, township, village = county
    topic = village.open_case({"n": 1}, pages=(b"scan" * 500,))
    c.sync(village, township)
    c.sync(township, hub)
    c.sync(village, township)
    assert custody_at(village, village, township, topic).blobs_township == 1
    new = c.enrol(TOWNSHIP, Tier.TOWNSHIP, "new township")
    c.sync(new, hub)
    c.sync(village, new)
    c.sync(village, new)
    (ref,) = village.changes(village.author, topic)[0].blobs
    assert new.replica.blobs.holds(ref.hash)
    assert custody_at(village, village, township, topic).blobs_township == 1


def test_after_the_word_of_a_new_township_machine_the_old_ones_receipts_prove_nothing(county):
    c, hub, township, village = county
    topic = village.open_case({"n": 1}, pages=(b"scan" * 500,))
    c.sync(village, township)
    assert custody_at(village, village, township, topic).tier is CustodyTier.TOWNSHIP
    c.enrol(TOWNSHIP, Tier.TOWNSHIP, "new township")
    c.sync(township, hub)
    with contextlib.suppress(AssertionError):
        c.sync(village, township)
    assert custody_at(village, village, township, topic).tier is CustodyTier.HERE


def test_what_a_peer_sent_says_how_far_it_is_and_not_what_we_hold(county):
    """A township that knows no more what the county had asks again, while its village brings newer entries."""
    c, hub, township, village = county
    village.open_case({"name": "张三"})
    c.sync(village, township)
    c.sync(township, hub)
    branch = Branch(up(village.author), 0)
    there = hub.store.read(lambda conn: feed_store.tip_of(conn, branch))
    for name in ("李四", "王五"):
        village.open_case({"name": name})
    c.sync(village, township)
    here = township.store.read(lambda conn: feed_store.tip_of(conn, branch))
    assert here.number > there.number > 0
    sent, _ = hub.store.read(lambda conn: hub.replica.segments_for(conn, {branch: there}, {}, 100_000))
    taken = township.store.write(lambda conn: township.replica.take_entries(conn, sent, hub.author, c.clock.now))
    assert (taken.tips, taken.entries, taken.faults) == ({branch: there}, 0, [])
