"""The clerk has a code drawn; the applicant rates on a tablet; the station never learns what was said."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from casework import rating_codes
from casework.case_tables import rating, rating_code, rating_given
from casework.rating_codes import ADDRESS_THROTTLE, CODE_SECONDS
from casework.ratings import GRADES, MARKS, TABLET, WINDOW, marks_of
from casework.tables import sign_in_failure
from tests.casework.web.tiny_program import Browser
from tests.programs import Clerk, Programs, take_in
from tests.sync_protocol.county import Place

WORDS = "问了三次都说没空"
Tablet = Callable[[Place], Awaitable[Browser]]


class Applicant(Browser):
    """A browser that nobody has signed in; keeps the token of the visitor."""

    async def send(self, path: str, *fields: tuple[str, str]) -> tuple[int, str]:
        csrf = await self.token("/rate")
        answer = await self.client.post(path, data=[("csrf", csrf), *fields], allow_redirects=False)
        return answer.status, answer.headers.get("Location") or await answer.text()


@pytest.fixture
async def tablet(programs: Programs) -> Tablet:
    async def open_(place: Place) -> Browser:
        client: TestClient[web.Request, web.Application] = TestClient(TestServer(programs.app(place)))
        programs.clients.append(client)
        await client.start_server()
        return Applicant(client)

    return open_


async def code_for(clerk: Clerk, case: str, stage: str = "intake") -> str:
    page = await clerk.post(f"{case}/rating", ("stage", stage))
    assert page.status == 200, page.words
    (code,) = re.findall(r'rating-code code">(\d{3} \d{3})<', page.text)
    return code


def rows(place: Place, table: sa.Table) -> list[Any]:
    return place.store.read(lambda conn: conn.execute(sa.select(table)).all())


async def test_from_the_case_page_to_the_county(programs: Programs, tablet: Tablet) -> None:
    hall, agent = programs.hall, await programs.clerk("v.agent")
    case = await take_in(agent)
    page = await agent.get(case)
    assert "请群众评价" in page.words and "已评价" not in page.words and "办结：" not in page.words
    code = await code_for(agent, case)
    applicant = await tablet(hall.village)
    status, text = await applicant.get("/rate")
    assert status == 200 and "自愿" in text and "<script" not in text
    assert await applicant.send("/rate", ("code", code)) == (303, f"/rate/{code.replace(' ', '')}")
    path = f"/rate/{code.replace(' ', '')}"
    status, text = await applicant.get(path)
    assert status == 200 and "收件受理" in text
    assert re.findall(r'<button class="button button-plain" name="grade" value="(\d)">(\S+)</button>', text) == [
        (str(grade), name) for grade, name in GRADES.items()
    ], "five buttons, all alike"
    assert "checked" not in text and "selected" not in text and "autofocus" not in text
    status, text = await applicant.send(path, ("grade", "5"))
    assert status == 200 and "checked" not in text
    assert [name in text for name in MARKS.values()] == [code in marks_of(5) for code in MARKS]
    marks = [("grade", "5"), ("marks", "unkind"), ("marks", "slow"), ("words", WORDS), ("go", "send")]
    assert await applicant.send(path, *marks) == (303, "/rated")
    assert "谢谢" in (await applicant.get("/rated"))[1]
    page = await agent.get(case)
    assert "收件受理： 已评价" in page.words and "请群众评价" not in page.words
    assert "非常不满意" not in page.text and WORDS not in page.text
    assert [tuple(row)[1:] for row in rows(hall.village, rating_given)] == [("intake",)]
    assert rows(hall.village, rating_code) == [] and rows(hall.village, rating) == []
    programs.exchange()
    (row,) = rows(hall.hub, rating)
    assert (row.grade, row.marks, row.words, row.channel) == (5, "slow,unkind", WORDS, TABLET)
    assert "非常不满意" not in (await agent.get(case)).text


async def test_the_tablet_shows_nothing_of_the_person_even_where_a_clerk_is_signed_in(programs: Programs) -> None:
    agent = await programs.clerk("v.agent")
    case = await take_in(agent)
    name = (await agent.get(case)).text
    applicant = html.unescape(re.findall(r"申请人：\s*<b>(.+?)</b>", name.replace("</b><b>", ""))[0])
    path = "/rate/" + (await code_for(agent, case)).replace(" ", "")
    for page in (await agent.get(path), await agent.post(path, ("grade", "4")), await agent.get("/rate")):
        assert page.status == 200
        assert applicant not in page.text and agent.account.display not in page.text and "/cases" not in page.text
        assert "main-nav" not in page.text


async def test_a_code_is_good_once_and_for_fifteen_minutes(programs: Programs, tablet: Tablet) -> None:
    agent = await programs.clerk("v.agent")
    case, applicant = await take_in(agent), await tablet(programs.hall.village)
    first = (await code_for(agent, case)).replace(" ", "")
    second = (await code_for(agent, case)).replace(" ", "")
    assert (await applicant.get(f"/rate/{first}"))[0] == 422, "another was drawn"
    assert (await applicant.get(f"/rate/{second}"))[0] == 200
    programs.hall.county.clock.now += CODE_SECONDS
    status, text = await applicant.send(f"/rate/{second}", ("grade", "2"), ("words", WORDS), ("go", "send"))
    assert status == 422
    assert WORDS in text and "新的评价码" in text, "nothing that was written is lost"
    assert rows(programs.hall.village, rating_given) == []
    third = await code_for(agent, case)
    fields = (("grade", "2"), ("words", WORDS), ("go", "send"), ("code", third))
    assert await applicant.send(f"/rate/{second}", *fields) == (303, "/rated")
    assert (await applicant.get(f"/rate/{third.replace(' ', '')}"))[0] == 422, "used up"
    programs.exchange()
    assert [row.words for row in rows(programs.hall.hub, rating)] == [WORDS]
    again = await agent.post(f"{case}/rating", ("stage", "intake"))
    assert again.status == 422 and "已经评价过" in again.words
    assert (await agent.post(f"{case}/rating", ("stage", "result"))).status == 422, "not at its end yet"


async def test_guessing_is_slowed_down(programs: Programs, tablet: Tablet) -> None:
    agent = await programs.clerk("v.agent")
    case, applicant = await take_in(agent), await tablet(programs.hall.village)
    good = (await code_for(agent, case)).replace(" ", "")
    wrong = f"{(int(good) + 1) % 10**6:06d}"
    for _ in range(ADDRESS_THROTTLE.free):
        assert (await applicant.get(f"/rate/{wrong}"))[0] == 422
    for ask in (applicant.get(f"/rate/{good}"), applicant.send("/rate", ("code", good))):
        status, text = await ask
        assert status == 429 and "秒再试" in text
    programs.hall.county.clock.now += 60
    assert (await applicant.get(f"/rate/{good}"))[0] == 200


@pytest.mark.parametrize("code", ["12345", "1234567", "abcdef", "", "１２３４５", "../../x"])
async def test_what_is_no_code_is_no_guess(programs: Programs, tablet: Tablet, code: str) -> None:
    applicant = await tablet(programs.hall.village)
    status, text = await applicant.send("/rate", ("code", code))
    assert status == 422 and "评价码" in text
    assert rows(programs.hall.village, sign_in_failure) == []
    await applicant.send("/rate", ("code", "000000"))
    assert len(rows(programs.hall.village, sign_in_failure)) == 2, "one for the address, one for the place"


async def test_full_width_digits_are_digits(programs: Programs, tablet: Tablet) -> None:
    agent = await programs.clerk("v.agent")
    code = await code_for(agent, await take_in(agent))
    wide = code.translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})
    applicant = await tablet(programs.hall.village)
    assert (await applicant.send("/rate", ("code", wide)))[0] == 303


async def test_a_bad_form_comes_back_filled(programs: Programs, tablet: Tablet) -> None:
    agent = await programs.clerk("v.agent")
    path = "/rate/" + (await code_for(agent, await take_in(agent))).replace(" ", "")
    applicant = await tablet(programs.hall.village)
    status, text = await applicant.send(path)
    assert status == 422 and "没有选择满意程度" in text
    long = "长" * 301
    fields = (("grade", "4"), ("marks", "slow"), ("words", long), ("go", "send"))
    status, text = await applicant.send(path, *fields)
    assert status == 422 and long in text and "缩短" in text
    assert re.search(r'value="slow" checked', text)
    assert (await applicant.client.post(path, data={"grade": "1"}, allow_redirects=False)).status == 403, "no token"
    assert (await applicant.send(path, ("words", "x" * 20_000)))[0] == 413


async def test_at_the_county_s_own_hall(programs: Programs, tablet: Tablet) -> None:
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("c.reviewer")
    case = await take_in(agent, item_key="disabled_subsidy")
    programs.exchange()
    code = (await code_for(reviewer, case)).replace(" ", "")
    applicant = await tablet(programs.hall.hub)
    assert await applicant.send(f"/rate/{code}", ("grade", "1"), ("go", "send")) == (303, "/rated")
    (row,) = rows(programs.hall.hub, rating)
    assert (row.grade, row.channel) == (1, WINDOW) and rows(programs.hall.hub, rating_given) == []
    assert "已评价" in (await reviewer.get(case)).words


async def test_who_may_not_ask_is_not_offered_it(programs: Programs) -> None:
    agent, township = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    case = await take_in(agent)
    programs.exchange()
    page = await township.get(case)
    assert page.status == 200 and "请群众评价" not in page.words
    assert (await township.post(f"{case}/rating", ("stage", "intake"))).status == 403


async def test_a_code_that_is_in_use_is_not_drawn_again(programs: Programs) -> None:
    store, random = programs.hall.village.store, bytes(7) + b"\x07" + bytes(7) + b"\x08" + bytes(48)

    def draw(topic: bytes) -> str:
        return store.write(lambda conn: rating_codes.issue(conn, topic, "intake", 100, random))

    assert [draw(b"a"), draw(b"b"), draw(b"c")] == ["000007", "000008", "000000"]
    with pytest.raises(LookupError):
        draw(b"d")
