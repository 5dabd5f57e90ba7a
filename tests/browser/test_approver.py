"""The approver's desk: deciding by keyboard alone, wordings, pages, news without losing one's place."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visits

ROWS = ".queue-row"
_OPEN = '.queue-row[aria-current="true"]'


def opened(page: Page) -> str:
    """The topic of the case that is open."""
    return str(page.locator(".case-panes").get_attribute("data-case"))


def desk(visit: Visits, who: str, query: str = "", **context: object) -> Page:
    page = visit(who, f"/queue{query}", **context)
    expect(page.locator(".live-mark")).to_have_text("实时更新")
    return page


def said(page: Page, text: str) -> None:
    expect(page.locator(".desk-said")).to_contain_text(text)


def start_review(visit: Visits) -> str:
    """A reviewer sends one case on to the approver, by key; its topic."""
    page = desk(visit, "reviewer", "?state=accepted")
    topic = opened(page)
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="确认开始审核")).to_be_focused()
    page.keyboard.press("Enter")
    said(page, "已进入审核")
    return topic


def test_an_approval_is_two_keys_and_the_next_case_opens_by_itself(visit):
    page = desk(visit, "approver", "?state=review")
    first = opened(page)
    following = page.locator(ROWS).nth(1).get_attribute("data-topic")
    page.keyboard.press("a")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_role("button", name="确认准予")).to_be_focused()
    visit.look(page)
    page.keyboard.press("Enter")
    said(page, "已作出准予决定。不能撤回；下一步：")
    expect(page.locator(".case-panes")).to_have_attribute("data-case", following or "")
    expect(page.locator("#case-title")).to_be_focused()
    expect(page.locator(f"#row-{first}")).to_have_count(0)
    page.goto(f"/cases/{first}")
    expect(page.locator("main")).to_contain_text("准予")


def test_j_and_k_move_enter_opens(visit):
    page = desk(visit, "reviewer")
    rows = page.locator(ROWS)
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(rows.nth(1)).to_be_focused()
    wanted = rows.nth(1).get_attribute("data-topic")
    page.keyboard.press("Enter")
    expect(page.locator(".case-panes")).to_have_attribute("data-case", wanted or "")
    expect(page.locator(_OPEN)).to_have_attribute("data-topic", wanted or "")
    assert page.url.endswith(f"case={wanted}")


def test_the_window_of_an_act_names_whose_case_it_is_though_another_line_is_chosen(visit):
    page = desk(visit, "reviewer", "?state=accepted")
    name = page.locator(".case-panes").get_attribute("data-name")
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.get_by_role("dialog").get_by_role("heading", level=2)).to_have_text(f"开始审核 · {name}")
    page.keyboard.press("Escape")


def test_a_supplement_is_asked_for_with_a_standard_wording(visit):
    page = desk(visit, "reviewer", "?state=first_review")
    topic = opened(page)
    page.keyboard.press("s")
    wordings = page.get_by_label("常用理由")
    expect(wordings).to_be_focused()
    wordings.select_option(label="与身份证件不一致")
    page.keyboard.press("Enter")
    expect(page.locator('[name="defects.0.subject"]')).to_have_value("申请人信息")
    expect(page.get_by_role("button", name="确认补正告知")).to_be_focused()
    page.keyboard.press("Enter")
    said(page, "补正告知已发出")
    expect(page.locator(f"#row-{topic}")).to_have_count(0)


def test_a_refusal_takes_its_wording_once_the_marks_are_written(visit):
    topic = start_review(visit)
    page = desk(visit, "approver", f"?case={topic}")
    page.keyboard.press("x")
    wordings = page.get_by_label("常用理由")
    wordings.select_option(index=1)
    page.keyboard.press("Enter")
    reason = page.get_by_label("理由", exact=True)
    expect(reason).to_be_focused()
    page.keyboard.press("Control+Enter")
    alert = page.get_by_role("dialog").get_by_role("alert")
    expect(alert).to_contain_text("【】里的内容还没有写")
    text = reason.input_value()
    assert "行政复议" in text
    reason.fill(re.sub("【[^】]*】", "申请人七十六周岁", text))
    page.keyboard.press("Control+Enter")
    said(page, "已作出不予许可决定")


def test_news_change_the_list_and_neither_focus_nor_window(visit):
    page = desk(visit, "approver", "?state=review")
    before = page.locator(ROWS).count()
    page.keyboard.press("s")
    page.get_by_label("常用理由").press("Tab")
    reason = page.get_by_label("退回原因")
    reason.fill("第二页与申请表不一致 a s x j")
    reason.evaluate("field => field.setSelectionRange(3, 5)")
    start_review(visit)
    expect(page.locator(ROWS)).to_have_count(before + 1)
    expect(reason).to_be_focused()
    expect(reason).to_have_value("第二页与申请表不一致 a s x j")
    assert reason.evaluate("field => [field.selectionStart, field.selectionEnd]") == [3, 5]
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("s")
    expect(reason).to_have_value("第二页与申请表不一致 a s x j")


def test_a_case_changed_by_somebody_else_says_so_and_stays_until_asked(visit):
    topic = start_review(visit)
    page = desk(visit, "approver", f"?case={topic}")
    other = visit("reviewer", f"/cases/{topic}/do/split")
    other.locator('[name="parts.0.office"]').select_option("残疾人联合会")
    other.locator('[name="parts.0.due"]').fill("2099-01-05")
    other.get_by_role("button", name=re.compile("^确认")).click()
    changed = page.locator(".desk-changed")
    expect(changed).to_be_visible()
    expect(changed).to_contain_text("并联")
    expect(page.locator(".parts-strip")).to_have_count(0)
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="确认准予").press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("又有了新的变化")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="看最新内容").click()
    expect(page.get_by_role("list", name="并联审批")).to_contain_text("残疾人联合会")
    expect(changed).to_be_hidden()


def test_pages_are_turned_enlarged_and_compared_by_key_and_the_look_goes_on(visit):
    page = desk(visit, "reviewer", "?state=first_review")
    for number in range(page.locator(ROWS).count()):
        page.locator(ROWS).nth(number).click()
        expect(page.locator(_OPEN)).to_have_attribute("data-topic", opened(page))
        if page.locator(".sheet-list a").count() == 2:
            break
    stage = page.locator(".sheet-stage")
    expect(stage.locator(".viewer-canvas img")).to_have_count(1)
    page.keyboard.press("r")
    expect(stage).to_have_attribute("data-turned", "90")
    page.keyboard.press("+")
    expect(stage).to_have_attribute("data-zoom", "125")
    page.keyboard.press("-")
    page.keyboard.press("-")
    expect(stage).to_have_attribute("data-zoom", "80")
    page.keyboard.press("0")
    expect(stage).to_have_attribute("data-zoom", "100")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".sheet-count")).to_have_text("2/2")
    expect(stage).to_have_attribute("data-turned", "0")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("c")
    expect(stage.locator(".viewer-canvas img")).to_have_count(2)
    visit.look(page)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".sheet-tools [aria-pressed]")).to_have_attribute("aria-pressed", "true")


def test_single_keys_can_be_switched_off_and_stay_off(visit):
    page = desk(visit, "approver", "?state=review")
    page.keyboard.press("?")
    switch = page.get_by_label(re.compile("使用单键快捷键"))
    expect(switch).to_be_checked()
    visit.look(page)
    switch.uncheck()
    page.get_by_role("button", name="关闭").click()
    for key in "asxj?":
        page.keyboard.press(key)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.reload()
    page.keyboard.press("a")
    page.wait_for_timeout(300)  # a window would be open by then; nothing else can be waited for
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name="准予", exact=True).click()
    expect(page.get_by_role("button", name="确认准予")).to_be_focused()


def test_the_next_case_is_there_before_it_is_asked_for(visit):
    page = desk(visit, "reviewer")
    following = page.locator(ROWS).nth(1).get_attribute("data-topic") or ""
    expect(page.locator("#desk")).to_have_attribute("data-ahead", following)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".case-panes")).to_have_attribute("data-case", following)
    expect(page.locator("#desk")).not_to_have_attribute("data-ahead", following)
    assert not [url for url in asked if url.endswith(f"/queue/case/{following}")]


def test_without_a_stream_the_page_asks_now_and_then(visit):
    page = visit("approver", "/")
    page.route("**/queue/events", lambda route: route.fulfill(status=204))
    page.goto("/queue")
    expect(page.locator(".live-mark")).to_have_text("每 20 秒更新一次")


def test_the_desk_works_by_links_and_forms_alone(visit):
    page = visit("reviewer", "/queue?state=accepted", java_script_enabled=False)
    row = page.locator(ROWS).nth(1)
    topic = row.get_attribute("data-topic") or ""
    row.click()
    expect(page.locator(".case-panes")).to_have_attribute("data-case", topic)
    page.get_by_role("link", name=re.compile("^开始审核")).click()
    page.get_by_role("button", name="确认开始审核").click()
    expect(page.locator("main")).to_contain_text("已进入审核")


def test_cards_and_home_lead_to_the_desk(visit):
    page = visit("approver", "/")
    page.get_by_role("link", name="开始办理").click()
    expect(page).to_have_url(re.compile("/queue$"))
    page.goto("/cards")
    visit.look(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("监察")
