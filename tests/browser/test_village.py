"""The village's desk in a browser: an intake by mouse and by keyboard alone, and what happens when something breaks."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect

from casework.catalogue import load_catalogue
from casework.example_intake import example_citizen_id, example_intake_line

ITEM = load_catalogue().get("elder_allowance")
LINE = example_intake_line(ITEM)
SAVED = re.compile(r"\d\d:\d\d 已自动保存")
NOBODY = range(900_000, 900_100)
"""Serials of citizens whom nobody in the county knows."""


def onward(page: Page) -> Locator:
    return page.get_by_role("button", name="继续", exact=True)


def take_in_link(page: Page) -> Locator:
    """The button of the item on the page that lists them."""
    return page.get_by_role("link", name=re.compile(rf"^收件\s*{re.escape(ITEM.name)}"))


def applicant(page: Page, name: str, serial: int) -> None:
    page.get_by_label("证件号码").fill(example_citizen_id(serial))
    expect(page.get_by_text("号码校验正确")).to_be_visible()
    page.get_by_label("姓名或名称").fill(name)
    page.get_by_label("联系电话").fill("13905630001")
    onward(page).click()


def fill_form(page: Page) -> None:
    """Both pages of the form; the date of birth stands there already."""
    while "/step/form" in page.url:
        for field in ITEM.form:
            if not field.required or field.key == "birth_date":
                continue
            for box in page.locator(f'[name="form.{field.key}"]').all()[:1]:
                value = str(LINE["form"][field.key])
                kind = box.evaluate("box => box.type || box.tagName")
                if kind == "radio":
                    page.locator(f'[name="form.{field.key}"][value="{value}"]').check()
                elif kind == "select-one":
                    box.select_option(value)
                else:
                    box.fill(value)
        before = page.url
        onward(page).click()
        expect(page).not_to_have_url(before)


def all_seen(page: Page) -> None:
    names = {material["name"] for material in LINE["materials"]}
    for index, rule in enumerate(ITEM.materials):
        if rule.name in names:
            page.locator(f"#f-materials-{index}-seen").check()


def test_an_intake_by_mouse_ends_with_a_number_and_a_slip(visit):
    page = visit("agent", "/intake")
    page.get_by_role("searchbox").or_(page.get_by_label("事项名称")).first.fill("gljt")
    page.get_by_role("button", name="查找").click()
    expect(page.get_by_role("link", name=re.compile("^收件"))).to_have_count(2)  # the menu's, and the item's
    take_in_link(page).click()
    expect(page.get_by_text("开始填写后自动保存在本机")).to_be_visible()
    visit.look(page)
    applicant(page, "鼠标·王", NOBODY[0])
    fill_form(page)
    all_seen(page)
    page.get_by_role("button", name="保存，下一步：核对").click()
    expect(page.get_by_role("heading", name="核对后提交")).to_be_visible()
    visit.look(page)
    page.get_by_role("link", name=re.compile("^修改\\s*申请人")).click()
    page.get_by_label("姓名或名称").fill("鼠标·汪")
    onward(page).click()
    expect(page).to_have_url(re.compile("/check$"))
    page.get_by_role("button", name="确认收件").click()
    expect(page.get_by_role("heading", name="已收件")).to_be_visible()
    page.get_by_role("link", name="打印回执").click()
    expect(page.get_by_text("鼠标·汪").first).to_be_visible()
    page.goto("/cases?q=sbw")
    expect(page.get_by_role("link", name="鼠标·汪")).to_be_visible()


def reach(page: Page, wanted: Locator) -> None:
    """Press Tab until it has the focus."""
    for _ in range(120):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no Tab leads to {wanted}")


def test_an_intake_by_keyboard_alone(visit):
    page = visit("agent", "/")
    keys = page.keyboard
    reach(page, page.get_by_role("link", name="新收件"))
    keys.press("Enter")
    reach(page, take_in_link(page))
    keys.press("Enter")
    expect(page.get_by_label("证件号码")).to_be_focused()
    keys.type(example_citizen_id(NOBODY[1]))
    reach(page, page.get_by_label("姓名或名称"))
    keys.insert_text("键盘·王")
    keys.press("Enter")
    while "/step/form" not in page.url:
        page.wait_for_url(re.compile("/step/form"))
    while "/step/form" in page.url:
        for field in ITEM.form:
            boxes = page.locator(f'[name="form.{field.key}"]')
            if not field.required or field.key == "birth_date" or not boxes.count():
                continue
            reach(page, boxes.first)
            if boxes.first.get_attribute("type") == "radio":
                keys.press("Space")
            elif boxes.first.evaluate("box => box.tagName") == "SELECT":
                keys.press("ArrowDown")
            else:
                keys.insert_text(str(LINE["form"][field.key]))
        before = page.url
        reach(page, onward(page))
        keys.press("Enter")
        expect(page).not_to_have_url(before)
    names = {material["name"] for material in LINE["materials"]}
    for index, rule in enumerate(ITEM.materials):
        if rule.name in names:
            reach(page, page.locator(f"#f-materials-{index}-seen"))
            keys.press("Space")
    reach(page, page.get_by_role("button", name="保存，下一步：核对"))
    keys.press("Enter")
    expect(page.get_by_role("heading", name="核对后提交")).to_be_visible()
    reach(page, page.get_by_role("button", name="确认收件"))
    keys.press("Enter")
    expect(page.get_by_role("heading", name="已收件")).to_be_visible()


def test_a_wrong_digit_is_said_beside_its_field_while_the_form_is_open(visit):
    page = visit("agent", f"/intake/{ITEM.key}")
    right = example_citizen_id(NOBODY[2])
    wrong = right[:-1] + ("1" if right[-1] != "1" else "2")
    page.get_by_label("证件号码").fill(wrong)
    said = page.locator("#f-applicant-id-error")
    expect(said).to_contain_text("校验位不对")
    expect(page.get_by_label("证件号码")).to_have_attribute("aria-invalid", "true")
    visit.look(page)
    page.get_by_label("证件号码").fill(right)
    expect(said).to_have_count(0)
    expect(page.get_by_text("号码校验正确")).to_be_visible()


def test_why_typing_was_not_saved_is_said_until_it_is(visit):
    page = visit("agent", f"/intake/{ITEM.key}")
    full = '<main><div class="error-page"><p class="lead">磁盘满了。</p></div></main>'
    with visit.guard(page).expecting("507"):
        page.route("**/intake/*", lambda route: route.fulfill(status=507, content_type="text/html", body=full))
        page.get_by_label("姓名或名称").fill("没有空间·王")
        expect(page.locator("#intake-warning")).to_contain_text("没有保存：磁盘满了。刚填的内容还在本页")
        page.unroute("**/intake/*")
    expect(page.locator("#intake-saved")).to_have_text(SAVED)
    expect(page.locator("#intake-warning")).to_be_hidden()


def compose(ime: CDPSession, letters: str) -> None:
    """What an input method shows before anything is chosen."""
    place = {"selectionStart": len(letters), "selectionEnd": len(letters)}
    ime.send("Input.imeSetComposition", {"text": letters} | place)


def test_what_an_input_method_composes_is_saved_once_it_is_chosen(visit):
    page = visit("agent", f"/intake/{ITEM.key}")
    page.get_by_label("姓名或名称").focus()
    ime = page.context.new_cdp_session(page)
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.post_data or "") if one.method == "POST" else None)
    for letters in ("w", "wa", "wang", "wang xiao"):
        ime.send(
            "Input.imeSetComposition", {"text": letters, "selectionStart": len(letters), "selectionEnd": len(letters)}
        )
        page.wait_for_timeout(300)
    page.wait_for_timeout(600)
    assert not sent, "a half-typed syllable was sent"
    ime.send("Input.insertText", {"text": "王小"})
    expect(page.locator("#intake-saved")).to_have_text(SAVED)
    page.goto("/cases")
    box = page.get_by_label("查找", exact=True)
    box.focus()
    compose(ime, "su")
    ime.send("Input.insertText", {"text": "苏桂"})
    expect(box).to_have_value("苏桂")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=re.compile("^苏桂")).first).to_be_visible()


@pytest.fixture
def no_drafts(county, visit):
    """Nothing unfinished stands on the agent's pages."""
    page = visit("agent", "/drafts")
    while page.locator("form[action$='/discard']").count():
        page.locator("summary", has_text="删除").first.click()
        page.get_by_role("button", name="确认删除").first.click()
    assert not visit.leave(page)


