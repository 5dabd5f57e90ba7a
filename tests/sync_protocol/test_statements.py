"""Statements: what a stranger may believe of small signed bytes, and what not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync_protocol import authority
from sync_protocol.certificates import sign_certificate
from sync_protocol.crypto import Signer, sha256
from sync_protocol.epochs import Revocation
from sync_protocol.errors import (
    BadSignature,
    CertificateRevoked,
    CutShort,
    NotCanonical,
    SyncError,
    TooLarge,
    UnknownCertificate,
)
from sync_protocol.feeds import HUB, up
from sync_protocol.limits import STATEMENT_PAYLOAD_BYTES_MAX
from sync_protocol.statements import Place, Said, check_revoked, parse_statement, sign_statement, verify_statement
from sync_protocol.store.trust import add_revocation
from sync_protocol.topics import Topics
from sync_protocol.topology import Tier
from tests.sync_protocol.county import small_county
from tests.vectors import golden as g
from tests.vectors.make import FOLDER

SLIP = g.STATEMENTS["village"]


def hub_key(serial: int):
    if serial != g.SERIALS[HUB]:
        raise UnknownCertificate(str(serial))
    return g.CERTIFICATES[HUB].certificate


def read(data: bytes, bound: bytes = g.BOUND, deployment: bytes = g.DEPLOYMENT):
    return verify_statement(deployment, parse_statement(data), bound, hub_key)


def signed(said: Said, **changes: object) -> bytes:
    """By a certificate of this county that differs from the golden village's."""
    certificate = replace(g.CERTIFICATES[g.VILLAGE].certificate, **changes)
    holder = sign_certificate(g.DEPLOYMENT, certificate, g.SIGNERS[HUB], g.SERIALS[HUB])
    return sign_statement(g.DEPLOYMENT, g.SIGNERS[g.VILLAGE], holder, said, g.BOUND)


def test_the_written_statements_verify_and_say_who_said_what():
    for name, case in json.loads((FOLDER / "statements.json").read_text("utf-8"))["statements"].items():
        verified = read(bytes.fromhex(case["bytes"]))
        author = {"village": g.VILLAGE, "township": g.TOWNSHIP, "hub": HUB}[name]
        assert verified.certificate == g.CERTIFICATES[author].certificate
    assert read(SLIP).said == Said(1, Place(0, 0, 3), g.NOW + 60, b"a slip")


