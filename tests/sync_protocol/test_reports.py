"""Reports: what a station says of itself reaches the county, by itself or through its township, and nobody else's word
passes for it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from sync_protocol.answerer import Answerer
from sync_protocol.authority import revoke
from sync_protocol.crypto import Signer
from sync_protocol.dialer import Dialer
from sync_protocol.errors import TooLarge
from sync_protocol.limits import INT_MAX, REPORTS_PER_MESSAGE_MAX
from sync_protocol.messages import Hello, Report, pack_message, parse_message
from sync_protocol.reporting import LOOK_SECONDS, SAY_AGAIN_SECONDS, Reporter
from sync_protocol.reports import StationReport, pack_report, parse_report, sign_report
from sync_protocol.store.report_store import kept_reports
from tests.sync_protocol.county import County, Place, small_county


@pytest.fixture
def county(tmp_path) -> County:
    return small_county(tmp_path)[0]


class Saying:
    """A child that reports what a test tells it to see."""

    def __init__(self, county: County, child: Place, parent: Place) -> None:
        self.county, self.child, self.parent = county, child, parent
        self.waiting = 0
        self.reporter = Reporter(child.me, lambda conn, blank: replace(blank, number=7, waiting=self.waiting))
        self.dialer = Dialer(child.replica, parent.author, self.reporter)

    def compose(self):
        return self.child.store.read(lambda conn: self.dialer.compose(conn, self.child.clock.now, 0))

    def says(self) -> list[Report]:
        """One whole exchange; the reports that went with it."""
        sent = self.compose()
        answerer = Answerer(self.parent.replica, self.child.author, parse_message(pack_message(sent.frames)))
        now = self.parent.clock.now
        self.parent.store.write(lambda conn: answerer.take(conn, now))
        answer = self.parent.store.write(lambda conn: answerer.answer(conn, now)).frames
        progress = self.child.store.write(lambda conn: self.dialer.absorb_entries(conn, sent, answer, now))
        self.child.store.write(lambda conn: self.dialer.absorb_states(conn, sent, answer, {}, progress, now))
        return [frame for frame in sent.frames if isinstance(frame, Report)]


def kept(place: Place) -> dict:
    return place.store.read(kept_reports)


def places(county: County) -> tuple[Place, Place, Place]:
    hub, township, village = county.places.values()
    return village, township, hub


def test_a_village_that_never_dials_the_county_is_known_there(county):
    village, township, hub = places(county)
    below, above = Saying(county, village, township), Saying(county, township, hub)
    below.waiting = 3
    below.says()
    heard = county.clock.now
    county.clock.now += 600
    above.says()
    at_hub = kept(hub)[village.author]
    assert (at_hub.report.number, at_hub.report.waiting, at_hub.heard) == (7, 3, heard)
    assert kept(hub)[township.author].heard == county.clock.now
    assert at_hub.packed == kept(township)[village.author].packed


def test_it_is_said_when_it_changes_and_when_it_is_old(county):
    village, township, _ = places(county)
    saying = Saying(county, village, township)
    assert len(saying.says()) == 1
    assert saying.says() == []
    saying.waiting = 1
    assert saying.says() == []  # it looks at itself now and then only
    county.clock.now += LOOK_SECONDS
    assert len(saying.says()) == 1
    county.clock.now += SAY_AGAIN_SECONDS - 1
    assert saying.says() == []
    county.clock.now += 1
    assert len(saying.says()) == 1


def test_a_message_that_was_cut_says_it_again(county):
    village, township, _ = places(county)
    saying = Saying(county, village, township)
    sent = saying.compose()
    assert any(isinstance(frame, Report) for frame in sent.frames)
    saying.dialer.cut(sent, unsent=False)
    saying.dialer.drop(sent)
    assert len(saying.says()) == 1
    assert saying.says() == []


def test_an_exchange_that_failed_is_said_by_the_next_one(county):
    village, township, _ = places(county)
    saying = Saying(county, village, township)
    saying.says()
    saying.reporter.failed("parent_full", 1234)
    (report,) = saying.says()
    assert (parse_report(report.packed).error, parse_report(report.packed).error_at) == ("parent_full", 1234)


def taken(county: County, *frames: Report) -> dict:
    """What the county keeps of a message of the township with these reports."""
    _, township, hub = places(county)
    message = [Saying(county, township, hub).compose().frames[0], *frames]
    answerer = Answerer(hub.replica, township.author, message)
    hub.store.write(lambda conn: answerer.take(conn, county.clock.now))
    return kept(hub)


def signed(place: Place, report: StationReport, signer: Signer | None = None, ago: int = 0, skew: int = 0) -> Report:
    packed = pack_report(report)
    return Report(packed, sign_report(place.me.deployment, signer or place.me.signer, packed), ago, skew)


def own(place: Place, **values: int) -> StationReport:
    return replace(StationReport(place.author, place.me.serial, place.clock.now, 0, 0), **values)


def test_what_a_station_did_not_sign_itself_is_left(county):
    village, township, hub = places(county)
    assert taken(county, signed(village, own(village), township.me.signer)) == {}
    assert taken(county, signed(township, replace(own(village), serial=township.me.serial))) == {}
    assert taken(county, signed(hub, own(hub))) == {}
    assert taken(county, Report(b"\x93", bytes(64), 0, 0)) == {}
    other = signed(village, own(village))
    assert taken(county, Report(other.packed[:-1] + b"\x01", other.signature, 0, 0)) == {}
    assert set(taken(county, other)) == {village.author}


def test_what_is_older_than_what_is_known_is_left(county):
    village, _, _ = places(county)
    taken(county, signed(village, own(village, waiting=1), ago=50))
    assert taken(county, signed(village, own(village, waiting=2), ago=60))[village.author].report.waiting == 1
    assert taken(county, signed(village, own(village, waiting=3), ago=50))[village.author].report.waiting == 3


def test_the_clocks_of_who_passes_it_on_are_counted_in(county):
    village, township, hub = places(county)
    hello = Hello(1, county.clock.now + 100, bytes(16))
    answerer = Answerer(hub.replica, township.author, [hello, signed(village, own(village), skew=-40)])
    hub.store.write(lambda conn: answerer.take(conn, county.clock.now))
    assert kept(hub)[village.author].skew == 60


def test_a_clock_that_lies_without_measure_stops_nobody_above(county):
    """What a village claims has to fit into the message by which its township passes it on."""
    village, township, hub = places(county)
    for time, skew in ((INT_MAX, INT_MAX), (0, -INT_MAX)):
        message = [Hello(1, time, bytes(16)), signed(village, own(village), skew=skew)]
        township.store.write(partial(Answerer(township.replica, village.author, message).take, now=county.clock.now))
        above = Saying(county, township, hub)
        assert len(above.says()) == 2
        assert abs(kept(hub)[village.author].skew) <= INT_MAX
        county.clock.now += 10


def test_what_was_told_by_another_way_since_is_not_forgotten(county):
    """A village that fell back on the county itself, and then dials its township again, says nothing twice."""
    village, _, hub = places(county)
    older = own(village, waiting=1)
    county.clock.now += 600
    message = [Hello(1, county.clock.now, bytes(16)), signed(village, own(village, waiting=2))]
    hub.store.write(partial(Answerer(hub.replica, village.author, message).take, now=county.clock.now))
    county.clock.now += 60
    at_hub = taken(county, signed(village, older, ago=5))[village.author]
    assert (at_hub.report.waiting, at_hub.heard) == (2, county.clock.now - 5)
    assert taken(county, signed(village, own(village, waiting=3)))[village.author].report.waiting == 3


def test_a_clock_that_was_set_back_hears_again(county):
    village, _, _ = places(county)
    taken(county, signed(village, own(village, waiting=1)))
    county.clock.now -= 86_400
    assert taken(county, signed(village, own(village, waiting=2)))[village.author].report.waiting == 2


def test_what_found_no_room_goes_with_the_next_message(county, monkeypatch):
    monkeypatch.setattr("sync_protocol.reporting.REPORTS_PER_MESSAGE_MAX", 1)
    village, township, hub = places(county)
    Saying(county, village, township).says()
    above = Saying(county, township, hub)
    authors = [[parse_report(report.packed).author for report in above.says()] for _ in range(3)]
    assert authors == [[township.author], [village.author], []]


def test_a_revoked_certificate_says_nothing(county):
    village, _, hub = places(county)
    journal = hub.replica.journal
    hub.store.write(lambda conn: revoke(conn, journal, village.me.serial, "stolen", hub.writing(0)))
    assert taken(county, signed(village, own(village))) == {}


def test_a_message_has_its_most(county):
    village, _, _ = places(county)
    hello, one = Hello(1, 0, bytes(16)), signed(village, own(village))
    most = [hello, *[one] * REPORTS_PER_MESSAGE_MAX]
    assert parse_message(pack_message(most)) == most
    with pytest.raises(TooLarge):
        parse_message(pack_message([*most, one]))


def test_an_answer_brings_none(county):
    """A child keeps what stands below it, and its parent does not."""
    village, township, _ = places(county)
    saying = Saying(county, village, township)
    sent = saying.compose()
    frames = [Hello(1, 0, bytes(16)), signed(township, own(township))]
    village.store.write(lambda conn: saying.dialer.absorb_entries(conn, sent, frames, 0))
    assert kept(village) == {}
