"""Held entries: listed in words, settled by a person who may, and their end seen where they came from."""

from __future__ import annotations

import pytest

from casework.errors import BadInput, NotAllowed, NotFound
from casework.policy import Person, Role
from hub.held import Choice, EntryKey, count_held, held_line, list_held, settle
from sync_protocol.feeds import TO_SELF
from sync_protocol.journal import Writing
from sync_protocol.judging import Verdict, judge_home
from sync_protocol.order import Standing
from sync_protocol.reading import told
from tests.hub.hall import Hall
from tests.sync_protocol.county import REGION, VILLAGE

ADMIN = Person(1, "陈管理", Role.ADMIN, 1, REGION)
ADMIT = Choice(True, "电话核实，确系本站办理")
REFUSE = Choice(False, "本人否认", "not_confirmed")


def held(hall: Hall):
    return hall.hub.store.read(lambda conn: list_held(conn, hall.topics(hall.hub), ADMIN))


def decide(hall: Hall, key: EntryKey, choice: Choice, person: Person = ADMIN) -> None:
    hub = hall.hub
    hub.store.write(
        lambda conn: settle(
            conn,
            hall.topics(hub),
            hub.replica.journal,
            person,
            key,
            choice,
            hall.writing(person.account),
            hall.judge_again,
        )
    )


@pytest.fixture
def revoked(hall: Hall) -> tuple[Hall, bytes]:
    """A village was revoked, and what it wrote after that came in: an intake, then a correction."""
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    hall.revoke_village()
    topic = hall.collect(agent, "张三")
    hall.village.write(hall.village.author, topic, 65, {"reason": "改电话", "form": {}})
    hall.sync()
    hall.judge()
    hall.sync()
    return hall, topic


def standings(hall: Hall, place, topic: bytes):
    return [(entry.kind, entry.standing, entry.code) for entry in hall.changes(place, topic)]


def test_what_a_revoked_station_wrote_is_listed_in_words(revoked: tuple[Hall, bytes]) -> None:
    hall, topic = revoked
    first, second = held(hall)
    assert (first.kind, first.code, first.why_waits, first.topic) == ("收件", "revoked", "", topic)
    assert "申请人：张三" in first.says
    assert (first.case_name, first.item_name) == ("张三", "残疾人两项补贴资格认定")
    assert hall.hub.store.read(lambda conn: count_held(conn, hall.topics(hall.hub), ADMIN)) == 1
    assert "授权已停用" in first.text
    assert first.home_region == VILLAGE
    assert "agent姓名" in first.writer
    assert second.kind == "更正"
    assert "前面的「收件」" in second.why_waits


def test_admitted_by_a_person_it_counts_at_its_origin_and_what_waited_comes_up_next(
    revoked: tuple[Hall, bytes],
) -> None:
    hall, topic = revoked
    decide(hall, held(hall)[0].key, ADMIT)
    hall.sync()
    assert standings(hall, hall.village, topic) == [(64, "ordered", ""), (65, "held", "revoked")]
    assert hall.row(hall.village, topic).state == "collected"
    (second,) = held(hall)
    assert second.why_waits == ""
    decide(hall, second.key, ADMIT)
    hall.sync()
    for place in (hall.hub, hall.township, hall.village):
        assert standings(hall, place, topic) == [(64, "ordered", ""), (65, "ordered", "")]
    assert held(hall) == []


def test_refused_by_a_person_it_ends_at_its_origin_with_the_reason(revoked: tuple[Hall, bytes]) -> None:
    hall, topic = revoked
    decide(hall, held(hall)[0].key, REFUSE)
    while held(hall):
        decide(hall, held(hall)[0].key, REFUSE)
    hall.sync()
    at_origin = standings(hall, hall.village, topic)
    assert at_origin[0] == (64, "refused", "not_confirmed")
    assert at_origin[1][1] == "refused"
    assert hall.row(hall.village, topic).state == ""


def test_who_settled_and_why_stays_at_the_county(revoked: tuple[Hall, bytes]) -> None:
    hall, _topic = revoked
    line = held(hall)[0]
    decide(hall, line.key, ADMIT)
    hall.sync()
    (note,) = hall.hub.store.read(lambda conn: told(conn, TO_SELF, [96]))
    assert "陈管理" in note.body["text"]
    assert "电话核实" in note.body["text"]
    assert note.body["about"] == f"up:{hall.village.author}/0/{line.key.number}"
    assert note.actor == ADMIN.account
    for place in (hall.township, hall.village):
        assert place.store.read(lambda conn: told(conn, TO_SELF, [96])) == []


def test_what_waits_for_something_else_is_not_for_a_person(revoked: tuple[Hall, bytes]) -> None:
    hall, topic = revoked
    before = standings(hall, hall.hub, topic)
    with pytest.raises(BadInput, match="前面的「收件」还没有核定"):
        decide(hall, held(hall)[1].key, ADMIT)
    assert standings(hall, hall.hub, topic) == before


