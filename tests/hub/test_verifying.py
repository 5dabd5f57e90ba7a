"""Slips and certificates of a real county, verified where they were made and where nobody has heard of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from casework import case_store, certifying
from casework.case_tables import hall_row
from casework.changes import ChangeKind
from casework.intake_code import parse
from casework.policy import Person, Role
from casework.public_code import code_text
from casework.scan_text import scanned, statement_text
from casework.slips import QR_CHARS_MAX, shortened
from casework.verify_scan import verify_scan
from casework.verifying import Finding, Verdict
from sync_protocol.statements import parse_statement
from sync_protocol.topology import Tier
from tests.hub.hall import OFFICE, Hall, build_hall, follow
from tests.sync_protocol.county import REGION, TOWNSHIP, VILLAGE, Place

URL = "https://ban.guangde.gov.cn"
K = ChangeKind


@pytest.fixture
def hall(hall: Hall) -> Hall:
    """With an address for the public."""
    for place in (hall.hub, hall.township, hall.village):
        place.store.write(lambda conn: conn.execute(sa.insert(hall_row).values(name="url", value=URL)))
    return hall


def look(hall: Hall, place: Place, text: str) -> Finding:
    return place.store.read(lambda conn: verify_scan(conn, hall.topics(place), text, hall.now()))


def region(hall: Hall, place: Place) -> str:
    return {hall.hub.author: REGION, hall.township.author: TOWNSHIP}.get(place.author, VILLAGE)


def slip(hall: Hall, place: Place, topic: bytes) -> str:
    desk = hall.desk(place)
    role = {hall.hub.author: Role.SUPERVISOR, hall.township.author: Role.TOWNSHIP_REVIEWER}
    person = Person(9, "某", role.get(place.author, Role.VILLAGE_AGENT), place.author, region(hall, place))
    return place.store.read(lambda conn: desk.case_qr(conn, person, topic))


def certificate(hall: Hall, place: Place, topic: bytes) -> str:
    topics = hall.topics(place)

    def run(conn: sa.Connection) -> str:
        found = case_store.load(conn, topics, topic)
        assert found is not None
        return certifying.result_qr(conn, topics, found[0], topic, found[1])

    return place.store.read(run)


def act(hall: Hall, place: Place, role: Role, topic: bytes, *kinds: tuple[ChangeKind, dict[str, Any]]) -> None:
    person = Person(50, "决定人", role, place.author, region(hall, place), OFFICE if place is hall.hub else "")
    desk = hall.desk(place)
    for kind, body in kinds:
        place.store.write(lambda conn, kind=kind, body=body: desk.act(conn, person, topic, kind, dict(body)))


def stranger(hall: Hall) -> Place:
    """A village that was enrolled, heard the county's catalogue then, and has never been online since."""
    made = hall.county.enrol("341882103202", Tier.VILLAGE, "stranger")
    follow(made, hall.now)
    return made


def test_a_slip_verifies_where_it_was_printed_and_where_nobody_knows_the_station(hall, account):
    far = stranger(hall)
    topic = hall.collect(account)
    text = slip(hall, hall.village, topic)
    assert text.startswith(f"{URL}/q/")
    assert len(text) <= QR_CHARS_MAX
    here, there = look(hall, hall.village, text), look(hall, far, text)
    row = hall.row(hall.village, topic)
    assert here.verdict is there.verdict is Verdict.GENUINE
    assert dict(here.says)["收件码"] == parse(row.code).pretty()
    assert dict(here.says)["打印时"].startswith("本地收件")
    assert here.case is not None and here.case.topic == topic
    assert there.case is None
    assert "村站" in there.issuer


def test_a_slip_says_that_the_county_has_recorded_the_intake_once_it_has(hall, account):
    topic = hall.collect(account)
    hall.sync()
    hall.judge()
    hall.sync()
    for place in (hall.village, hall.township, hall.hub):
        found = look(hall, hall.village, slip(hall, place, topic))
        assert found.genuine
        assert dict(found.says)["打印时"] == "县级已记录"
        assert dict(found.says)["收件码"] == parse(hall.row(hall.hub, topic).code).pretty()