def test_after_the_program_was_killed_the_draft_is_offered_with_two_buttons(visit, county, no_drafts):
    page = visit("agent", f"/intake/{ITEM.key}")
    page.get_by_label("证件号码").fill(example_citizen_id(NOBODY[3]))
    expect(page.locator("#intake-saved")).to_have_text(SAVED)
    with visit.guard(page).expecting("ERR_CONNECTION|ERR_EMPTY|Failed to load"):
        county.kill("village")
        page.get_by_label("姓名或名称").fill("断电·王")
        expect(page.get_by_text("本机程序没有应答")).to_be_visible()
        expect(page.get_by_label("姓名或名称")).to_have_value("断电·王")
        county.restart("village")
        expect(page.get_by_text("本机程序没有应答")).to_be_hidden()
    expect(page.locator("#intake-saved")).to_have_text(SAVED)
    assert not visit.leave(page)
    again = visit("agent", "/")
    offer = again.locator(".unfinished")
    expect(offer).to_contain_text(f"您有一份没填完的“{ITEM.name}”（断电·王）")
    expect(offer).to_contain_text("填到“申请人”")
    expect(offer.get_by_text("删除", exact=True)).to_be_visible()
    offer.get_by_role("link", name="继续").click()
    expect(again.get_by_label("姓名或名称")).to_have_value("断电·王")


