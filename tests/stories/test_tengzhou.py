"""滕州: four stages, each with a limit of its own, and 紫牌 for a stage that overruns while the promise still holds."""

from __future__ import annotations

from casework.policy import Role
from casework.workdays import china_day, load_calendar
from tests.hub.hall import OFFICE
from tests.programs import Clerk, Programs, sign_up, take_in

CALENDAR = load_calendar()


async def later(programs: Programs, workdays: int, *clerks: Clerk) -> None:
    """Working days pass; the sweep of the county looks every day, and people sign in anew."""
    clock = programs.hall.county.clock
    for _ in range(workdays):
        today = china_day(clock.now)
        clock.now += (CALENDAR.add_workdays(today, 1)[0] - today).days * 86_400
        programs.supervise()
    for clerk in clerks:
        await clerk.sign_in()


async def supervisor_of(programs: Programs) -> Clerk:
    sign_up(programs, "c.supervisor", Role.SUPERVISOR, "", "")
    return await programs.clerk("c.supervisor")


def card_of(page: str, text: str) -> str:
    """The path of the card in a list's row that has this text."""
    row = next(part for part in page.split("<tr>") if text in part and "/cards/" in part)
    return "/cards/" + row.split('href="/cards/')[1].split('"')[0]


async def test_a_stage_that_overran_inside_its_promise_gets_a_purple_card_and_is_made_good(programs: Programs) -> None:
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    officer, approver = await programs.clerk("c.reviewer"), await programs.clerk("c.approver")
    watch, other = await supervisor_of(programs), await programs.clerk("c.other")
    case = await take_in(agent)
    programs.exchange()
    assert (await reviewer.post(case + "/do/endorse", ("opinion", "属实"))).location == case
    programs.exchange()
    assert (await officer.post(case + "/do/accept")).location == case
    assert (await officer.post(case + "/do/review")).location == case
    programs.supervise()
    assert "没有这样的监察牌" in (await watch.get("/cards")).words
    assert "0 未消的监察牌" in (await watch.get("/")).words

    await later(
        programs, 5, watch, agent, approver, other
    )  # the item gives 审批 five working days, and twenty to the whole
    listed = await watch.get("/cards?colour=purple")
    assert "◆ 紫牌" in listed.words and "审批环节用完本环节时限" in listed.words and OFFICE in listed.words
    assert "红牌" not in listed.words.split("监察牌，新发的在前")[1].split("紫牌：一个环节")[0]
    assert "1 未消的监察牌" in (await watch.get("/")).words
    card = card_of(listed.text, "审批环节")
    assert "◆ 紫牌" in (await approver.get(case)).words and card in (await approver.get(case)).text
    assert "紫牌" not in (await agent.get(case)).words, "cards stay at the county"
    assert (await other.get(card)).status == 404 and "没有这样的监察牌" in (await other.get("/cards")).words

    await later(programs, 1, watch, approver)
    early = await watch.post(card + "/clear", ("code", "rectified"), ("note", ""))
    assert early.status == 422 and "还没有办完" in early.words
    empty = await approver.post(card + "/plead", ("text", " "))
    assert empty.status == 422 and "没有填写申辩理由" in empty.words
    assert (await watch.post(card + "/plead", ("text", "x"))).status == 403
    assert (await approver.post(card + "/clear", ("code", "rectified"), ("note", ""))).status == 403
    assert (await approver.post(card + "/plead", ("text", "专家外出，次日即批"))).location == card
    assert "已申辩，待核定" in (await watch.get("/cards")).words
    assert (await approver.post(case + "/do/grant")).location == case
    unknown = await watch.post(card + "/clear", ("code", "magic"), ("note", "x"))
    assert unknown.status == 422 and "没有选择消牌原因" in unknown.words
    assert (await watch.post(card + "/clear", ("code", "rectified"), ("note", "次日已批"))).location == card
    again = await watch.post(card + "/clear", ("code", "link_lost"), ("note", "x"))
    assert again.status == 422 and "已经消牌" in again.words
    page = await watch.get(card)
    assert "已整改" in page.words and "专家外出，次日即批" in page.words and "/clear" not in page.text
    programs.supervise()
    assert "没有这样的监察牌" in (await watch.get("/cards")).words
    assert "已消牌：已整改" in (await watch.get("/cards?over=1")).words


async def test_a_card_that_the_lost_link_caused_is_cleared_as_such_by_a_person_with_a_note(programs: Programs) -> None:
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    approver, watch = await programs.clerk("c.approver"), await supervisor_of(programs)
    case = await take_in(agent)
    await later(programs, 7, watch, approver, reviewer)  # no link; nothing is known at the county
    assert "没有这样的监察牌" in (await watch.get("/cards")).words
    programs.exchange()
    programs.supervise()
    listed = await watch.get("/cards?colour=red")
    card = card_of(listed.text, "受理期限已过而未作处理")
    assert "才到县级，其间" in (await watch.get(card)).words, "what a person needs to judge it"
    assert (await approver.post(card + "/plead", ("text", "村站断网七个工作日"))).location == card
    bare = await watch.post(card + "/clear", ("code", "link_lost"), ("note", ""))
    assert bare.status == 422 and "没有填写核实情况" in bare.words and "村站断网" in bare.words
    assert (await watch.post(card + "/clear", ("code", "link_lost"), ("note", "电信报障单为证"))).location == card
    assert "断网免责" in (await watch.get(card)).words
    assert (await reviewer.post(case + "/do/endorse", ("opinion", "属实"))).location == case
    programs.exchange()
    programs.supervise()
    assert (await watch.get("/cards?colour=red")).words.count("受理期限已过") == 0, "it is not issued again"


async def test_rubbish_addresses_of_cards(programs: Programs) -> None:
    watch = await supervisor_of(programs)
    for path in ("/cards/x", "/cards/0-0", "/cards/0-999", "/cards/0-1-2", f"/cards/0-{'9' * 16}"):
        assert (await watch.get(path)).status == 404, path
        assert (await watch.post(path + "/clear", ("code", "rectified"))).status == 404, path
    for query in ("colour=green", "office=%00", "page=x", "page=-1", "over=7", "office=" + "x" * 500, "page=99999"):
        assert (await watch.get("/cards?" + query)).status == 200, query
