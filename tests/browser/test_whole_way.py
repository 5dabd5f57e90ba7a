"""One case through every desk: taken in, passed on, decided, seen at the village and by the citizen."""

from __future__ import annotations

import io
import re
from urllib.parse import urlsplit

import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from casework.example_intake import example_citizen_id
from tests.browser.conftest import Visits
from tests.browser.county import BrowserCounty
from tests.browser.test_village import ITEM, all_seen, applicant, fill_form, until

_NAME, _SERIAL = "全程·汪", 900_200


def taken_in(page: Page) -> str:
    """The topic of a case that the village takes in while nothing gets through to the township."""
    applicant(page, _NAME, _SERIAL)
    fill_form(page)
    all_seen(page)
    page.get_by_role("button", name="保存，下一步：核对").click()
    page.get_by_role("button", name="确认收件").click()
    expect(page.get_by_role("heading", name="已收件")).to_be_visible()
    return urlsplit(page.url).path.split("/")[2]


def code_on_slip(page: Page) -> str:
    """Where the code on the slip leads, read as a telephone reads it."""
    page.get_by_role("link", name="打印回执").click()
    expect(page.get_by_text("待县级确认").first).to_be_visible()
    picture = Image.open(io.BytesIO(page.locator(".sheet figure").screenshot(scale="device")))
    (found,) = zxingcpp.read_barcodes(picture.resize((picture.width * 3, picture.height * 3)))
    return urlsplit(found.text).path


def done_by_key(page: Page, desk: str, topic: str, slug: str, *, opinion: str = "") -> None:
    """Open the case at this desk when it waits there for this act, and do it by key."""
    panes = page.locator(f'.case-panes[data-case="{topic}"]')
    offered = panes.locator(f'a[data-act="A"][href$="/do/{slug}"]')
    until(page, f"{desk}?case={topic}", lambda: offered.count() > 0)
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    if opinion:
        dialog.get_by_role("textbox").first.fill(opinion)
        page.keyboard.press("Control+Enter")
    else:
        expect(dialog.get_by_role("button", name=re.compile("^确认"))).to_be_focused()
        page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(offered).to_have_count(0)


def test_a_case_goes_through_every_desk_and_back(visit: Visits, county: BrowserCounty) -> None:
    village = visit("agent", f"/intake/{ITEM.key}")
    with county.cut_off("village"):
        topic = taken_in(village)
        public = code_on_slip(village)
        citizen = visit("", public, place="hub")
        stand = citizen.locator("h1")
        expect(stand).not_to_have_text("已作出决定")
    done_by_key(visit("township", "/review"), "/review", topic, "endorse", opinion="经核实，情况属实")
    reviewer = visit("reviewer", "/queue")
    done_by_key(reviewer, "/queue", topic, "accept")
    done_by_key(reviewer, "/queue", topic, "review")
    done_by_key(visit("approver", "/queue"), "/queue", topic, "grant")
    stands = village.locator(".big-state")
    until(village, f"/cases/{topic}", lambda: "准予" in stands.inner_text() and "待县级确认" not in stands.inner_text())
    until(citizen, public, lambda: stand.inner_text() == "已作出决定")
    expect(citizen.get_by_text("收件站点").first).to_be_visible()
    text = citizen.locator("body").inner_text()
    assert _NAME not in text and example_citizen_id(_SERIAL) not in text
    assert re.search(r"数据截至 .*（县级）", text)