def test_a_second_window_is_told_and_may_go_on_instead(visit, no_drafts):
    page = visit("agent", f"/intake/{ITEM.key}")
    page.get_by_label("姓名或名称").fill("第一窗")
    expect(page.locator("#intake-saved")).to_have_text(SAVED)
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_text("正在另一个窗口里填写")).to_be_visible()
    other.get_by_label("姓名或名称").fill("第二窗")
    other.get_by_role("button", name="改在这里填").click()
    expect(other.get_by_label("姓名或名称")).to_have_value("第二窗")
    page.get_by_label("联系电话").fill("13905630001")
    page.get_by_label("姓名或名称").focus()
    expect(page.get_by_text("正在另一个窗口里填写")).to_be_visible()


def test_with_the_link_cut_the_outbox_says_why_and_empties_when_it_is_back(visit, county):
    page = visit("agent", f"/intake/{ITEM.key}")
    with county.cut_off("village"):
        applicant(page, "断网·王", NOBODY[4])
        fill_form(page)
        all_seen(page)
        page.get_by_role("button", name="保存，下一步：核对").click()
        page.get_by_role("button", name="确认收件").click()
        expect(page.get_by_role("heading", name="已收件")).to_be_visible()
        row = page.get_by_role("row", name=re.compile("断网·王"))
        until(page, "/outbox", lambda: row.get_by_text("多半是断网").count() > 0)
        expect(row.get_by_role("link", name=re.compile("导出U盘包"))).to_be_visible()
    until(page, "/outbox", lambda: row.count() == 0)


def until(page: Page, path: str, seen: Callable[[], bool]) -> None:
    """Open the page again and again until it shows what it must."""
    for _ in range(60):
        page.goto(path)
        if seen():
            return
        page.wait_for_timeout(1000)
    raise AssertionError(f"{path} never showed it: {page.locator('main').inner_text()[:1500]}")


def test_a_supplement_is_two_taps_from_today(visit):
    page = visit("agent", "/")
    page.get_by_role("link", name=re.compile("^去补正")).first.click()
    expect(page).to_have_url(re.compile("/do/supplement$"))
    expect(page.get_by_role("group", name=re.compile("身份证")).first).to_be_visible()


def test_an_intake_without_script(visit):
    page = visit("agent", "/intake", java_script_enabled=False)
    take_in_link(page).click()
    page.get_by_label("证件号码").fill(example_citizen_id(NOBODY[5]))
    page.get_by_label("姓名或名称").fill("无脚本·王")
    onward(page).click()
    expect(page).to_have_url(re.compile("/step/form$"))
    birth = page.get_by_label("出生日期")
    expect(birth).to_have_value(re.compile(r"18\d\d-\d\d-\d\d"))
