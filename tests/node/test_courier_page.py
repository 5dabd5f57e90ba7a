"""The courier's page at a village, a township and the county."""

from __future__ import annotations

import asyncio
import shutil
import threading
from typing import Any

import aiohttp
import pytest

from casework.policy import Role
from casework.web import courier_pages
from casework.web.amounts import size_text
from sync_protocol.bundles import BundleFile
from sync_protocol.replica import Replica
from tests.casework.materials.samples import jpeg, pdf, photo
from tests.programs import Answer, Clerk, Programs, sign_up, take_in

SCANS = [("materials.0.file", "身份证.jpg", jpeg(photo(600, 400))), ("materials.1.file", "户口簿.pdf", pdf(1))]


async def export(clerk: Clerk, reader: int, *more: tuple[str, str]) -> Answer:
    done = await clerk.post("/courier/export", ("reader", str(reader)), *more)
    assert done.status == 200, done.words
    assert done.headers["Content-Disposition"].endswith('.bundle"')
    return done


async def bring(clerk: Clerk, bundle: bytes) -> Answer:
    """The page as it is when the import is over."""
    sent = await clerk.post("/courier/import", files=[("bundle", "x.bundle", bundle)])
    if sent.status != 303:
        return sent
    assert sent.location == "/courier"
    return await over(clerk, "/courier")


async def over(clerk: Clerk, path: str) -> Answer:
    """The page as soon as no import is under way."""
    for _ in range(400):
        page = await clerk.get(path)
        if "正在导入" not in page.words:
            return page
        await asyncio.sleep(0.05)
    raise AssertionError("the import does not end")


async def carry(writer: Clerk, reader: Clerk, author: int) -> str:
    done = await bring(reader, (await export(writer, author)).body)
    assert done.status == 200, done.words
    assert "已导入" in done.words
    return done.words


@pytest.fixture
def admin(programs: Programs) -> str:
    sign_up(programs, "c.admin", Role.ADMIN, "", "")
    return "c.admin"


async def test_a_case_is_decided_at_the_county_and_shown_at_the_village_by_stick_alone(programs, admin) -> None:
    village, township, hub = (
        place.author for place in (programs.hall.village, programs.hall.township, programs.hall.hub)
    )
    agent, first = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    desk, officer, approver = [await programs.clerk(name) for name in (admin, "c.reviewer", "c.approver")]
    case = await take_in(agent, SCANS)
    said = await carry(agent, first, township)
    assert "其中新收 1 条" in said and "扫描件（含预览）4 份，其中新收 4 份" in said
    assert (await first.post(case + "/do/endorse", ("opinion", "情况属实"))).location == case
    await carry(first, desk, hub)
    assert (await officer.post(case + "/do/accept")).location == case
    assert (await officer.post(case + "/do/review")).location == case
    form = await approver.get(case + "/do/grant")
    seen = [("seen", part.split('"')[0]) for part in form.text.split('name="seen" value="')[1:]]
    assert len(seen) == 2
    assert (await approver.post(case + "/do/grant", *seen)).location == case
    document = pdf(1)
    sent = await approver.post(case + "/do/attach_result", ("title", "准予决定书"), files=[("file", "a.pdf", document)])
    assert sent.location == case, sent.words
    assert (await approver.post(case + "/do/close", ("result", "issued"))).location == case
    await carry(desk, agent, village)
    answer = await agent.get(case)
    assert "已办结，县级已确认" in answer.words and "材料 2/2 页已到县级" in answer.words
    link = answer.text.split(f'href="{case}/result/')[1].split('"')[0]
    assert (await agent.get(f"{case}/file/{link}")).body == document
    assert "扫描件（含预览）0 份" in await carry(agent, desk, hub)  # what the county signed for does not go again


async def test_the_page_offers_those_above_and_below_and_nobody_else(programs, admin) -> None:
    agent, first, desk = [await programs.clerk(name) for name in ("v.agent", "t.reviewer", admin)]
    village, township, hub = (
        place.author for place in (programs.hall.village, programs.hall.township, programs.hall.hub)
    )
    for clerk, offered in ((agent, {township, hub}), (first, {hub, village}), (desk, {township, village})):
        text = (await clerk.get("/courier")).text
        assert {int(part.split('"')[0]) for part in text.split('<option value="')[1:] if part[0] != '"'} == offered


async def test_a_county_reviewer_has_no_business_with_sticks(programs) -> None:
    officer = await programs.clerk("c.reviewer")
    for answer in (await officer.get("/courier"), await officer.post("/courier/export", ("reader", "3"))):
        assert answer.status == 403 and "导出导入U盘包" in answer.words


