"""A station warns of the five working days while nobody above knows of the case."""

from __future__ import annotations

from casework.workdays import china_day, load_calendar
from tests.programs import Clerk, Programs, take_in

CALENDAR = load_calendar()
WARNS = "受理期限将满，还没有送到县级"


async def later(programs: Programs, workdays: int, clerk: Clerk) -> None:
    clock = programs.hall.county.clock
    today = china_day(clock.now)
    clock.now += (CALENDAR.add_workdays(today, workdays)[0] - today).days * 86_400
    await clerk.sign_in()


async def test_a_case_that_was_not_sent_warns_near_its_window_and_says_what_to_do(programs: Programs) -> None:
    agent = await programs.clerk("v.agent")
    case = await take_in(agent)
    await later(programs, 3, agent)
    assert WARNS not in (await agent.get("/")).words and "县级还没有收到本件" not in (await agent.get(case)).words
    await later(programs, 1, agent)
    home, page = await agent.get("/"), await agent.get(case)
    assert WARNS in home.words and case in home.text and "U盘包" in home.words and "打电话告诉乡镇" in home.words
    assert "县级还没有收到本件" in page.words and "按本站推算" not in page.words + home.words
    await later(programs, 2, agent)
    home, page = await agent.get("/"), await agent.get(case)
    assert "按本站推算，待县级确认" in home.words and "按本站推算，待县级确认" in page.words
    programs.exchange()
    home, page = await agent.get("/"), await agent.get(case)
    assert WARNS not in home.words and "县级还没有收到本件" not in page.words
    assert "按本站推算，待县级确认" in page.words, "the county has said nothing of it yet"


async def test_the_township_hears_of_it_as_soon_as_it_has_the_case(programs: Programs) -> None:
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    case = await take_in(agent)
    programs._talk(programs.hall.village, programs.hall.township)
    await later(programs, 5, reviewer)
    assert WARNS in (await reviewer.get("/")).words
    assert "县级还没有收到本件" in (await reviewer.get(case)).words
