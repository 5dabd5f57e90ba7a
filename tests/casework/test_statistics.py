"""What counts of a case, and the figures of many, against a table reckoned by hand on the calendar of 2026."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from casework.case_facts import CaseFacts, facts_of
from casework.catalogue import load_catalogue
from casework.changes import ChangeKind
from casework.errors import BadInput
from casework.fold import CaseState, fold
from casework.journal import TENTATIVE
from casework.service_item import Days, Mark, ServiceItem
from casework.statistics import NOTHING, Figures, Ratio, Selection, period_of, tally, total
from casework.workdays import load_calendar
from tests.casework.cases import PAGE_1, PAGE_2, Entry, collect_body

K = ChangeKind
STATION, OTHER = "341882103201", "341882104000"
TODAY = date(2026, 11, 20)
BASE = load_catalogue().get("elder_allowance")


def item(promised: str = "5 wd", legal: str = "20 wd", office: str = "民政局") -> ServiceItem:
    def days(text: str) -> Days | None:
        return Days(int(text.split(maxsplit=1)[0]), text.split()[1], Mark("typical")) if text else None

    return replace(BASE, key="elder", promised_days=days(promised), legal_days=days(legal), office=office)


def at(day: str) -> int:
    """Ten in the morning in China of MM-DD 2026, or of a day with its year."""
    text = day if len(day) > 5 else f"2026-{day}"
    return int(datetime.fromisoformat(f"{text}T02:00:00").replace(tzinfo=UTC).timestamp())


BODIES: dict[ChangeKind, dict[str, Any]] = {
    K.ENDORSE: {"opinion": "同意"}, K.ACCEPT: {}, K.REVIEW: {}, K.GRANT: {"seen": []},
    K.DENY: {"seen": [], "reason": "不符合"}, K.CLOSE: {"result": "issued"}, K.WITHDRAW: {"reason": "不办了"},
    K.REFUSE_ACCEPTANCE: {"reason": "不归本机关"}, K.EXTEND: {"days": 10, "reason": "情况复杂"},
    K.SPECIAL_PROCEDURE: {"procedure": "hearing", "days": 9, "reason": "听证"}, K.SPECIAL_RESULT: {"opinion": "已听证"},
}  # fmt: skip


def lived(
    received: str, *steps: tuple[ChangeKind, str], result: str = "issued", standing: str = "ordered"
) -> CaseState:
    """A case that was taken in and endorsed on a day, and went its way."""
    day = received if len(received) > 5 else f"2026-{received}"
    body = collect_body() | {"item": "elder", "received": day}
    entries = [Entry(K.COLLECT, body, time=at(received), standing=standing, blobs=(PAGE_1, PAGE_2))]
    entries += [Entry(K.ENDORSE, BODIES[K.ENDORSE], "township", time=at(received), standing=standing)] * bool(steps)
    for kind, when in steps:
        its = BODIES[kind] | ({"result": result} if kind is K.CLOSE else {})
        entries.append(Entry(kind, its, "county", time=at(when), standing=standing))
    return fold(entries)


def decided(accepted: str, day: str, *between: tuple[ChangeKind, str], kind: ChangeKind = K.GRANT) -> CaseState:
    """Accepted on the day of its intake, decided on another, closed the day after Friday 2026-11-27."""
    closed = max("11-28", day)
    return lived(accepted, (K.ACCEPT, accepted), (K.REVIEW, accepted), *between, (kind, day), (K.CLOSE, closed))


def counted(state: CaseState, its: ServiceItem | None = None, station: str = STATION) -> CaseFacts:
    facts = facts_of(state, station, its or item(), load_calendar())
    assert facts is not None
    return facts


# accepted, decided, what happened between, item -> (used, promised, statutory, promise, statute, extended, provisional)
TIMED: dict[str, tuple[CaseState, ServiceItem, tuple[object, ...]]] = {
    "early": (decided("11-02", "11-04"), item(), (2, 5, 20, "early", "early", 0, 0)),
    "on the day": (decided("11-02", "11-09"), item(), (5, 5, 20, "on_day", "early", 0, 0)),
    "late": (decided("11-02", "11-10"), item(), (6, 5, 20, "late", "early", 0, 0)),
    "denied counts like granted": (decided("11-02", "11-04", kind=K.DENY), item(), (2, 5, 20, "early", "early", 0, 0)),
    "past the law": (decided("11-02", "11-12"), item("5 wd", "7 wd"), (8, 5, 7, "late", "late", 0, 0)),
    # The 15th working day after 11-02 is 11-23; the limits stay as published.
    "extended": (decided("11-02", "11-20", (K.EXTEND, "11-05")), item(), (14, 5, 20, "early", "early", 10, 0)),
    # From 11-04 to 11-11 five working days did not count (5, 6, 9, 10, 11 November).
    "suspended": (
        decided("11-02", "11-16", (K.SPECIAL_PROCEDURE, "11-04"), (K.SPECIAL_RESULT, "11-11")),
        item(),
        (5, 5, 20, "on_day", "early", 0, 0),
    ),
    # Due on Thursday 11-12; 30 calendar days end on Wednesday 12-02.
    "calendar days": (decided("11-02", "11-12"), item("10 d", "30 d"), (8, 8, 22, "on_day", "early", 0, 0)),
    # Ten days end on Saturday 11-14, so on Monday 11-16: ten working days.
    "calendar days end on a day off": (decided("11-04", "11-13"), item("10 d", ""), (7, 8, None, "early", "", 0, 0)),
    "same day": (decided("11-02", "11-02"), item("0 wd"), (0, 0, 20, "on_day", "early", 0, 0)),
    "same day, a day late": (decided("11-02", "11-03"), item("0 wd"), (1, 0, 20, "late", "early", 0, 0)),
    "on a Saturday before": (decided("11-02", "11-07"), item(), (4, 5, 20, "early", "early", 0, 0)),
    "on a Saturday after": (decided("11-02", "11-07"), item("4 wd"), (4, 4, 20, "late", "early", 0, 0)),
    # 20 working days after 09-30 is 11-03, because of the holidays of 2026.
    "over the holidays": (decided("09-30", "11-03"), item("20 wd", "20 wd"), (20, 20, 20, "on_day", "on_day", 0, 0)),
    "no limits": (decided("11-02", "11-04"), item("", ""), (2, None, None, "", "", 0, 0)),
    "only the law": (decided("11-02", "11-04"), item("", "20 wd"), (2, None, 20, "", "early", 0, 0)),
    "a year without an official table": (decided("12-28", "12-29"), item(), (1, 5, 20, "early", "early", 0, 1)),
}


@pytest.mark.parametrize("name", TIMED)
def test_what_is_said_of_a_decided_case(name: str) -> None:
    state, its, expected = TIMED[name]
    facts = counted(state, its)
    said = (
        facts.used, facts.promised, facts.statutory, facts.promise, facts.statute, facts.extended, facts.provisional,
    )  # fmt: skip
    assert said == expected


def test_a_case_that_nobody_timed_has_no_time() -> None:
    collected = lived("11-02")
    assert counted(collected) == CaseFacts(STATION, "elder", "民政局", "2026-11-02", "", "", "", "", "", "2026-11-09")
    refused = counted(lived("11-02", (K.REFUSE_ACCEPTANCE, "11-03")))
    assert (refused.outcome, refused.ended, refused.used) == ("refused_acceptance", "2026-11-03", None)
    gone = counted(lived("11-02", (K.ACCEPT, "11-03"), (K.WITHDRAW, "11-05")))
    assert (gone.outcome, gone.accepted, gone.ended, gone.used) == ("withdrawn", "2026-11-03", "2026-11-05", None)
    granted = counted(lived("11-02", (K.ACCEPT, "11-02"), (K.REVIEW, "11-02"), (K.GRANT, "11-04")))
    assert (granted.outcome, granted.decision, granted.used) == ("", "granted", None), "not closed: open as it is"
    for word in ("voided", "returned", "deleted", "supplement_lapsed", "tolerance_lapsed"):
        steps = ((K.ACCEPT, "11-02"), (K.REVIEW, "11-02"), (K.DENY, "11-04"), (K.CLOSE, "11-05"))
        facts = counted(lived("11-02", *steps, result=word))
        assert (facts.outcome, facts.close_result, facts.used) == ("closed", word, None)


def test_what_the_applicant_is_awaited_for_is_not_overdue_at_the_office() -> None:
    """The window for an answer ended on 11-09; the office has no clock that runs."""
    defects = {"defects": [{"subject": "身份证", "what": "不清"}], "until": "2026-11-09"}
    asked = lived("11-02")
    asked.apply(Entry(K.ASK_SUPPLEMENT, defects, "township", time=at("11-02")))
    assert asked.state == "supplement_asked"
    assert tally([counted(asked)], month(), TODAY)["elder"] == Figures(received=1, open=1, overdue=0)


def test_what_time_ended_is_closed_and_neither_early_nor_late() -> None:
    lapsed = lived("11-02", (K.ACCEPT, "11-02"))
    lapsed.apply(Entry(K.LAPSE, {"rule": "tolerance_lapsed", "due": "2026-11-09"}, "county", time=at("11-10")))
    facts = counted(lapsed)
    assert (facts.outcome, facts.ended, facts.used) == ("closed", "2026-11-10", None)
    assert tally([facts], month(), TODAY)["elder"] == Figures(received=1, accepted=1, closed=1, lapsed=1)


def test_a_case_that_another_office_was_given_is_that_offices() -> None:
    given = lived("11-02", (K.ACCEPT, "11-02"))
    given.apply(Entry(K.REASSIGN, {"office": "残联", "reason": "职责调整"}, "county", time=at("11-03")))
    assert counted(given).office == "残联"


def test_what_is_not_ordered_does_not_count() -> None:
    state = lived("11-02", standing=TENTATIVE)
    assert state.state is not None and facts_of(state, STATION, item(), load_calendar()) is None
    assert facts_of(CaseState(), STATION, item(), load_calendar()) is None
    state = lived("11-02")
    state.apply(Entry(K.ENDORSE, BODIES[K.ENDORSE], "township", time=at("11-03"), standing=TENTATIVE))
    state.apply(Entry(K.ACCEPT, {}, "county", time=at("11-03"), standing=TENTATIVE))
    assert state.state == "accepted" and counted(state).accepted == ""


def test_clocks_that_are_a_century_off_are_counted_and_bounded() -> None:
    facts = counted(decided("2026-11-02", "1971-01-04"))
    assert (facts.used, facts.promise) == (0, "early")
    facts = counted(lived("2026-11-02", (K.ACCEPT, "1970-01-01"), (K.REVIEW, "11-02"), (K.GRANT, "2099-01-01")))
    assert facts.accepted == "1970-01-01" and facts.outcome == ""


def month(first: str = "2026-11-01", last: str = "2026-11-30", by: str = "item", **more: Any) -> Selection:
    return Selection(date.fromisoformat(first), date.fromisoformat(last), by, more.pop("region", "341882"), **more)


def hall() -> list[CaseFacts]:
    """All of TIMED but the one of December; and cases that ended otherwise, or did not end."""
    cases = [counted(state, its) for name, (state, its, _) in TIMED.items() if "table" not in name]
    paused = lived("11-02", (K.ACCEPT, "11-02"), (K.REVIEW, "11-02"), (K.SPECIAL_PROCEDURE, "11-04"))
    other = item(office="残联")
    cases.append(replace(counted(lived("11-02", (K.REFUSE_ACCEPTANCE, "11-03")), other, OTHER), item="card"))
    cases.append(replace(counted(lived("11-02", (K.WITHDRAW, "11-05")), other, OTHER), item="card"))
    cases.append(replace(counted(lived("11-02"), other, OTHER), item="card"))
    cases.append(replace(counted(paused, other, OTHER), item="card"))
    cases.append(replace(counted(lived("11-17"), other, OTHER), item="card"))
    return cases


# Summed by hand from TIMED, in its order. Working days used: 2+5+6+2+8+14+5+8+7+0+1+4+4+20+2+2 = 90. With a promise:
# 14. With a statutory limit: 14, of 12*20 + 7 + 22 = 269 working days, and used 90 less 7 and 2 of the two without one.
# With both: 13, of 269 - 20 = 249 working days by law and 7*5 + 8 + 0 + 0 + 5 + 4 + 20 = 72 promised.
ELDER = Figures(
    received=15, accepted=15, closed=16, granted=15, denied=1, early=5, on_day=5, late=4, in_law=13, over_law=1,
    extended=1, timed=16, used=90, law_promised=249, promised=72, law=269, law_used=81,
)  # fmt: skip
CARD = Figures(received=5, open=3, overdue=1, accepted=1, refused=1, withdrawn=1)


def test_the_figures_of_a_month_by_item_office_and_station() -> None:
    assert tally(hall(), month(), TODAY) == {"elder": ELDER, "card": CARD}
    assert tally(hall(), month(by="office"), TODAY) == {"民政局": ELDER, "残联": CARD}
    assert tally(hall(), month(by="station"), TODAY) == {STATION: ELDER, OTHER: CARD}
    assert tally(hall(), month(office="残联"), TODAY) == {"card": CARD}
    assert tally(hall(), month(item="elder"), TODAY) == {"elder": ELDER}
    assert tally(hall(), month(region="341882104"), TODAY) == {"card": CARD}
    assert tally(hall(), month(region="341822"), TODAY) == {}


def test_each_thing_counts_in_the_month_in_which_it_happened() -> None:
    groups = tally(hall(), month("2026-01-01", "2026-12-31", "month"), TODAY)
    assert sorted(groups) == ["2026-09", "2026-11"]
    assert groups["2026-09"] == Figures(received=1, accepted=1), "taken in before the holidays, closed in November"
    assert total(groups.values()) == total(tally(hall(), month("2026-01-01", "2026-12-31"), TODAY).values())
    assert groups["2026-11"] == total((ELDER, CARD))
    assert tally(hall(), month("2026-09-30", "2026-09-30"), TODAY) == {"elder": Figures(received=1, accepted=1)}
    assert tally(hall(), month("2026-10-01", "2026-10-31"), TODAY) == {}


def test_an_open_case_is_overdue_from_the_day_after_its_day() -> None:
    case = [counted(lived("11-02"))]
    for today, late in ((date(2026, 11, 9), 0), (date(2026, 11, 10), 1)):
        assert tally(case, month(), today) == {"elder": Figures(received=1, open=1, overdue=late)}


def test_the_rates_by_hand() -> None:
    assert (ELDER.early_rate.percent(), ELDER.kept_rate.percent()) == ("35.71", "71.43")  # 5/14, 10/14
    assert ELDER.lawful_rate.percent() == "92.86"  # 13/14
    assert ELDER.promise_compression.percent() == "71.08"  # 177/249
    assert ELDER.actual_compression.percent() == "69.89"  # 188/269
    assert ELDER.mean_used.each() == "5.63"  # 90/16 = 5.625


def test_without_cases_there_is_no_rate() -> None:
    for ratio in (CARD.early_rate, CARD.kept_rate, CARD.lawful_rate, CARD.promise_compression, CARD.actual_compression):
        assert ratio.percent() == NOTHING
    assert CARD.mean_used.each() == NOTHING
    assert Figures(late=3).early_rate.percent() == "0.00"


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (1, 3, "33.33"),
        (2, 3, "66.67"),
        (-5, 20, "-25.00"),
        (-1, 10**9, "0.00"),
        (1, 8, "12.50"),
        (10**15, 10**15, "100.00"),
    ],
)
def test_rates_have_two_decimals_and_no_limit(part: int, whole: int, text: str) -> None:
    assert Ratio(part, whole).percent() == text


def test_sums_of_very_many_cases_are_exact() -> None:
    one = counted(decided("11-02", "11-09"))
    groups = tally((one for _ in range(20_000)), month(), TODAY)
    assert groups["elder"].used == 100_000 and groups["elder"].kept_rate.percent() == "100.00"
    assert total([groups["elder"]] * 1000).law == 400_000_000


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [("2026-13-01", "", "from"), ("", "2026-W01-1", "to"), ("昨天", "", "from"), ("1969-12-31", "", "from"),
     ("", "2100-01-01", "to"), ("2026-02-02", "2026-02-01", "to"), ("２０２６-01-01", "", "from")],
)  # fmt: skip
def test_a_period_that_is_none_is_refused_by_name(first: str, last: str, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        period_of(first, last, TODAY)
    assert [problem.field for problem in caught.value.problems] == [field]


def test_without_a_period_it_is_this_month() -> None:
    assert period_of("", "", TODAY) == (date(2026, 11, 1), TODAY)
    assert period_of("2025-02-28", "2025-02-28", TODAY) == (date(2025, 2, 28), date(2025, 2, 28))
