"""The sync sentence: four states, never a success that the parent has not signed for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.sync_status import SyncStatus, sync_bar, sync_text

NOW = 1_790_000_000
LINK_DOWN = "连不上上级，多半是断网；恢复后自动续传"
TEN_MINUTES_AGO = "上次联系 2026-09-21 22:03（10 分钟前）"
ALL_DONE = SyncStatus(True, 0, 0, 0, NOW - 30, "")
WAITING = SyncStatus(False, 3, 2, NOW - 7200, NOW - 600, "")


@pytest.mark.parametrize(
    ("status", "said", "tone"),
    [
        (ALL_DONE, "已全部上报；刚刚与上级联系过", "ok"),
        (replace(ALL_DONE, in_step=False), "没有待上报的内容；刚刚与上级联系过", "ok"),
        (
            WAITING,
            "有 3 件待上报（最早 2026-09-21 20:13），2 页扫描件；上次联系 2026-09-21 22:03（10 分钟前）",
            "busy",
        ),
        (replace(WAITING, waiting_cases=0), "有 2 页扫描件待上报；上次联系 2026-09-21 22:03（10 分钟前）", "busy"),
        (
            replace(WAITING, busy="yes", waiting_blobs=0),
            "正在上报，有 3 件待上报（最早 2026-09-21 20:13）；上次联系 2026-09-21 22:03（10 分钟前）",
            "busy",
        ),
        (
            replace(WAITING, error_code="transfer_failed", waiting_blobs=0, last_contact=0),
            f"上报受阻（{LINK_DOWN}），有 3 件待上报（最早 2026-09-21 20:13）；还没有与上级联系过",
            "offline",
        ),
        (
            replace(ALL_DONE, last_contact=NOW - 3 * 3600),
            "已全部上报；上次联系 2026-09-21 19:13（3 小时前）",
            "offline",
        ),
        (
            replace(ALL_DONE, last_contact=NOW - 3 * 3600, silence_seconds=4 * 3600),
            "已全部上报；上次联系 2026-09-21 19:13（3 小时前）",
            "ok",
        ),
        (
            replace(ALL_DONE, error_code="transfer_failed", last_contact=NOW - 3 * 86_400),
            "已全部上报；上次联系 2026-09-18 22:13（3 天前）",
            "offline",
        ),
        (
            replace(ALL_DONE, in_step=False, error_code="certificate_expired", last_contact=NOW - 10_000),
            "上报受阻（本站证书已过期，请联系县级管理员续发）；上次联系 2026-09-21 19:26（2 小时前）",
            "attention",
        ),
        (
            replace(WAITING, error_code="something_of_2031", waiting_blobs=0),
            f"上报受阻（上级没有接收，请联系县级运维），有 3 件待上报（最早 2026-09-21 20:13）；{TEN_MINUTES_AGO}",
            "attention",
        ),
    ],
)
def test_the_sentence_and_its_tone(status: SyncStatus, said: str, tone: str) -> None:
    assert sync_text(status, NOW) == said
    assert sync_bar(status, NOW).tone == tone


def test_what_waits_is_never_called_done() -> None:
    for status in (WAITING, replace(WAITING, in_step=True), replace(WAITING, in_step=True, waiting_cases=0)):
        assert "已全部上报" not in sync_text(status, NOW)
