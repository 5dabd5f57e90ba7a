"""A township's villages: how each stands, from what it said and what came of it; and a page for each."""

from __future__ import annotations

import re
from dataclasses import replace

from node.reporting import look
from sync_protocol.dialer import Dialer
from sync_protocol.reporting import Reporter
from sync_protocol.reports import StationReport
from sync_protocol.store import peers
from tests.node.test_near_window import later
from tests.programs import Clerk, Programs, take_in

DAY = 86_400


def village_says(programs: Programs, error: str = "", **changes: object) -> None:
    """One contact of the village with its township, of which both remember the moment; its entries stay where they
    are if it says they wait."""
    village, township = programs.hall.village, programs.hall.township
    reporter = Reporter(village.me, lambda conn, blank: replace(look(conn, blank), **changes))  # type: ignore[arg-type]
    reporter.failed(error, programs.hall.now() - 60)
    programs.hall.county.exchange(Dialer(village.replica, township.author, reporter), village, township)


def cell(programs: Programs, text: str) -> str:
    found = re.search(rf'href="/villages/{programs.hall.village.author}">(.*?)</a>', text, re.DOTALL)
    assert found is not None
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found.group(1)))


async def page(clerk: Clerk, programs: Programs) -> str:
    return (await clerk.get(f"/villages/{programs.hall.village.author}")).words


async def test_a_village_that_reports_is_in_order_and_falls_silent_after_a_working_day(programs: Programs) -> None:
    reviewer = await programs.clerk("t.reviewer")
    village_says(programs)
    said = cell(programs, (await reviewer.get("/villages")).text)
    assert "●" in said and "正常" in said and "刚刚" in said
    await later(programs, 3, reviewer)
    said = cell(programs, (await reviewer.get("/villages")).text)
    assert "▲" in said and "久未联系" in said
    assert "请打电话问站点" in await page(reviewer, programs)


async def test_what_a_village_holds_alone_is_said_with_its_gap_and_age(programs: Programs) -> None:
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    village_says(programs)
    await take_in(agent)
    number = programs.hall.village.store.read(lambda conn: look(conn, _blank(programs))).number
    village_says(programs)  # the first turn of an exchange: the vector and the report, no entry
    said = cell(programs, (await reviewer.get("/villages")).text)
    assert "待上报" in said and "缺口" in said
    words = await page(reviewer, programs)
    assert "1 件办件的内容" in words and f"站点自报到第几条 {number}" in words and "如果那台电脑现在坏了，会丢" in words
    programs.exchange()
    programs.hall.county.clock.now += 120
    village_says(programs)
    assert "正常" in cell(programs, (await reviewer.get("/villages")).text)
    words = await page(reviewer, programs)
    assert "已收的件都不会丢" in words and "最近收的办件" in words


def _blank(programs: Programs) -> StationReport:
    me = programs.hall.village.me
    return StationReport(me.author, me.serial, 0, me.epoch, 0)


async def test_what_waits_too_long_and_a_clock_that_is_wrong_are_bad(programs: Programs) -> None:
    reviewer = await programs.clerk("t.reviewer")
    village_says(programs, number=99, waiting=7, oldest=programs.hall.now() - 9 * DAY, error="parent_full")
    said = cell(programs, (await reviewer.get("/villages?only=trouble")).text)
    assert "■" in said and "积压" in said
    words = await page(reviewer, programs)
    assert "上级的磁盘满了" in words and "超过两个工作日没有送到" in words
    village, township = programs.hall.village.author, programs.hall.township
    later_now = programs.hall.now() + 60
    township.store.write(lambda conn: peers.note_contact(conn, village, later_now, 3600))
    assert "时钟不准" in cell(programs, (await reviewer.get("/villages")).text)
    assert "快 60 分钟" in (await reviewer.get("/villages?view=table")).words


async def test_a_case_near_its_window_is_shown_with_its_village(programs: Programs) -> None:
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    case = await take_in(agent)
    programs._talk(programs.hall.village, programs.hall.township)
    await later(programs, 5, reviewer)
    said = cell(programs, (await reviewer.get("/villages")).text)
    assert "临近期限 1 件" in said
    shown = await reviewer.get(f"/villages/{programs.hall.village.author}")
    assert f'href="{case}"' in shown.text and "请用U盘包送到县级" in shown.words


async def test_a_village_has_none_below_it_and_no_other_place_is_shown(programs: Programs) -> None:
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    assert "还没有村站接在本站下面" in (await agent.get("/villages")).words
    assert 'href="/villages"' not in (await agent.get("/")).text
    assert 'href="/villages"' in (await reviewer.get("/")).text
    for rubbish in (programs.hall.township.author, programs.hall.hub.author, 999, "x", "%00", "9" * 30):
        assert (await reviewer.get(f"/villages/{rubbish}")).status == 404, rubbish
    assert (await agent.get(f"/villages/{programs.hall.village.author}")).status == 404