@pytest.mark.parametrize("name", sorted(g.STATEMENTS))
def test_one_bit_turned_anywhere_is_refused(name):
    data = g.STATEMENTS[name]
    for at in range(8 * len(data)):
        turned = bytearray(data)
        turned[at // 8] ^= 1 << at % 8
        with pytest.raises(SyncError):
            read(bytes(turned))


@pytest.mark.parametrize("name", sorted(g.STATEMENTS))
def test_cut_at_any_length_it_says_that_it_is_cut(name):
    data = g.STATEMENTS[name]
    for length in range(len(data)):
        with pytest.raises(CutShort):
            read(data[:length])
    with pytest.raises(NotCanonical):
        read(data + b"\0")


def test_beside_other_bound_bytes_it_does_not_verify_and_says_so():
    other = next(bytes([n]) * 16 for n in range(256) if sha256(bytes([n]) * 16)[0] != SLIP[1])
    with pytest.raises(BadSignature) as caught:
        read(SLIP, other)
    assert caught.value.evidence == {"holder": False, "mark": False}
    with pytest.raises(BadSignature):
        read(SLIP[:1] + bytes([sha256(other)[0]]) + SLIP[2:], other)  # who mends the mark has turned a signed byte


def test_of_another_county_it_does_not_verify():
    with pytest.raises(BadSignature) as caught:
        read(SLIP, deployment=g.OTHER_DEPLOYMENT)
    assert caught.value.evidence["holder"] is True


def test_a_hub_key_that_is_not_held_here():
    holder = sign_certificate(g.DEPLOYMENT, g.CERTIFICATES[g.VILLAGE].certificate, g.SIGNERS[HUB], 9)
    data = sign_statement(g.DEPLOYMENT, g.SIGNERS[g.VILLAGE], holder, Said(1, Place(0, 0, 1), g.NOW, b""), g.BOUND)
    with pytest.raises(UnknownCertificate):
        read(data)


def test_nobody_but_the_holder_signs():
    said = Said(1, Place(0, 0, 1), g.NOW, b"")
    holder = g.CERTIFICATES[g.VILLAGE]
    with pytest.raises(BadSignature):
        read(sign_statement(g.DEPLOYMENT, g.SIGNERS[g.TOWNSHIP], holder, said, g.BOUND))
    own = sign_certificate(g.DEPLOYMENT, holder.certificate, g.SIGNERS[g.TOWNSHIP], g.SERIALS[HUB])
    with pytest.raises(BadSignature):
        read(sign_statement(g.DEPLOYMENT, g.SIGNERS[g.VILLAGE], own, said, g.BOUND))


def test_a_stations_certificate_cannot_pass_for_the_hubs():
    """The hub's own certificate, squeezed into a station's form, and a station that names a station as its signer."""
    with pytest.raises(NotCanonical):
        parse_statement(SLIP.replace(bytes([Tier.VILLAGE << 4 | 12]), bytes([Tier.COUNTY << 4 | 12]), 1))


@given(
    serial=st.integers(1, 2**32 - 1),
    author=st.integers(2, 2**32 - 1),
    parent=st.integers(1, 2**32 - 1),
    tier=st.sampled_from((Tier.VILLAGE, Tier.TOWNSHIP)),
    region=st.text("0123456789", max_size=12),
    not_before=st.integers(0, 2**53 - 1),
    not_after=st.integers(0, 2**53 - 1),
    epoch=st.integers(0, 2**31 - 1),
    place=st.builds(Place, st.integers(0, 2**32 - 1), st.integers(0, 2**31 - 1), st.integers(1, 2**32 - 1)),
    time=st.integers(0, 2**53 - 1),
    kind=st.integers(0, 255),
    payload=st.binary(max_size=STATEMENT_PAYLOAD_BYTES_MAX),
)
def test_whatever_a_station_may_say_comes_back_as_it_was_said(place, time, kind, payload, **changes):
    said = Said(kind, place, time, payload)
    verified = read(signed(said, **changes))
    assert verified.said == said
    assert verified.certificate == replace(g.CERTIFICATES[g.VILLAGE].certificate, **changes)


@given(st.binary(max_size=600))
@example(SLIP[:-64] + bytes(64))
@example(bytes([2, 0]) + b"\xff" * 200)
def test_rubbish_is_refused_with_an_error_of_ours(data):
    with pytest.raises(SyncError):
        read(data)


@given(st.integers(2, 170), st.binary(min_size=1, max_size=3))
def test_what_parses_has_one_form(at, more):
    """Whatever is put into the middle, what can still be read is again made of exactly these bytes or is refused."""
    data = SLIP[:at] + more + SLIP[at:]
    with pytest.raises(SyncError):
        read(data)


def test_a_number_in_more_bytes_than_it_needs_is_refused():
    with pytest.raises(NotCanonical, match="more bytes"):
        parse_statement(SLIP[:2] + bytes([SLIP[2] | 0x80, 0]) + SLIP[3:])


def test_too_much_is_refused():
    with pytest.raises(TooLarge):
        signed(Said(1, Place(0, 0, 1), g.NOW, bytes(STATEMENT_PAYLOAD_BYTES_MAX + 1)))
    with pytest.raises(TooLarge):
        parse_statement(bytes(10_000))
    with pytest.raises(NotCanonical):
        signed(Said(1, Place(0, 0, 1), g.NOW, b""), region="abc")


def test_up_to_the_cut_it_stays_good_and_beyond_it_is_refused():
    serial = g.SERIALS[g.VILLAGE]
    revoked = Revocation(g.VILLAGE, serial, "lost", ((up(g.VILLAGE), 0, 3),))
    at_cut = read(SLIP)
    assert check_revoked(at_cut, [revoked]) is True
    assert check_revoked(at_cut, [replace(revoked, serial=serial + 1)]) is False
    beyond = read(signed(Said(1, Place(0, 0, 4), g.NOW, b"")))
    with pytest.raises(CertificateRevoked):
        check_revoked(beyond, [revoked])
    in_a_feed_without_a_cut = read(signed(Said(1, Place(9, 0, 1), g.NOW, b"")))
    with pytest.raises(CertificateRevoked):
        check_revoked(in_a_feed_without_a_cut, [revoked])


# --- with real replicas ------------------------------------------------------------------------------------------


@pytest.fixture
def county(tmp_path):
    return small_county(tmp_path)


def check(place, data, bound=g.BOUND):
    topics = Topics(lambda: place.replica)
    return place.store.read(lambda conn: topics.check_statement(conn, data, bound))


def say(place, home, payload=b"words", about=""):
    topics = Topics(lambda: place.replica)
    return place.store.write(
        lambda conn: topics.sign_statement(conn, home, 1, g.BOUND, payload, time=place.clock.now, about=about)
    )


def test_a_place_verifies_a_station_that_it_has_never_heard_of(county):
    network, _hub, _township, village = county
    late = network.enrol("341882103202", Tier.VILLAGE, "late")
    found = check(village, say(late, late.author))
    assert (found.fault, found.author, found.tier, found.region) == ("", late.author, "village", "341882103202")
    assert (found.payload, found.time, found.revoked) == (b"words", network.clock.now, False)
    assert 0 < found.newest <= network.clock.now


def test_a_statement_stands_at_its_entry_or_at_the_next(county):
    _network, hub, township, village = county
    topic = village.open_case({"item": "x"})
    (entry,) = village.changes(village.author, topic)
    assert check(hub, say(village, village.author, about=entry.ref)).number == 1
    following = check(hub, say(village, village.author))
    assert (following.audience, following.epoch, following.number) == (0, 0, 2)
    first = check(village, say(township, village.author, about=entry.ref))  # another's entry is no place of ours
    assert (first.audience, first.number, first.tier) == (village.author, 1, "township")
    assert check(village, say(hub, village.author)).tier == "county"


def test_revoked_later_it_verifies_as_of_its_time_and_beyond_the_cut_it_does_not(county):
    _network, _hub, township, village = county
    topic = village.open_case({"item": "x"})
    (entry,) = village.changes(village.author, topic)
    before, after = say(village, village.author, about=entry.ref), say(village, village.author)
    cut = Revocation(village.author, village.me.serial, "stolen", ((up(village.author), 0, 1),))
    assert (check(township, after).fault, check(township, after).revoked) == ("", False)
    township.store.write(lambda conn: add_revocation(conn, cut))
    assert (check(township, before).fault, check(township, before).revoked) == ("", True)
    assert check(township, after).fault == "certificate_revoked"
    assert check(township, after).author == village.author


def test_another_county_another_context_and_an_unknown_hub_key_are_told_apart(tmp_path, county):
    _network, _hub, township, village = county
    data = say(village, village.author)
    assert check(township, data, next(bytes([n]) for n in range(256) if sha256(bytes([n]))[0] != data[1])).fault == (
        "other_context"
    )
    assert check(township, data[:-1] + bytes([data[-1] ^ 1])).fault == "bad_signature"
    assert check(township, data[:-1]).fault == "cut_short"
    (tmp_path / "other").mkdir()
    other, *_, stranger = small_county(tmp_path / "other", seed=2)
    assert check(township, say(stranger, stranger.author)).fault == "bad_signature"  # the same regions: who can tell
    abroad = other.enrol("110101001001", Tier.VILLAGE, "abroad")
    assert check(township, say(abroad, abroad.author)).fault == "foreign"
    certificate = replace(g.CERTIFICATES[g.VILLAGE].certificate, region="341882103201")
    holder = sign_certificate(village.me.deployment, certificate, Signer(bytes(32)), 77)
    unknown = sign_statement(
        village.me.deployment, g.SIGNERS[g.VILLAGE], holder, Said(1, Place(0, 0, 1), 5, b""), g.BOUND
    )
    assert check(township, unknown).fault == "unknown_certificate"
    assert authority.STATION_KEY_DAYS * 86_400 * 2 < 2**28  # «not after» takes four bytes
