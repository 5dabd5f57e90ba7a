"""The public rating page by a slip's QR, and the page of those who see to bad ratings."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from casework.accounts import Account
from casework.case_tables import rating
from casework.policy import Role
from casework.public_code import code_text
from casework.ratings import (
    ANONYMITY_LEAST,
    CALLED,
    CONFIRMED,
    GRADES,
    INTAKE,
    QR,
    RECTIFY_WORKDAYS,
    RESULT,
    VERDICT,
    Rating,
)
from casework.workdays import china_day, load_calendar
from hub.ratings import note_rating
from tests.casework.web.tiny_program import Browser
from tests.hub.conftest import OpenHub
from tests.hub.hall import OFFICE, Hall, hub_app
from tests.sync_protocol.county import VILLAGE

NAME = "很好认的申请人"
WORDS = "问了三次都说没空"
SENT = {"stage": INTAKE, "grade": "4", "marks": "slow", "words": WORDS, "go": "send"}


@pytest.fixture
def agent(hall: Hall) -> Account:
    account = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    return account


def taken_in(hall: Hall, agent: Account, item: str = "disabled_subsidy") -> bytes:
    topic = hall.collect(agent, NAME, item=item)
    hall.sync()
    hall.judge()
    return topic


def address(hall: Hall, topic: bytes) -> str:
    log = hall.topics(hall.village)
    code = hall.village.store.read(lambda conn: log.public_code(conn, hall.village.author, topic))
    assert code is not None
    return f"/q/{code_text(code)}/rate"


def rows(hall: Hall) -> list[sa.Row]:
    return hall.hub.store.read(lambda conn: list(conn.execute(sa.select(rating).order_by(rating.c.topic))))


def rate(hall: Hall, topic: bytes, grade: int, words: str = "") -> None:
    log, now = hall.topics(hall.hub), hall.now()
    hall.at_hub(
        lambda conn, journal: note_rating(conn, journal, log, topic, INTAKE, Rating(grade, (), words), QR, now, now)
    )


class Phone:
    """A citizen's browser: keeps no cookie, knows no token."""

    def __init__(self, client: TestClient[web.Request, web.Application]) -> None:
        self.client = client

    async def get(self, path: str) -> tuple[int, str, dict[str, str]]:
        answer = await self.client.get(path, allow_redirects=False)
        return answer.status, await answer.text(), dict(answer.headers)

    async def post(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> tuple[int, str]:
        answer = await self.client.post(path, data=fields, headers=headers, allow_redirects=False)
        return answer.status, await answer.text()


@pytest.fixture
async def phone(hall: Hall):
    client = TestClient(TestServer(hub_app(hall)))
    await client.start_server()
    yield Phone(client)
    await client.close()


async def test_whoever_holds_the_slip_rates_without_signing_in(hall: Hall, agent: Account, phone: Phone) -> None:
    topic = taken_in(hall, agent)
    path = address(hall, topic)
    status, text, headers = await phone.get(path)
    assert status == 200 and "Set-Cookie" not in headers and headers["Cache-Control"] == "no-store"
    assert NAME not in text and "<script" not in text and topic.hex() not in text
    assert re.findall(r'name="grade" value="(\d)"', text) == [str(grade) for grade in GRADES]
    status, text = await phone.post(path, stage=INTAKE, grade="4")
    assert status == 200 and "checked" not in text and 'value="slow"' in text
    status, text = await phone.post(path, **SENT)
    assert status == 200 and "谢谢" in text
    (row,) = rows(hall)
    assert (row.topic, row.grade, row.marks, row.words, row.channel) == (topic, 4, "slow", WORDS, QR)
    hall.county.clock.now += 86_401
    status, text, _ = await phone.get(path)
    assert status == 200 and "已经评价过" in text
    status, text = await phone.post(path, **{**SENT, "grade": "1", "marks": ""})
    assert rows(hall) == [row]


async def test_a_code_of_no_case_is_answered_alike_however_it_is_written(
    hall: Hall, agent: Account, phone: Phone
) -> None:
    taken_in(hall, agent)
    answers = set()
    for code in ("A" * 26, "7" * 26, "x", "AAAA-BBBB", "Q" * 200):
        for status, text in ((await phone.get(f"/q/{code}/rate"))[:2], await phone.post(f"/q/{code}/rate", **SENT)):
            assert status == 404
            answers.add(text)
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({"Origin": "null"}, 200),
        ({}, 200),
    ],
)
async def test_another_site_cannot_send_the_form(
    hall: Hall, agent: Account, phone: Phone, headers: dict[str, str], status: int
) -> None:
    path = address(hall, taken_in(hall, agent))
    assert (await phone.post(path, headers, **SENT))[0] == status
    assert len(rows(hall)) == (status == 200)


