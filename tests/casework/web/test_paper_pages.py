"""The pages of a case's papers, in the real programs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pypdfium2
import pytest

from tests.casework.materials.samples import jpeg, photo
from tests.programs import Clerk, Programs, open_programs, take_in

SCAN = jpeg(photo(400, 500))


@pytest.fixture
async def programs(tmp_path: Path) -> AsyncIterator[Programs]:
    found = open_programs(tmp_path)
    yield found
    await found.close()


def spooled(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*")]


async def raw(clerk: Clerk, path: str) -> tuple[int, str, bytes]:
    answer = await clerk.client.get(path)
    return answer.status, answer.content_type, await answer.read()


async def test_a_case_prints_what_it_has_come_to_and_says_why_not_the_rest(programs: Programs) -> None:
    agent = await programs.clerk("v.agent")
    case = await take_in(agent, [("materials.0.file", "a.jpg", SCAN)], applicant__name="买买提·吐尔逊𠮷")
    assert f'href="{case}/papers"' in (await agent.get(case)).text
    listed = await agent.get(case + "/papers")
    assert f'href="{case}/paper/receipt"' in listed.text and f'href="{case}/paper/transfer?size=80"' in listed.text
    assert f"{case}/paper/decision" not in listed.text and "准予（不予）决定书：还没有作出决定" in listed.words
    assert "待县级确认" in listed.words
    early = await agent.get(case + "/paper/decision")
    assert early.status == 404 and "还没有作出决定" in early.words
    for size in ("a4", "80"):
        page = await agent.get(f"{case}/paper/receipt?size={size}")
        assert page.status == 200 and "<svg" in page.text and f"paper-{size}." in page.text
        assert "本地收件回执（待县级确认）" in page.words and "印自待县级确认的内容" in page.words
        assert "买买提·吐尔逊𠮷" in page.words and "第十七条" in page.words
        assert "<script" not in page.text.split("<article")[1] and "data:" not in page.text
        status, kind, data = await raw(agent, f"{case}/paper/receipt.pdf?size={size}")
        assert (status, kind) == (200, "application/pdf")
        words = pypdfium2.PdfDocument(data)[0].get_textpage().get_text_range()
        assert "买买提·吐尔逊" in re.sub(r"\s", "", words)
    for odd in ("/paper/receipt?size=a5", "/paper/receipt.pdf?size=x", "/paper/nothing", "/paper/special-1"):
        assert (await agent.get(case + odd)).status == 404, odd
    programs.exchange()
    page = await agent.get(case + "/paper/receipt")
    assert "待县级确认" not in page.words.split("编号：")[0] and "印自待县级" not in page.words


async def test_papers_are_for_those_who_may_see_the_case(programs: Programs) -> None:
    agent = await programs.clerk("v.agent")
    case = await take_in(agent, [("materials.0.file", "a.jpg", SCAN)])
    programs.exchange()
    stranger = await programs.clerk("c.other")
    for path in ("/papers", "/paper/receipt", "/paper/receipt.pdf", "/archive.pdf"):
        assert (await raw(stranger, case + path))[0] == 404, path


async def test_the_archive_is_one_file_here_and_tells_what_is_not_here(programs: Programs, tmp_path: Path) -> None:
    agent = await programs.clerk("v.agent")
    case = await take_in(agent, [("materials.0.file", "a.jpg", SCAN)])
    status, kind, data = await raw(agent, case + "/archive.pdf")
    assert (status, kind) == (200, "application/pdf")
    document = pypdfium2.PdfDocument(data)
    texts = [re.sub(r"\s", "", page.get_textpage().get_text_range()) for page in document]
    assert "办件全卷" in texts[0] and texts[-1] == "" and "缺页说明" not in "".join(texts)
    assert document[len(document) - 1].render(scale=0.2).to_pil().convert("L").getextrema()[0] < 200
    assert not [name for name in spooled(tmp_path) if name.startswith("archive-")], "nothing is left in the spool"