def test_one_character_turned_is_refused_or_means_the_same(hall, account):
    text = slip(hall, hall.village, hall.collect(account))
    whole, begin = scanned(text), text.index("/q/") + 3
    assert whole is not None
    for at in range(begin, len(text)):
        for bit in range(8):
            turned = text[:at] + chr(ord(text[at]) ^ 1 << bit) + text[at + 1 :]
            read = scanned(turned)
            same = read is not None and (read.code, read.statement, read.whole) == (whole.code, whole.statement, True)
            assert look(hall, hall.village, turned).genuine == same


def test_cut_at_any_length_is_refused_and_says_so(hall, account):
    text = slip(hall, hall.village, hall.collect(account))
    behind = text.index("#") + 1
    for length in range(behind + 1, len(text)):
        assert look(hall, hall.village, text[:length]).reason == "cut_short"
    assert look(hall, hall.village, text[:behind]).reason == "no_statement"
    assert look(hall, hall.village, text[: behind - 5]).reason == "no_code"
    assert look(hall, hall.village, "").reason == "no_code"


def test_a_statement_moved_to_another_code_is_refused(hall, account):
    texts = [slip(hall, hall.village, hall.collect(account, name=name)) for name in ("甲", "乙", "丙")]
    codes = [text.split("/q/")[1].split("#")[0] for text in texts]
    reasons = {
        look(hall, place, text.replace(code, other)).reason
        for text, code in zip(texts, codes, strict=True)
        for other in codes
        if other != code
        for place in (hall.village, hall.hub)
    }
    assert reasons <= {"other_code", "altered"}  # two codes in 256 have the same mark
    assert "other_code" in reasons


def test_of_a_foreign_county_it_says_so(hall, account, tmp_path):
    (tmp_path / "other").mkdir()
    other = build_hall(tmp_path / "other", seed=3)
    made = other.add_user("v.agent", Role.VILLAGE_AGENT, station=VILLAGE)
    other.sync()
    topic = other.collect(made)
    text = slip(other, other.village, topic)
    assert text.startswith("q/")
    assert look(hall, hall.village, text).reason == "altered"  # the same regions, and no address: nobody can tell
    assert look(hall, hall.village, f"https://ban.other.gov.cn/{text}").reason == "foreign"


GRANTED = ((K.ACCEPT, {}), (K.REVIEW, {}), (K.GRANT, {}))


def decided_by_county(hall: Hall, account: Any, name: str = "示例申请人") -> bytes:
    topic = hall.collect(account, name=name)
    hall.sync()
    hall.judge()
    hall.sync()
    act(hall, hall.township, Role.TOWNSHIP_REVIEWER, topic, (K.ENDORSE, {"opinion": "情况属实"}))
    hall.sync()
    hall.judge()
    act(hall, hall.hub, Role.COUNTY_REVIEWER, topic, *GRANTED[:2])
    act(hall, hall.hub, Role.COUNTY_APPROVER, topic, GRANTED[2])
    hall.sync()
    return topic