async def test_what_is_refused_names_the_field_and_the_remedy(programs, admin) -> None:
    agent, desk = await programs.clerk("v.agent"), await programs.clerk(admin)
    await take_in(agent)
    bundle = (await export(agent, programs.hall.hub.author)).body
    before = programs.hall.hub.store.read(_everything)
    for clerk, data, words in (
        (desk, bundle[:-1], "U盘包不完整或已损坏，没有导入任何内容"),
        (desk, b"PK\x03\x04 something else", "U盘包不完整或已损坏"),
        (agent, bundle, "这个U盘包不是给本站的，是给「"),
    ):
        answer = await bring(clerk, data)
        assert "没有导入：x.bundle" in answer.words and words in answer.words, answer.words
    for answer, words in (
        (await desk.post("/courier/import", ("x", "1"), files=[("other", "x", b"y")]), "没有选择U盘包"),
        (await agent.post("/courier/export"), "没有选择带给谁"),
        (await agent.post("/courier/export", ("reader", "77")), "没有这个收件单位"),
    ):
        assert answer.status == 422 and words in answer.words, answer.words
    assert programs.hall.hub.store.read(_everything) == before
    assert "已导入：x.bundle" in (await bring(desk, bundle)).words


def _everything(conn: Any) -> list[str]:
    from sqlalchemy import select

    from sync_protocol.store import tables as t

    return [repr(conn.execute(select(table)).all()) for table in t.metadata.sorted_tables if table.name != "peer"]


async def test_a_download_that_fails_on_the_way_does_not_look_whole(programs, monkeypatch) -> None:
    agent = await programs.clerk("v.agent")
    await take_in(agent, SCANS)
    monkeypatch.setattr(Replica, "chunk", lambda self, hash_, length, offset: None)
    with pytest.raises(aiohttp.ClientError):
        await export(agent, programs.hall.hub.author)


async def test_a_disk_without_room_for_the_upload_says_so(programs, admin, monkeypatch) -> None:
    desk = await programs.clerk(admin)
    honest = shutil.disk_usage

    def full(path: Any) -> Any:
        return honest(path)._replace(free=10)

    monkeypatch.setattr(shutil, "disk_usage", full)
    answer = await bring(desk, b"x" * 100)
    assert answer.status == 422 and "本机磁盘空间不够" in answer.words


class Slow:
    """Stops the reading of a bundle half way through its first reading, until told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go_on, self.half_way = threading.Event(), threading.Event()
        honest, read = BundleFile._take, [0]

        def take(file: Any, length: int) -> bytes:
            read[0] += length
            if read[0] > 20_000:
                self.half_way.set()
                assert self.go_on.wait(20)
            return honest(file, length)

        monkeypatch.setattr(BundleFile, "_take", take)


async def test_an_import_goes_on_without_the_browser_and_says_how_far_it_is(programs, admin, monkeypatch) -> None:
    monkeypatch.setattr(courier_pages, "_AT_ONCE_SECONDS", 0.01)
    agent, desk = await programs.clerk("v.agent"), await programs.clerk(admin)
    await take_in(agent, SCANS)
    bundle = (await export(agent, programs.hall.hub.author)).body
    slow = Slow(monkeypatch)
    sent = await desk.post("/courier/import", files=[("bundle", "x.bundle", bundle)])
    assert sent.status == 303
    assert await asyncio.to_thread(slow.half_way.wait, 20)
    for path in ("/courier", "/courier/now", "/courier"):
        shown = await desk.get(path)
        assert "正在导入：x.bundle" in shown.words and "第 1 步，共 2 步：核对整个文件" in shown.words
    bar = shown.text.split("<progress ")[1]
    done, whole = (int(bar.split(f'{name}="')[1].split('"')[0]) for name in ("value", "max"))
    assert 0 < done < len(bundle) and whole == 2 * len(bundle)
    second = await desk.post("/courier/import", files=[("bundle", "y.bundle", bundle)])
    assert second.status == 422 and "正在导入另一个U盘包（x.bundle）" in second.words
    slow.go_on.set()
    shown = await over(desk, "/courier/now")
    assert "已导入：x.bundle" in shown.words and "其中新收 1 条" in shown.words
    assert "已导入：x.bundle" in (await desk.get("/courier")).words


async def test_an_import_that_breaks_in_the_program_says_so_and_frees_the_place(programs, admin, monkeypatch) -> None:
    desk = await programs.clerk(admin)
    with monkeypatch.context() as broken:
        broken.setattr(BundleFile, "_take", lambda file, length: 1 // 0)
        answer = await bring(desk, b"x" * 100)
    assert "没有导入：x.bundle" in answer.words and "程序出错，没有导入完" in answer.words
    assert "U盘包不完整或已损坏" in (await bring(desk, b"x" * 100)).words


async def test_an_export_says_what_was_written(programs, monkeypatch) -> None:
    agent = await programs.clerk("v.agent")
    await take_in(agent, SCANS)
    bundle = (await export(agent, programs.hall.hub.author)).body
    assert f"共 {size_text(len(bundle))}" in (await agent.get("/courier/now")).words
    monkeypatch.setattr(Replica, "chunk", lambda self, hash_, length, offset: None)
    with pytest.raises(aiohttp.ClientError):
        await export(agent, programs.hall.hub.author)
    assert "导出中断" in (await agent.get("/courier")).words
