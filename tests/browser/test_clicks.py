"""What a case costs a clerk in clicks and navigation keys (typed text is not counted), and an approver; and that the
slip prints with a code that can be read."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pypdfium2
import zxingcpp
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visits
from tests.browser.people import intake_line

CLERK_MAX, APPROVER_MAX = 25, 3
_SCANNED = 3
_NEXT = "继续"


@dataclass
class Hand:
    """Somebody at mouse and keyboard; `used` counts presses of either, but for typed text."""

    page: Page
    used: int = 0

    def click(self, target: Locator) -> None:
        self.used += 1
        target.click()

    def press(self, key: str) -> None:
        self.used += 1
        self.page.keyboard.press(key)

    def reach(self, target: Locator) -> None:
        """One press, of the mouse or of the tabulator for the next field, unless one is there already."""
        if not target.evaluate("one => one === document.activeElement"):
            self.click(target)


def _typed(number: int) -> dict[str, str]:
    line = intake_line(number, "elder_allowance")
    found = {f"applicant.{key}": str(value) for key, value in line["applicant"].items()}
    return found | {f"form.{key}": str(value) for key, value in line["form"].items()}


def _fill(hand: Hand, typed: dict[str, str]) -> None:
    """One step of the wizard, from its first open field to its last; what is filled in already is left."""
    for field in hand.page.locator("main form [name]:visible").all():
        kind, name = field.evaluate("one => [one.type, one.name]")
        wanted = typed.get(name)
        if kind == "radio":
            if field.get_attribute("value") == wanted and not field.is_checked():
                hand.click(hand.page.locator(f"label[for='{field.get_attribute('id')}']"))
        elif wanted and kind in ("text", "tel", "date", "number", "textarea") and field.input_value() != wanted:
            hand.reach(field)
            field.fill(wanted)
        elif wanted and kind == "select-one" and field.input_value() != wanted:
            hand.used += 2
            field.select_option(wanted)


def _materials(hand: Hand) -> None:
    """Three pages before the camera; what they do not cover was seen."""
    hand.click(hand.page.get_by_role("button", name="连续拍"))
    window = hand.page.get_by_role("dialog", name="拍照")
    expect(window.get_by_text("放平放正")).to_be_visible()
    for n in range(_SCANNED):
        hand.press("Space")
        expect(window.get_by_text(f"已存 {n + 1} 页")).to_be_visible()
    hand.click(window.get_by_role("button", name="完成"))
    expect(hand.page.locator(".thumbs li")).to_have_count(_SCANNED)
    for box in hand.page.locator("input[type=checkbox][name$='.seen']:visible").all():
        lacks = box.locator("xpath=ancestor::*[.//*[@data-lacks]][1]//*[@data-lacks]").first.get_attribute("data-lacks")
        if lacks == "missing" and not box.is_checked():
            hand.click(hand.page.locator(f"label[for='{box.get_attribute('id')}']"))


def _take_in(hand: Hand, number: int) -> None:
    page, typed = hand.page, _typed(number)
    hand.click(page.get_by_role("navigation").get_by_role("link", name="收件", exact=True))
    hand.click(page.locator("main a[href='/intake/elder_allowance']").first)
    while "/materials" not in page.url:
        _fill(hand, typed)
        before = page.url + page.locator("h1").inner_text()
        hand.click(page.get_by_role("button", name=_NEXT, exact=True).last)
        page.wait_for_function("was => location.href + document.querySelector('h1').innerText !== was", arg=before)
    _materials(hand)
    hand.click(page.get_by_role("button", name="保存，下一步：核对"))
    hand.click(page.get_by_role("button", name="确认收件"))
    expect(page.get_by_role("heading", name="已收件")).to_be_visible()


def test_a_new_applicant_with_three_pages_costs_few_clicks_and_the_slip_prints(visit: Visits) -> None:
    hand = Hand(visit("agent", permissions=["camera"]))
    _take_in(hand, 931)
    assert hand.used <= CLERK_MAX
    page = hand.page
    code = page.locator(".code").first.inner_text().replace("-", "")
    page.get_by_role("link", name="打印回执").click()
    expect(page.locator(".sheet-number")).to_contain_text(code)
    paper = page.pdf(format="A4", print_background=True)
    sheets = pypdfium2.PdfDocument(io.BytesIO(paper))
    pictures = [sheet.render(scale=3).to_pil().convert("L") for sheet in sheets]
    qr = zxingcpp.BarcodeFormat.QRCode
    (found,) = [code for picture in pictures for code in zxingcpp.read_barcodes(picture, formats=qr)]
    assert "/q/" in found.text and code not in found.text
    text = "".join(sheet.get_textpage().get_text_range() for sheet in sheets)
    assert code in text and "退出" not in text  # the paper carries no menu


def test_an_approval_costs_three_presses(visit: Visits) -> None:
    hand = Hand(visit("approver", "/queue?state=review"))
    page = hand.page
    expect(page.locator(".live-mark")).to_have_text("实时更新")
    topic = str(page.locator(".case-panes").get_attribute("data-case"))
    hand.press("a")
    expect(page.get_by_role("button", name="确认准予")).to_be_focused()
    hand.press("Enter")
    expect(page.locator(f"#row-{topic}")).to_have_count(0)
    assert hand.used <= APPROVER_MAX
