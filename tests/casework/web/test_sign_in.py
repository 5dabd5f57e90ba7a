"""Signing in and out, the throttle, the forced first change, and what a thief could try."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from casework.accounts import LOGIN_THROTTLE
from casework.policy import Role
from tests.casework.web.tiny_program import AGENT, PASSWORD, SITE, Browser, CheapPasswords, Open, Place

COOKIE = "lianban-n17-session"


async def test_a_person_signs_in_works_and_signs_out(browser: Browser, place: Place) -> None:
    assert await browser.get("/cases") == (303, "/sign-in?next=%2Fcases")
    assert await browser.sign_in(next="/cases") == (303, "/cases")
    status, text = await browser.get("/cases")
    assert status == 200
    assert "王梅" in text and '<a class="govuk-service-navigation__link" href="/cases"' in text
    assert place.signed_in == [(12, "127.0.0.1")]
    token = await browser.token("/cases")
    assert await browser.post("/sign-out", token) == (303, "/sign-in?out")
    assert (await browser.get("/cases"))[0] == 303


async def test_signing_out_ends_the_session_for_a_copied_cookie_too(signed_in: Browser, open_browser: Open) -> None:
    stolen = signed_in.cookie(COOKIE)
    other = await open_browser()
    assert (await other.get("/cases", headers={"Cookie": f"{COOKIE}={stolen}"}))[0] == 200
    await signed_in.post("/sign-out", await signed_in.token("/cases"))
    assert (await other.get("/cases", headers={"Cookie": f"{COOKIE}={stolen}"}))[0] == 303


async def test_a_wrong_password_and_an_unknown_name_look_the_same(browser: Browser, place: Place) -> None:
    one, two = await browser.sign_in("竹海 lamp 2027"), await browser.sign_in(login="nobody.here")
    assert one[0] == two[0] == 422
    assert "登录名或密码不正确" in one[1] and "登录名或密码不正确" in two[1]
    assert len(place.passwords.looked_at) == 2
    assert 'href="#f-login"' in one[1] and 'id="f-login"' in one[1]
    assert 'value="wang.mei"' in one[1] and "2027" not in one[1]


async def test_guessing_is_throttled_also_by_a_new_program_on_the_same_database(
    browser: Browser, place: Place, open_browser: Open
) -> None:
    for _ in range(LOGIN_THROTTLE.free):
        assert (await browser.sign_in("wrong wrong wrong"))[0] == 422
    restarted = await open_browser()
    looked_at = len(place.passwords.looked_at)
    status, text = await restarted.sign_in()
    assert (status, len(place.passwords.looked_at)) == (429, looked_at)
    assert "15 秒" in text
    place.now += LOGIN_THROTTLE.first_wait_seconds
    assert (await restarted.sign_in())[0] == 303
    place.now += 1
    assert (await (await open_browser()).sign_in("wrong again wrong"))[0] == 422


async def test_many_guesses_at_once_do_not_slip_past_the_count(place: Place, open_browser: Open) -> None:
    class Slow(CheapPasswords):
        async def verify(self, password: str, stored: str) -> bool:
            await asyncio.sleep(0.05)
            return await super().verify(password, stored)

    place.passwords = slow = Slow()
    await place.add(AGENT)
    browser = await open_browser()
    token = await browser.token()
    guesses = [browser.post("/sign-in", token, login="wang.mei", password=f"guess {n}") for n in range(10)]
    statuses = sorted([status for status, _ in await asyncio.gather(*guesses)])
    assert statuses == [422] * LOGIN_THROTTLE.free + [429] * 6
    assert len(slow.looked_at) == LOGIN_THROTTLE.free


async def test_one_address_trying_many_names_is_throttled(browser: Browser) -> None:
    statuses = [(await browser.sign_in(login=f"name{n}"))[0] for n in range(22)]
    assert statuses[:20] == [422] * 20
    assert statuses[20:] == [429] * 2


async def test_the_address_a_client_claims_counts_only_from_a_trusted_proxy(
    browser: Browser, place: Place, open_browser: Open
) -> None:
    for site, seen in (
        (SITE, "127.0.0.1"),
        (replace(SITE, trusted_proxies=frozenset({"127.0.0.1"})), "10.9.8.7"),
    ):
        one = await open_browser(site)
        one.client.session.headers["X-Forwarded-For"] = "1.1.1.1, 10.9.8.7"
        await one.sign_in()
        assert place.signed_in[-1] == (12, seen)


async def test_a_locked_account_is_told_only_after_the_right_password(browser: Browser, place: Place) -> None:
    await place.add(replace(AGENT, locked=True, row=2))
    assert "不正确" in (await browser.sign_in("wrong wrong wrong"))[1]
    status, text = await browser.sign_in()
    assert status == 403
    assert "已停用" in text


async def test_locking_an_account_ends_its_session_at_once(signed_in: Browser, place: Place) -> None:
    await place.add(replace(AGENT, locked=True, row=2))
    assert (await signed_in.get("/cases"))[0] == 303


async def test_staff_of_another_station_cannot_sign_in_here(browser: Browser, place: Place) -> None:
    await place.add(replace(AGENT, author=18, row=2))
    status, text = await browser.sign_in()
    assert status == 403
    assert "不属于本站" in text


async def test_moving_somebody_to_another_station_ends_the_session_here(signed_in: Browser, place: Place) -> None:
    await place.add(replace(AGENT, author=18, row=2))
    assert (await signed_in.get("/cases"))[0] == 303


async def test_a_role_of_a_newer_program_cannot_sign_in_and_breaks_nothing(browser: Browser, place: Place) -> None:
    await place.add(replace(AGENT, role="wizard", row=2))
    assert (await browser.sign_in())[0] == 403
    assert (await browser.get("/sign-in"))[0] == 200


async def test_a_session_id_planted_before_signing_in_is_not_taken_over(browser: Browser, open_browser: Open) -> None:
    first = browser.cookie(COOKIE)
    await browser.sign_in()
    second = browser.cookie(COOKIE)
    browser.client.session.cookie_jar.update_cookies({COOKIE: "ab" * 32}, browser.client.make_url("/"))
    await browser.sign_in()
    third = browser.cookie(COOKIE)
    assert len({first, second, third, "ab" * 32}) == 4


async def test_signing_in_again_ends_the_session_the_browser_brought(signed_in: Browser, open_browser: Open) -> None:
    old = signed_in.cookie(COOKIE)
    await signed_in.post("/sign-in", await signed_in.token("/cases"), login="wang.mei", password=PASSWORD)
    assert signed_in.cookie(COOKIE) != old
    other = await open_browser()
    assert (await other.get("/cases", headers={"Cookie": f"{COOKIE}={old}"}))[0] == 303


async def test_an_idle_session_and_an_old_one_run_out(signed_in: Browser, place: Place) -> None:
    for _ in range(2):
        place.now += 10 * 3600 - 1
        assert (await signed_in.get("/cases"))[0] == 200
    place.now += 4 * 3600 + 2
    assert (await signed_in.get("/cases"))[0] == 303


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/x",
        "https://evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "evil",
        "/\t/evil",
        "javascript:x",
    ],
)
async def test_the_way_back_never_leaves_the_site(browser: Browser, target: str) -> None:
    assert await browser.sign_in(next=target) == (303, "/")
    assert await browser.get("/sign-in", params={"next": target}) == (303, "/")


async def test_a_first_password_is_changed_before_anything_else(browser: Browser, place: Place) -> None:
    await place.add(replace(AGENT, must_change=True, row=2))
    await browser.sign_in()
    assert await browser.get("/cases") == (303, "/password")
    assert (await browser.post("/cases", await browser.token("/password"), name="x"))[1] == "/password"
    status, text = await browser.get("/password")
    assert status == 200
    assert "初始密码" in text and 'class="main-nav"' not in text
    new = "石桥 旧书 2026"
    fields = {"current": PASSWORD, "new": new, "repeat": new}
    assert await browser.post("/password", await browser.token("/password"), **fields) == (303, "/")
    assert place.changed == [12]
    status, text = await browser.get("/cases")
    assert status == 200
    assert "密码已修改" in text
    assert "密码已修改" not in (await browser.get("/cases"))[1]


async def test_changing_the_password_signs_out_everywhere_else(signed_in: Browser, open_browser: Open) -> None:
    elsewhere = await open_browser()
    await elsewhere.sign_in()
    new = "石桥 旧书 2026"
    token = await signed_in.token("/password")
    await signed_in.post("/password", token, current=PASSWORD, new=new, repeat=new)
    assert (await signed_in.get("/cases"))[0] == 200
    assert (await elsewhere.get("/cases"))[0] == 303
    assert (await elsewhere.sign_in())[0] == 422
    assert (await elsewhere.sign_in(new))[0] == 303


@pytest.mark.parametrize(
    ("fields", "says", "field"),
    [
        ({"current": "", "new": "石桥 旧书 2026", "repeat": "石桥 旧书 2026"}, "没有填写当前密码", "current"),
        ({"current": "x", "new": "short", "repeat": "short"}, "少于 10 个字符", "new"),
        ({"current": "x", "new": "石桥 旧书 2026", "repeat": "石桥 旧书 2027"}, "不一致", "repeat"),
        ({"current": PASSWORD, "new": PASSWORD, "repeat": PASSWORD}, "与当前密码相同", "new"),
        (
            {"current": "wrong", "new": "石桥 旧书 2026", "repeat": "石桥 旧书 2026"},
            "当前密码不正确",
            "current",
        ),
    ],
)
async def test_a_refused_new_password_says_why(
    signed_in: Browser, place: Place, fields: dict[str, str], says: str, field: str
) -> None:
    status, text = await signed_in.post("/password", await signed_in.token("/password"), **fields)
    assert status == 422
    assert says in text and f'href="#f-{field}"' in text
    assert place.changed == [] and "石桥" not in text


async def test_the_menu_and_the_pages_ask_the_same_table(signed_in: Browser, place: Place, browser: Browser) -> None:
    _, text = await signed_in.get("/cases")
    assert "人员" not in text
    status, text = await signed_in.get("/users")
    assert status == 403
    assert "系统管理员" in text
    await place.add(replace(AGENT, role=Role.ADMIN, row=2))
    status, text = await signed_in.get("/users")
    assert status == 200
    assert 'href="/users"' in text and 'href="/cases"' not in text
