"""舟山: 就地收件、远程审批. An island without a boat for over a week: nothing is lost, and all of it goes by stick."""

from __future__ import annotations

from casework.policy import Role
from tests.node.test_courier_page import carry
from tests.programs import Programs, sign_up, take_in
from tests.stories.steps import SCANS, days_pass, does, seen, time_acts


async def test_a_week_without_a_boat_then_a_stick_then_a_decision_and_its_answer_by_boat(programs: Programs) -> None:
    sign_up(programs, "c.admin", Role.ADMIN, "", "")
    agent, reviewer, desk = [await programs.clerk(name) for name in ("v.agent", "t.reviewer", "c.admin")]
    officer, approver = await programs.clerk("c.reviewer"), await programs.clerk("c.approver")
    hall = programs.hall
    case = await take_in(agent, SCANS)
    await days_pass(programs, 9, agent, reviewer, desk, officer, approver)
    second = await take_in(agent, item_key="elder_card", applicant__name="晚来的人")
    assert "已保存在本机，尚未送到上级" in (await agent.get(case)).words
    assert "其中新收 2 条" in await carry(agent, reviewer, hall.township.author)
    await does(reviewer, case, "endorse", ("opinion", "情况属实"))
    await carry(reviewer, desk, hall.hub.author)
    assert time_acts(programs) == 1, "the office was silent for five working days, whatever the boat did"
    assert "视为受理" in (await officer.get(case)).words and "视为受理" not in (await officer.get(second)).words
    await does(officer, case, "review")
    await does(approver, case, "grant", *await seen(approver, case))
    await does(approver, case, "close", ("result", "completed"))
    await days_pass(programs, 3, agent, desk)
    await carry(desk, agent, hall.village.author)
    told = (await agent.get(case)).words
    assert "已办结，县级已确认" in told and "视为受理" in told
    await does(agent, case, "deliver", ("to", "本人"), ("how", "window"))
