"""Inviting stations and how they stand."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from casework.errors import BadInput
from casework.policy import Role
from casework.reference import checked_url
from hub.station_lines import list_stations
from hub.stations import invitation_plain, invite
from hub.status import read_status
from sync_protocol.enrolment import Token
from sync_protocol.limits import TOKEN_SECONDS
from sync_protocol.store import peers
from sync_protocol.store import tables as t
from sync_protocol.topology import Tier
from tests.hub.hall import Hall
from tests.sync_protocol.county import REGION, TOWNSHIP, VILLAGE


def ask(hall: Hall, region: str, tier: str):
    hub = hall.hub
    return hub.store.write(lambda conn: invite(conn, hub.me, region, tier, hub.replica.random_bytes, hall.now()))


def test_an_invitation_names_station_tier_and_when_it_ends(hall: Hall) -> None:
    plain = invitation_plain(ask(hall, "341882103202", "village"))
    token = Token.parse(str(plain["token"]))
    assert (token.station, token.tier) == ("341882103202", Tier.VILLAGE)
    assert plain["expires"] == hall.now() + TOKEN_SECONDS
    line = next(x for x in hall.hub.store.read(list_stations) if x.region == "341882103202")
    assert (line.enrolled, line.invited_until, line.known.contact) == (False, hall.now() + TOKEN_SECONDS, 0)


@pytest.mark.parametrize(
    ("region", "tier", "field"),
    [
        ("341882103299", "village", "region"),
        ("", "village", "region"),
        ("../../etc", "village", "region"),
        (TOWNSHIP, "village", "region"),
        (VILLAGE, "township", "region"),
        (REGION, "township", "region"),
        (VILLAGE, "county", "tier"),
        (VILLAGE, "", "tier"),
    ],
)
def test_a_place_that_is_none_is_not_invited(hall: Hall, region: str, tier: str, field: str) -> None:
    before = hall.hub.store.read(list_stations)
    with pytest.raises(BadInput) as caught:
        ask(hall, region, tier)
    assert [problem.field for problem in caught.value.problems] == [field]
    assert hall.hub.store.read(list_stations) == before


def test_the_list_says_parent_certificate_contact_and_what_waits(hall: Hall) -> None:
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    hall.collect(agent)
    hall.sync()
    hall.hub.store.write(lambda conn: peers.note_contact(conn, hall.township.author, hall.now() - 30, 90))
    township, village = hall.hub.store.read(list_stations)
    assert (township.name, township.parent, township.tier) == ("邱村镇", "县级", Tier.TOWNSHIP)
    assert (township.known.contact, township.known.skew) == (hall.now() - 30, 90)
    assert (village.parent, village.known.contact, village.known.arrived) == ("邱村镇", 0, hall.now())
    assert (village.known.held, village.known.unsettled) == (0, 1)
    assert village.not_after > hall.now() > village.not_before
    hall.judge()
    assert [line.known.unsettled for line in hall.hub.store.read(list_stations)] == [0, 0]


def test_a_revoked_station_says_why_and_what_it_sent_since_is_held(hall: Hall) -> None:
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    hall.revoke_village()
    hall.collect(agent)
    hall.sync()
    hall.judge()
    status = hall.hub.store.read(read_status)
    assert status.stations[1].known.revoked == "电脑丢失"
    assert (status.enrolled, status.held, status.unsettled) == (2, 1, 0)


def test_scans_that_have_not_come_are_counted(hall: Hall) -> None:
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    topic = hall.collect(agent, pages=2)
    hall.sync()
    assert hall.hub.store.read(read_status).blobs_missing == 0
    assert len(hall.changes(hall.hub, topic)[0].blobs) == 2
    hall.hub.store.write(lambda conn: conn.execute(update(t.blob).values(held=0)))
    status = hall.hub.store.read(read_status)
    assert status.blobs_missing == 2
    assert status.bytes_missing == sum(ref.length for ref in hall.changes(hall.hub, topic)[0].blobs)


@pytest.mark.parametrize(
    "url", ["", "hall.example", "ftp://a", "http://", "http://[::1", "http://a:b", "http://a:99999"]
)
def test_what_is_no_address_is_refused_under_the_name_its_giver_knows(url: str) -> None:
    with pytest.raises(BadInput, match="--parent") as refused:
        checked_url(url, "--parent")
    assert [problem.field for problem in refused.value.problems] == ["--parent"]


def test_an_address_goes_without_a_slash_at_its_end() -> None:
    for url in ("https://hall.example:8080", "http://[::1]:80"):
        assert checked_url(url + "/", "--url") == url
