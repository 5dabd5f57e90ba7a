"""Pages of a draft and of a supplement in a real Chromium: camera, corners, files, and what goes wrong on the way."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, CHROMIUM_ARGUMENTS, TABLET, Visits
from tests.browser.county import BrowserCounty
from tests.casework.materials.samples import jpeg, pdf, photo
from tests.casework.materials.test_shots import DESK, PAPER, SHEET

pytestmark = pytest.mark.timeout(400)  # the first test pays for the county
BUILT = Path(__file__).parents[2] / "casework" / "web" / "built"
STATION = "station.lan"
"""What the station is called on its network; the address is no secure one."""


def sheet_on_a_mat() -> bytes:
    """What the camera sees: a written sheet, askew on a dark mat, 1280 x 960."""
    seen = Image.new("RGB", (2000, 1500), DESK)
    draw = ImageDraw.Draw(seen)
    draw.polygon(SHEET, fill=PAPER)
    left, right = (SHEET[0], SHEET[3]), (SHEET[1], SHEET[2])
    for line in range(1, 14):
        ends = [
            (top[0] + (low[0] - top[0]) * line / 15, top[1] + (low[1] - top[1]) * line / 15)
            for top, low in (left, right)
        ]
        draw.line((ends[0][0] + 80, ends[0][1], ends[1][0] - 80, ends[1][1]), fill=(60, 60, 60), width=6)
    return jpeg(seen.resize((1280, 960)))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Its camera sees a sheet on a mat."""
    film = tmp_path_factory.mktemp("camera") / "sheet.mjpeg"
    film.write_bytes(sheet_on_a_mat() * 2)
    with sync_playwright() as playwright:
        names = [one.replace("MAP *", f"MAP {STATION} 127.0.0.1, MAP *") for one in CHROMIUM_ARGUMENTS]
        arguments = [*names, f"--use-file-for-fake-video-capture={film}"]
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield found
        found.close()


def draft(page: Page) -> str:
    """Begin an intake that says nothing yet, and go to its materials; the draft's path."""
    token = page.locator("input[name=csrf]").first.input_value()
    begun = page.evaluate(
        """async (csrf) => (await fetch("/intake/elder_allowance", {
            method: "POST", body: new URLSearchParams({ csrf, go: "stay" }),
        })).url""",
        token,
    )
    found = re.search(r"/drafts/[0-9a-f]+", begun)
    assert found, begun
    page.goto(found[0] + "/materials")
    return found[0]


def row(page: Page, number: int) -> Locator:
    return page.locator(f'[data-material="{number}"]')


def pages(page: Page, number: int) -> Locator:
    return row(page, number).locator("[data-page]")


def photographs(page: Page) -> Locator:
    """Open the camera; its window."""
    page.get_by_role("button", name="连续拍").click()
    window = page.get_by_role("dialog", name="拍照")
    expect(window.get_by_text("放平放正")).to_be_visible()
    return window


def shown_size(page: Page, number: int) -> tuple[int, int]:
    """Of the page as it is stored."""
    link = pages(page, number).first.locator("a").first.get_attribute("href")
    return Image.open(io.BytesIO(page.request.get(str(link)).body())).size


def test_one_key_for_a_page_through_the_materials(visit: Visits) -> None:
    page = visit("agent")
    draft(page)
    window = photographs(page)
    page.keyboard.press("Space")
    expect(window.get_by_text("已存 1 页")).to_be_visible()
    visit.look(page)
    # The film stands still, and the same picture twice would be the same page sent twice: so turn it.
    window.get_by_role("button", name="画面转 90°").click()
    shutter = window.get_by_role("button", name="拍一页 空格")
    shutter.focus()
    page.keyboard.press("Enter")
    expect(window.get_by_text("已存 2 页")).to_be_visible()
    for _ in range(3):
        window.get_by_role("button", name="画面转 90°").click()
    shutter.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    window.get_by_role("button", name="完成").click()
    for number, count in enumerate((2, 1, 1)):
        expect(pages(page, number)).to_have_count(count)
    expect(row(page, 0).get_by_text("已有 2 页")).to_be_visible()
    expect(page.locator("[data-summary]")).not_to_contain_text("身份证")
    # The corners that were suggested made flat pages of what stood askew: about as wide as the sheet is seen.
    width, height = shown_size(page, 1)
    assert width == pytest.approx(1292 * 0.64, rel=0.03)
    assert height == pytest.approx(1096 * 0.64, rel=0.03)
    visit.look(page)
    page.reload()
    expect(pages(page, 0)).to_have_count(2)


