"""The whole way of a case through the pages of three places."""

from __future__ import annotations

from casework.identity import mask_id
from sync_protocol.dialer import Dialer
from sync_protocol.limits import BLOB_CHUNK_BYTES_MAX
from tests.casework.materials.samples import jpeg, pdf, photo
from tests.programs import Programs, take_in, typed

SCANS = [
    ("materials.0.file", "身份证.jpg", jpeg(photo(600, 400))),
    ("materials.1.file", "户口簿1.jpg", jpeg(photo(500, 700))),
    ("materials.1.file", "户口簿2.pdf", pdf(1)),
]


async def test_an_intake_with_three_pages_is_granted_and_delivered(programs: Programs) -> None:
    agent = await programs.clerk("v.agent")
    case = await take_in(agent, SCANS)
    taken = await agent.get(case + "/taken")
    assert "已收件 收件码 341882-" in taken.words and f'href="{case}/paper/receipt"' in taken.text
    page = await agent.get(case)
    assert page.status == 200
    assert "待县级确认" in page.words and "已保存在本机，尚未送到上级" in page.words
    assert "材料 0/3 页已到县级" in page.words
    assert page.text.count("/view/") == page.text.count("/file/") == 3  # links and pictures

    programs.exchange()
    reviewer = await programs.clerk("t.reviewer")
    assert "待本级办理" in (await reviewer.get("/review")).words
    assert case in (await reviewer.get("/review")).text
    done = await reviewer.post(case + "/do/endorse", ("opinion", "经核对原件，情况属实。"))
    assert done.location == case, done.words

    programs.exchange()
    officer, approver = await programs.clerk("c.reviewer"), await programs.clerk("c.approver")
    assert "已初审" in (await officer.get(case)).words
    assert "县级已收" in (await agent.get(case)).words
    assert (await officer.post(case + "/do/accept")).location == case
    assert (await officer.post(case + "/do/review")).location == case
    form = await approver.get(case + "/do/grant")
    seen = [("seen", part.split('"')[0]) for part in form.text.split('name="seen" value="')[1:]]
    assert len(seen) == 3
    assert (await approver.post(case + "/do/grant", *seen)).location == case
    document = pdf(1)
    sent = await approver.post(case + "/do/attach_result", ("title", "准予决定书"), files=[("file", "a.pdf", document)])
    assert sent.location == case, sent.words
    again = await approver.post(
        case + "/do/attach_result", ("title", "准予决定书"), files=[("file", "a.pdf", document)]
    )
    assert again.location == case
    assert (await approver.get(case)).words.count("准予决定书") == 2  # the link and the timeline, once each
    assert (await approver.post(case + "/do/close", ("result", "issued"))).location == case

    programs.exchange()
    answer = await agent.get(case)
    assert "已办结，县级已确认" in answer.words and "材料 3/3 页已到县级" in answer.words
    assert "c.approver姓名" not in answer.words and "c.reviewer姓名" not in answer.words
    assert "c.approver姓名" in (await approver.get(case)).words
    link = answer.text.split(f'href="{case}/result/')[1].split('"')[0]
    paper = await agent.get(f"{case}/result/{link}")
    assert "打开 PDF 并打印" in paper.words
    file = await agent.get(f"{case}/file/{link}")
    assert file.body == document and file.headers["Content-Type"] == "application/pdf"
    handed = await agent.post(case + "/do/deliver", ("to", "示例·申请人"), ("how", "window"), ("note", ""))
    assert handed.location == case
    programs.exchange()
    over = await officer.get(case)
    assert "已送达" in over.words and "窗口领取" in over.words
    # nothing is left to do, so nobody needs the full number any more
    number = programs.hall.row(programs.hall.hub, bytes.fromhex(case.split("/")[-1])).id_number
    assert number not in over.text and mask_id(number) in over.words


