"""雅安: 并联审批 (departments at the same time, one answer), 容缺受理 (a paper may follow), 转办, 退回."""

from __future__ import annotations

from datetime import date, timedelta

import sqlalchemy as sa

from casework.accounts import person_of
from casework.case_tables import case_row
from casework.catalogue import load_catalogue
from casework.policy import Role
from casework.standing_papers import AUTHORISATION, TOLERANCE_LETTER, paper_list
from casework.workdays import china_day
from hub.queue import asked
from tests.casework.materials.samples import jpeg, photo
from tests.hub.hall import OFFICE
from tests.programs import Programs, new_draft, sign_up, take_in
from tests.stories.steps import SCANS, days_pass, does, in_days, refused, seen, time_acts, under_review
from tests.stories.test_harbin import PROXY, places

CARD, PICTURE = "elder_card", jpeg(photo(300, 400))
HEALTH, FOREST = "卫生健康委员会", "林业局"


def placed(item_key: str, name: str) -> int:
    return [rule.name for rule in paper_list(load_catalogue().get(item_key))].index(name)


async def test_departments_are_asked_at_the_same_time_and_the_case_waits_for_the_last(programs: Programs) -> None:
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    officer, approver, other = [await programs.clerk(f"c.{who}") for who in ("reviewer", "approver", "other")]
    case = await take_in(agent, SCANS)
    await under_review(programs, case, reviewer, officer)
    assert (await other.get(case)).status == 404, "nobody sees what he is not asked about"
    wrong = await refused(officer, case, "split", ("parts.0.office", HEALTH), ("parts.1.due", in_days(programs, 5)))
    assert f"没有填写{HEALTH}答复的最后期限" in wrong and "第 2 行没有选择部门" in wrong
    asked_of = (("parts.0.office", HEALTH), ("parts.0.due", in_days(programs, 5)))
    also = (("parts.1.office", FOREST), ("parts.1.due", in_days(programs, 3)))
    await does(officer, case, "split", *asked_of, *also)
    queue = programs.hall.hub.store.read(
        lambda conn: asked(conn, programs.hall.topics(programs.hall.hub), person_of(other.account), china_day(0))
    )
    assert [f"/cases/{line.topic}" for line in queue.lines] == [case]
    pages = await seen(approver, case)
    assert f"还在等待{HEALTH}、{FOREST}的意见" in await refused(approver, case, "grant", *pages)
    assert "/do/accept" not in (await other.get(case)).text
    await does(other, case, "part_answer", ("outcome", "agree"), ("aside", "无传染病接触史"))
    assert (await other.get(case)).status == 200, "what it has answered stays in its sight"
    assert f"还在等待{FOREST}的意见" in await refused(approver, case, "grant", *pages)
    programs.exchange()
    told = (await agent.get(case)).words
    assert f"{HEALTH} " in told and "同意" in told and "无传染病接触史" not in told
    assert "无传染病接触史" in (await officer.get(case)).words, "what was said in words stays at the county"
    await days_pass(programs, 4, approver)  # the forest office never answers
    await does(approver, case, "grant", *pages)


async def test_a_case_is_passed_on_sent_back_and_asked_of_an_outside_system(programs: Programs) -> None:
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    officer, approver, other = [await programs.clerk(f"c.{who}") for who in ("reviewer", "approver", "other")]
    sign_up(programs, "c.decides", Role.COUNTY_APPROVER, "", HEALTH)
    decides = await programs.clerk("c.decides")
    case = await take_in(agent, SCANS)
    await under_review(programs, case, reviewer, officer)
    await does(approver, case, "send_back", ("reason", "第二页没有盖章，请再核"))
    await does(officer, case, "review")
    handed = await officer.post(f"{case}/do/reassign", ("office", HEALTH), ("reason", "由卫健委主办"))
    assert handed.location == "/", "the case is no longer this officer's to open"
    assert (await approver.get(case)).status == 404, "no longer its case"
    await does(other, case, "escalate", ("system", "省卫健系统"), ("reason", "须在省系统登记"))
    pages = await seen(decides, case)
    assert "转报还没有答复" in await refused(decides, case, "grant", *pages)
    assert "请选择对方的答复" in await refused(other, case, "escalate_result", ("outcome", ""), ("opinion", "已登记"))
    await does(other, case, "escalate_result", ("outcome", "granted"), ("number", "S-77"), ("opinion", "已登记"))
    await does(decides, case, "grant", *pages)
    await does(decides, case, "issue", ("title", "生育服务证"), ("number", "2026-0001"), ("until", ""))
    await does(decides, case, "close", ("result", "completed"))
    programs.exchange()
    told = (await agent.get(case)).words
    assert all(word in told for word in (f"主办部门： {HEALTH}", "省卫健系统", "S-77", "2026-0001", "已办结"))
    office = programs.hall.hub.store.read(lambda conn: conn.execute(sa.select(case_row.c.office)).scalar_one())
    assert office == HEALTH != OFFICE