def test_a_held_key_takes_one_page_and_a_bad_one_is_taken_again(visit: Visits) -> None:
    page = visit("agent")
    draft(page)
    window = photographs(page)
    shutter = window.get_by_role("button", name="拍一页 空格")
    shutter.dispatch_event("keydown", {"key": " ", "repeat": True, "bubbles": True})
    page.keyboard.press("Space")
    expect(window.get_by_text("已存 1 页")).to_be_visible()
    window.get_by_role("button", name="重拍").click()
    expect(window.get_by_text("请重新拍")).to_be_visible()
    expect(shutter).to_be_focused()
    page.keyboard.press("Space")
    expect(window.get_by_text("已存 1 页")).to_be_visible()
    page.keyboard.press("Escape")
    expect(pages(page, 0)).to_have_count(1)


def test_corners_are_dragged_beside_the_live_picture(visit: Visits) -> None:
    page = visit("agent")
    draft(page)
    window = photographs(page)
    page.keyboard.press("Space")
    expect(window.get_by_text("已存 1 页")).to_be_visible()
    window.get_by_role("button", name="用整张照片").click()
    expect(window.get_by_text("已按新的四角保存")).to_be_visible()
    corner = window.get_by_role("button", name="左上角")
    box = corner.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 80, steps=4)
    expect(window.locator(".corners-lens")).to_be_visible()
    page.mouse.up()
    expect(window.locator(".corners-lens")).to_be_hidden()
    expect(window.get_by_text("已按新的四角保存")).to_be_visible()
    window.get_by_role("button", name="完成").click()
    expect(pages(page, 0)).to_have_count(1)
    page.get_by_role("link", name="裁剪").first.click()
    kept = page.locator("input[name=cut]").input_value()
    x, y, *rest = kept.split(";")[0].split(",")
    assert int(x) > 500 and int(y) > 500
    assert rest == ["10000", "0", "10000", "10000", "0", "10000"]


def test_corners_are_moved_by_keys_on_the_page_of_a_page(visit: Visits) -> None:
    page = visit("agent")
    path = draft(page)
    row(page, 0).locator("input[type=file]").last.set_input_files(
        {"name": "纸.jpg", "mimeType": "image/jpeg", "buffer": jpeg(photo(1000, 1000))}
    )
    expect(pages(page, 0)).to_have_count(1)
    pages(page, 0).get_by_role("link", name="裁剪").click()
    corner = page.get_by_role("button", name="右下角")
    corner.focus()
    for _ in range(10):
        page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator(".corners-lens")).to_be_visible()
    visit.look(page)
    # A corner that would cross the sheet stays where it is.
    for _ in range(60):
        page.keyboard.press("Shift+ArrowUp")
    cut = page.locator("input[name=cut]").input_value()
    x, y = cut.split(",")[4:6]
    assert x == "8000" and 0 < int(y) < 10000
    for _ in range(60):
        page.keyboard.press("Shift+ArrowDown")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page).to_have_url(re.compile(path + r"/materials#f-materials-0$"))
    assert shown_size(page, 0) == (1000, 1020)  # the longer of two opposite sides counts, and one slants now
    straight = str(pages(page, 0).get_attribute("data-page"))
    pages(page, 0).get_by_role("button", name="旋转").click()
    expect(pages(page, 0)).not_to_have_attribute("data-page", straight)
    pages(page, 0).get_by_role("link", name="裁剪").click()
    assert page.locator("input[name=cut]").input_value().endswith(";90")