def test_the_countys_decision_carries_a_certificate_that_any_village_verifies(hall, account):
    far = stranger(hall)
    name = "阿" * 30
    topic = decided_by_county(hall, account, name)
    text = certificate(hall, hall.village, topic)
    assert text == certificate(hall, hall.hub, topic)
    for place in (hall.village, hall.hub, far):
        found = look(hall, place, text)
        assert (found.verdict, found.kind) == (Verdict.GENUINE, "结果凭证")
        assert dict(found.says)["持有人"] == shortened(name).text + "…"
        assert "县级" in found.issuer
    statement = scanned(text).statement
    for at in range(8 * len(statement)):
        turned = bytearray(statement)
        turned[at // 8] ^= 1 << at % 8
        assert not look(hall, far, f"{text.split('#')[0]}#{statement_text(bytes(turned))}").genuine


def test_a_licence_replaces_the_certificate_and_expires(hall, account):
    topic = decided_by_county(hall, account)
    before = certificate(hall, hall.hub, topic)
    until = "2026-10-01"
    act(
        hall,
        hall.hub,
        Role.COUNTY_REVIEWER,
        topic,
        (K.ISSUE, {"title": "残疾人证", "number": "34250119800101", "until": until}),
    )
    text = certificate(hall, hall.hub, topic)
    assert text != before
    found = look(hall, hall.village, text)
    assert found.genuine
    assert dict(found.says)["证照编号"] == "34250119800101"
    hall.county.clock.now += 60 * 86_400
    assert look(hall, hall.village, text).verdict is Verdict.EXPIRED


DELEGATED = "resident_medical_enrol"


def decided_by_township(hall: Hall, account: Any, name: str = "示例申请人") -> bytes:
    """Without the county: a case of an item that the township decides, while no link is up but the one between them."""
    topic = hall.collect(account, name=name, item=DELEGATED)
    hall.county.sync(hall.village, hall.township)
    act(hall, hall.township, Role.TOWNSHIP_REVIEWER, topic, *GRANTED)
    hall.county.sync(hall.village, hall.township)
    return topic


def test_a_townships_decision_on_a_delegated_item_verifies_before_the_county_has_heard_of_it(hall, account):
    far = stranger(hall)
    text = certificate(hall, hall.village, decided_by_township(hall, account))
    for place in (hall.township, hall.hub, far):
        found = look(hall, place, text)
        assert (found.verdict, found.reason) == (Verdict.GENUINE, "")
        assert "乡镇" in found.issuer


def test_a_certificate_stands_at_the_entry_that_carries_it(hall, account):
    for topic in (decided_by_township(hall, account, "甲"), decided_by_county(hall, account, "乙")):
        (grant,) = [one for one in hall.changes(hall.village, topic) if one.kind == K.GRANT]
        place = parse_statement(grant.body["certificate"]).said.place
        assert f"{place.feed(grant.author)}/{place.epoch}/{place.number}" == grant.ref


def test_what_a_revoked_station_signed_before_counts_as_of_its_time_and_what_it_signed_later_does_not(hall, account):
    before = certificate(hall, hall.village, decided_by_township(hall, account, "甲"))
    slip_before = slip(hall, hall.village, hall.collect(account, name="丙"))
    hall.sync()
    hall.judge()
    hall.revoke(hall.township.author)
    hall.revoke(hall.village.author)
    after = certificate(hall, hall.village, decided_by_township(hall, account, "乙"))
    slip_after = slip(hall, hall.village, hall.collect(account, name="丁"))
    for text in (after, slip_after):
        assert look(hall, hall.village, text).genuine  # it has not heard of it yet, and says until when it knows
        assert look(hall, hall.hub, text).reason == "revoked_before"
    for text in (before, slip_before):
        found = look(hall, hall.hub, text)
        assert (found.verdict, found.reason) == (Verdict.GENUINE, "later_revoked")


def test_the_verdict_says_of_when_the_countys_last_word_is(hall, account):
    text = slip(hall, hall.village, hall.collect(account))
    heard = hall.now()
    hall.county.clock.now += 10 * 86_400
    assert look(hall, hall.village, text).as_of == heard
    assert look(hall, hall.hub, text).as_of == hall.now()
    assert look(hall, hall.village, "nothing").as_of == heard


def test_a_station_cannot_grant_what_the_county_decides(hall, account):
    """A village's key in wrong hands signs a certificate for an item of the county: the signature is good, and says
    nothing."""
    topic = hall.collect(account)
    topics = hall.topics(hall.village)

    def forge(conn: sa.Connection) -> str:
        found = case_store.load(conn, topics, topic)
        assert found is not None
        field = certifying.certificate_field(conn, topics, (found[0], topic), found[1], K.GRANT, {}, hall.now())
        code = topics.public_code(conn, found[0], topic)
        assert code is not None
        return f"q/{code_text(code)}#{statement_text(field['certificate'])}"

    text = hall.village.store.write(forge)
    assert look(hall, hall.hub, text).reason == "not_entitled"
    assert look(hall, hall.village, text).reason == "not_entitled"


def test_a_certificate_of_a_case_that_is_not_granted_here_is_not_confirmed(hall, account, monkeypatch):
    topic = decided_by_county(hall, account)
    text = certificate(hall, hall.village, topic)
    found = look(hall, hall.village, text)
    assert found.case is not None and found.case.granted
    facts = replace(found.case, granted=False)
    monkeypatch.setattr("casework.verify_scan._known_case", lambda *_: facts)
    assert look(hall, hall.village, text).reason == "not_in_effect"


def test_a_page_that_prints_it_finds_no_certificate_that_does_not_verify(hall, account):
    topic = hall.collect(account)
    assert certificate(hall, hall.village, topic) == ""
    topics = hall.topics(hall.village)

    def garbled(conn: sa.Connection) -> str:
        found = case_store.load(conn, topics, topic)
        assert found is not None
        found[1].certificate = b"rubbish"
        return certifying.result_qr(conn, topics, found[0], topic, found[1])

    assert hall.village.store.read(garbled) == ""