async def test_a_special_procedure_stops_the_clock_everywhere_and_an_extension_stretches_it_once(
    programs: Programs,
) -> None:
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    officer, approver = await programs.clerk("c.reviewer"), await programs.clerk("c.approver")
    case = await take_in(agent, SCANS[:1])
    programs.exchange()
    assert (await reviewer.post(case + "/do/endorse", ("opinion", "属实"))).location == case
    programs.exchange()
    assert (await officer.post(case + "/do/accept")).location == case
    assert (await officer.post(case + "/do/review")).location == case
    wrong = await officer.post(case + "/do/special_procedure", ("procedure", "x"), ("days", "半月"), ("reason", ""))
    assert wrong.status == 422 and "请填写天数" in wrong.words and "请填写需要特别程序的原因" in wrong.words
    begun = await officer.post(
        case + "/do/special_procedure", ("procedure", "expert_review"), ("days", "15"), ("reason", "须经专家评审")
    )
    assert begun.location == case, begun.words
    programs.exchange()
    for clerk in (agent, reviewer, officer):
        page = await clerk.get(case)
        assert "专家评审" in page.words and "所需 15 日" in page.words and "承诺期限 暂停计时" in page.words
    assert "/do/grant" not in (await approver.get(case)).text, "nothing is decided meanwhile"
    assert (await officer.post(case + "/do/special_result", ("opinion", "专家一致同意"))).location == case
    late = await approver.post(case + "/do/extend", ("days", "11"), ("reason", "案情复杂"))
    assert late.status == 422 and "延长不得超过 10 日" in late.words
    assert (await approver.post(case + "/do/extend", ("days", "10"), ("reason", "案情复杂"))).location == case
    programs.exchange()
    told = await agent.get(case)
    assert "专家一致同意" in told.words and "延长 10 日" in told.words and "暂停计时" not in told.words
    offered = (await approver.get(case)).text
    assert "/do/grant" in offered and "/do/extend" not in offered


async def test_a_supplement_goes_down_and_comes_back_with_a_new_page(programs: Programs) -> None:
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    case = await take_in(agent, SCANS[:1])
    programs.exchange()
    form = await reviewer.get(case + "/do/ask_supplement")
    subject = form.text.split('name="defects.0.subject"><option value="">')[1].split('<option value="')[1].split('"')[0]
    missing = await reviewer.post(case + "/do/ask_supplement", ("defects.1.subject", subject), ("defects.1.what", ""))
    assert missing.status == 422
    assert 'href="#f-defects-1-what"' in missing.text and 'id="f-defects-1-what-error"' in missing.text
    empty = await reviewer.post(case + "/do/ask_supplement", ("note", "x"))
    assert empty.status == 422 and "没有列出需要补正的内容" in empty.words
    asked = await reviewer.post(
        case + "/do/ask_supplement",
        ("defects.0.subject", subject),
        ("defects.0.what", "照片模糊，请重拍"),
        ("note", ""),
    )
    assert asked.location == case, asked.words
    programs.exchange()
    notice = await agent.get(case)
    assert "待补正" in notice.words and "照片模糊，请重拍" in notice.words and "暂停计时" in notice.words
    assert subject in (await agent.get(case + "/do/supplement")).words
    assert "待补正（1）" in (await agent.get("/")).words
    nothing = await agent.post(case + "/do/supplement", ("note", "说明"))
    assert nothing.status == 422 and "没有补充任何内容" in nothing.words and "说明" in nothing.text
    done = await agent.post(
        case + "/do/supplement", ("note", "已重拍"), files=[("materials.0.file", "新.jpg", jpeg(photo(300, 300)))]
    )
    assert done.location == case, done.words
    local = await agent.get(case)
    assert "最新一步：已保存在本机，尚未送到上级；此前的内容县级已确认" in local.words
    assert "材料 0/1 页已到县级" in local.words, "the page that was replaced is still counted"
    programs.exchange()
    assert "补正" in (await reviewer.get(case)).words
    assert (await reviewer.post(case + "/do/endorse", ("opinion", "同意"))).location == case


async def test_the_township_says_that_scans_are_still_below(programs: Programs) -> None:
    """Only the words have travelled: the custody sentence counts the pages, and nobody shows them as there."""
    hall = programs.hall
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    case = await take_in(agent, SCANS[:2])
    hall.village.replica.message_target_bytes = 1
    dialer = Dialer(hall.village.replica, hall.township.author)
    hall.county.exchange(dialer, hall.village, hall.township)
    hall.county.exchange(dialer, hall.village, hall.township)
    here, there = await agent.get(case), await reviewer.get(case)
    assert "乡镇已收，尚未到县级" in here.words
    assert "材料 0/2 页已到乡镇" in here.words or "材料 1/2 页已到乡镇" in here.words
    assert "还在传输" in there.words and "还在传输" not in here.words
    page = there.text.split(f'href="{case}/view/')
    hash_ = here.text.split(f'src="{case}/file/')[2].split('"')[0]
    away = await reviewer.get(f"{case}/file/{hash_}")
    assert away.status == 404 and "还没有传到本机，正在传输" in away.words
    assert len(page) <= 2