def dropped(page: Page, number: int, name: str, kind: str, data: bytes) -> None:
    files = page.evaluate_handle(
        """([name, kind, bytes]) => {
            const held = new DataTransfer();
            held.items.add(new File([new Uint8Array(bytes)], name, { type: kind }));
            return held;
        }""",
        [name, kind, list(data)],
    )
    row(page, number).dispatch_event("drop", {"dataTransfer": files})


def test_files_are_dropped_on_a_material_and_a_bad_one_holds_up_nothing(visit: Visits) -> None:
    page = visit("agent")
    draft(page)
    dropped(page, 0, "坏.jpg", "image/jpeg", b"\xff\xd8\xff not a picture at all")
    dropped(page, 1, "两页.pdf", "application/pdf", pdf(2))
    expect(pages(page, 1)).to_have_count(2)
    failed = row(page, 0).get_by_role("alert")
    expect(failed).to_contain_text("「坏.jpg」已损坏")
    visit.look(page)
    expect(pages(page, 0)).to_have_count(0)
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_text("有页没有存上")).to_be_visible()
    row(page, 0).get_by_role("button", name="不要这一页").click()
    expect(failed).to_have_count(0)
    first = pages(page, 1).first.get_attribute("data-page")
    pages(page, 1).first.get_by_role("button", name="后移").click()
    expect(pages(page, 1).last).to_have_attribute("data-page", str(first))
    pages(page, 1).last.get_by_role("button", name="移去").click()
    expect(pages(page, 1)).to_have_count(1)


def test_a_large_photo_is_made_smaller_before_it_is_sent(visit: Visits) -> None:
    page = visit("agent")
    draft(page)
    large = jpeg(photo(4000, 3000), quality=95)
    with page.expect_request(lambda request: request.method == "POST") as sent:
        row(page, 0).locator("input[type=file]").last.set_input_files(
            {"name": "手机.jpg", "mimeType": "image/jpeg", "buffer": large}
        )
    expect(pages(page, 0)).to_have_count(1)
    assert int(sent.value.all_headers()["content-length"]) < len(large) / 2
    assert shown_size(page, 0) == (2560, 1920)


def test_a_broken_connection_is_tried_again_and_nothing_is_stored_twice(visit: Visits) -> None:
    page = visit("agent")
    path = draft(page)
    tries: list[int] = []

    def unlucky(route: Route) -> None:
        if route.request.method != "POST" or len(tries) == 2:
            route.fallback()
            return
        tries.append(1)
        if len(tries) == 2:
            route.fetch()  # the node has it, but its answer is lost
        route.abort("connectionreset")

    page.route("**" + path + "/materials", unlucky)
    with visit.guard(page).expecting("ERR_CONNECTION_RESET"):
        row(page, 0).locator("input[type=file]").last.set_input_files(
            {"name": "一.jpg", "mimeType": "image/jpeg", "buffer": jpeg(photo(500, 700))}
        )
        expect(row(page, 0).get_by_text("重试")).to_be_visible()
        expect(pages(page, 0)).to_have_count(1)
    assert len(tries) == 2
    page.reload()
    expect(pages(page, 0)).to_have_count(1)


def test_without_script_files_are_taken_turned_and_taken_out(visit: Visits) -> None:
    with_script = visit("agent")
    path = draft(with_script)
    page = visit("agent", path + "/materials", java_script_enabled=False)
    row(page, 0).locator("input[type=file]").last.set_input_files(
        {"name": "一.jpg", "mimeType": "image/jpeg", "buffer": jpeg(photo(500, 700))}
    )
    page.get_by_role("button", name="保存并留在本页").click()
    expect(pages(page, 0)).to_have_count(1)
    pages(page, 0).get_by_role("link", name="裁剪").click()
    page.get_by_role("button", name="向右转").click()
    assert shown_size(page, 0) == (700, 500)
    pages(page, 0).get_by_role("button", name="移去").click()
    expect(pages(page, 0)).to_have_count(0)
    expect(page.get_by_role("button", name="连续拍")).to_have_count(0)


