"""A result handed over at the station: signed on the screen or on paper, and seen at the county."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from casework.case_parts import Delivery, Page
from casework.changes import ChangeKind, check_blobs, check_body
from casework.fold import CaseState, fold
from casework.journal import BLOB_PREVIEW
from casework.own_rules import case_blobs, check_own, resting_blobs
from tests.casework.cases import PAGE_1, PAGE_2, RESULT, Blob, entry, page
from tests.casework.materials.samples import jpeg, pdf, photo, png
from tests.programs import Answer, Clerk, Programs, take_in

K = ChangeKind
HANDED = (("to", "示例申请人"), ("how", "window"))
TO_CLOSED = (K.COLLECT, K.ENDORSE, K.ACCEPT, K.REVIEW, K.GRANT, K.CLOSE)


async def closed_case(programs: Programs, document: bytes, name: str) -> tuple[Clerk, Clerk, str]:
    """The agent, the approver, and a case that was granted and closed with one result document."""
    agent = await programs.clerk("v.agent")
    case = await take_in(agent)
    programs.exchange()
    reviewer = await programs.clerk("t.reviewer")
    assert (await reviewer.post(case + "/do/endorse", ("opinion", "属实"))).location == case
    programs.exchange()
    officer, approver = await programs.clerk("c.reviewer"), await programs.clerk("c.approver")
    for kind in ("accept", "review"):
        assert (await officer.post(f"{case}/do/{kind}")).location == case
    assert (await approver.post(case + "/do/grant")).location == case
    sent = await approver.post(case + "/do/attach_result", ("title", "准予决定书"), files=[("file", name, document)])
    assert sent.location == case, sent.words
    assert (await approver.post(case + "/do/close", ("result", "issued"))).location == case
    return agent, approver, case


def receipt_link(case: str, answer: Answer) -> str:
    section = answer.text.split("签收：")[1].split("</p>")[0]
    return next(iter(re.findall(rf'href="({case}/file/[0-9a-f]{{64}})"', section)), "")


@pytest.mark.parametrize(
    ("field", "name", "content", "word"),
    [
        ("signature", "signature.png", png(90, 30), "屏幕签名"),
        ("file", "回证.jpg", jpeg(photo(400, 600)), "纸质签收"),
        ("file", "回证.pdf", pdf(1), "纸质签收"),
    ],
    ids=["screen", "photo", "pdf"],
)
async def test_a_signed_receipt_is_kept_with_the_case_and_opens_at_the_county(
    programs: Programs, field: str, name: str, content: bytes, word: str
) -> None:
    agent, approver, case = await closed_case(programs, pdf(1), "a.pdf")
    programs.exchange()
    form = await agent.get(case + "/do/deliver")
    assert f'href="{case}/paper/delivery"' in form.text
    assert re.search(r'<script src="[^"]*signature[^"]*" defer', form.text) and 'id="signature-box" hidden' in form.text
    assert 'enctype="multipart/form-data"' in form.text and 'name="file"' in form.text
    handed = await agent.post(case + "/do/deliver", *HANDED, files=[(field, name, content)])
    assert handed.location == case, handed.words
    here = await agent.get(case)
    assert "已送达" in here.words and word in here.words
    link = receipt_link(case, here)
    seen = await agent.get(link)
    assert seen.status == 200 and len(seen.body) > 60
    programs.exchange()
    there = await approver.get(case)
    assert receipt_link(case, there) == link and "送达回证" in there.words
    assert (await approver.get(link)).body == seen.body
    assert "没有签收的送达回证" not in (await approver.get(case + "/do/archive")).words
    assert "已办结" in there.words and "有问题" not in there.words


async def test_a_receipt_on_its_way_is_said_to_be_and_holds_up_nothing(programs: Programs) -> None:
    agent, approver, case = await closed_case(programs, pdf(1), "a.pdf")
    programs.exchange()
    files = [("file", "a.jpg", jpeg(photo(400, 600)))]
    assert (await agent.post(case + "/do/deliver", *HANDED, files=files)).location == case
    programs.exchange()
    state_there = await approver.get(case)
    link = receipt_link(case, state_there)
    hub = programs.hall.hub
    hub.replica.blobs.path(bytes.fromhex(link.rsplit("/", maxsplit=1)[-1])).unlink()
    page_there = await approver.get(case)
    assert "回证还在传输" in page_there.words and receipt_link(case, page_there) == ""
    assert (await approver.get(link)).status == 404
    archived = await approver.post(case + "/do/archive", ("number", ""))
    assert archived.location == case and "已归档" in (await approver.get(case)).words


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ([("file", "two.pdf", pdf(2))], "只要一页"),
        ([("file", "a.exe", b"MZ" * 400)], "文件"),
        ([("file", "a.jpg", jpeg(photo(40, 60))), ("file", "b.jpg", jpeg(photo(60, 40)))], "只要一页"),
    ],
)
async def test_a_wrong_receipt_is_refused_and_nothing_typed_is_lost(
    programs: Programs, files: Sequence[tuple[str, str, bytes]], word: str
) -> None:
    agent, _, case = await closed_case(programs, pdf(1), "a.pdf")
    programs.exchange()
    refused = await agent.post(case + "/do/deliver", *HANDED, ("note", "儿子代领"), files=list(files))
    assert refused.location == "" and word in refused.words, refused.words
    assert "儿子代领" in refused.text and "示例申请人" in refused.text
    assert "已办结" in (await agent.get(case)).words
    kept = await agent.post(case + "/do/deliver", *HANDED, ("on_paper", "1"))
    assert kept.location == case
    assert "纸质签收" in (await agent.get(case)).words


async def test_without_any_signature_the_archive_is_warned(programs: Programs) -> None:
    agent, approver, case = await closed_case(programs, jpeg(photo(300, 300)), "a.jpg")
    programs.exchange()
    answer = await agent.get(case)
    result = answer.text.split(f'href="{case}/result/')[1].split('"')[0]
    shown = await agent.get(f"{case}/result/{result}")
    assert f'src="{case}/file/{result}"' in shown.text and f'href="{case}/do/deliver"' in shown.text
    assert (await agent.post(case + "/do/deliver", *HANDED)).location == case
    assert "没有签收的回证" in (await agent.get(case)).words
    assert "do/deliver" not in (await agent.get(f"{case}/result/{result}")).text
    programs.exchange()
    assert "没有签收的送达回证" in (await approver.get(case + "/do/archive")).words


def test_a_receipt_names_a_page_and_nothing_else() -> None:
    body = {"to": "王建国", "how": "window", "signed": "paper", "receipt": page(0)}
    assert check_body(K.DELIVER, body) == [] and check_blobs(K.DELIVER, body, (PAGE_1,)) == []
    assert check_blobs(K.DELIVER, body, ()) and check_blobs(K.DELIVER, body, (RESULT,))
    preview = Blob(b"\x03" * 32, 300, BLOB_PREVIEW)
    assert check_blobs(K.DELIVER, {**body, "receipt": page(0) | {"preview": 1}}, (PAGE_1, preview)) == []
    assert check_blobs(K.DELIVER, {**body, "receipt": page(0) | {"preview": 1}}, (PAGE_1, PAGE_2))
    assert check_body(K.DELIVER, {**body, "receipt": {"blob": 0}})
    assert check_body(K.DELIVER, {"to": "王建国", "how": "window"}) == [], "as a station that knew none wrote it"


def test_the_case_rests_on_its_receipt_and_nobody_decides_by_it() -> None:
    before = fold([entry(kind) for kind in TO_CLOSED])
    body = {"to": "王建国", "how": "window", "signed": "paper", "receipt": page(0)}
    fresh = Blob(b"\x55" * 32, 900)
    state = fold([*[entry(kind) for kind in TO_CLOSED], entry(K.DELIVER, body=body, blobs=(fresh,))])
    assert case_blobs(state) == case_blobs(before)
    resting, earlier = resting_blobs(state), resting_blobs(before)
    assert resting is not None and earlier is not None and set(resting) - set(earlier) == {fresh.hash}
    assert state.delivery is not None and isinstance(state.delivery.receipt, Page)
    assert CaseState.from_plain(state.to_plain()).delivery == state.delivery
    assert Delivery.from_plain(Delivery("王", "window", "", 5).to_plain()).receipt is None


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({}, ""),
        ({"signed": "paper"}, ""),
        ({"signed": "paper", "receipt": page(0)}, ""),
        ({"signed": "screen", "receipt": page(0)}, ""),
        ({"signed": "screen"}, "没有收到"),
        ({"receipt": page(0)}, "没有收到"),
        ({"signed": "blood", "receipt": page(0)}, "签收的方式"),
    ],
)
def test_who_signed_on_what_agrees_with_what_was_brought(more: dict[str, object], word: str) -> None:
    state = fold([entry(kind) for kind in TO_CLOSED])
    body = {"to": "王建国", "how": "window", **more}
    found = check_own(state, K.DELIVER, body, office="home", home_tier="village", blobs=(PAGE_1,))
    assert (word in "".join(problem.message for problem in found)) if word else found == []
