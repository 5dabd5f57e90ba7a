"""What the statements behind a QR say, and that the longest of them fits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.intake_code import COUNTER_MAX, EPOCH_MAX, STATION_MAX, IntakeCode, mint, parse
from casework.slips import (
    HOST_CHARS_MAX,
    QR_CHARS_MAX,
    WORDS_BYTES_MAX,
    Result,
    Signer,
    Slip,
    Words,
    parse_result,
    parse_slip,
    qr_text,
    result_payload,
    shortened,
    slip_payload,
)
from sync_protocol.authority import STATION_KEY_DAYS
from sync_protocol.certificates import Certificate, sign_certificate
from sync_protocol.crypto import Signer as Key
from sync_protocol.limits import STATEMENT_PAYLOAD_BYTES_MAX
from sync_protocol.statements import Place, Said, sign_statement
from sync_protocol.topology import Tier

VILLAGE, TOWNSHIP, COUNTY = "341882103201", "341882103000", "341882000000"
LAST_DAY = date(2099, 12, 31)
LONGEST_KEY = "z" + "_" * 27
ITEM_KEYS = st.from_regex(r"[a-z][a-z0-9_]{1,27}", fullmatch=True)
SERIALS_MAX = 2**21 - 1
"""A county that has given out two million certificates."""


def code(
    region: str = VILLAGE, station: int = 17, epoch: int = 0, day: date = LAST_DAY, counter: int = 1
) -> IntakeCode:
    return parse(mint(region, station, epoch, day, counter))


def own(one: IntakeCode, place_epoch: int | None = None) -> Signer:
    return Signer(one.station, one.region, 0, one.epoch if place_epoch is None else place_epoch)


@given(
    st.builds(
        code,
        st.sampled_from((VILLAGE, TOWNSHIP)),
        st.integers(2, STATION_MAX),
        st.integers(0, EPOCH_MAX),
        st.dates(date(2000, 1, 1), LAST_DAY),
        st.integers(0, COUNTER_MAX),
    ),
    ITEM_KEYS,
    st.booleans(),
    st.sampled_from((None, 0, 7)),
)
def test_a_slip_says_what_it_was_told(one, item, recorded, place_epoch):
    slip = Slip(one, item, recorded)
    for signer in (
        own(one, place_epoch),
        Signer(2, TOWNSHIP, one.station, one.epoch),
        Signer(1, COUNTY, one.station, 0),
    ):
        assert parse_slip(slip_payload(slip, signer), signer) == slip


def test_nobody_says_anything_of_another_home_in_its_own_name():
    slip = Slip(code(), "disabled_subsidy", False)
    for signer in (Signer(18, VILLAGE, 0, 0), Signer(17, TOWNSHIP, 0, 0), Signer(2, TOWNSHIP, 18, 0)):
        with pytest.raises(ValueError, match="another home"):
            slip_payload(slip, signer)
    with pytest.raises(ValueError, match="outside"):
        slip_payload(slip, Signer(2, "341883103000", 17, 0))


@given(st.binary(max_size=60))
def test_rubbish_is_no_slip_and_no_result(data):
    for signer in (own(code()), Signer(2, TOWNSHIP, 17, 0)):
        read = parse_slip(data, signer)
        assert read is None or slip_payload(read, signer) == data
    result = parse_result(data)
    assert result is None or result_payload(result) == data


WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200).map(shortened)


@given(
    ITEM_KEYS,
    st.dates(date(2000, 1, 1), LAST_DAY),
    WORDS,
    WORDS,
    WORDS,
    st.none() | st.dates(date(2000, 1, 1), LAST_DAY),
)
def test_a_result_says_what_it_was_told(item, decided, holder, title, number, until):
    for result in (Result(item, decided, holder), Result(item, decided, holder, title, number, until)):
        payload = result_payload(result)
        assert parse_result(payload) == result
        assert len(payload) <= STATEMENT_PAYLOAD_BYTES_MAX


def test_a_long_name_is_cut_between_characters_and_still_means_its_owner():
    name = "阿" * 40
    short = shortened(name)
    assert short.text == "阿" * (WORDS_BYTES_MAX // 3)
    assert len(short.digest) == 8
    assert short.means(name)
    assert not short.means("阿" * 39)
    assert shortened("王建国") == Words("王建国")


def _statement(signer: Signer, tier: Tier, parent: int, number: int, payload: bytes) -> bytes:
    hub, key = Key(bytes(32)), Key(b"k" * 32)
    since = 4_102_358_400 - 3 * 366 * 86_400
    until = since + STATION_KEY_DAYS * 86_400
    keys = key.public, bytes(32)
    region, epoch = signer.region, signer.epoch
    holder = Certificate(SERIALS_MAX, signer.author, parent, tier, region, *keys, since, until, epoch)
    signed = sign_certificate(bytes(16), holder, hub, SERIALS_MAX if tier is Tier.VILLAGE else 2**14 - 1)
    place = Place(signer.audience, signer.epoch, number)
    return sign_statement(bytes(16), key, signed, Said(1, place, until, payload), bytes(16))


def test_the_longest_slip_fits_into_five_hundred_characters():
    """The largest numbers that a 收件码 has room for, the longest item key and address, at the end of the century."""
    url = "https://" + "h" * HOST_CHARS_MAX
    one = code(VILLAGE, STATION_MAX, EPOCH_MAX, LAST_DAY, COUNTER_MAX)
    slip = Slip(one, LONGEST_KEY, True)
    village = own(one)
    said = _statement(village, Tier.VILLAGE, STATION_MAX, 2**32 - 1, slip_payload(slip, village))
    assert len(qr_text(url, bytes(16), said)) == QR_CHARS_MAX - 1
    township = Signer(STATION_MAX, TOWNSHIP, STATION_MAX, EPOCH_MAX)  # prints its village's slip again
    said = _statement(township, Tier.TOWNSHIP, 1, SERIALS_MAX, slip_payload(slip, township))
    assert len(qr_text(url, bytes(16), said)) <= QR_CHARS_MAX


def test_without_an_address_the_path_alone_is_shown():
    assert qr_text("", bytes(16), b"") == "q/" + "A" * 26
    assert qr_text("https://h/", bytes(16), b"\0") == "https://h/q/" + "A" * 26 + "#AA"


def test_an_impossible_item_key_has_no_form():
    slip = Slip(code(), "Bad-key", True)
    with pytest.raises(ValueError, match="substring"):
        slip_payload(slip, own(code()))
    with pytest.raises(ValueError, match="length"):
        slip_payload(replace(slip, item=""), own(code()))
