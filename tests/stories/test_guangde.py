"""广德: 三级联动 (village, township and county work on one case) and 受审分离 (who takes in never decides)."""

from __future__ import annotations

import sqlalchemy as sa

from casework.policy import Role
from casework.tables import staff
from tests.programs import Programs, sign_up, take_in
from tests.stories.steps import SCANS, does, refused, seen, under_review
from tests.sync_protocol.county import TOWNSHIP


async def test_three_tiers_work_on_one_case_and_the_applicant_meets_no_approver(programs: Programs) -> None:
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    officer, approver = await programs.clerk("c.reviewer"), await programs.clerk("c.approver")
    case = await take_in(agent, SCANS)
    await under_review(programs, case, reviewer, officer)
    for clerk in (agent, reviewer, officer):
        assert "/do/grant" not in (await clerk.get(case)).text, "only the approver decides"
    await does(approver, case, "grant", *await seen(approver, case))
    await does(approver, case, "close", ("result", "completed"))
    programs.exchange()
    told = (await agent.get(case)).words
    assert "已办结，县级已确认" in told
    assert not any(f"c.{who}姓名" in told for who in ("reviewer", "approver")), "nobody below learns who decided"
    assert "v.agent姓名" in told and "v.agent姓名" in (await approver.get(case)).words
    await does(agent, case, "deliver", ("to", "本人"), ("how", "window"))
    programs.exchange()
    await does(officer, case, "archive", ("number", "2026-XS-001"))
    programs.exchange()
    assert "已归档" in (await agent.get(case)).words


async def test_who_took_a_case_in_cannot_decide_it_whatever_role_he_has_since(programs: Programs) -> None:
    """A clerk of the hall's window becomes its reviewer; what he took in before waits for a colleague."""
    sign_up(programs, "t.both", Role.TOWNSHIP_CLERK, TOWNSHIP, "")
    window = await programs.clerk("t.both")
    case = await take_in(window, SCANS, "birth_registration")
    programs.exchange()
    programs.hall.township.store.write(
        lambda conn: conn.execute(sa.update(staff).where(staff.c.login == "t.both").values(role="township_reviewer"))
    )
    same, other = await programs.clerk("t.both"), await programs.clerk("t.reviewer")
    await does(same, case, "accept")
    await does(same, case, "review")
    pages = await seen(other, case)
    assert "收件和决定不得是同一人（受审分离）" in await refused(same, case, "grant", *pages)
    await does(other, case, "grant", *pages)
