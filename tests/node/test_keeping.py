"""What this machine alone holds, at each step of the way up; and the words for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from casework.web.amounts import size_text
from node.keeping import Count, Kept, kept
from node.keeping_words import NOTHING_LOST, progress_line, words
from node.sync_status import SyncStatus
from node.transfer import Transfer
from node.watching import Measured, Situation
from tests.casework.materials.samples import jpeg, photo
from tests.programs import Clerk, Programs, new_draft, take_in
from tests.sync_protocol.county import Place

SCANS = [(f"materials.{n}.file", f"{n}.jpg", jpeg(photo(600 + n, 400))) for n in (0, 1)]
NOW = 1_790_000_000


def at(place: Place, offsets: dict[bytes, int] | None = None) -> Kept:
    return place.store.read(lambda conn: kept(conn, place.author, offsets or {}))


async def test_what_would_be_lost_shrinks_with_each_signature_from_above(programs: Programs, agent: Clerk) -> None:
    hall = programs.hall
    before = at(hall.village)
    assert (before.saved, before.waiting, before.alone) == (Count(), Count(), Count())
    await take_in(agent, SCANS)
    await new_draft(agent)
    here = at(hall.village)
    assert here.saved == Count(cases=1, pages=2)
    assert (here.waiting.entries, here.waiting.cases, here.waiting.pages) == (1, 1, 2)
    assert here.waiting.oldest == hall.now()
    assert here.alone == here.waiting and (here.drafts, here.draft_pages) == (1, 0)
    assert here.blobs_left == 4 and here.bytes_left > 0

    programs._talk(hall.village, hall.township)
    passed_on = at(hall.village)
    assert passed_on.waiting == passed_on.alone == Count()
    assert (passed_on.blobs_left, passed_on.bytes_left) == (0, 0)
    relay = at(hall.township)
    assert (relay.waiting.entries, relay.waiting.pages) == (1, 2), "the relay does not count what it has to pass on"
    assert relay.alone == Count(), "the village has it as well"

    programs.exchange()
    assert at(hall.township).waiting == Count()


async def test_a_reviewers_word_is_at_risk_until_the_county_has_ordered_it(programs: Programs, agent: Clerk) -> None:
    hall, reviewer = programs.hall, await programs.clerk("t.reviewer")
    case = await take_in(agent)
    programs._talk(hall.village, hall.township)
    assert (await reviewer.post(case + "/do/endorse", ("opinion", "情况属实"))).location == case
    assert at(hall.township).alone == Count(1, 1, 0, hall.now())
    programs.exchange()
    assert at(hall.township).alone == Count()


async def test_bytes_that_lie_above_already_are_not_counted_again(programs: Programs, agent: Clerk) -> None:
    await take_in(agent, SCANS)
    village = programs.hall.village
    whole = at(village).bytes_left
    (blob, *_) = village.changes(village.author, bytes.fromhex(programs.only_case(village, agent.account)))[0].blobs
    assert at(village, {blob.hash: 1000}).bytes_left == whole - 1000
    assert at(village, {blob.hash: 10**9}).bytes_left == whole - blob.length


SAFE = Kept(Count(cases=12, pages=31), Count(), Count(), 0, 0, 0, 0, 0, 0)
LINK = SyncStatus(True, 0, 0, 0, NOW - 30, "")
ONE = Count(3, 2, 5, NOW - 7300)
AT_RISK = replace(SAFE, waiting=ONE, alone=ONE, drafts=1, draft_pages=2, blobs_left=7, bytes_left=900_000)


def test_what_is_safe_is_called_safe_and_what_is_not_measured_says_so() -> None:
    said = words(Situation(SAFE, None, Measured()), LINK, NOW)
    assert said.rows == (
        ("本机已存", "12 件办件，31 页扫描件"),
        ("尚未送到上级", "没有"),
        ("最近联系", "刚刚与上级联系过"),
        ("实测网速", "还没有测得（传过扫描件才知道）"),
    )
    assert (said.loss, said.remedy, said.at_risk, said.progress) == (NOTHING_LOST, "", False, "")


def test_what_would_be_lost_is_counted_with_its_remedy() -> None:
    said = words(Situation(AT_RISK, None, Measured(7_300, 0, NOW - 3600)), LINK, NOW)
    assert dict(said.rows)["尚未送到上级"] == "3 条记录（2 件办件），5 页扫描件；最早一条已等 2 小时"
    assert dict(said.rows)["实测网速"] == "上行 7.3 KB/秒（2026-09-21 21:13 测得）"
    assert said.loss == ("如果本机现在坏了，会丢失：3 条记录（2 件办件），5 页扫描件，1 份没有提交的草稿（2 页扫描件）")
    assert said.at_risk and "导出U盘包" in said.remedy and "草稿提交后才会上报" in said.remedy
    assert said.lines()[-1] == f"{said.loss}。{said.remedy}"


def test_pages_that_came_later_than_their_words_are_counted_alone() -> None:
    pages = replace(SAFE, waiting=Count(pages=4), alone=Count(pages=4), blobs_left=4, bytes_left=9)
    said = words(Situation(pages, None, Measured()), LINK, NOW)
    assert dict(said.rows)["尚未送到上级"] == "4 页扫描件"
    assert said.loss.endswith("会丢失：4 页扫描件")


@pytest.mark.parametrize(
    ("transfer", "error", "said"),
    [
        (Transfer(12, 40, 1_300_000, 5_200_000, 7_000.0), "", "12/40 页，1.3 MB/5.2 MB；还要大约 9 分钟"),
        (Transfer(0, 1, 0, 90_000, 9_000.0), "", "0/1 页，0 字节/90 KB；还要大约 不到 1 分钟"),
        (Transfer(0, 1, 0, 90_000), "", "0/1 页，0 字节/90 KB；还估不出要多久"),
        (Transfer(0, 1, 0, 90_000), "transfer_failed", "0/1 页，0 字节/90 KB；现在没有连上，恢复后接着传"),
    ],
)
def test_a_transfer_says_how_far_and_how_long(transfer: Transfer, error: str, said: str) -> None:
    text = progress_line(Situation(SAFE, transfer, Measured()), error)
    assert text == "正在上报扫描件：已传 " + said


def test_sizes_keep_two_digits_that_say_something() -> None:
    assert [size_text(n) for n in (0, 999, 1_000, 9_949, 12_300, 5_200_000, 3 * 10**9)] == [
        "0 字节", "999 字节", "1.0 KB", "9.9 KB", "12 KB", "5.2 MB", "3.0 GB"
    ]  # fmt: skip


async def test_the_status_page_says_it_and_renews_itself(programs: Programs, agent: Clerk) -> None:
    await take_in(agent, SCANS)
    programs.transfer, programs.goodput = Transfer(1, 2, 60_000, 120_000, 6_000.0), Measured(6_000, 0, NOW)
    page = await agent.get("/status")
    part = await agent.get("/status/now")
    assert 'data-live="/status/now"' in page.text and "live." in page.text
    for answer in (page, part):
        assert "1 条记录（1 件办件），2 页扫描件" in answer.words
        assert "已传 1/2 页，60 KB/120 KB；还要大约 不到 1 分钟" in answer.words
        assert '<progress max="120000" value="60000"' in answer.text
    assert "<html" not in part.text


async def test_a_page_that_renews_itself_is_nobody_at_the_desk(programs: Programs, agent: Clerk) -> None:
    """What the next page is to say stays for it, and the session ends as if nobody had been there."""
    clock = programs.hall.county.clock
    await agent.post(await new_draft(agent) + "/discard")
    assert (await agent.get("/status/now")).status == 200
    assert "草稿和其中的扫描件已删除" in (await agent.get("/drafts")).words
    for _ in range(11):
        clock.now += 3600
        last = await agent.get("/status/now")
        if last.status != 200:
            break
    assert last.status == 303 and last.location.startswith("/sign-in")