def _step(programs: Programs, child: str = "village", parent: str = "township", rounds: int = 1) -> None:
    """A few small messages up and their answers down, as on a slow link."""
    hall = programs.hall
    below, above = getattr(hall, child), getattr(hall, parent)
    below.replica.message_target_bytes = BLOB_CHUNK_BYTES_MAX
    dialer = Dialer(below.replica, above.author)
    for _ in range(1 + rounds):  # the first one only finds out what the other side holds
        hall.county.exchange(dialer, below, above)


async def test_previews_are_read_before_the_pages_are_there_and_a_page_can_be_asked_for(programs: Programs) -> None:
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    big = [("materials.0.file", f"{n}.jpg", jpeg(photo(1654, 2339 - n), quality=80)) for n in range(4)]
    case = await take_in(agent, big)
    hall = programs.hall
    _step(programs, rounds=4)
    early = await reviewer.get(case)
    assert early.words.count("预览 原件未到") == 4 and early.words.count("在收件站点") >= 4
    assert "还有 4 页原件没有到" in early.words and "由该站点负责传来" in early.words
    preview = await reviewer.get(early.text.split(f'src="{case}/file/')[1].split('"')[0].join((f"{case}/file/", "")))
    assert preview.headers["Content-Type"] == "image/webp" and preview.body[8:12] == b"WEBP"

    pages = [part.split('"')[0] for part in early.text.split('name="page" value="')[1:]]
    assert pages[0] == "all" and len(pages) == 5
    asked = await reviewer.post(case + "/ask", ("page", pages[4]))
    assert asked.location == case
    after = await reviewer.get(case)
    assert "已催要 1 页原件" in after.words and after.text.count('name="page" value="') == 4
    assert (await reviewer.post(case + "/ask", ("page", pages[4]))).location == case
    assert "没有重复催要" in (await reviewer.get(case)).words
    assert (await reviewer.post(case + "/ask", ("page", "zz"))).status == 404
    assert (await agent.post(case + "/ask", ("page", "all"))).location == case  # the home has nobody to ask
    held = [hall.township.replica.blobs.holds(bytes.fromhex(page)) for page in pages[1:]]
    assert held == [False] * 4
    dialer = Dialer(hall.village.replica, hall.township.author)
    while not any(held):
        hall.county.exchange(dialer, hall.village, hall.township)
        held = [hall.township.replica.blobs.holds(bytes.fromhex(page)) for page in pages[1:]]
    assert held == [False, False, False, True], "another page was sent first"
    programs.exchange()
    done = await reviewer.get(case)
    assert "原件未到" not in done.words and "现在要" not in done.words


async def test_a_page_that_does_not_come_says_who_must_act(programs: Programs) -> None:
    """The village's file is gone: its own page says so at once, the offices above after two days."""
    agent, reviewer = await programs.clerk("v.agent"), await programs.clerk("t.reviewer")
    case = await take_in(agent, SCANS[:1])
    hall = programs.hall
    page = (await agent.get(case + "/view/1")).text.split(f'src="{case}/file/')[1].split('"')[0]
    hall.village.replica.blobs.path(bytes.fromhex(page)).unlink()
    lost = await agent.get(case)
    assert "有 1 页扫描件在本机找不到，也没有送到上级" in lost.words and "重新扫描，用「更正」提交" in lost.words
    programs.exchange()
    assert "正在按紧急程度传输" in (await reviewer.get(case)).words
    hall.county.clock.now += 3 * 86_400
    await agent.sign_in()
    await reviewer.sign_in()
    late = await reviewer.get(case)
    assert "已超过 2 天没有到" in late.words and "由收件站点重新扫描" in late.words and 'role="alert"' in late.text
    officer = await programs.clerk("c.reviewer")
    assert "由该站点负责传来" in (await officer.get(case)).words
    again = [("materials.0.file", "重扫.jpg", jpeg(photo(610, 400)))]
    mended = await agent.post(case + "/do/correct", *typed(), ("reason", "原扫描件损坏"), files=again)
    assert mended.location == case, mended.words
    programs.exchange()
    assert "原件没有到" not in (await reviewer.get(case)).words and "找不到" not in (await agent.get(case)).words
