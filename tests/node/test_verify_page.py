"""The page on which a slip is verified: scanned, typed or photographed, at a node and at the hub."""

from __future__ import annotations

import io

import pytest
import segno
from PIL import Image

from casework.policy import Role
from casework.scan_text import SCAN_CHARS_MAX
from tests.casework.materials.samples import jpeg, photo
from tests.programs import Answer, Clerk, Programs, sign_up, take_in
from tests.stories.steps import does, seen, under_review


def picture(text: str) -> bytes:
    """A photo of a slip's QR lying a little askew on grey paper."""
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="png", scale=5)
    with Image.open(out) as code:
        page = Image.new("L", (code.width + 400, code.height + 500), 200)
        page.paste(code.convert("L"), (180, 230))
    turned = page.rotate(4, fillcolor=180)
    out = io.BytesIO()
    turned.save(out, "JPEG", quality=70)
    return out.getvalue()


async def slip_of(programs: Programs, agent: Clerk, path: str) -> str:
    village = programs.hall.village
    desk, person = programs.hall.desk(village), programs.hall.agent(agent.account)
    return village.store.read(lambda conn: desk.case_qr(conn, person, bytes.fromhex(path.split("/")[2])))


async def verify(clerk: Clerk, text: str = "", **photos: bytes) -> Answer:
    files = [(name, f"{name}.jpg", data) for name, data in photos.items()]
    return await clerk.post("/verify", ("text", text), files=files)


@pytest.fixture
async def case(programs: Programs, agent: Clerk) -> str:
    return await take_in(agent)


async def test_a_scanned_slip_is_genuine_and_leads_to_the_case(programs: Programs, agent: Clerk, case: str) -> None:
    text = await slip_of(programs, agent, case)
    page = await agent.get("/verify")
    assert "autofocus" in page.text and 'inputmode="none"' in page.text
    assert 'href="/verify" aria-current="page"' in page.text
    done = await verify(agent, text)
    assert done.status == 200
    assert "真实有效" in done.words and "截至" in done.words
    assert f'href="{case}"' in done.text
    garbled = text.replace("://", "：、、").replace("#", "＃")
    assert "真实有效" in (await verify(agent, garbled)).words


async def test_at_the_hub_who_may_not_view_the_case_gets_no_link(programs: Programs, agent: Clerk) -> None:
    sign_up(programs, "c.ops", Role.OPS, "", "")
    ops = await programs.clerk("c.ops")
    text = await slip_of(programs, agent, await take_in(agent))
    unheard = await verify(ops, text)  # the county has heard of the station, not yet of the case
    assert "真实有效" in unheard.words and "本机查到的办件" not in unheard.words
    programs.exchange()
    heard = await verify(ops, text)
    assert "本机查到的办件现在是：" in heard.words
    assert "/cases/" not in heard.text


async def test_a_photo_is_read(programs: Programs, agent: Clerk, case: str) -> None:
    text = await slip_of(programs, agent, case)
    assert "真实有效" in (await verify(agent, photo=picture(text))).words
    none = await verify(agent, photo=jpeg(photo(600, 400)))
    assert none.status == 422 and "没有找到二维码" in none.words
    broken = await verify(agent, photo=b"no picture")
    assert broken.status == 422 and "photo.jpg" in broken.words


async def test_what_cannot_be_confirmed_says_why_and_what_to_do(programs: Programs, agent: Clerk, case: str) -> None:
    text = await slip_of(programs, agent, case)
    cut = await verify(agent, text[:-20])
    assert "不能确认" in cut.words and "没有读全" in cut.words and "重新扫描整个二维码" in cut.words
    code_alone = await verify(agent, text.split("/")[1].split("#")[0])
    assert "不能确认" in code_alone.words and "本机查到的办件现在是" in code_alone.words
    rubbish = await verify(agent, '<b>"这不是码')
    assert "没有读到查询码" in rubbish.words
    assert 'value="&lt;b&gt;&#34;这不是码"' in rubbish.text, "what was typed stands there again"


async def test_nothing_and_too_much_are_said_at_the_field(agent: Clerk) -> None:
    nothing, much = await verify(agent), await verify(agent, "A" * (SCAN_CHARS_MAX + 1))
    assert nothing.status == much.status == 422
    assert "还没有扫码" in nothing.words and "内容太长" in much.words


async def test_nobody_verifies_without_signing_in(agent: Clerk) -> None:
    assert (await agent.get("/verify")).status == 200
    agent.client.session.cookie_jar.clear()
    assert (await agent.get("/verify")).location.startswith("/sign-in")


async def test_an_approver_revokes_a_result_from_its_case_and_a_village_sees_it(
    programs: Programs, agent: Clerk
) -> None:
    case = await take_in(agent)
    reviewer, officer, approver = [await programs.clerk(login) for login in ("t.reviewer", "c.reviewer", "c.approver")]
    await under_review(programs, case, reviewer, officer)
    assert "/revoke" not in (await approver.get(case)).text, "nothing is granted yet"
    await does(approver, case, "grant", *await seen(approver, case))
    hall = programs.hall
    desk, person = hall.desk(hall.village), hall.agent(agent.account)
    programs.exchange()
    text = hall.village.store.read(lambda conn: desk.result_qr(conn, person, bytes.fromhex(case.split("/")[2])))
    assert "真实有效" in (await verify(agent, text)).words
    assert f'href="{case}/revoke"' in (await approver.get(case)).text
    assert "/revoke" not in (await officer.get(case)).text
    refused = await officer.post(case + "/revoke", ("reason", "不实"))
    assert refused.status == 403
    assert (await approver.post(case + "/revoke", ("reason", "承诺核查：与事实不符"))).location == case
    programs.exchange()
    said = (await verify(agent, text)).words
    assert "真实，但已撤销" in said and "承诺核查：与事实不符" in said
    assert "结果凭证已撤销" in (await agent.get(case)).words
    assert f'href="{case}/revoke"' not in (await approver.get(case)).text
