"""Cards at the hub: issued by a sweep, pleaded against, cleared by people and by what arrives late."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from casework.accounts import Account
from casework.case_tables import card, card_look
from casework.changes import ChangeKind
from casework.deadlines import NO_DUE
from casework.errors import BadInput, NotAllowed, NotFound
from casework.policy import Person, Role
from casework.supervision_rules import RAISED, RECTIFIED, UNFOUNDED
from casework.workdays import china_day, load_calendar
from hub.card_check import look_at_cards
from hub.card_rows import make_rows
from hub.cards import CardKey, clear, issue_cards, plead
from sync_protocol.feeds import TO_SELF
from sync_protocol.reading import told
from tests.hub.hall import OFFICE, Hall
from tests.sync_protocol.county import REGION, VILLAGE

K = ChangeKind
CALENDAR = load_calendar()
SUPERVISOR = Person(901, "督查员", Role.SUPERVISOR, 1, REGION)
APPROVER = Person(902, "审批员", Role.COUNTY_APPROVER, 1, REGION, OFFICE)
OTHER = Person(903, "别处", Role.COUNTY_APPROVER, 1, REGION, "卫生健康委员会")
FAR_AWAY = Person(904, "外县", Role.SUPERVISOR, 1, "341802")


@pytest.fixture
def agent(hall: Hall) -> Account:
    account = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    return account


def today(hall: Hall) -> date:
    return china_day(hall.now())


def later(hall: Hall, workdays: int) -> None:
    """Let working days pass."""
    day = CALENDAR.add_workdays(today(hall), workdays)[0]
    hall.county.clock.now += (day - today(hall)).days * 86_400


def sweep(hall: Hall) -> None:
    day = today(hall)
    while hall.at_hub(issue_cards, day, hall.writing()):
        pass


def rows(hall: Hall, topic: bytes | None = None) -> list[sa.Row]:
    query = sa.select(card).order_by(card.c.epoch, card.c.number)
    query = query if topic is None else query.where(card.c.topic == topic)
    return hall.hub.store.read(lambda conn: list(conn.execute(query)))


def names(hall: Hall, topic: bytes | None = None) -> list[tuple[str, str]]:
    return [(row.rule, row.code) for row in rows(hall, topic)]


def notes(hall: Hall) -> int:
    kinds = (K.CARD, K.PLEA, K.CLEAR_CARD)
    return len(hall.hub.store.read(lambda conn: told(conn, TO_SELF, kinds)))


def key(row: sa.Row) -> CardKey:
    return CardKey(row.epoch, row.number)


def taken_in(hall: Hall, agent: Account) -> bytes:
    topic = hall.collect(agent)
    hall.sync()
    hall.judge()
    return topic


def test_what_stands_is_issued_once_and_the_warning_becomes_a_red_card(hall: Hall, agent: Account) -> None:
    topic = taken_in(hall, agent)
    sweep(hall)
    assert names(hall) == [] and not hall.at_hub(issue_cards, today(hall), hall.writing()), "nothing is due any more"
    later(hall, 4)
    sweep(hall)
    (row,) = rows(hall, topic)
    assert (row.rule, row.colour, row.office, row.since) == (
        "acceptance_near",
        "yellow",
        OFFICE,
        today(hall).isoformat(),
    )
    later(hall, 2)
    for _ in range(3):
        sweep(hall)
    assert names(hall) == [("acceptance_near", RAISED), ("acceptance_passed", "")]
    assert notes(hall) == 3
    assert hall.village.changes(hall.village.author, topic)[-1].kind == K.COLLECT
    hall.sync()
    held = hall.village.store.read(lambda conn: told(conn, TO_SELF, (K.CARD,)))
    assert held == [], "cards never leave the county"


def test_only_what_changed_or_is_due_is_looked_at(hall: Hall, agent: Account) -> None:
    first, second = taken_in(hall, agent), taken_in(hall, agent)
    sweep(hall)
    look = sa.select(card_look.c.topic, card_look.c.day)
    days = dict(hall.hub.store.read(lambda conn: [tuple(row) for row in conn.execute(look)]))
    assert set(days) >= {first, second}
    assert days[first] == CALENDAR.add_workdays(today(hall), 4)[0].isoformat()
    hall.township.write(hall.village.author, first, K.ENDORSE, {"opinion": "属实"})
    hall.sync()
    hall.judge()
    days = dict(hall.hub.store.read(lambda conn: [tuple(row) for row in conn.execute(look)]))
    assert days[first] == "" and days[second] not in ("", NO_DUE)


def test_work_that_turns_out_to_have_been_done_in_time_clears_its_card_as_unfounded(hall: Hall, agent: Account) -> None:
    topic = taken_in(hall, agent)
    hall.county.sync(hall.village, hall.township)
    hall.township.write(hall.village.author, topic, K.ASK_SUPPLEMENT, {"defects": [{"subject": "x", "what": "y"}]})
    later(hall, 7)
    sweep(hall)
    assert ("acceptance_passed", "") in names(hall), "the township was cut off"
    hall.sync()
    hall.judge()
    sweep(hall)
    codes = dict(names(hall))
    assert codes["acceptance_passed"] == UNFOUNDED
    again = notes(hall)
    sweep(hall)
    assert notes(hall) == again


def red(hall: Hall, agent: Account) -> tuple[bytes, CardKey]:
    topic = taken_in(hall, agent)
    later(hall, 7)
    sweep(hall)
    return topic, key(next(row for row in rows(hall, topic) if row.rule == "acceptance_passed"))


def test_a_plea_and_a_clearing_by_those_who_may(hall: Hall, agent: Account) -> None:
    topic, which = red(hall, agent)
    person = hall.writing(APPROVER.account)

    def say(who: Person, text: str = "乡镇断网三天") -> None:
        hall.at_hub(plead, who, which, text, person)

    def end(who: Person, code: str, note: str = "已核实", at: CardKey = which) -> None:
        hall.at_hub(clear, who, at, code, note, hall.writing(who.account), today(hall))

    for stranger in (OTHER, FAR_AWAY):
        with pytest.raises(NotFound):
            say(stranger)
    with pytest.raises(NotAllowed):
        say(SUPERVISOR)
    with pytest.raises(NotAllowed):
        end(APPROVER, RECTIFIED)
    for bad in ("", "  ", "申" * 1001):
        with pytest.raises(BadInput):
            say(APPROVER, bad)
    for code, note in (
        ("", "x"), ("nonsense", "x"), ("in_time", "x"), ("raised", "x"), ("plea_upheld", "x"),
        ("link_lost", " "), ("unfounded", ""), ("link_lost", "断" * 1001), (RECTIFIED, ""),
    ):  # fmt: skip
        with pytest.raises(BadInput) as found:
            end(SUPERVISOR, code, note)
        assert all(problem.message and problem.remedy for problem in found.value.problems), code
    with pytest.raises(NotFound):
        end(SUPERVISOR, "link_lost", at=CardKey(0, 4711))
    say(APPROVER, "第一次")
    say(APPROVER)
    end(SUPERVISOR, "plea_upheld")
    row = next(row for row in rows(hall, topic) if key(row) == which)
    assert (row.plea, row.plea_by, row.code, row.cleared_by, row.note, row.over) == (
        "乡镇断网三天", APPROVER.account, "plea_upheld", SUPERVISOR.account, "已核实", 1,
    )  # fmt: skip
    for again in (lambda: end(SUPERVISOR, "link_lost"), lambda: say(APPROVER)):
        with pytest.raises(BadInput, match="已经消牌"):
            again()
    later(hall, 3)
    sweep(hall)
    assert [code for rule, code in names(hall) if rule == "acceptance_passed"] == ["plea_upheld"], "not issued again"


def test_late_work_leaves_its_card_until_it_is_cleared_as_rectified(hall: Hall, agent: Account) -> None:
    topic, which = red(hall, agent)
    hall.township.write(hall.village.author, topic, K.ASK_SUPPLEMENT, {"defects": [{"subject": "x", "what": "y"}]})
    hall.sync()
    hall.judge()
    sweep(hall)
    assert dict(names(hall, topic))["acceptance_passed"] == ""
    hall.at_hub(clear, SUPERVISOR, which, RECTIFIED, "", hall.writing(SUPERVISOR.account), today(hall))
    assert dict(names(hall, topic))["acceptance_passed"] == RECTIFIED


@pytest.mark.parametrize("text", ["", "x", "1", "1-0", "0--1", "-1-1", "01-1", "1-1-1", "٣-1", "9" * 30 + "-1"])
def test_an_address_that_names_no_card(text: str) -> None:
    with pytest.raises(NotFound):
        CardKey.parse(text)
    assert str(CardKey.parse("0-17")) == "0-17"


def test_the_rows_are_what_the_entries_say(hall: Hall, agent: Account) -> None:
    topic, which = red(hall, agent)
    hall.at_hub(clear, SUPERVISOR, which, "link_lost", "营业部证明", hall.writing(SUPERVISOR.account), today(hall))
    before = [tuple(row) for row in rows(hall)]
    hall.hub.store.write(lambda conn: conn.execute(sa.delete(card)))
    hall.hub.store.write(lambda conn: make_rows(conn, [topic]))
    assert [tuple(row) for row in rows(hall)] == before


@pytest.mark.parametrize("seed", range(4))
def test_cards_do_not_depend_on_which_feed_came_first(hall: Hall, agent: Account, seed: int) -> None:
    """Village and township report in any order, with sweeps between: in the end the same cards are open."""
    rng = random.Random(seed)
    topic = hall.collect(agent)
    hall.county.sync(hall.village, hall.township)
    hall.township.write(hall.village.author, topic, K.ENDORSE, {"opinion": "属实"})
    later(hall, 7)
    ways = [(hall.village, hall.township), (hall.township, hall.hub), (hall.village, hall.hub)]
    rng.shuffle(ways)
    for child, parent in ways:
        hall.county.sync(child, parent)
        hall.judge()
        if rng.random() < 0.5:
            sweep(hall)
    hall.sync()
    hall.judge()
    sweep(hall)
    opened = [row for row in rows(hall, topic) if not row.over]
    assert [(row.rule, row.colour) for row in opened] == [("acceptance_passed", "red")]
    assert opened[0].since == (date.fromisoformat(opened[0].due) + timedelta(days=1)).isoformat()


def test_fsck_finds_and_mends_what_differs_from_the_entries(hall: Hall, agent: Account) -> None:
    topic = hall.collect(agent)
    hall.sync()
    hall.judge()
    later(hall, 9)
    sweep(hall)
    right = rows(hall)
    assert right and look_at_cards(hall.hub.store) == []
    spoil = (
        sa.update(card).values(colour="purple", code="rectified"),
        sa.delete(card),
        sa.delete(card_look),
    )
    for statement in spoil:
        hall.hub.store.write(lambda conn, s=statement: conn.execute(s))
        (said,) = look_at_cards(hall.hub.store)
        assert said.startswith(f"case {topic.hex()}: ")
        assert look_at_cards(hall.hub.store, mend=True) == [said]
        assert look_at_cards(hall.hub.store) == []
        assert rows(hall) == right
    assert hall.hub.store.read(lambda conn: list(conn.execute(sa.select(card_look.c.day)).scalars())) == [""]
