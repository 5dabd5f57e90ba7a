"""Pages about cases: who sees what, who may do what, what a wrong form says, and how files are let out."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from casework.changes import INTERNAL, SHAPES, ChangeKind
from casework.states import State
from casework.web import case_pages
from casework.web.action_table import ACTIONS
from casework.web.case_pages import GROUPS
from sync_protocol.journal import Message, Writing
from tests.casework.materials.samples import jpeg, pdf, photo, png
from tests.programs import Clerk, Programs, blobs_on_disk, open_programs, take_in

SCAN = jpeg(photo(400, 500))
VILLAGE_DECIDES = "resident_medical_enrol"


@pytest.fixture
async def programs(tmp_path: Path) -> AsyncIterator[Programs]:
    found = open_programs(tmp_path)
    yield found
    await found.close()


@pytest.fixture
async def agent(programs: Programs) -> Clerk:
    return await programs.clerk("v.agent")


@pytest.fixture
async def case(agent: Clerk) -> str:
    return await take_in(agent, [("materials.0.file", "a.jpg", SCAN)])


def topic(case: str) -> bytes:
    return bytes.fromhex(case.rsplit("/", maxsplit=1)[-1])


async def to_review(programs: Programs, case: str) -> tuple[Clerk, Clerk]:
    """The county's two officers, with the case under review."""
    programs.exchange()
    reviewer = await programs.clerk("t.reviewer")
    assert (await reviewer.post(case + "/do/endorse", ("opinion", "属实"))).location == case
    programs.exchange()
    officer, approver = await programs.clerk("c.reviewer"), await programs.clerk("c.approver")
    for kind in ("accept", "review"):
        assert (await officer.post(f"{case}/do/{kind}")).location == case
    return officer, approver


def test_every_state_has_its_group_and_its_word() -> None:
    assert sorted(s for _, states in GROUPS.values() for s in states) == sorted(set(State) - {State.DRAFT})
    words = (Path(case_pages.__file__).parent / "templates" / "parts.html").read_text("utf-8")
    assert all(f'"{state.value}": [_("' in words for state in State)


def test_every_act_that_a_person_may_do_has_a_page() -> None:
    own = {ChangeKind.COLLECT, ChangeKind.NUMBER, ChangeKind.DEEM_ACCEPTED, ChangeKind.LAPSE}
    assert {action.kind for action in ACTIONS.values()} == set(SHAPES) - INTERNAL - own


async def test_a_case_is_found_by_name_number_code_and_item(programs: Programs, agent: Clerk, case: str) -> None:
    row = programs.hall.row(programs.hall.village, topic(case))
    pretty = (await agent.get(case)).text.split('收件码 <span class="code">')[1].split("<")[0]
    for q in (
        "示例",
        "例",
        row.id_number,
        row.id_number[-4:],
        row.code,
        row.code[-4:],
        pretty,
        pretty.lower(),
        "高龄津贴",
    ):
        assert f'href="{case}"' in (await agent.get(f"/cases?q={q}")).text, q
    month = row.received[:7]
    assert f'href="{case}"' in (await agent.get(f"/cases?month={month}&q=示例")).text
    others = ("q=没有此人", "month=2020-01", "group=over", "group=trouble", "holder=county", "page=2")
    for path in (f"/cases?{query}" for query in others):
        page = await agent.get(path)
        assert page.status == 200 and f'href="{case}"' not in page.text, path
    assert f'href="{case}"' in (await agent.get("/cases?group=new&holder=township")).text
    for odd in (
        "/cases?page=0",
        "/cases?page=9999999999",
        "/cases?page=二",
        "/cases?group=x&holder=y",
        "/cases?month=2026-13",
        "/cases?q=%25_",
    ):
        assert (await agent.get(odd)).status == 200


async def test_a_script_that_renews_a_list_is_given_the_list_alone(agent: Clerk, case: str) -> None:
    asks = {"HX-Request": "true"}
    for path, known in (("/cases?q=", case), ("/intake?q=gljt", "/intake/elder_allowance")):
        whole = await agent.get(path)
        answer = await agent.client.get(path, headers=asks)
        part = await answer.text()
        assert answer.status == 200 and f'href="{known}"' in part and "<html" not in part and "<form" not in part
        assert part.strip() in whole.text and f'hx-get="{path.split("?")[0]}" hx-target="#found"' in whole.text
        none = await agent.client.get(path.split("?")[0] + "?q=zzzz", headers=asks)
        assert none.status == 200 and known not in await none.text()
    # What is to be said on the next page waits for a page.
    await agent.client.get(f"/cases?q={'A' * 26}", headers=asks)
    assert "本机没有这个办件" in (await agent.get("/cases")).text
    await agent.post("/sign-out")
    out = await agent.client.get("/cases?q=x", headers=asks, allow_redirects=False)
    assert (out.status, out.headers["Location"]) == (303, "/sign-in?next=%2Fcases%3Fq%3Dx")


