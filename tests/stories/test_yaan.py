"""雅安: 并联审批 (departments at the same time, one answer), 容缺受理 (a paper may follow), 转办, 退回."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from casework.accounts import person_of
from casework.case_tables import case_row
from casework.policy import Role
from casework.workdays import china_day
from hub.queue import asked
from tests.hub.hall import OFFICE
from tests.programs import Programs, sign_up, take_in
from tests.stories.steps import SCANS, days_pass, does, in_days, refused, seen, time_acts, under_review

HEALTH, FOREST = "卫生健康委员会", "林业局"


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
    await does(other, case, "part_answer", ("outcome", "agree"), ("opinion", "无传染病接触史"))
    assert (await other.get(case)).status == 200, "what it has answered stays in its sight"
    assert f"还在等待{FOREST}的意见" in await refused(approver, case, "grant", *pages)
    programs.exchange()
    assert "无传染病接触史" in (await agent.get(case)).words
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
    await does(officer, case, "reassign", ("office", HEALTH), ("reason", "由卫健委主办"))
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
