"""The list of whom to tell, at the home: the words, the telephone, the note that it was said, also without a line."""

from __future__ import annotations

import html
import re

from casework import case_store
from casework.case_tables import hall_row
from tests.programs import Answer, Clerk, Programs, take_in

DEFECTS = (("defects.0.subject", "身份证"), ("defects.0.what", "反面没有拍清楚"), ("defects.1.subject", "其他"))
EMPTY = "没有要告知的事"


async def asked(programs: Programs, case: str, until: str = "") -> None:
    programs.exchange()
    reviewer = await programs.clerk("t.reviewer")
    fields = (*DEFECTS, ("defects.1.what", "请补一张本人银行卡"), ("until", until))
    done = await reviewer.post(case + "/do/ask_supplement", *fields)
    assert done.location == case, done.words
    programs.exchange()


def first_form(page: Answer) -> list[tuple[str, str]]:
    """The hidden fields of the first telling on a page."""
    form = re.split(r'action="/cases/[0-9a-f]+/tell">', page.text)[1].split("</form>")[0]
    return [
        (n, html.unescape(v)) for n, v in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form) if n != "csrf"
    ]


async def test_a_supplement_is_listed_with_its_words_until_somebody_has_said_it(programs: Programs) -> None:
    agent = await programs.clerk("v.agent")
    case = await take_in(agent)
    assert EMPTY in (await agent.get("/tell")).words and "要告知申请人" not in (await agent.get("/")).words
    programs.hall.village.store.write(
        lambda conn: conn.execute(hall_row.insert(), [{"name": "phone", "value": "0563-6022222"}])
    )
    await asked(programs, case, "2099-12-31")
    page = await agent.get("/tell")
    applicant = programs.hall.village.store.read(
        lambda conn: case_store.load(conn, programs.hall.topics(programs.hall.village), bytes.fromhex(case[7:]))
    )
    assert applicant is not None and applicant[1].applicant["phone"] in page.words
    for part in ("还差 2 样", "身份证：反面没有拍清楚", "银行卡", "12 月 31 日", "0563-6022222", "已过 0 个工作日"):
        assert part in page.words, part
    assert "有 1 件要告知申请人" in (await agent.get("/")).words
    assert "身份证：反面没有拍清楚" in (await agent.get(case)).words

    done = await agent.post(case + "/tell", *first_form(page), ("how", "phone"), ("note", "女儿接的"))
    assert done.location == "/tell"
    after = await agent.get("/tell")
    assert EMPTY in after.words and "已登记" in after.words
    shown = (await agent.get(case)).words
    assert "已告知 补正，打电话，" in shown and "女儿接的" in shown
    assert "待补正" in shown, "it moves nothing"
    again = await agent.post(case + "/tell", *first_form(page), ("how", "phone"))
    assert again.location == "/tell" and "已经告知过" in (await agent.get("/tell")).words


async def test_what_was_said_without_a_line_is_known_at_the_county_later(programs: Programs) -> None:
    agent = await programs.clerk("v.agent")
    case = await take_in(agent)
    await asked(programs, case)
    row = programs.hall.row(programs.hall.hub, bytes.fromhex(case[7:]))
    assert row.tell == "supplement"
    before, standing = row.changed, "县级已收，已答复"
    assert standing in (await agent.get(case)).words
    programs.hall.county.clock.now += 60
    form = first_form(await agent.get(case))
    assert (await agent.post(case + "/tell", *form[:-1], ("from", "case"), ("how", "visit"))).location == case
    assert EMPTY in (await agent.get("/tell")).words, "at once, before anybody has heard of it"
    programs.exchange()
    row = programs.hall.row(programs.hall.hub, bytes.fromhex(case[7:]))
    assert (row.tell, row.trouble, row.state) == ("", "", "supplement_asked")
    assert row.changed == before and standing in (await agent.get(case)).words, "it moves nothing"
    reviewer = await programs.clerk("t.reviewer")
    assert "上门" in (await reviewer.get(case)).words


async def test_the_county_makes_an_appointment_and_the_station_tells_it(programs: Programs) -> None:
    agent = await programs.clerk("v.agent")
    case = await take_in(agent)
    programs.exchange()
    officer = await programs.clerk("c.reviewer")
    wrong = await officer.post(case + "/do/tell", ("day", "2020-01-01"), ("at", "上午 9 时，大厅 3 号窗口"))
    assert "早于今天" in wrong.words
    assert "大厅 3 号窗口" in wrong.text, "nothing typed is lost"
    fields = (("day", "2026-12-04"), ("at", "上午 9 时，大厅 3 号窗口"), ("note", "户口簿原件"))
    made = await officer.post(case + "/do/tell", *fields)
    assert made.location == case, made.words
    programs.exchange()
    page = await agent.get("/tell")
    assert "上午 9 时，大厅 3 号窗口" in page.words and "请带上：户口簿原件" in page.words
    assert (await agent.post(case + "/tell", *first_form(page), ("how", "other"))).location == "/tell"
    assert EMPTY in (await agent.get("/tell")).words


async def test_the_list_is_paged_the_longest_waiting_first(programs: Programs) -> None:
    from casework import telling_lists

    agent = await programs.clerk("v.agent")
    cases = [await take_in(agent, applicant__name=name) for name in ("甲先", "乙后")]
    for case in cases:
        await asked(programs, case)
        programs.hall.county.clock.now += 60
    telling_lists.TELL_ROWS, before = 1, telling_lists.TELL_ROWS
    try:
        first, second = await agent.get("/tell"), await agent.get("/tell?page=2")
    finally:
        telling_lists.TELL_ROWS = before
    assert cases[0] in first.text and cases[1] not in first.text and "/tell?page=2" in first.text
    assert cases[1] in second.text and cases[0] not in second.text


async def test_who_does_not_work_at_a_window_has_no_list_and_a_stranger_tells_nothing(programs: Programs) -> None:
    agent = await programs.clerk("v.agent")
    case = await take_in(agent)
    await asked(programs, case)
    form = first_form(await agent.get(case))
    assert (await (await programs.clerk("t.reviewer")).get("/tell")).status == 403
    clerk: Clerk = await programs.clerk("t.clerk")
    assert EMPTY in (await clerk.get("/tell")).words, "the township's own list has none of the village's"
    assert (await clerk.post(case + "/tell", *form, ("how", "phone"))).status in (403, 404)
    silly = await agent.post(case + "/tell", *form, ("how", "message"))
    assert silly.location == case and EMPTY not in (await agent.get("/tell")).words
