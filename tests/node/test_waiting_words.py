"""The outbox says of each case why it waits and the one thing to do, and never says it of a case that goes on alone."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from casework.refusals import Code
from node.sync_status import OFFLINE_SECONDS, SyncStatus
from node.waiting_words import TOWNSHIP_SECONDS, NextStep, Waiting, next_step
from tests.programs import Programs, take_in

NOW = 1_790_000_000
PATH = "/cases/00"


@dataclass(frozen=True)
class Held:
    tier: int = 0
    settled: bool = True
    blobs: int = 0
    blobs_township: int = 0
    blobs_county: int = 0


def link(**more: object) -> SyncStatus:
    facts: dict[str, object] = {"in_step": False, "waiting_cases": 1, "waiting_blobs": 0, "oldest_waiting_at": NOW}
    return SyncStatus(**(facts | {"last_contact": NOW, "error_code": ""} | more))  # type: ignore[arg-type]


def said(
    trouble: str = "", *, held: Held | None = None, changed: int = NOW, carry: bool = True, **line: object
) -> NextStep:
    return next_step(Waiting(trouble, held or Held(), changed, PATH), link(**line), NOW, may_carry=carry)


def test_the_nearest_reason_and_its_one_action() -> None:
    cut = said(error_code="transfer_failed")
    assert "断网" in cut.why and (cut.label, cut.address) == ("导出U盘包", "/courier")
    assert said(error_code="transfer_failed", carry=False).address == "/status"
    full = said(error_code="parent_full")
    assert "上级的磁盘满了" in full.why and full.address == "/status"
    silent = said(last_contact=NOW - OFFLINE_SECONDS - 1)
    assert "很久没有联系上" in silent.why and silent.address == "/courier"
    slow = said(held=Held(1), changed=NOW - TOWNSHIP_SECONDS - 1)
    assert "打电话问乡镇" in slow.why and slow.address == "/courier"
    by_hand = said(held=Held(2, settled=False))
    assert "人工核对" in by_hand.why and by_hand.address == PATH


def test_what_goes_on_by_itself_asks_nothing_of_anybody() -> None:
    scans = said(held=Held(2, blobs=5, blobs_county=3))
    assert scans == NextStep("还有 2 页扫描件在路上")
    for one in (said(), said(busy="up"), said(held=Held(1), changed=NOW), scans):
        assert one.why and not one.label and not one.address


@pytest.mark.parametrize("code", [*(code.value for code in Code), "of a newer program"])
def test_every_refusal_has_its_reason_remedy_and_way(code: str) -> None:
    step = said(code, error_code="transfer_failed")
    assert "。" in step.why and step.label and step.address.startswith((PATH, "/intake"))
    if code in ("bad_body", "bad_blob"):
        assert step.address == PATH + "/do/correct"


async def test_the_page_says_it_in_each_row_the_oldest_first(programs: Programs) -> None:
    agent = await programs.clerk("v.agent")
    first = await take_in(agent)
    programs.hall.county.clock.now += 60
    second = await take_in(agent, applicant__name="后来的")
    programs.sync = link(error_code="transfer_failed")
    page = await agent.get("/outbox")
    assert page.words.count("原因：连不上上级，多半是断网") == page.text.count('href="/courier">导出U盘包<span') == 2
    assert page.text.index(first) < page.text.index(second)
    programs.sync = link()
    page = await agent.get("/outbox")
    assert page.words.count("不用做什么，会自动处理") == 2