def test_a_tablet_has_a_button_for_its_own_camera(visit: Visits) -> None:
    page = visit("agent", viewport=TABLET, has_touch=True, is_mobile=True)
    draft(page)
    taking = row(page, 0).locator("input[capture=environment]")
    expect(taking).to_be_visible()
    taking.set_input_files({"name": "拍.jpg", "mimeType": "image/jpeg", "buffer": sheet_on_a_mat()})
    expect(pages(page, 0)).to_have_count(1)
    assert shown_size(page, 0)[0] < 900  # cut along the corners that were suggested


def test_plain_http_on_the_lan_hides_the_camera_and_says_why(visit: Visits, county: BrowserCounty) -> None:
    address = county.url("village").replace("127.0.0.1", STATION)
    # Not through `visit`: its guard takes every name but the loopback's for another machine.
    page = visit.browser.new_context(base_url=address, locale="zh-CN").new_page()
    page.goto("/sign-in")
    visit.sign_in(page, "agent")
    draft(page)
    assert page.evaluate("isSecureContext") is False
    expect(page.get_by_text("浏览器不让这样的网页直接使用摄像头")).to_be_visible()
    expect(page.get_by_text("请改用 https")).to_be_visible()
    expect(page.get_by_role("button", name="连续拍")).to_be_hidden()
    expect(row(page, 0).get_by_role("button", name="摄像头拍照")).to_be_hidden()
    row(page, 0).locator("input[type=file]").last.set_input_files(
        {"name": "一.jpg", "mimeType": "image/jpeg", "buffer": jpeg(photo(500, 700))}
    )
    expect(pages(page, 0)).to_have_count(1)
    page.context.close()


def test_a_supplement_takes_photos_and_a_refusal_costs_none_of_them(visit: Visits, county: BrowserCounty) -> None:
    case = f"/cases/{county.cases['asked'][-1]}"
    page = visit("agent", case + "/do/supplement")
    asked = page.locator("[data-material]").first
    asked.get_by_role("button", name="摄像头拍照").click()
    window = page.get_by_role("dialog", name="拍照")
    expect(window.get_by_text("放平放正")).to_be_visible()
    page.keyboard.press("Space")
    expect(window.get_by_text("已选好")).to_be_visible()
    window.get_by_role("button", name="完成").click()
    asked.locator("input[type=file]").last.set_input_files(
        [
            {"name": "二.jpg", "mimeType": "image/jpeg", "buffer": jpeg(photo(500, 700))},
            {"name": "坏.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xff not a picture at all"},
        ]
    )
    drops = asked.get_by_role("button", name="不要这一页")
    expect(drops).to_have_count(3)
    asked.get_by_role("button", name="裁剪和旋转").last.click()
    adjust = page.get_by_role("dialog", name="裁剪和旋转")
    adjust.get_by_role("button", name="向右转").click()
    visit.look(page)
    adjust.get_by_role("button", name="确定").click()
    cuts = asked.locator("input[type=hidden]")
    assert cuts.nth(0).input_value().endswith(";0")
    expect(cuts.nth(1)).to_have_value("0,0,10000,0,10000,10000,0,10000;90")
    page.get_by_role("button", name="确认提交").click()
    expect(page.get_by_role("alert").first).to_contain_text("「坏.jpg」已损坏")
    expect(drops).to_have_count(3)
    drops.last.click()
    expect(drops).to_have_count(2)
    page.wait_for_timeout(1_100)  # a button takes two presses within a second for one (govuk-frontend)
    page.get_by_role("button", name="确认提交").click()
    expect(page).to_have_url(re.compile(case + "$"))
    expect(page.get_by_text("补正已保存").first).to_be_visible()


def test_the_capture_step_keeps_its_budget() -> None:
    def packed(*names: str) -> int:
        return sum(len(gzip.compress((BUILT / name).read_bytes(), 9)) for name in names)

    assert packed("site.js", "capture.js") <= 26_000
    assert packed("corners.js") <= 60_000
