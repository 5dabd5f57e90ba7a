"""Figures at the hub: the table says what the log says, at any moment; and the page, the file and the command."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from casework import facts_store
from casework.accounts import Account
from casework.case_facts import CaseFacts
from casework.case_tables import case_facts, catalogue_item
from casework.changes import ChangeKind
from casework.errors import BadInput
from casework.fsck import look_at_cases
from casework.past_facts import facts_at
from casework.policy import CaseScope, Role
from casework.statistics import GROUPINGS, Figures, Selection, tally
from casework.workdays import Calendar, china_day, load_calendar
from hub.statistics import COLUMNS, moment_of, report_at, report_now, selection_of
from tests.hub.conftest import OpenHub
from tests.hub.hall import ITEM, OFFICE, Hall
from tests.hub.test_queue import APPROVER, REVIEWER, brought, endorsed
from tests.hub.test_reference_data import again
from tests.sync_protocol.county import TOWNSHIP, VILLAGE

DAY = 86_400
K = ChangeKind
EVERYTHING = CaseScope("341882", None)


@pytest.fixture
def agent(hall: Hall) -> Account:
    account = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    return account


def act(hall: Hall, topic: bytes, kind: ChangeKind, body: dict[str, Any] | None = None) -> None:
    person = APPROVER if kind in (K.GRANT, K.DENY, K.EXTEND, K.CLOSE) else REVIEWER
    desk = hall.desk(hall.hub)
    hall.hub.store.write(lambda conn: desk.act(conn, person, topic, kind, body or {}))


def in_table(hall: Hall) -> list[CaseFacts]:
    rows = hall.hub.store.read(lambda conn: conn.execute(sa.select(case_facts)).mappings().all())
    facts = [CaseFacts(**{name: value for name, value in row.items() if name != "topic"}) for row in rows]
    return sorted(facts, key=repr)


def in_log(hall: Hall, moment: int) -> list[CaseFacts]:
    log = hall.topics(hall.hub)
    return sorted(hall.hub.store.read(lambda conn: list(facts_at(conn, log, moment))), key=repr)


def year(by: str) -> Selection:
    return Selection(date(2026, 1, 1), date(2027, 12, 31), by, "341882")


def figures(hall: Hall, by: str = "item") -> dict[str, Figures]:
    today = china_day(hall.now())
    return hall.hub.store.read(lambda conn: facts_store.figures(conn, year(by), today))


def lives(hall: Hall, agent: Account) -> list[tuple[str, Callable[[], None]]]:
    """Steps of some cases, in the order in which they happen."""
    topics: dict[str, bytes] = {}

    def collect(*names: str) -> None:
        for name in names:
            topics[name] = hall.collect(agent, name)
        hall.sync()

    def endorse() -> None:
        for topic in topics.values():
            endorsed(hall, topic)
        brought(hall)

    def every(kind: ChangeKind, *names: str, **body: Any) -> None:
        for name in names:
            act(hall, topics[name], kind, body)

    def old_calendar() -> None:
        again(hall)

    def new_calendar() -> None:
        table = load_calendar().year(2026)
        assert table is not None
        off = table.days_off | {china_day(hall.now() + n * DAY) for n in range(2, 5)}
        again(hall, calendar=Calendar({2026: replace(table, version=9, days_off=off, makeup_workdays=frozenset())}))

    return [
        ("taken in at the village", lambda: collect("甲")),
        ("and one more, not yet ordered", lambda: collect("乙", "丙")),
        ("endorsed and ordered", endorse),
        ("accepted", lambda: every(K.ACCEPT, "甲", "乙")),
        ("refused", lambda: every(K.REFUSE_ACCEPTANCE, "丙", reason="不归本机关", basis="")),
        ("under review", lambda: every(K.REVIEW, "甲", "乙")),
        ("a hearing", lambda: every(K.SPECIAL_PROCEDURE, "乙", procedure="hearing", days=9, reason="申请听证")),
        ("granted", lambda: every(K.GRANT, "甲", seen=[])),
        ("closed", lambda: every(K.CLOSE, "甲", result="completed")),
        ("another calendar", new_calendar),
        ("heard", lambda: every(K.SPECIAL_RESULT, "乙", opinion="已听证")),
        ("extended", lambda: every(K.EXTEND, "乙", days=10, reason="案情复杂")),
        ("denied", lambda: every(K.DENY, "乙", reason="不符合", seen=[])),
        ("closed as well", lambda: every(K.CLOSE, "乙", result="denied")),
        ("the old calendar again", old_calendar),
    ]


def test_the_table_says_what_the_log_says_now_and_the_log_says_it_of_any_moment(hall: Hall, agent: Account) -> None:
    seen: list[tuple[str, int, list[CaseFacts]]] = []
    for name, step in lives(hall, agent):
        hall.county.clock.now += DAY
        step()
        seen.append((name, hall.now(), in_table(hall)))
        assert seen[-1][2] == in_log(hall, hall.now()), name
    for name, moment, facts in seen:
        assert in_log(hall, moment) == facts, name
        assert in_log(hall, moment + DAY - 1) == facts, name
    distinct = {repr(facts) for _, _, facts in seen}
    assert len(distinct) > 10, "most steps change what counts"
    assert figures(hall)[ITEM].closed == 2 and figures(hall)[ITEM].refused == 1
    assert look_at_cases(hall.hub.store, hall.topics(hall.hub), mend=False).wrong == []


def test_what_only_the_station_has_written_is_not_counted_at_the_hub(hall: Hall, agent: Account) -> None:
    hall.collect(agent)
    hall.sync()
    assert in_table(hall) == in_log(hall, hall.now()) == [], "it came, and nobody has ordered it"
    hall.judge()
    assert figures(hall)[ITEM] == Figures(received=1, open=1)
    nobody = hall.village.store.read(lambda conn: conn.execute(sa.select(case_facts)).all())
    assert nobody == [], "stations keep no such table"


def test_fsck_sees_wrong_facts_and_writes_them_anew(hall: Hall, agent: Account) -> None:
    topic = hall.collect(agent)
    brought(hall)
    store, log = hall.hub.store, hall.topics(hall.hub)
    right = in_table(hall)
    stray = asdict(right[0]) | {"topic": b"x" * 16}
    store.write(lambda conn: conn.execute(sa.update(case_facts).values(used=1)))
    store.write(lambda conn: facts_store.write(conn, b"x" * 16, stray))
    wrong = look_at_cases(store, log, mend=False).wrong
    words = [f"case {topic.hex()}: what is counted of it differs", f"case {(b'x' * 16).hex()}: a row without a log"]
    assert sorted(wrong) == sorted(words)
    look_at_cases(store, log, mend=True)
    assert in_table(hall) == right and look_at_cases(store, log, mend=False).wrong == []


def many(hall: Hall) -> list[CaseFacts]:
    """Rows of all kinds, written straight into the table."""
    base = CaseFacts("341882103201", "a", "民政局", "2026-01-31", "2026-02-02", "", "", "", "", "2026-02-09")
    end = {"outcome": "closed", "close_result": "issued", "decision": "granted"}
    kinds = [
        {}, {"due": "2999-01-01"}, {"accepted": ""}, {"ended": "2026-02-03", "outcome": "withdrawn"},
        {"accepted": "", "ended": "2026-03-01", "outcome": "refused_acceptance"},
        {**end, "ended": "2026-02-28", "used": 3, "promised": 5, "statutory": 20, "promise": "early",
         "statute": "early"},
        {**end, "ended": "2026-03-01", "used": 7, "promised": 5, "promise": "late"},
        {**end, "ended": "2026-12-31", "used": 20, "statutory": 20, "statute": "on_day", "provisional": 1},
        {**end, "ended": "2027-01-01", "used": 30, "promised": 10, "statutory": 20, "promise": "on_day",
         "statute": "late", "extended": 5, "decision": "denied"},
        {**end, "ended": "2026-02-28", "close_result": "voided", "decision": "denied"},
        {"ended": "2026-02-20", "outcome": "closed", "close_result": "supplement_lapsed"},
        {"home_region": "341882104000", "office": "残联", "item": "b"},
    ]  # fmt: skip
    facts = [replace(base, received=f"2026-01-{1 + n % 31:02}", **kind) for n, kind in enumerate(kinds * 30)]
    rows = [{"topic": n.to_bytes(16, "big"), **asdict(one)} for n, one in enumerate(facts)]
    hall.hub.store.write(lambda conn: conn.execute(sa.insert(case_facts), rows))
    return facts


@pytest.mark.parametrize("by", GROUPINGS)
def test_the_database_sums_what_the_rules_sum(hall: Hall, by: str) -> None:
    facts = many(hall)
    whole = Selection(date(2026, 1, 1), date(2026, 12, 31), by, "341882")
    cuts = (
        whole,
        replace(whole, last=date(2026, 2, 28)),
        replace(whole, first=date(2026, 3, 1), last=date(2027, 1, 1)),
        replace(whole, office="残联"),
        replace(whole, item="a", region="341882103201"),
        replace(whole, region="341882104"),
        replace(whole, region=""),
        replace(whole, region="341822"),
    )
    for cut in cuts:
        for today in (date(2026, 2, 9), date(2026, 2, 10)):
            found = hall.hub.store.read(lambda conn, c=cut, t=today: facts_store.figures(conn, c, t))
            assert found == tally(facts, cut, today), (cut, today)
    assert tally(facts, cuts[0], date(2026, 2, 9)) != {} and tally(facts, cuts[-1], date(2026, 2, 9)) == {}


def test_a_report_of_now_and_of_the_log_are_the_same(hall: Hall, agent: Account) -> None:
    hall.collect(agent)
    brought(hall)
    log, now = hall.topics(hall.hub), hall.now()
    for by in GROUPINGS:
        chosen = selection_of({"by": by, "from": "2026-01-01"}, EVERYTHING, china_day(now))
        one, other = hall.hub.store.read(
            lambda conn, c=chosen: (report_now(conn, c, now), report_at(conn, log, c, now))
        )
        assert one == other and one.total.received == 1
        assert one.lines[0].name == {"office": OFFICE, "month": one.lines[0].key}.get(by, one.lines[0].name)
    assert one.cut != ""


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"by": "name"}, "by"), ({"station": "341822103201"}, "station"), ({"station": "' or 1=1"}, "station"),
     ({"from": "2026-02-30"}, "from"), ({"from": "2026-11-02", "to": "2026-11-01"}, "to")],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_by_name(asked: dict[str, str], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        selection_of(asked, EVERYTHING, date(2026, 11, 20))
    assert [problem.field for problem in caught.value.problems] == [field]


def test_nobody_asks_beyond_an_office_of_their_own() -> None:
    own = CaseScope("341882", OFFICE)
    assert selection_of({"office": "公安局"}, own, date(2026, 11, 20)).office == OFFICE
    assert selection_of({"office": "公安局"}, EVERYTHING, date(2026, 11, 20)).office == "公安局"
    assert selection_of({"station": TOWNSHIP}, own, date(2026, 11, 20)).region == "341882103"


def test_a_moment_is_a_day_to_its_end_or_a_time_in_china() -> None:
    now = moment_of("2026-11-20T12:00", 2**40)
    assert now == 1_795_147_200 and moment_of("2026-11-20T04:00+00:00", now) == now
    assert moment_of("2026-11-19", now) == now - 12 * 3600 - 1 and moment_of("2026-11-20", now) == now
    for text in ("2026-11-21", "2026-11-20T12:01", "2026-02-30", "gestern", "9999-12-31", "1" * 500):
        with pytest.raises(BadInput):
            moment_of(text, now)


async def decided_case(hall: Hall, agent: Account) -> None:
    topic = hall.collect(agent)
    hall.sync()
    endorsed(hall, topic)
    brought(hall)
    for kind, body in ((K.ACCEPT, {}), (K.REVIEW, {}), (K.GRANT, {"seen": []}), (K.CLOSE, {"result": "completed"})):
        act(hall, topic, kind, body)


async def test_the_page_shows_the_month_and_says_as_of_when(hall: Hall, agent: Account, open_hub: OpenHub) -> None:
    hall.add_user("watch", Role.SUPERVISOR)
    browser = await open_hub("watch")
    status, text = await browser.get("/statistics")
    assert status == 200 and "这段期间没有可统计的办件" in text
    await decided_case(hall, agent)
    status, text = await browser.get("/statistics")
    day = china_day(hall.now())
    assert status == 200 and f"统计期间 {day.replace(day=1)} 至 {day}" in text
    assert f"数据截至 {day}" in text and "100.00%" in text
    assert '<th scope="row">合计</th>' in text and '<th scope="col" class="number">提前办结率</th>' in text
    assert "示例申请人" not in text
    for by in GROUPINGS:
        status, text = await browser.get(f"/statistics?by={by}&station={TOWNSHIP}&office={OFFICE}&item={ITEM}")
        assert status == 200 and "100.00%" in text, by
    assert "—" in text, "the item has no statutory limit in the catalogue, so nothing is said of it"
    status, text = await browser.get("/statistics?from=2026-13-01&by=item")
    assert status == 422 and "不是统计可用的日期" in text and 'href="#f-from"' in text
    status, text = await browser.get("/statistics?by=%3Cscript%3E")
    assert status == 422 and "<script>" not in text


async def test_each_role_sees_its_own(hall: Hall, agent: Account, open_hub: OpenHub) -> None:
    hall.add_user("own", Role.COUNTY_APPROVER, office=OFFICE)
    hall.add_user("other", Role.COUNTY_REVIEWER, office="公安局")
    hall.add_user("ops", Role.OPS)
    await decided_case(hall, agent)
    assert "100.00%" in (await (await open_hub("own")).get("/statistics"))[1]
    browser = await open_hub("other")
    for path in ("/statistics", f"/statistics?office={OFFICE}"):
        status, text = await browser.get(path)
        assert status == 200 and "这段期间没有可统计的办件" in text
    browser = await open_hub("ops")
    assert (await browser.get("/statistics"))[0] == (await browser.get("/statistics.csv"))[0] == 403
    assert "/statistics" not in (await browser.get("/status"))[1]


async def test_the_file_opens_in_a_spreadsheet_and_runs_nothing(hall: Hall, agent: Account, open_hub: OpenHub) -> None:
    hall.add_user("boss", Role.ADMIN)
    await decided_case(hall, agent)
    evil = '=HYPERLINK("http://x.example","点我")'
    rename = sa.update(catalogue_item).where(catalogue_item.c.key == ITEM).values(name=evil)
    hall.hub.store.write(lambda conn: conn.execute(rename))
    browser = await open_hub("boss")
    page = (await browser.get("/statistics"))[1]
    address = re.search(r'href="(/statistics\.csv[^"]*)"', page)
    assert address is not None
    answer = await browser.client.get(address[1].replace("&amp;", "&"))
    data = await answer.read()
    assert answer.status == 200 and answer.content_type == "text/csv" and data.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows[0][:2] == ["事项", "编码"] and {len(row) for row in rows} == {len(COLUMNS) + 6}
    assert rows[1][:3] == ["'" + evil, ITEM, "1"] and rows[-1][0] == "合计"
    assert b",100.00," in data, "numbers stay numbers"
    assert (await browser.get("/statistics.csv?from=x"))[0] == 422
