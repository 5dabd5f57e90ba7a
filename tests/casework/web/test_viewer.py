"""A scan at full size: every step is a link that works by itself, at the village and at the county."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casework.web.viewer import Look, look_of
from tests.casework.materials.samples import jpeg, photo
from tests.programs import Answer, Clerk, Programs, open_programs, take_in

SCANS = [(f"materials.{n}.file", f"{n}.jpg", jpeg(photo(600 + k, 400))) for k, n in enumerate((0, 0, 1))]


@pytest.fixture
async def programs(tmp_path: Path) -> AsyncIterator[Programs]:
    found = open_programs(tmp_path)
    yield found
    await found.close()


def link(page: Answer, word: str) -> str:
    """Where the link with this word leads, "" when there is none."""
    found = re.search(rf'<a [^>]*href="([^"]+)"[^>]*>{word}</a>', page.text)
    return found.group(1).replace("&amp;", "&") if found else ""


async def walk(clerk: Clerk, case: str) -> list[bytes]:
    """The pictures of a case by its own links, from the first one to the last."""
    pictures, at = [], case + "/view/1"
    while at:
        page = await clerk.get(at)
        assert page.status == 200, page.words
        pictures.append((await clerk.get(re.findall(r'<img src="([^"]+)"', page.text)[0])).body)
        at = link(page, "下一页")
    return pictures


async def test_page_by_page_with_links_alone(programs: Programs) -> None:
    agent = await programs.clerk("v.agent")
    case = await take_in(agent, SCANS)
    pictures = await walk(agent, case)
    assert len(set(pictures)) == 3 and all(picture.startswith(b"\xff\xd8\xff") for picture in pictures)
    last = await agent.get(case + "/view/3")
    assert "3/3" in last.words and link(last, "下一页") == "" and link(last, "上一页") == case + "/view/2"
    assert link(last, "← 返回办件") == case and "高龄津贴审批表 第 1 页" in last.words
    programs.exchange()
    officer = await programs.clerk("c.reviewer")
    assert await walk(officer, case) == pictures
    for odd in ("0", "4", "x", "99999", "-1"):
        assert (await agent.get(f"{case}/view/{odd}")).status == 404


async def test_zoom_and_turn_go_along_to_the_next_page(programs: Programs) -> None:
    agent = await programs.clerk("v.agent")
    case = await take_in(agent, SCANS)
    near = await agent.get(link(await agent.get(case + "/view/1"), "放大"))
    assert 'class="frame zoom-150 turn-0"' in near.text
    turned = await agent.get(link(near, "右转"))
    assert 'class="frame zoom-150 turn-90"' in turned.text
    assert link(turned, "下一页") == case + "/view/2?zoom=150&turn=90"
    assert link(turned, "整页") == case + "/view/1"
    assert 'class="frame zoom-100 turn-270"' in (await agent.get(case + "/view/1?turn=270&zoom=7")).text


async def test_a_preview_is_not_passed_off_as_the_page(programs: Programs) -> None:
    agent = await programs.clerk("v.agent")
    case = await take_in(agent, SCANS[:1])
    whole = await agent.get(case + "/view/1")
    assert "预览" not in whole.words
    hash_ = re.findall(r"/file/([0-9a-f]{64})", whole.text)[0]
    programs.hall.village.replica.blobs.path(bytes.fromhex(hash_)).unlink()
    lost = await agent.get(case + "/view/1")
    assert "预览，原件未到" in lost.words
    assert (await agent.get(re.findall(r'<img src="([^"]+)"', lost.text)[0])).body[8:12] == b"WEBP"


@pytest.mark.parametrize(
    ("query", "look"),
    [({}, Look()), ({"zoom": "200"}, Look(200)), ({"zoom": "201", "turn": "91"}, Look()), ({"turn": "٣"}, Look()),
     ({"zoom": "9" * 9}, Look()), ({"turn": "180"}, Look(100, 180))],
)  # fmt: skip
def test_an_address_asks_for_what_there_is(query: dict[str, str], look: Look) -> None:
    assert look_of(query) == look


def test_steps_stop_at_the_ends_and_turns_go_round() -> None:
    assert Look(400).nearer(1) == Look(400) and Look().nearer(-1) == Look()
    assert Look(100, 270).turned(90) == Look() and Look().turned(-90) == Look(100, 270)
