"""What the case page says of where its scans and changes are, over a real county of three places."""

from __future__ import annotations

import re

from tests.casework.materials.samples import jpeg, photo
from tests.node.test_used_pages import entry_of
from tests.programs import Clerk, Programs, take_in, typed

LOST = ("materials.0.file", "身份证.jpg", jpeg(photo(600, 400)))
AGAIN = ("materials.0.file", "重拍.jpg", jpeg(photo(610, 400)))


async def test_a_page_that_was_replaced_and_never_came_is_not_waited_for(programs: Programs, agent: Clerk) -> None:
    case = await take_in(agent, [LOST])
    for blob in entry_of(programs, case).blobs:
        programs.hall.village.replica.blobs.path(blob.hash).unlink()
    programs.exchange()
    early = await agent.get(case)
    assert "材料 0/1 页已到县级" in early.words and "扫描件还没有到齐" in early.words
    corrected = await agent.post(case + "/do/correct", *typed(), ("reason", "重新扫描"), files=[AGAIN])
    assert corrected.location == case, corrected.words
    programs.exchange()
    for login in ("v.agent", "t.reviewer", "c.reviewer"):
        words = (await (await programs.clerk(login)).get(case)).words
        assert "材料 1/1 页已到县级" in words and "还没有到齐" not in words, login
    listed = await agent.get("/")
    assert "材料 1/1 页已到县级" in listed.words


def cells(text: str) -> list[str]:
    """The signs of the rows of the two tables, entries first."""
    rows = re.findall(r'<tr><th scope="row">.*?</tr>', text, re.DOTALL)
    return ["".join(re.findall(r'aria-hidden="true">([●○–])<', row)) for row in rows]


async def test_each_change_and_each_page_is_shown_with_the_tiers_that_have_signed(
    programs: Programs, agent: Clerk
) -> None:
    case = await take_in(agent, [LOST])
    assert cells((await agent.get(case)).text) == ["●○○", "●○○"]
    programs._talk(programs.hall.village, programs.hall.township)
    assert cells((await agent.get(case)).text) == ["●●○", "●●○"]
    programs.exchange()
    assert cells((await agent.get(case)).text) == ["●●●", "●●●"]
    officer = await programs.clerk("c.reviewer")
    shown = await officer.get(case)
    assert "收件站点 乡镇 本机" in shown.words and cells(shown.text) == ["●●●", "●●●"]
