"""Signing in and out, by mouse and by keyboard alone, and without script."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.people import PASSWORD, STAFF


@pytest.mark.parametrize("who", STAFF)
def test_everybody_finds_their_own_desk(visit, who):
    page = visit(who)
    expect(page).to_have_url(page.url.rsplit("/", 1)[0] + "/")
    expect(page.get_by_text(STAFF[who].display).first).to_be_visible()


def test_a_wrong_password_is_told_in_words_and_the_name_stays(visit):
    page = visit("", "/sign-in", place="village")
    page.get_by_label("登录名").fill(STAFF["agent"].login)
    page.get_by_label("密码", exact=True).fill("不是这个")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").or_(page.locator(".notice"))).to_contain_text("密码")
    expect(page.get_by_label("登录名")).to_have_value(STAFF["agent"].login)


def test_signing_in_and_out_without_script(visit):
    page = visit("", "/", place="village", java_script_enabled=False)
    page.get_by_label("登录名").fill(STAFF["agent"].login)
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.get_by_role("button", name="退出").click()
    expect(page.get_by_label("登录名")).to_be_visible()
