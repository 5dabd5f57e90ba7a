"""The township's desk: first review in two panes, its villages as they fall silent, and a stick to the county."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

VILLAGE_NAME = "南阳村委会"


def rows(page: Page) -> int:
    return page.locator(".queue-row").count()


def test_a_case_is_passed_on_by_keys_and_the_next_one_opens(visit):
    page = visit("township", "/review")
    before = rows(page)
    assert before > 1
    first = page.locator(".queue-row").first
    expect(first).to_have_attribute("aria-current", "true")
    expect(page.locator(".pane-form")).to_be_visible()
    expect(page.locator(".pane-pages")).to_be_visible()
    topic = first.get_attribute("data-topic")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".case-panes")).not_to_have_attribute("data-case", topic or "")
    opened = page.locator(".case-panes").get_attribute("data-case")
    page.keyboard.press("a")
    dialog = page.locator("#act-dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_role("textbox", name="初审意见").fill("材料齐全，符合条件")
    page.keyboard.press("Control+Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator(f'.queue-row[data-topic="{opened}"]')).to_have_count(0)


def test_first_review_is_read_and_opened_without_script(visit):
    page = visit("township", "/review", java_script_enabled=False)
    page.locator(".queue-row").nth(1).click()
    expect(page.locator(".case-panes")).to_be_visible()
    assert "case=" in page.url
    page.get_by_role("group", name="可办操作").get_by_role("link").first.click()
    expect(page.locator("main form").first).to_be_visible()


def test_a_village_that_is_cut_off_keeps_what_it_said_last(visit, county):
    page = visit("township", "/villages")
    village = page.locator(".cell").filter(has_text=VILLAGE_NAME)
    expect(village).to_contain_text(re.compile("刚刚|分钟前"))
    with county.cut_off("village"):
        page.reload()
        village.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(VILLAGE_NAME)
        expect(page.get_by_text("如果那台电脑现在坏了")).to_be_visible()
        expect(page.get_by_text("站点自报到第几条")).to_be_visible()
    page.get_by_role("link", name="所辖村站").last.click()
    page.get_by_role("link", name="表格").click()
    expect(page.locator("table.stations tbody tr").filter(has_text=VILLAGE_NAME)).to_have_count(1)
    page.get_by_role("link", name="缺口").click()
    expect(page.locator('[aria-sort="descending"]')).to_contain_text("缺口")


def test_a_stick_goes_to_the_county_and_what_is_no_bundle_is_refused(visit, tmp_path):
    page = visit("township", "/courier")
    page.get_by_label("带给谁").select_option(index=1)
    with page.expect_download() as carried:
        page.get_by_role("button", name="导出U盘包").click()
    stick = tmp_path / carried.value.suggested_filename
    carried.value.save_as(stick)
    assert stick.suffix == ".bundle"
    spoiled = tmp_path / "other.bundle"
    spoiled.write_bytes(stick.read_bytes()[:-1] + b"\x00")
    target = visit("ops", "/courier")
    for file, said in ((spoiled, "没有导入"), (stick, "已导入")):
        target.get_by_label("U盘包文件").set_input_files(file)
        target.get_by_role("button", name="导入U盘包").click()
        expect(target.locator("#outcome")).to_contain_text(said)
    expect(target.locator("#outcome")).to_contain_text("来自")


def test_the_county_sees_every_station_and_one_of_them(visit):
    page = visit("ops", "/status")
    expect(page.locator(".cell").filter(has_text=VILLAGE_NAME)).to_have_count(1)
    page.get_by_role("link", name=re.compile("只看有问题的")).click()
    expect(page.get_by_role("link", name=re.compile("全部站点"))).to_be_visible()
    page.get_by_role("link", name=re.compile("全部站点")).click()
    page.get_by_role("link", name="表格").click()
    page.locator("table.stations tbody th a").filter(has_text=VILLAGE_NAME).click()
    expect(page.get_by_role("heading", name="证书")).to_be_visible()
    expect(page.get_by_role("heading", name="还没有送到的")).to_be_visible()
