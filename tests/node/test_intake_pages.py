"""Intake at a station: what is wrong is said at its field, what was typed is kept, what was scanned is not lost."""

from __future__ import annotations

import re

import pytest

from casework.example_intake import example_citizen_id
from sync_protocol.store import tables as t
from tests.casework.materials.samples import jpeg, pdf, photo, png
from tests.programs import (
    ITEM,
    Clerk,
    Programs,
    begun,
    blobs_on_disk,
    new_draft,
    required_indexes,
    take_in,
    typed,
)

SCAN = jpeg(photo(400, 500))
LONG_NAME = "阿卜杜热合曼·吐尔逊𠮷𡈽𪚥·" + "买买提𣇵" * 11 + "𰻝𰻝"


async def test_choosing_an_item_starts_with_what_the_catalogue_offers(agent: Clerk) -> None:
    page = await agent.get("/intake")
    assert page.text.count(">收件<span") == 19
    for text in ("高龄", "glj", "GLJT", "elder_all"):
        found = await agent.get(f"/intake?q={text}")
        assert found.text.count(">收件<span") == 1 and f'href="/intake/{ITEM}"' in found.text, text
    assert "没有名称里含“不存在的”的事项" in (await agent.get("/intake?q=不存在的")).words
    assert (await agent.get("/intake/no_such_item")).status == 404
    assert (await agent.post("/intake/no_such_item", ("go", "stay"))).status == 404


async def test_the_items_that_a_station_takes_in_most_come_first(agent: Clerk) -> None:
    assert "最常用" not in (await agent.get("/intake")).words
    await take_in(agent)
    page = await agent.get("/intake")
    often = page.text[page.text.index("最常用") : page.text.index("其他事项")]
    assert often.count(">收件<span") == 1 and f'href="/intake/{ITEM}"' in often
    assert page.text.count(">收件<span") == 19


async def test_a_wrong_check_digit_is_named_at_its_field_and_everything_typed_is_kept(agent: Clerk) -> None:
    start = await begun(agent)
    good = example_citizen_id(7)
    bad = good[:-1] + ("1" if good[-1] != "1" else "2")
    fields = typed(applicant__id=bad, applicant__name="", form__birth_date="2026-02-30", household="王家坞 12 号")
    page = await agent.post(start, *fields, ("go", "next"))
    assert page.status == 422
    for name in ("applicant-id", "applicant-name"):
        assert f'href="#f-{name}"' in page.text and f'id="f-{name}-error"' in page.text
    assert "校验位不对" in page.words and "请对照身份证逐位核对" in page.words
    again = await agent.get(start + "/step/applicant")
    assert f'value="{bad}"' in again.text and 'value="王家坞 12 号"' in again.text
    form = await agent.get(start + "/step/form?wrong=1")
    assert 'id="f-form-birth_date-error"' in form.text and 'value="2026-02-30"' in form.text


async def test_a_draft_survives_and_says_what_is_missing(programs: Programs, agent: Clerk) -> None:
    start = await begun(agent)
    saved = await agent.post(start, ("applicant.name", "半成品"), ("go", "leave"))
    assert saved.location == "/drafts"
    colleague = await programs.clerk("v.agent")
    assert "半成品" in (await colleague.get("/drafts")).words
    check = await colleague.get(start + "/check")
    assert "还不能提交" in check.words and f'href="{start}/materials#f-materials-0"' in check.text
    assert f'href="{start}/step/applicant?change=1&amp;wrong=1#f-applicant-id"' in check.text
    refused = await colleague.post(start + "/submit")
    assert refused.status == 422 and "缺少必备材料" in refused.words
    assert "半成品" in (await agent.get(start + "/step/applicant")).text