async def test_a_scan_of_a_slip_lands_on_its_case_from_every_search_box(
    programs: Programs, agent: Clerk, case: str
) -> None:
    hall = programs.hall
    code = hall.public_code(hall.village, topic(case))
    statement = "AE" * 200
    for typed in (
        f"https://hall.example/q/{code}#{statement}",
        f"和提提泡沫：、、hall。example、q、{code}＃{statement}",
        code.lower(),
        f" {code[:9]} {code[9:]} ",
    ):
        for box in ("/cases", "/intake"):
            landed = await agent.get(f"{box}?q={quote(typed)}")
            assert (landed.status, landed.location) == (303, case), typed
    unknown = await agent.get(f"/cases?q={'A' * 26}")
    assert (unknown.status, unknown.location) == (303, "/cases")
    assert "本机没有这个办件" in (await agent.get("/cases")).text
    programs.exchange()
    for login, sees in (("t.clerk", False), ("t.reviewer", True), ("c.other", False), ("c.reviewer", True)):
        clerk = await programs.clerk(login)
        landed = await clerk.get(f"/cases?q={code}")
        assert landed.location == (case if sees else "/cases"), login


async def test_nobody_learns_of_a_case_outside_their_reach(programs: Programs, agent: Clerk, case: str) -> None:
    programs.exchange()
    clerk, other = await programs.clerk("t.clerk"), await programs.clerk("c.other")
    hash_ = (await agent.get(case + "/view/1")).text.split("/file/")[1].split('"')[0]
    for stranger in (clerk, other):
        for path in (
            case,
            case + "/paper/receipt",
            f"{case}/file/{hash_}",
            case + "/view/1",
            case + "/do/correct",
            "/cases/" + "ab" * 16,
        ):
            page = await stranger.get(path)
            assert page.status == 404, path
        assert case not in (await stranger.get("/cases")).text
        assert (await stranger.post(case + "/do/endorse", ("opinion", "x"))).status == 404
    odd_paths = (
        "/cases/zz",
        "/cases/" + "AB" * 16,
        case + "/file/zz",
        f"{case}/result/{'0' * 64}",
        case + "/do/number",
    )
    for odd in odd_paths:
        assert (await agent.get(odd)).status == 404, odd


async def test_who_may_look_may_not_yet_act(programs: Programs, agent: Clerk, case: str) -> None:
    programs.exchange()
    reviewer, approver = await programs.clerk("t.reviewer"), await programs.clerk("c.approver")
    before = len(programs.hall.changes(programs.hall.hub, topic(case)))
    for who, kind in ((agent, "endorse"), (reviewer, "correct"), (approver, "accept"), (approver, "endorse")):
        assert f"{case}/do/{kind}" not in (await who.get(case)).text
        for page in (await who.get(f"{case}/do/{kind}"), await who.post(f"{case}/do/{kind}", ("opinion", "x"))):
            assert page.status == 403 and "可由" in page.words
    assert (await agent.get(case + "/do/supplement")).location == case  # his to do, but not now
    said = await agent.get(case)
    assert "办件所处环节已变" in said.words
    late = await agent.post(case + "/do/supplement", ("note", "x"), files=[("materials.0.file", "a.jpg", SCAN)])
    assert late.status == 422 and "不能「补正」" in late.words
    assert len(programs.hall.changes(programs.hall.hub, topic(case))) == before


async def test_numbers_are_masked_for_whoever_has_nothing_to_do(programs: Programs, agent: Clerk, case: str) -> None:
    number = programs.hall.row(programs.hall.village, topic(case)).id_number
    assert number in (await agent.get(case)).text
    assert number not in (await agent.get("/cases")).text
    assert number not in (await agent.get(case + "/paper/receipt")).text
    programs.exchange()
    approver = await programs.clerk("c.approver")
    page = await approver.get(case)
    assert page.status == 200 and number not in page.text and "139****0000" in page.words


async def test_a_page_is_let_out_decrypted_and_shut_in(programs: Programs, agent: Clerk, case: str) -> None:
    hash_ = (await agent.get(case + "/view/1")).text.split("/file/")[1].split('"')[0]
    file = await agent.get(f"{case}/file/{hash_}")
    assert file.status == 200 and file.body.startswith(b"\xff\xd8\xff") and file.body.endswith(b"\xff\xd9")
    assert file.headers["Content-Type"] == "image/jpeg"
    assert file.headers["Content-Disposition"].startswith("inline; filename=")
    assert file.headers["X-Content-Type-Options"] == "nosniff" and file.headers["Cache-Control"] == "no-store"
    csp = file.headers["Content-Security-Policy"]
    assert "default-src 'none'" in csp and csp.endswith("sandbox")
    stored = programs.hall.village.replica.blobs.path(bytes.fromhex(hash_))
    assert b"\xff\xd8\xff" not in stored.read_bytes()[:200]
    stored.write_bytes(stored.read_bytes()[:-40] + bytes(40))  # a rotten disk is an error page, not half a picture
    rotten = await agent.get(f"{case}/file/{hash_}")
    assert rotten.status == 500 and "事故编号" in rotten.words