async def test_the_public_form_is_bounded_and_comes_back_filled(hall: Hall, agent: Account, phone: Phone) -> None:
    path = address(hall, taken_in(hall, agent))
    status, text = await phone.post(path, **{**SENT, "words": "长" * 301})
    assert status == 422 and "长" * 301 in text and "缩短" in text
    assert (await phone.post(path, **{**SENT, "words": "x" * 20_000}))[0] == 413
    assert (await phone.post(path, **{**SENT, "marks": "kind"}))[0] == 422
    assert (await phone.post(path))[0] == 422
    assert rows(hall) == []
    status, text, _ = await phone.get(path + "?stage=result")
    assert status == 200 and 'value="intake"' in text, "what cannot be rated yet is not asked"


async def test_one_address_asks_so_often_and_no_more(hall: Hall, agent: Account, phone: Phone) -> None:
    """As of the public page, whose allowance it is: 60 at once."""
    path = address(hall, taken_in(hall, agent))
    statuses = [(await phone.get(path))[0] for _ in range(61)]
    assert statuses == [200] * 60 + [429]
    assert (await phone.get(path.removesuffix("/rate")))[0] == 429
    hall.county.clock.now += 1
    assert (await phone.get(path))[0] == 200


async def staff_browser(hall: Hall, open_hub: OpenHub, login: str, role: Role, office: str = "") -> Browser:
    hall.add_user(login, role, "", office)
    return await open_hub(login)


async def test_the_supervisor_sees_bad_ones_by_due_day_and_brings_one_to_its_end(
    hall: Hall, agent: Account, open_hub: OpenHub
) -> None:
    late, fresh = taken_in(hall, agent), taken_in(hall, agent)
    rate(hall, late, 5, WORDS)
    calendar, start = load_calendar(), china_day(hall.now())
    hall.county.clock.now += (calendar.add_workdays(start, 1)[0] - start).days * 86_400
    rate(hall, fresh, 4)
    second = china_day(hall.now())
    last_day = calendar.add_workdays(second, RECTIFY_WORKDAYS)[0]
    hall.county.clock.now += (last_day - second).days * 86_400
    supervisor = await staff_browser(hall, open_hub, "sup", Role.SUPERVISOR)
    status, text = await supervisor.get("/ratings")
    assert status == 200 and 'href="/ratings"' in text
    assert text.index(late.hex()) < text.index(fresh.hex())
    assert text.count("■ 超期") == 1 and text.count("▲ 整改中") == 1 and WORDS in text, "its last day is in time"
    assert "没有这样的差评" in (await supervisor.get("/ratings?over=1"))[1]
    path = f"/ratings/{late.hex()}/{INTAKE}"
    status, text = await supervisor.get(path)
    assert status == 200 and "超期" in text and f"/cases/{late.hex()}" in text
    status, text = await supervisor.post(path, step=VERDICT, verdict=CONFIRMED, text="先核实")
    assert status == 422 and "还没有回访" in text and "先核实" in text
    for step, verdict in ((CALLED, ""), (VERDICT, CONFIRMED), ("mended", ""), ("done", "")):
        status, where = await supervisor.post(path, step=step, verdict=verdict, text="已电话联系")
        assert (status, where) == (303, path)
    assert late.hex() not in (await supervisor.get("/ratings"))[1]
    assert late.hex() in (await supervisor.get("/ratings?over=1"))[1]
    status, text = await supervisor.get(path)
    assert "整改记录" in text and "sup姓名" in text and "<textarea" not in text