async def test_an_answer_that_never_comes_ends_the_case_by_itself(programs: Programs) -> None:
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    case = await take_in(agent, SCANS)
    programs.exchange()
    ask = (("defects.0.subject", "其他"), ("defects.0.what", "补户口簿"), ("note", ""))
    assert "早于今天" in await refused(reviewer, case, "ask_supplement", *ask, ("until", in_days(programs, -1)))
    last = in_days(programs, 10)
    await does(reviewer, case, "ask_supplement", *ask, ("until", last))
    programs.exchange()
    assert f"请在 {last} 之前补正" in (await agent.get(case)).words
    assert await days_pass(programs, 11, agent) > date.fromisoformat(last)
    assert time_acts(programs) == 1
    programs.exchange()
    page = await agent.get(case)
    assert "补正不来办结" in page.words and "/do/supplement" not in page.text and "/do/deliver" in page.text


async def test_a_paper_follows_before_its_day_and_nothing_is_granted_without_it(programs: Programs) -> None:
    """容缺受理, brought by a 代办员 with the applicant's letter of authority."""
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    officer, approver = await programs.clerk("c.reviewer"), await programs.clerk("c.approver")
    draft = await new_draft(agent, CARD, answers__card_kind="补办", **PROXY)
    letters = places(CARD, "老年人优待证申请表", "身份证", TOLERANCE_LETTER, AUTHORISATION)
    passed = await agent.post(draft + "/materials", ("whole", "1"), *letters, ("go", "next"))
    assert passed.location == draft + "/check", passed.words
    case = (await agent.post(draft + "/submit")).location.removesuffix("/taken")
    programs.exchange()
    await does(reviewer, case, "endorse", ("opinion", "属实"))
    programs.exchange()
    form = await officer.get(case + "/do/accept_lacking")
    last = form.text.split('name="lacking.0.due"')[1].split('value="')[1].split('"')[0]
    assert "「一寸免冠近照」最迟补齐的日期" in form.words and last > in_days(programs, 4)
    late = ("lacking.0.due", (date.fromisoformat(last) + timedelta(days=1)).isoformat())
    assert f"请选择 {last} 或之前的日期" in await refused(officer, case, "accept_lacking", late)
    assert "没有填写「一寸免冠近照」的最后期限" in await refused(officer, case, "accept_lacking")
    await does(officer, case, "accept_lacking", ("lacking.0.due", last))
    await does(officer, case, "review")
    assert "容缺的材料还没有补齐：一寸免冠近照" in await refused(approver, case, "grant")
    programs.exchange()
    page = await agent.get(case + "/do/supplement")
    assert page.text.index('data-name="一寸免冠近照"') < page.text.index("补正告知没有提到的材料")
    picture = placed(CARD, "一寸免冠近照")
    brought = await agent.post(case + "/do/supplement", files=[(f"materials.{picture}.file", "近照.jpg", PICTURE)])
    assert brought.location == case, brought.words
    assert "已补齐" in (await agent.get(case)).words
    programs.exchange()
    await does(approver, case, "grant", *await seen(approver, case))
    assert time_acts(programs) == 0