async def test_a_correction_writes_only_what_changed(programs: Programs, agent: Clerk, case: str) -> None:
    form = await agent.get(case + "/do/correct")
    assert 'value="示例·申请人"' in form.text
    fields = _prefilled(form.text)
    nothing = await agent.post(case + "/do/correct", *fields.items(), ("reason", "手误"))
    assert nothing.status == 422 and "没有任何更正" in nothing.words
    renamed = fields | {"applicant.name": "示例·更正"}
    no_reason = await agent.post(case + "/do/correct", *renamed.items(), ("reason", ""))
    assert no_reason.status == 422 and 'href="#f-reason"' in no_reason.text and 'value="示例·更正"' in no_reason.text
    bad = await agent.post(case + "/do/correct", *(fields | {"form.bank_card": "12"}).items(), ("reason", "手误"))
    assert bad.status == 422 and 'id="f-form-bank_card-error"' in bad.text
    done = await agent.post(
        case + "/do/correct",
        *(fields | {"applicant.name": "示例·更正", "form.relative_name": "示例亲属"}).items(),
        ("reason", "姓名录错"),
        files=[("materials.1.file", "b.jpg", SCAN)],
    )
    assert done.location == case, done.words
    body = programs.hall.changes(programs.hall.village, topic(case))[-1].body
    assert body["form"] == {"relative_name": "示例亲属"} and body["applicant"]["name"] == "示例·更正"
    assert [material["name"] for material in body["materials"]] == ["高龄津贴审批表"]
    cleared = _prefilled((await agent.get(case + "/do/correct")).text) | {"form.relative_name": ""}
    refused = await agent.post(case + "/do/correct", *cleared.items(), ("reason", "清空"))
    assert refused.status == 422 and "不能把已填的「联系亲属姓名」清空" in refused.words
    page = await agent.get(case)
    assert "示例·更正" in page.words and "姓名录错" in page.words


def _prefilled(text: str) -> dict[str, str]:
    """What a browser would send of the applicant and form inputs if nothing were touched."""
    typed = r'<input class="govuk-input[^>]*name="((?:applicant|form)\.[^"]+)"[^>]*value="([^"]*)"'
    found = dict(re.findall(typed, text))
    found |= dict(re.findall(r'<input type="hidden"[^>]*name="(applicant\.[^"]+)" value="([^"]*)"', text))
    found |= dict(re.findall(r'<input [^>]*name="([^"]+)" type="radio" value="([^"]*)" checked', text))
    for name, inside in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', inside)
        found[name] = chosen[1] if chosen else ""
    return found


async def test_a_result_is_kept_byte_for_byte_and_a_bad_one_leaves_nothing(programs: Programs, case: str) -> None:
    _, approver = await to_review(programs, case)
    seen = [("seen", h) for h in _seen((await approver.get(case + "/do/grant")).text)]
    assert (await approver.post(case + "/do/grant", *seen)).location == case
    before = blobs_on_disk(programs.hall.hub)
    bad_files = {"a.docx": b"PK\x03\x04xx", "a.pdf": b"%PDF-1.4 broken", "a.png": png(50_000, 50_000, rows=1)}
    for name, data in bad_files.items():
        page = await approver.post(case + "/do/attach_result", ("title", "决定书"), files=[("file", name, data)])
        assert page.status == 422 and f"「{name}」" in page.words and 'value="决定书"' in page.text
        assert 'href="#f-file"' in page.text
    untitled = await approver.post(case + "/do/attach_result", ("title", ""), files=[("file", "a.pdf", pdf(1))])
    assert untitled.status == 422 and "请填写结果文书名称" in untitled.words
    fileless = await approver.post(case + "/do/attach_result", ("title", "决定书"))
    assert fileless.status == 422 and "没有选择结果文书" in fileless.words
    assert blobs_on_disk(programs.hall.hub) == before
    early = await approver.post(case + "/do/close", ("result", "issued"))
    assert early.status == 422 and "请先上传结果文书" in early.words
    picture = png(60, 80)
    await approver.post(case + "/do/attach_result", ("title", "决定书"), files=[("file", "a.png", picture)])
    link = (await approver.get(case)).text.split(f'href="{case}/result/')[1].split('"')[0]
    assert f'src="{case}/file/{link}"' in (await approver.get(f"{case}/result/{link}")).text
    assert (await approver.get(f"{case}/file/{link}")).body == picture