async def test_good_files_stay_when_others_are_refused(programs: Programs, agent: Clerk) -> None:
    draft = await new_draft(agent)
    before = blobs_on_disk(programs.hall.village)
    files = [
        ("materials.0.file", "好.jpg", SCAN),
        ("materials.0.file", "两页.pdf", pdf(2)),
        ("materials.1.file", "不是图片.jpg", b"MZ this is a program"),
        ("materials.2.file", "半张.jpg", SCAN[: len(SCAN) // 2]),
        ("materials.2.file", "谎言.png", png(50_000, 50_000, rows=1)),
        ("materials.3.file", "空.jpg", b""),
    ]
    page = await agent.post(draft + "/materials", ("whole", "1"), ("go", "next"), files=files)
    assert page.status == 422
    for name in ("不是图片.jpg", "谎言.png", "空.jpg"):
        assert f"「{name}」" in page.words
    assert 'href="#f-materials-1"' in page.text and 'id="f-materials-1-error"' in page.text
    assert page.text.count('name="remove"') == 3
    assert blobs_on_disk(programs.hall.village) == before + 2 * 3  # each with its preview
    assert list(programs.folder.glob("spool-*/*")) == []
    # the same process goes on serving good requests
    assert (await agent.get(draft + "/materials")).status == 200


async def test_a_page_can_be_looked_at_and_taken_out_again(programs: Programs, agent: Clerk) -> None:
    draft = await new_draft(agent)
    before = blobs_on_disk(programs.hall.village)
    page = await agent.post(draft + "/materials", files=[("materials.0.file", "a.jpg", SCAN)])
    assert page.location == draft + "/materials"
    shown = await agent.get(draft + "/materials")
    hash_ = shown.text.split('name="remove" value="')[1].split('"')[0]
    picture = await agent.get(f"{draft}/file/{hash_}")
    assert picture.headers["Content-Type"] == "image/jpeg" and picture.body.startswith(b"\xff\xd8\xff")
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    assert b"GPS" not in picture.body
    small = re.search(r'<img src="(/drafts/[^"]+)"', shown.text)
    assert small is not None and hash_ not in small[1]
    preview = await agent.get(small[1])
    assert preview.headers["Content-Type"] == "image/webp" and preview.body[8:12] == b"WEBP"
    assert (await agent.get(f"{draft}/file/{'0' * 64}")).status == 404
    assert (await agent.post(draft + "/materials", ("remove", hash_))).location == draft + "/materials#f-materials-0"
    assert 'name="remove"' not in (await agent.get(draft + "/materials")).text
    assert blobs_on_disk(programs.hall.village) == before


async def test_seen_and_scanned_exclude_each_other(agent: Clerk) -> None:
    draft = await new_draft(agent)
    await agent.post(draft + "/materials", ("whole", "1"), ("materials.0.seen", "1"), ("materials.1.seen", "1"))
    check = await agent.get(draft + "/check")
    assert check.words.count("已核对原件") == 2
    await agent.post(draft + "/materials", files=[("materials.0.file", "a.jpg", SCAN)])
    check = await agent.get(draft + "/check")
    assert check.words.count("已核对原件") == 1 and "扫描 1 页" in check.words
    await agent.post(draft + "/materials", ("whole", "1"))
    check = await agent.get(draft + "/check")
    assert "已核对原件" not in check.words and "扫描 1 页" in check.words


async def test_a_discarded_draft_leaves_no_file_behind(programs: Programs, agent: Clerk) -> None:
    before = blobs_on_disk(programs.hall.village)
    draft = await new_draft(agent)
    files = [("materials.0.file", "a.jpg", SCAN), ("materials.1.file", "b.pdf", pdf(2))]
    await agent.post(draft + "/materials", files=files)
    assert blobs_on_disk(programs.hall.village) == before + 2 * 3  # each with its preview
    gone = await agent.post(draft + "/discard")
    assert gone.location == "/drafts"
    assert blobs_on_disk(programs.hall.village) == before
    assert (await agent.follow(draft)).status == 404
    assert "没有草稿" in (await agent.get("/drafts")).words


async def test_rare_characters_and_the_dot_come_out_as_they_went_in(programs: Programs, agent: Clerk) -> None:
    assert len(LONG_NAME) == 60
    case = await take_in(agent, applicant__name=LONG_NAME, household="𠮷家·坞")
    for path in (case, case + "/paper/receipt", "/cases", f"/cases?q={LONG_NAME[3:9]}"):
        assert LONG_NAME in (await agent.get(path)).text
    programs.exchange()
    reviewer = await programs.clerk("t.reviewer")
    assert LONG_NAME in (await reviewer.get(case)).text and "𠮷家·坞" in (await reviewer.get(case)).text
    inputs = (await agent.get(case + "/do/correct")).text
    limit = re.search(r'name="applicant.name"[^>]*maxlength="(\d+)"', inputs)
    assert limit and int(limit[1]) >= len(LONG_NAME.encode("utf-16-le")) // 2  # HTML counts UTF-16 units


async def test_the_same_person_for_the_same_item_is_a_warning_not_a_bar(agent: Clerk) -> None:
    case = await take_in(agent, applicant__name="先来的")
    draft = await new_draft(agent)
    page = await agent.get(draft + "/step/applicant")
    assert "同一证件号码已有在办的" in page.words and f'href="{case}"' in page.text
    second = await take_in(agent)
    assert second != case
    other = await new_draft(agent, applicant__id=example_citizen_id(99))
    assert "同一证件号码" not in (await agent.get(other + "/step/applicant")).words


async def test_a_second_click_on_submit_shows_the_case_and_takes_nothing_twice(agent: Clerk) -> None:
    draft = await new_draft(agent)
    seen = [(f"materials.{n}.seen", "1") for n in required_indexes()]
    await agent.post(draft + "/materials", *seen)
    first = await agent.post(draft + "/submit")
    again = await agent.post(draft + "/submit")
    assert first.location == again.location and first.status == again.status == 303
    assert "共 1 件" in (await agent.get("/cases")).words


async def test_what_was_changed_since_it_was_looked_at_is_not_handed_in(agent: Clerk) -> None:
    draft = await new_draft(agent)
    await agent.post(draft + "/materials", *((f"materials.{n}.seen", "1") for n in required_indexes()))

    async def looked_at() -> str:
        return re.findall(r'name="turn" value="(\d+)"', (await agent.get(draft + "/check")).text)[0]

    turn = await looked_at()
    await agent.post(draft, ("step", "applicant"), ("household", "新户"), ("go", "stay"))
    back = await agent.post(draft + "/submit", ("turn", turn))
    assert back.location == draft + "/check"
    assert "又有了改动，没有提交" in (await agent.get(back.location)).words
    assert (await agent.post(draft + "/submit", ("turn", await looked_at()))).location.endswith("/taken")


async def test_a_scan_that_vanished_from_the_disk_is_not_handed_in(programs: Programs, agent: Clerk) -> None:
    draft = await new_draft(agent)
    seen = [(f"materials.{n}.seen", "1") for n in required_indexes()[1:]]
    await agent.post(draft + "/materials", *seen, files=[("materials.0.file", "a.jpg", SCAN)])
    for path in programs.hall.village.replica.blobs._folder.rglob("*"):
        if path.is_file():
            path.unlink()
    page = await agent.post(draft + "/submit")
    assert page.status == 422 and "在本机已找不到" in page.words
    assert "还没有办件" in (await agent.get("/cases")).words


@pytest.mark.parametrize("path", ["", "/materials", "/submit", "/discard"])
async def test_a_forged_form_changes_no_draft(agent: Clerk, path: str) -> None:
    draft = await new_draft(agent, applicant__name="真的")
    forged = await agent.post(draft + path, ("applicant.name", "假的"), ("go", "stay"), token="0" * 64)
    assert forged.status == 403
    page = await agent.get(draft + "/step/applicant")
    assert "真的" in page.text and "假的" not in page.text


async def test_drafts_and_intake_are_for_those_who_take_in(programs: Programs, agent: Clerk) -> None:
    draft = await new_draft(agent)
    reviewer = await programs.clerk("t.reviewer")
    for path in ("/intake", "/drafts", draft, draft + "/check"):
        page = await reviewer.get(path)
        assert page.status == 403 and "村站代办员" in page.words
    assert (await reviewer.post(f"/intake/{ITEM}", ("go", "stay"))).status == 403
    clerk = await programs.clerk("t.clerk")
    assert (await clerk.get(draft)).status == 404  # drafts never leave their station
    assert (await clerk.get("/review")).status == 403
    assert (await agent.get("/drafts/zz")).status == 404


async def test_the_home_page_says_what_to_do_first_and_then_what_is_to_do(programs: Programs, agent: Clerk) -> None:
    assert "从这里开始" in (await agent.get("/")).words
    case = await take_in(agent)
    home = await agent.get("/")
    assert "等待上级办理（1）" in home.words and "已保存在本机，尚未送到上级" in home.words
    outbox = await agent.get("/outbox")
    assert f'href="{case}"' in outbox.text and "待县级确认" in outbox.words
    programs.exchange()
    assert "没有待上报的办件" in (await agent.get("/outbox")).words
    status = await agent.get("/status")
    assert "19 个事项" in status.words and "2027 年（预估）" in status.words and "南阳村委会" in status.words


async def test_scans_on_the_way_keep_a_settled_case_in_the_outbox(programs: Programs, agent: Clerk) -> None:
    hall = programs.hall
    case = await take_in(agent, [("materials.0.file", "a.jpg", SCAN)])
    programs.exchange()
    assert f'href="{case}"' not in (await agent.get("/outbox")).text
    hall.village.store.write(lambda conn: conn.execute(t.blob_receipt.delete()))
    outbox = await agent.get("/outbox")
    assert f'href="{case}"' in outbox.text and "1 页还在本机" in outbox.words


async def test_the_whole_intake_at_a_township_window_needs_no_hop_in_between(programs: Programs) -> None:
    clerk = await programs.clerk("t.clerk")
    case = await take_in(clerk)
    page = await clerk.get(case)
    assert "乡镇已收" not in page.words and "本机已存" in page.words
    reviewer = await programs.clerk("t.reviewer")
    assert case in (await reviewer.get("/review")).text
    assert (await reviewer.post(case + "/do/endorse", ("opinion", "属实"))).location == case
    programs.exchange()
    assert "已初审" in (await clerk.get(case)).words