async def test_the_rated_office_learns_neither_case_nor_words_and_of_few_no_station(
    hall: Hall, agent: Account, open_hub: OpenHub
) -> None:
    reviewer = await staff_browser(hall, open_hub, "rev", Role.COUNTY_REVIEWER, OFFICE)
    other = await staff_browser(hall, open_hub, "oth", Role.COUNTY_APPROVER, "卫生健康委员会")
    topics = [taken_in(hall, agent) for _ in range(ANONYMITY_LEAST)]
    due = load_calendar().add_workdays(china_day(hall.now()), RECTIFY_WORKDAYS)[0]
    for count, topic in enumerate(topics, 1):
        rate(hall, topic, 5 if count == 1 else 2, WORDS)
        status, text = await reviewer.get("/ratings")
        assert status == 200 and "非常不满意" in text
        for secret in (WORDS, NAME, topics[0].hex(), hall.row(hall.hub, topics[0]).code):
            assert secret not in text
        few = count < ANONYMITY_LEAST
        assert (f"不足 {ANONYMITY_LEAST} 条" in text) == few
        assert re.findall(r"[\d.]+%", text) == ([] if few else ["80.0%", "80.0%"])
        days = re.findall(r"<td class=\"nowrap\">([\d-]+)</td>", text)
        assert days == [china_day(hall.now()).isoformat()[: 7 if few else 10]]
        assert ("南阳村委会" not in text) == few
        assert (due.isoformat() in text) == (not few), "from the due day the day could be told"
    path = f"/ratings/{topics[0].hex()}/{INTAKE}"
    assert (await reviewer.get(path))[0] == 403
    assert (await reviewer.post(path, step=CALLED, text="x"))[0] == 403
    status, text = await other.get("/ratings")
    assert status == 200 and "没有这样的差评" in text and "80.0%" not in text
    status, text = await reviewer.get("/ratings?from=2020-01-01&to=2020-01-02")
    assert "80.0%" in text, "the rated choose no period"


async def test_satisfaction_counts_what_counts_by_station_office_and_item(
    hall: Hall, agent: Account, open_hub: OpenHub
) -> None:
    supervisor = await staff_browser(hall, open_hub, "sup", Role.SUPERVISOR)
    first, second = taken_in(hall, agent), taken_in(hall, agent, "elder_allowance")
    rate(hall, first, 5)
    rate(hall, second, 1)
    for by, names in (("station", 1), ("office", 1), ("item", 2)):
        _, text = await supervisor.get(f"/ratings?by={by}")
        cells = re.findall(r'<td class="number">([\d.]+%)</td>', text)
        assert len(cells) == names + 1 and cells[-1] == "50.0%", by
    path = f"/ratings/{first.hex()}/{INTAKE}"
    await supervisor.post(path, step=CALLED, text="x")
    await supervisor.post(path, step=VERDICT, verdict="mistaken", text="点错了")
    _, text = await supervisor.get("/ratings")
    assert re.findall(r'<td class="number">([\d.]+%)</td>', text)[-1] == "100.0%"
    status, text = await supervisor.get("/ratings?from=2026-13-01&to=x")
    assert status == 422
    assert "没有这样的差评" not in text


async def test_one_that_does_not_count_yet_stands_nowhere(hall: Hall, agent: Account, open_hub: OpenHub) -> None:
    supervisor = await staff_browser(hall, open_hub, "sup", Role.SUPERVISOR)
    topic, log, now = taken_in(hall, agent), hall.topics(hall.hub), hall.now()
    hall.at_hub(lambda conn, journal: note_rating(conn, journal, log, topic, RESULT, Rating(5), QR, now, now))
    for path in ("/ratings", "/ratings?over=1"):
        assert "没有这样的差评" in (await supervisor.get(path))[1]


async def test_others_have_no_such_page(hall: Hall, open_hub: OpenHub) -> None:
    admin = await staff_browser(hall, open_hub, "adm", Role.ADMIN)
    assert (await admin.get("/ratings"))[0] == 403
    assert 'href="/ratings"' not in (await admin.get("/"))[1]