def _seen(text: str) -> list[str]:
    return [part.split('"')[0] for part in text.split('name="seen" value="')[1:]]


async def test_a_decision_counts_only_for_what_its_page_showed(programs: Programs, agent: Clerk, case: str) -> None:
    _, approver = await to_review(programs, case)
    (shown,) = _seen((await approver.get(case + "/do/grant")).text)
    unseen = await approver.post(case + "/do/grant")
    assert unseen.status == 422 and "还有 1 页材料未查看" in unseen.words
    for wrong in ("00" * 32, "zz"):
        page = await approver.post(case + "/do/grant", ("seen", shown), ("seen", wrong))
        assert page.status == 422, wrong
    programs.hall.hub.replica.blobs.path(bytes.fromhex(shown)).unlink()
    away = await approver.get(case + "/do/grant")
    assert "还有 1 页原件没有传到本机" in away.words and "disabled" in away.text
    refused = await approver.post(case + "/do/grant", ("seen", shown))
    assert refused.status == 422 and "未传到" in refused.words


async def test_a_denial_and_a_refusal_need_their_reason_and_are_shown_with_it(programs: Programs, case: str) -> None:
    officer, approver = await to_review(programs, case)
    assert (await approver.post(case + "/do/deny", ("reason", " "))).status == 422
    done = await approver.post(case + "/do/deny", ("reason", "未满八十周岁"))
    assert done.location == case, done.words
    assert "未满八十周岁" in (await officer.get(case)).words
    close = await approver.get(case + "/do/close")
    assert close.text.count('name="result"') == 1 and 'value="denied" checked' in close.text


async def test_a_withdrawal_is_asked_for_and_granted_by_rule(programs: Programs, agent: Clerk, case: str) -> None:
    programs.exchange()
    empty = await agent.post(case + "/do/request_withdraw", ("reason", ""))
    assert empty.status == 422 and "请填写原因" in empty.words
    assert (await agent.post(case + "/do/request_withdraw", ("reason", "不办了"))).location == case
    assert "等待承办方答复" in (await agent.get(case)).words
    programs.exchange()
    assert "已撤回" in (await agent.get(case)).words


async def test_a_held_change_says_why_and_what_to_do(programs: Programs, agent: Clerk, case: str) -> None:
    """A change of a kind that the county does not know yet is held, and its author reads that."""
    village = programs.hall.village
    message = Message(127, {"x": 1})

    def write(conn: object) -> None:
        village.replica.journal.write(conn, village.author, topic(case), [message], Writing(7, 1_790_000_000, 1))  # type: ignore[arg-type]

    village.store.write(write)
    programs.exchange()
    page = await agent.get(case)
    assert "暂未生效" in page.words and "县级程序还不认识这类业务" in page.words and "请勿重复提交" in page.words
    assert "有内容等待县级人工核对" in page.words
    assert f'href="{case}"' in (await agent.get("/cases?group=trouble")).text
    outbox = await agent.get("/outbox")
    assert "请勿重复提交" in outbox.words
    assert "本地收件回执（待县级确认）" in (await agent.get(case + "/paper/receipt")).words


async def test_the_slip_is_local_until_the_county_has_confirmed(programs: Programs, agent: Clerk, case: str) -> None:
    slip = await agent.get(case + "/paper/receipt")
    assert "本地收件回执（待县级确认）" in slip.words and "扫描 1 页" in slip.words and "已核对原件" in slip.words
    assert "（站点 3）" in slip.words and "尚未送到上级" in slip.words
    programs.exchange()
    slip = await agent.get(case + "/paper/receipt")
    assert "待县级确认" not in slip.words and "收件回执" in slip.words


@pytest.mark.parametrize("kind", ["correct", "request_withdraw"])
async def test_a_forged_form_writes_nothing(programs: Programs, agent: Clerk, case: str, kind: str) -> None:
    before = len(programs.hall.changes(programs.hall.village, topic(case)))
    forged = await agent.post(f"{case}/do/{kind}", ("reason", "x"), ("applicant.name", "假"), token="f" * 64)
    assert forged.status == 403
    assert len(programs.hall.changes(programs.hall.village, topic(case))) == before


async def test_a_failed_act_leaves_no_page_on_the_disk(programs: Programs, agent: Clerk, case: str) -> None:
    before = blobs_on_disk(programs.hall.village)
    fields = {"applicant.id": "123", "applicant.kind": "person", "applicant.id_type": "111", "applicant.name": "甲"}
    page = await agent.post(
        case + "/do/correct", *fields.items(), ("reason", "x"), files=[("materials.0.file", "a.jpg", SCAN)]
    )
    assert page.status == 422 and 'id="f-applicant-id-error"' in page.text
    assert blobs_on_disk(programs.hall.village) == before