@pytest.mark.parametrize(
    "role", [Role.COUNTY_APPROVER, Role.COUNTY_REVIEWER, Role.SUPERVISOR, Role.OPS, Role.VILLAGE_AGENT]
)
def test_only_an_administrator_settles(revoked: tuple[Hall, bytes], role: Role) -> None:
    hall, topic = revoked
    with pytest.raises(NotAllowed):
        decide(hall, held(hall)[0].key, ADMIT, Person(5, "某人", role, 1, REGION, "民政局"))
    assert standings(hall, hall.hub, topic)[0] == (64, "held", "revoked")


def test_an_administrator_of_another_area_neither_sees_nor_settles(revoked: tuple[Hall, bytes]) -> None:
    hall, _topic = revoked
    stranger = Person(5, "某人", Role.ADMIN, 1, "341822000000")
    log, key = hall.topics(hall.hub), held(hall)[0].key
    assert hall.hub.store.read(lambda conn: list_held(conn, log, stranger)) == []
    with pytest.raises(NotFound):
        hall.hub.store.read(lambda conn: held_line(conn, log, stranger, key))
    with pytest.raises(NotAllowed):
        decide(hall, key, ADMIT, stranger)


def test_settling_twice_says_so_and_changes_nothing(revoked: tuple[Hall, bytes]) -> None:
    hall, topic = revoked
    key = held(hall)[0].key
    decide(hall, key, ADMIT)
    with pytest.raises(BadInput, match="已经处理过"):
        decide(hall, key, REFUSE)
    assert standings(hall, hall.hub, topic)[0] == (64, "ordered", "")


@pytest.mark.parametrize(
    ("choice", "fields"),
    [
        (Choice(True, "  "), ["note"]),
        (Choice(False, "理由"), ["code"]),
        (Choice(False, "", "no_such_code"), ["code", "note"]),
        (Choice(True, "长" * 501), ["note"]),
    ],
)
def test_a_careless_choice_is_refused(revoked: tuple[Hall, bytes], choice: Choice, fields: list[str]) -> None:
    hall, _topic = revoked
    with pytest.raises(BadInput) as caught:
        decide(hall, held(hall)[0].key, choice)
    assert [problem.field for problem in caught.value.problems] == fields
    assert len(held(hall)) == 2


def test_what_would_have_no_effect_cannot_be_admitted(hall: Hall) -> None:
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    topic = hall.collect(agent)
    hall.sync()
    hall.judge()
    hall.revoke_village()
    hall.village.write(hall.village.author, topic, 76, {"to": "张三", "how": "window"})
    hall.village.write(hall.village.author, topic, 999, {"new": 1})
    hall.sync()
    hall.judge()
    line = held(hall)[0]
    with pytest.raises(BadInput, match="放行也不会生效"):
        decide(hall, line.key, ADMIT)
    decide(hall, line.key, REFUSE)
    (unknown,) = held(hall)
    assert "升级" in unknown.says[0]
    with pytest.raises(BadInput, match="现在还不能放行"):
        decide(hall, unknown.key, ADMIT)
    decide(hall, unknown.key, REFUSE)
    hall.sync()
    assert [s for _, s, _ in standings(hall, hall.village, topic)] == ["ordered", "refused", "refused"]


def test_an_item_the_county_did_not_know_may_be_admitted(hall: Hall) -> None:
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    topic = hall.collect(agent)
    hall.sync()
    hub = hall.hub
    hub.store.write(
        lambda conn: judge_home(
            conn,
            hub.replica.journal,
            hall.village.author,
            lambda t, e: Verdict(Standing.HELD, "item_unknown"),
            Writing(0, hall.now(), 1),
        )
    )
    decide(hall, held(hall)[0].key, ADMIT)
    hall.sync()
    assert hall.row(hall.village, topic).state == "collected"


@pytest.mark.parametrize(
    "text", ["", "1", "3-0-0-0", "3-2-0-1", "03-0-0-1", "3-0-0-1-1", "3-0-0-x", "9" * 40, "３-0-0-1"]
)
def test_a_name_of_no_entry_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        EntryKey.parse(text)


def test_an_entry_that_does_not_exist_is_not_found(hall: Hall) -> None:
    with pytest.raises(NotFound):
        decide(hall, EntryKey(77, 0, 0, 1), ADMIT)
    key = EntryKey(hall.village.author, 0, 0, 1)
    assert EntryKey.parse(str(key)) == key


def test_an_acceptance_of_a_revoked_township_counts_and_is_numbered_once_admitted(hall: Hall) -> None:
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    topic = hall.collect(agent, item="resident_medical_enrol")
    hall.sync()
    hall.judge()
    hall.sync()
    hall.revoke(hall.township.author)
    hall.township.write(hall.village.author, topic, 69, {"case_no": None})
    hall.sync()
    hall.judge()
    decide(hall, held(hall)[0].key, ADMIT)
    hall.sync()
    row = hall.row(hall.village, topic)
    assert row.state == "accepted"
    assert row.case_no
