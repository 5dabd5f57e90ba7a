"""The language and the large view of pages: two cookies, set by a small form, kept to this site."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from casework.web import looks
from casework.web.looks import Languages, translate
from tests.casework.web.tiny_program import Browser, Place, make_app


@pytest.fixture
def english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "en" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    words = [
        ("登录名", "Sign-in name"),
        ("工作人员登录", "Staff sign in"),
        ("登录名或密码不正确", "Wrong password"),
    ]
    entries = "\n".join(f'msgid "{zh}"\nmsgstr "{en}"\n' for zh, en in words)
    (folder / "lianban.po").write_text(entries, encoding="utf-8")
    monkeypatch.setattr(looks.Languages.__init__, "__defaults__", (tmp_path,))


@pytest.fixture
async def visitor(english: None, place: Place) -> Browser:
    async with TestClient(TestServer(make_app(place))) as client:
        yield Browser(client)


async def test_a_page_is_chinese_until_the_cookie_says_otherwise_and_comes_back_to_the_same_page(
    visitor: Browser,
) -> None:
    first = (await visitor.get("/sign-in?next=/cases"))[1]
    assert '<html lang="zh-CN">' in first and "工作人员登录" in first and ">English</button>" in first
    assert 'name="next" value="/sign-in?next=/cases"' in first
    assert await visitor.post("/look", "", lang="en", next="/sign-in?next=/cases") == (303, "/sign-in?next=/cases")
    text = (await visitor.get("/sign-in"))[1]
    assert '<html lang="en">' in text and "Staff sign in" in text and "工作人员登录" not in text
    assert ">中文</button>" in text
    refused = (await visitor.sign_in("wrong-password"))[1]
    assert "Wrong password" in refused, "an error's words are told in the page's language too"


async def test_the_large_view_is_a_class_of_the_page_and_can_be_left(visitor: Browser) -> None:
    assert 'class="elder"' not in (await visitor.get("/sign-in"))[1]
    await visitor.post("/look", "", elder="1", next="/sign-in")
    text = (await visitor.get("/sign-in"))[1]
    assert '<html lang="zh-CN" class="elder">' in text and "标准版" in text
    await visitor.post("/look", "", elder="0", next="/sign-in")
    assert 'class="elder"' not in (await visitor.get("/sign-in"))[1]


async def test_what_is_no_language_or_no_path_of_ours_changes_nothing(visitor: Browser) -> None:
    assert await visitor.post("/look", "", lang="../en", elder="9", next="https://evil.example/") == (303, "/")
    assert visitor.cookie("lang") == "" and visitor.cookie("elder") == ""
    visitor.client.session.cookie_jar.update_cookies({"lang": "xx"})
    assert '<html lang="zh-CN">' in (await visitor.get("/sign-in"))[1]


async def test_another_sites_form_cannot_change_the_look(visitor: Browser) -> None:
    from_elsewhere = {"Sec-Fetch-Site": "cross-site"}
    answer = await visitor.client.post("/look", data={"lang": "en"}, headers=from_elsewhere, allow_redirects=False)
    assert answer.status == 403 and visitor.cookie("lang") == ""


async def test_a_page_that_answers_a_form_offers_no_switch_for_it_would_lose_what_was_typed(visitor: Browser) -> None:
    assert 'action="/look"' not in (await visitor.sign_in("wrong-password"))[1]


async def test_two_requests_at_once_each_read_their_own_language(english: None) -> None:
    languages = Languages("zh_CN")
    met = asyncio.Barrier(2)

    async def read(lang: str) -> str:
        looks._now.set(languages.look(lang, elder=False))
        await met.wait()
        return translate("登录名")

    assert await asyncio.gather(read("en"), read("zh-CN")) == ["Sign-in name", "登录名"]


def test_a_program_without_a_catalogue_offers_only_its_own_language(tmp_path: Path) -> None:
    languages = Languages("zh_CN", tmp_path)
    assert languages.others("zh-CN") == [] and languages.look("en", elder=False).lang == "zh-CN"


async def test_outside_a_request_texts_are_as_written(place: Place) -> None:
    assert isinstance(make_app(place), web.Application)
    assert translate("登录名") == "登录名"
