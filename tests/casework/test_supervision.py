"""Which cards a case earns, day by day, whatever order its entries arrived in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.catalogue import load_catalogue
from casework.changes import ChangeKind
from casework.deadlines import DUE_TODAY, NEAR, OVERDUE, clocks
from casework.errors import BadInput
from casework.fold import fold
from casework.issuing import due, next_day
from casework.journal import HELD, REFUSED, TENTATIVE
from casework.service_item import Days, Mark, ServiceItem, Step
from casework.supervised import Card
from casework.supervision import cards, standing
from casework.supervision_rules import COLOURS, DEFAULT_RULES, IN_TIME, RAISED, UNFOUNDED, Rules, configured, page
from casework.view_dates import case_dates
from casework.workdays import LAST_DAY, load_calendar
from tests.casework.case_strategies import histories
from tests.casework.cases import Entry, body_of, collect_body, entry

K = ChangeKind
CALENDAR = load_calendar()
KNOWN = load_catalogue().get("disabled_subsidy")
MARK = Mark("judgement")
INTAKE = date(2026, 3, 2)
"""A Monday, five weeks before the next holiday."""


def step(tier: str, stage: str, days: int) -> Step:
    return Step(tier, stage, "", days, "wd", None, False, False, (), "", "", MARK)


def item(promised: int | None = 10, legal: int | None = 20, **stages: int) -> ServiceItem:
    """A county item with first review; stages by the words first_review, accept, review, decide, deliver."""
    where = {
        "first_review": ("township", "初审"), "accept": ("county", "受理"), "review": ("county", "审核"),
        "decide": ("county", "审批"), "deliver": ("village", "送达"),
    }  # fmt: skip
    days = [Days(n, "wd", MARK) if n is not None else None for n in (promised, legal)]
    steps = tuple(step(*where[name], n) for name, n in stages.items())
    return replace(
        KNOWN, promised_days=days[0], legal_days=days[1], steps=steps, office="民政局", receipt_effect="authority"
    )


def at(day: date) -> int:
    """Ten in the morning in China."""
    return int(datetime(day.year, day.month, day.day, 2, tzinfo=UTC).timestamp())


def workday(n: int) -> date:
    """n working days after the intake."""
    return CALENDAR.add_workdays(INTAKE, n)[0]


def did(kind: ChangeKind, n: int, office: str = "county", **facts: Any) -> Entry:
    """One change n working days after the intake."""
    if kind is K.COLLECT:
        facts.setdefault("body", {**collect_body(), "received": INTAKE.isoformat()})
    return entry(kind, office, time=at(workday(n)), ref=f"x:1/0/{n}{kind}", **{"actor": 5 + len(office), **facts})


def taken_in(**facts: Any) -> Entry:
    return did(K.COLLECT, 0, "home", **facts)


ENDORSED = did(K.ENDORSE, 1, "township")
ACCEPTED = [taken_in(), ENDORSED, did(K.ACCEPT, 2)]


def told(changes: list[Entry], n: int, of: ServiceItem, receipts: dict[str, int] | None = None) -> list[str]:
    """The rules whose cards stand n working days after the intake."""
    return sorted(card.rule for card in standing(fold(changes), of, CALENDAR, workday(n), receipts or {}))


def all_cards(changes: list[Entry], n: int, of: ServiceItem, receipts: dict[str, int] | None = None) -> list[Card]:
    return list(cards(fold(changes), of, CALENDAR, workday(n), receipts or {}))


def test_a_stage_that_used_its_limit_inside_the_promise_is_purple() -> None:
    of, changes = item(10, 20, review=2, decide=3), [*ACCEPTED, did(K.REVIEW, 3)]
    assert told(changes, 5, of) == []
    (card,) = standing(fold(changes), of, CALENDAR, workday(6), {})
    assert (card.rule, card.colour, card.owner, card.department) == ("stage_decision", "purple", "county", "民政局")
    assert (card.since, card.due, card.late) == (workday(6), workday(6), False), "it will at today's end"
    (late,) = standing(fold(changes), of, CALENDAR, workday(7), {})
    assert late.key == card.key and late.late
    assert told([*changes, did(K.GRANT, 6)], 7, of) == []
    (over,) = all_cards([*changes, did(K.GRANT, 8)], 9, of)
    assert over.ended == workday(8) and over.late, "done late: the card is not gone"


def test_beyond_the_promise_it_is_red_and_no_longer_purple() -> None:
    of, changes = item(4, 8, decide=3), ACCEPTED
    assert told(changes, 5, of) == ["promise_near", "stage_decision"]
    assert told(changes, 7, of) == ["promise_exceeded"]
    assert told(changes, 11, of) == ["promise_exceeded", "statutory_exceeded"]
    red = next(card for card in all_cards(changes, 7, of) if card.rule == "promise_exceeded")
    assert red.since == workday(6) + timedelta(days=1) == red.due + timedelta(days=1)
    assert told(changes, 7, item(3, 8, decide=4)) == ["promise_exceeded"], (
        "a stage as long as the promise is never purple"
    )


@pytest.mark.parametrize(("promised", "first"), [(10, 8), (20, 16), (3, 2), (1, None), (0, None)])
def test_yellow_comes_with_one_day_or_a_fifth_of_the_promise_left(promised: int, first: int | None) -> None:
    near = [n for n in range(promised + 1) if "promise_near" in told(ACCEPTED, n + 2, item(promised, None))]
    assert near == (list(range(first, promised + 1)) if first is not None else [])
    unpromised = [n for n in range(promised + 1) if "promise_near" in told(ACCEPTED, n + 2, item(None, promised))]
    assert unpromised == near


def test_special_procedures_stop_what_runs_and_an_extension_lengthens_it() -> None:
    paused = [*ACCEPTED, did(K.SPECIAL_PROCEDURE, 4, body={**body_of(K.SPECIAL_PROCEDURE), "days": 3})]
    assert told(paused, 6, item(5, None)) == [] and told(paused, 7, item(5, None)) == []
    assert told(paused, 8, item(5, None)) == ["procedure_long"]
    back = [*paused, did(K.SPECIAL_RESULT, 9)]
    assert told(back, 10, item(5, None)) == [] and told(back, 11, item(5, None)) == ["promise_near"]
    assert told(back, 13, item(5, None)) == ["promise_exceeded"]
    assert [card.rule for card in all_cards(back, 9, item(5, None))] == ["procedure_long"]
    longer = [*back, did(K.EXTEND, 13, body={"days": 5, "reason": "x"})]
    assert told(longer, 13, item(5, None)) == []
    past = [card for card in all_cards(longer, 13, item(5, None)) if card.rule == "promise_exceeded"]
    assert past and past[0].ended == workday(13), "the extension does not unsay that the limit was past"


def test_an_extension_beyond_ten_days_or_a_second_one_is_a_breach() -> None:
    def extended(*days: int) -> list[str]:
        more = [did(K.EXTEND, 3 + n, body={"days": d, "reason": "x"}) for n, d in enumerate(days)]
        return told([*ACCEPTED, *more], 6, item(None, 60))

    assert extended(10) == []
    assert extended(11) == ["extension_long"]
    assert extended(6, 5) == ["extension_again", "extension_long"]
    assert extended(1, 1, 1) == ["extension_again"]


def test_the_acceptance_window_runs_from_the_intake_and_anew_from_a_supplement() -> None:
    of, asked = item(), did(K.ASK_SUPPLEMENT, 3, "township")
    assert told([taken_in()], 3, of) == []
    assert told([taken_in()], 4, of) == ["acceptance_near"]
    assert told([taken_in()], 6, of) == ["acceptance_passed"]
    assert told([taken_in(), asked], 9, of) == []
    answered = [taken_in(), asked, did(K.SUPPLEMENT, 9, "home")]
    assert told(answered, 12, of) == [] and told(answered, 13, of) == ["acceptance_near"]
    assert told([*answered, ENDORSED], 15, of) == ["acceptance_passed"]
    assert told([taken_in(), did(K.WITHDRAW, 5, "township")], 9, of) == []


def test_where_the_station_is_the_applicants_agent_the_window_runs_from_the_countys_receipt() -> None:
    of, came = replace(item(), receipt_effect="agent"), {taken_in().ref: at(workday(3))}
    assert told([taken_in()], 6, of, came) == [] and told([taken_in()], 7, of, came) == ["acceptance_near"]
    (card,) = standing(fold([taken_in()]), of, CALENDAR, workday(9), came)
    assert card.rule == "acceptance_passed" and f"收件内容 {workday(3).isoformat()} 才到县级" in card.words


def test_silence_that_accepted_a_case_is_a_card_and_not_an_answer() -> None:
    deemed = did(K.DEEM_ACCEPTED, 6, actor=0, body={"since": INTAKE.isoformat(), "due": workday(5).isoformat()})
    (card,) = all_cards([taken_in(), ENDORSED, deemed], 6, item(20, None))[1:]
    assert (card.rule, card.ended, card.late) == ("acceptance_passed", workday(6), True)


def test_a_parallel_department_that_does_not_answer() -> None:
    split = did(K.SPLIT, 3)
    changes = [*ACCEPTED, split]
    last = date.fromisoformat(fold(changes).parts[0].due)
    n = CALENDAR.workdays_between(INTAKE, last)
    late = [card for card in all_cards(changes, n + 1, item(None, 60)) if card.rule == "part_late"]
    assert late and late[0].since == last + timedelta(days=1)
    assert {card.department for card in late} == {part.office for part in fold(changes).parts}
    assert "part_late" not in told(changes, n, item(None, 60))


def test_a_second_notice_of_one_office_is_a_breach_and_of_another_is_not() -> None:
    asked, answered = did(K.ASK_SUPPLEMENT, 1, "township"), did(K.SUPPLEMENT, 2, "home")
    again = [taken_in(), asked, answered, did(K.ASK_SUPPLEMENT, 3, "township")]
    assert told(again, 4, item()) == ["supplement_again"]
    other = [taken_in(), asked, answered, did(K.ENDORSE, 3, "township"), did(K.ASK_SUPPLEMENT, 4, "county")]
    assert told(other, 5, item()) == []


def test_intake_and_decision_by_one_person_is_a_breach() -> None:
    done = [*ACCEPTED, did(K.REVIEW, 3), did(K.GRANT, 4, actor=4)]
    assert told(done, 4, item()) == []
    (card,) = standing(fold([taken_in(actor=4), *done[1:]]), item(), CALENDAR, workday(4), {})
    assert (card.rule, card.colour, card.owner, card.since) == ("same_person", "red", "county", workday(4))
    nobody = [taken_in(actor=0), *done[1:-1], did(K.GRANT, 4, actor=0)]
    assert told(nobody, 4, item()) == [], "0 is the program"


@pytest.mark.parametrize("reason", ["", "  ", "\u3000"])
def test_a_refusal_or_a_denial_without_reasons_is_a_breach(reason: str) -> None:
    denied = [*ACCEPTED, did(K.REVIEW, 3), did(K.DENY, 4, body={"reason": reason, "seen": []})]
    assert told(denied, 5, item()) == ["no_reason"]
    refused = [*ACCEPTED[:2], did(K.REFUSE_ACCEPTANCE, 3, body={"reason": reason})]
    assert told(refused, 5, item()) == ["no_reason"]
    assert told([*ACCEPTED, did(K.REVIEW, 3), did(K.DENY, 4)], 5, item()) == []


def test_what_is_decided_is_handed_over_within_ten_days() -> None:
    decided = [*ACCEPTED, did(K.REVIEW, 3), did(K.GRANT, 4), did(K.CLOSE, 5)]
    assert told(decided, 14, item()) == [] and told(decided, 15, item()) == ["delivery_late"]
    (card,) = standing(fold(decided), item(), CALENDAR, workday(15), {})
    assert card.owner == "home"
    assert told([*decided, did(K.DELIVER, 14, "home")], 15, item()) == []
    assert told(decided, 8, item(deliver=3)) == ["stage_delivery"]


def test_a_first_review_that_is_forwarded_late() -> None:
    asked = [taken_in(), did(K.ASK_SUPPLEMENT, 1, "township"), did(K.SUPPLEMENT, 11, "home")]
    assert told(asked, 30, item()) == ["acceptance_passed"]
    assert told(asked, 31, item()) == ["acceptance_passed", "first_review_late"]
    assert told([taken_in()], 3, item(first_review=3)) == ["stage_first_review"]


def test_a_decision_after_a_withdrawal_raises_nothing() -> None:
    gone = [*ACCEPTED, did(K.REVIEW, 3), did(K.WITHDRAW, 4), did(K.GRANT, 5, actor=9)]
    assert told(gone, 60, item(5, 10, decide=3)) == []


def test_clocks_of_a_village_that_are_a_year_off() -> None:
    came = {taken_in().ref: at(workday(1))}
    assert told([taken_in()], 1, item(), came) == []
    ahead = taken_in(body={**collect_body(), "received": "2027-03-02"})
    ahead = replace(ahead, time=at(date(2027, 3, 2)))
    assert told([ahead], 1, item(), came) == ["clock_ahead"]
    assert told([ahead], 8, item(), came) == ["acceptance_passed", "clock_ahead"], "the window runs from the receipt"
    behind = replace(taken_in(body={**collect_body(), "received": "2025-03-02"}), time=at(date(2025, 3, 2)))
    assert told([behind], 1, item(), came) == ["clock_behind"], "nobody is late by a clock that cannot be right"
    assert told([behind], 7, item(), came) == ["acceptance_passed", "clock_behind"]
    words = standing(fold([behind]), item(), CALENDAR, workday(1), came)
    assert "2025-03-02" in words[0].words and "2026-03-03" in words[0].words


def test_nothing_is_believed_to_be_done_after_it_was_received() -> None:
    granted = did(K.GRANT, 200)
    done = [*ACCEPTED, did(K.REVIEW, 3), granted]
    assert told(done, 20, item(10, None)) == ["promise_exceeded"]
    assert told(done, 13, item(10, None), {granted.ref: at(workday(5))}) == []


def test_without_an_intake_there_are_no_cards() -> None:
    assert told([], 9, item()) == [] and told([did(K.ENDORSE, 1, "township")], 9, item()) == []


def test_a_county_sets_its_own_thresholds() -> None:
    mine = configured("promise_near: {limit: 4, percent: 0, colour: purple}\nacceptance_passed: {used: false}\n")
    (card,) = standing(fold(ACCEPTED), item(10, None), CALENDAR, workday(8), {}, mine)
    assert (card.rule, card.colour) == ("promise_near", "purple")
    assert standing(fold([taken_in()]), item(), CALENDAR, workday(9), {}, mine) == ()


@pytest.mark.parametrize(
    "text",
    [
        "x", "- a", "nonsense: {limit: 1}", "promise_near: 3", "promise_near: {limit: -1}",
        "promise_near: {limit: 1.5}", "promise_near: {percent: 101}", "promise_near: {colour: green}",
        "promise_near: {used: 1}", "promise_near: {x: 1}", "promise_exceeded: {limit: 3}", "a: [", "1: {}",
        "x" * 20_001,
        "promise_near: {limit: 2026-13-45}", "acceptance_passed: {limit: null}",
    ],
)  # fmt: skip
def test_a_table_that_makes_no_sense_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadInput) as found:
        configured(text)
    assert all(problem.message and problem.remedy for problem in found.value.problems)


def test_the_page_names_every_rule_and_the_table_has_sensible_words() -> None:
    for rule in DEFAULT_RULES:
        assert f"| `{rule.id}` |" in page() and rule.colour in COLOURS and rule.name and rule.law
    assert Rules().name("from_the_future") == "from_the_future" and Rules().law("from_the_future") == ""


# -- whatever order the entries arrived in


def lives() -> st.SearchStrategy[list[Entry]]:
    """The way of a case day by day, with pauses, extensions and late work, as one order."""
    kinds = [
        (K.ASK_SUPPLEMENT, "township"), (K.SUPPLEMENT, "home"), (K.ENDORSE, "township"), (K.ACCEPT, "county"),
        (K.REVIEW, "county"), (K.SPECIAL_PROCEDURE, "county"), (K.SPECIAL_RESULT, "county"), (K.EXTEND, "county"),
        (K.DENY, "county"), (K.GRANT, "county"), (K.CLOSE, "county"), (K.DELIVER, "home"), (K.WITHDRAW, "home"),
    ]  # fmt: skip

    def tell(steps: list[tuple[tuple[ChangeKind, str], int]]) -> list[Entry]:
        found, n = [taken_in()], 0
        for number, ((kind, office), later) in enumerate(steps):
            n += later
            found.append(replace(did(kind, n, office), ref=f"y:1/0/{number}"))
        return found

    usual = [kinds[2], kinds[3], kinds[4]]
    pauses = st.integers(0, 12)
    begun = st.lists(pauses, min_size=3, max_size=3).map(lambda n: list(zip(usual, n, strict=True)))
    tail = st.lists(st.tuples(st.sampled_from(kinds), pauses), max_size=8)
    return st.one_of(tail, st.tuples(begun, tail).map(lambda parts: [*parts[0], *parts[1]])).map(tell)


items = st.builds(
    lambda promised, legal, stages: item(promised, legal, **stages),
    st.sampled_from([None, 0, 1, 5, 10]),
    st.sampled_from([None, 20]),
    st.dictionaries(st.sampled_from(["first_review", "accept", "review", "decide", "deliver"]), st.integers(0, 5)),
)


@given(lives(), items, st.integers(0, 60))
def test_what_stood_on_a_day_is_the_same_seen_from_any_later_day(life: list[Entry], of: ServiceItem, n: int) -> None:
    """An answer, a pause or an extension that came later never unsays what stood before."""
    day = workday(n)
    then = standing(fold([one for one in life if one.time <= at(day)]), of, CALENDAR, day, {})
    seen = {
        (c.rule, c.since, c.owner, c.words)
        for c in cards(fold(life), of, CALENDAR, LAST_DAY, {})
        if c.since <= day and (c.ended is None or c.ended > day)
    }
    assert {(c.rule, c.since, c.owner, c.words) for c in then} == seen


@given(lives(), items, st.integers(0, 60))
def test_red_and_yellow_say_what_the_shown_clocks_say(life: list[Entry], of: ServiceItem, n: int) -> None:
    day = workday(n)
    state = fold([one for one in life if one.time <= at(day)])
    shown = {c.kind: c.word for c in clocks(case_dates(state), of, CALENDAR, day) if not c.done}
    told = {c.rule for c in standing(state, of, CALENDAR, day, {})}
    for kind, rule in (
        ("promised", "promise_exceeded"),
        ("statutory", "statutory_exceeded"),
        ("acceptance", "acceptance_passed"),
    ):
        assert (shown.get(kind) == OVERDUE) == (rule in told), (kind, shown)
    if of.promised_days and of.promised_days.n > 1:
        assert (shown.get("promised") in (NEAR, DUE_TODAY)) == ("promise_near" in told)


@given(lives(), items, st.randoms(use_true_random=False), st.integers(0, 80))
def test_standing_cards_do_not_know_in_which_order_things_arrived(life, of, random, n) -> None:
    """While they arrive, what is not ordered yet says nothing; when all is there, the cards are those of the order."""
    receipts = {one.ref: one.time + random.randrange(10**6) for one in life}
    whole = standing(fold(life), of, CALENDAR, workday(n), receipts)
    arrival = list(life)
    random.shuffle(arrival)
    there: list[Entry] = []
    for one in arrival:
        there.append(one)
        ordered = life[: next((k for k, each in enumerate(life) if each not in there), len(life))]
        waiting = [replace(e, standing=random.choice([TENTATIVE, HELD, REFUSED])) for e in there if e not in ordered]
        now = standing(fold([*ordered, *waiting]), of, CALENDAR, workday(n), receipts)
        assert now == standing(fold(ordered), of, CALENDAR, workday(n), receipts)
    assert now == whole


@given(lives(), items, st.data())
def test_issued_cards_end_as_the_order_says_whatever_was_known_when(life, of, data) -> None:
    """Sweeps at any time, each with a part of the order: what was issued wrongly is cleared, the rest is issued."""
    issued: dict[Any, str] = {}
    known, day = 1, 0

    def sweep(day: int, known: int) -> None:
        earned = cards(fold(life[:known]), of, CALENDAR, workday(day), {})
        mine = due(earned, [], [key for key, code in issued.items() if not code])
        issued.update({card.key: "" for card in mine.issue} | dict(mine.clear))

    while day < 70:
        sweep(day, known)
        day += data.draw(st.integers(1, 9))
        known = data.draw(st.integers(known, len(life)))
    sweep(70, len(life))
    earned = {card.key: card for card in cards(fold(life), of, CALENDAR, workday(70), {})}
    assert {key for key, code in issued.items() if not code} <= set(earned)
    for key, card in earned.items():
        if not card.warns and card.late:
            assert issued.get(key) == "", card
        if card.ended is None:
            assert key in issued
    before = dict(issued)
    sweep(70, len(life))
    assert issued == before, "the same again changes nothing"


@given(histories(), st.integers(0, 400))
def test_no_history_raises(history: list[Entry], n: int) -> None:
    state = fold(history)
    for receipts in ({}, {one.ref: 1_770_000_000 for one in history}):
        for card in cards(state, item(), CALENDAR, workday(n), receipts):
            assert card.words and card.rule and card.owner in ("home", "township", "county", "?")


def test_warnings_are_cleared_by_the_program_and_late_work_by_a_person() -> None:
    of = item(5, None, decide=3)
    heeded = due(
        all_cards([*ACCEPTED, did(K.REVIEW, 3), did(K.GRANT, 5)], 6, of),
        [("stage_decision", workday(5))],
        [("stage_decision", workday(5))],
    )
    assert heeded.clear == ((("stage_decision", workday(5)), IN_TIME),) and heeded.issue == ()
    late = all_cards([*ACCEPTED, did(K.REVIEW, 3), did(K.GRANT, 7)], 9, of)
    keys = [card.key for card in late]
    assert [card.rule for card in due(late, [], []).issue] == ["stage_decision"], "the warning is over"
    assert due(late, keys, keys).clear == ((("promise_near", workday(6)), IN_TIME),)
    overdue = all_cards(ACCEPTED, 9, of)
    assert dict(due(overdue, [c.key for c in overdue], [c.key for c in overdue]).clear) == {
        ("promise_near", workday(6)): RAISED
    }
    assert due([], [("promise_near", INTAKE)], [("promise_near", INTAKE)]).clear == (
        (("promise_near", INTAKE), UNFOUNDED),
    )


@given(lives(), items, st.integers(0, 60))
def test_between_two_days_that_are_looked_at_time_changes_nothing(life: list[Entry], of: ServiceItem, n: int) -> None:
    state, today = fold(life), workday(n)
    to_come = cards(state, of, CALENDAR, LAST_DAY, {})
    then = next_day(to_come, today) or today + timedelta(days=90)
    keys = [card.key for card in to_come]
    now, later = (due(cards(state, of, CALENDAR, day, {}), [], keys) for day in (today, then - timedelta(days=1)))
    assert later.clear == now.clear and [card.key for card in later.issue] == [card.key for card in now.issue]


def test_an_extension_that_comes_too_late_moves_no_day_that_was_said() -> None:
    """The card that was issued names the limit as it was; lengthened when it was over, it is the same card."""
    life = [taken_in()]
    for number, (kind, n, office) in enumerate(
        [(K.ENDORSE, 0, "township"), (K.ACCEPT, 0, "county"), (K.REVIEW, 0, "county"), (K.EXTEND, 11, "county")]
    ):
        life.append(replace(did(kind, n, office), ref=f"y:1/0/{number}"))
    of = item(0, None)
    issued = [c.words for c in standing(fold(life[:-1]), of, CALENDAR, workday(1), {}) if c.rule == "promise_exceeded"]
    later = [c.words for c in cards(fold(life), of, CALENDAR, LAST_DAY, {}) if c.rule == "promise_exceeded"]
    assert len(issued) == 1 and issued == later
