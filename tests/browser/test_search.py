"""Searching as one types: the list alone is renewed, and whatever else the server answers is a page of its own."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import Locator, Page, expect

from casework.catalogue import load_catalogue
from tests.browser.people import RARE_NAME, STAFF

ITEM = load_catalogue().get("elder_allowance")
DELAY_MS = 300
"""After the last key a search waits so long."""


def box(page: Page) -> Locator:
    return page.locator("#f-q")


def names(page: Page) -> Locator:
    return page.locator("#found tbody tr a")


def asked(page: Page) -> list[str]:
    """Addresses of the searches that the open page asks for from now on."""
    seen: list[str] = []
    page.on("request", lambda one: seen.append(unquote(one.url)) if "hx-request" in one.headers else None)
    return seen


def test_the_list_narrows_while_a_name_is_typed_and_the_address_keeps_it(visit):
    page = visit("agent", "/cases")
    opened, searches = list(visit.guard(page).visited), asked(page)
    pages_back = page.evaluate("history.length")
    whole = page.locator("#found caption").inner_text()
    name = names(page).first.inner_text()
    box(page).focus()
    page.keyboard.type(name[:2], delay=30)
    expect(page).to_have_url(re.compile("[?&]q=[^&]"))
    expect(page.locator("#found caption")).not_to_have_text(whole)
    expect(page.locator("#found-said")).to_have_text(re.compile(r"^找到 \d+ 件$"))
    assert all(name[:2] in shown for shown in names(page).all_inner_texts())
    expect(box(page)).to_be_focused()
    expect(box(page)).to_have_value(name[:2])
    assert len(searches) == 1 and visit.guard(page).visited == opened, "one question, and no page was left"
    assert page.evaluate("history.length") == pages_back, "one step back leaves the search, however much was typed"
    visit.look(page)
    narrowed = page.locator("#found caption").inner_text()
    tab = page.locator("#found .tabs a").first
    assert name[:2] in unquote(tab.get_attribute("href") or "")
    page.reload()
    expect(page.locator("#found caption")).to_have_text(narrowed)
    expect(box(page)).to_have_value(name[:2])
    box(page).fill(name)
    expect(page).to_have_url(re.compile(re.escape(quote(name))))
    names(page).first.click()
    expect(page).to_have_url(re.compile("/cases/[0-9a-f]+"))
    page.go_back()
    expect(box(page)).to_have_value(name)
    assert all(name in shown for shown in names(page).all_inner_texts())


def test_nothing_is_asked_for_while_an_input_method_composes(visit):
    page = visit("agent", "/cases")
    searches = asked(page)
    box(page).focus()
    ime = page.context.new_cdp_session(page)
    for letters in ("m", "mai", "mai mai", "mai mai ti"):
        place = {"selectionStart": len(letters), "selectionEnd": len(letters)}
        ime.send("Input.imeSetComposition", {"text": letters} | place)
        page.wait_for_timeout(DELAY_MS + 100)
    assert not searches, "a half-typed syllable was looked for"
    ime.send("Input.insertText", {"text": RARE_NAME[:3]})
    expect(page).to_have_url(re.compile("[?&]q=[^&]"))
    expect(names(page).first).to_contain_text(RARE_NAME)
    assert len(searches) == 1 and f"q={RARE_NAME[:3]}" in searches[0]
    box(page).fill("这里没有这个人")
    expect(page.get_by_text("没有符合条件的办件。")).to_be_visible()
    expect(page.locator("#found-said")).to_have_text("没有找到办件")
    visit.look(page)


def test_choosing_a_place_renews_the_list_too(visit):
    page = visit("agent", "/cases")
    opened, whole = list(visit.guard(page).visited), page.locator("#found caption").inner_text()
    page.get_by_label("现在由谁办").select_option(index=1)
    expect(page.locator("#found caption")).not_to_have_text(whole)
    expect(page).to_have_url(re.compile("holder=[a-z]"))
    assert visit.guard(page).visited == opened


def test_items_are_found_as_one_types(visit):
    page = visit("agent", "/intake")
    opened = list(visit.guard(page).visited)
    box(page).focus()
    page.keyboard.type("gljt", delay=30)
    expect(page.locator("#found .item-list > li")).to_have_count(1)
    expect(page.locator("#found")).to_contain_text(ITEM.name)
    expect(page.locator("#found-said")).to_have_text("找到 1 个事项")
    expect(box(page)).to_be_focused()
    assert visit.guard(page).visited == opened
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/intake\?q=gljt"))
    expect(page.locator("#found .item-list > li")).to_have_count(1)


@pytest.mark.parametrize("path", ["/cases", "/intake"])
def test_a_scanner_that_sends_no_enter_still_lands_on_the_case(path, visit, county):
    code = county.public_path().rsplit("/", 1)[1]
    case = f"{county.url('village')}/cases/{county.cases['delivered/scanned'][0]}"
    page = visit("agent", path)
    box(page).focus()
    page.keyboard.type(code)
    expect(page).to_have_url(case)
    expect(page.locator("h1")).to_have_count(1)
    page.goto(path)
    box(page).focus()
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    expect(page).to_have_url(case)


def test_who_was_signed_out_meanwhile_is_shown_the_whole_sign_in_page_and_comes_back_to_the_search(visit):
    page = visit("agent", "/cases")
    page.context.clear_cookies()
    box(page).fill("王")
    expect(page).to_have_url(re.compile("/sign-in"))
    expect(page.locator("#found")).to_have_count(0)
    expect(page.locator("h1")).to_have_count(1)
    visit.sign_in(page, "agent")
    expect(box(page)).to_have_value("王")


def test_when_the_program_does_not_answer_the_page_says_so_and_keeps_its_list(visit, county):
    page = visit("agent", "/cases")
    shown = names(page).all_inner_texts()
    words = page.get_by_text("连不上本单位的程序")
    expect(words).to_be_hidden()
    with visit.guard(page).expecting("ERR_CONNECTION|ERR_EMPTY|Failed to (load|fetch)"):
        county.kill(STAFF["agent"].place)
        box(page).fill(shown[0])
        expect(words).to_be_visible()
    assert names(page).all_inner_texts() == shown
    county.restart(STAFF["agent"].place)
    box(page).fill(shown[0][:1])
    expect(words).to_be_hidden()
    expect(names(page).first).to_contain_text(shown[0][:1])


def test_an_error_is_a_page_and_no_part(visit):
    page = visit("agent", "/cases")
    page.route("**/cases?q=*", lambda route: route.fulfill(status=500, body="<p>broken</p>"), times=1)
    with visit.guard(page).expecting("status of 500"):
        box(page).fill("王")
        expect(page).to_have_url(re.compile("/cases\\?q="))
        expect(box(page)).to_have_value("王")
    expect(page.get_by_text("broken")).to_have_count(0)
