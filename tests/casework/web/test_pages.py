"""Headers, cookies, CSRF, uploads and error pages."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from tests.casework.web.tiny_program import AGENT, SITE, Browser, Open, Place

CSP_PARTS = ("default-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'")


@pytest.mark.parametrize("path", ["/sign-in", "/cases", "/nowhere", "/fail/bug", "/users"])
async def test_every_page_carries_strict_headers_and_is_not_cached(signed_in: Browser, path: str) -> None:
    answer = await signed_in.client.get(path, allow_redirects=False)
    csp = answer.headers["Content-Security-Policy"]
    assert all(part in csp for part in CSP_PARTS)
    assert "unsafe" not in csp
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_no_page_holds_inline_script_or_style(signed_in: Browser) -> None:
    for path in ("/cases", "/password", "/fail/bug", "/fail/bad"):
        text = (await signed_in.get(path))[1]
        assert not re.search(r'<script(?![^>]* src="/static/)|<script[^>]*>[^<]', text)
        assert "style=" not in text and "<style" not in text


async def test_a_static_file_is_served_for_good_under_its_hash_only(browser: Browser) -> None:
    text = (await browser.get("/sign-in"))[1]
    url = text.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = await browser.client.get(url)
    assert answer.status == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.content_type == "text/css"
    assert "Set-Cookie" not in answer.headers
    assert (await browser.get("/static/site.css"))[0] == 404


async def test_cookies_are_closed_to_script_and_under_tls_to_plain_http(browser: Browser, open_browser: Open) -> None:
    async def session_cookie(one: Browser, **headers: str) -> str:
        page = await one.client.get("/sign-in")
        visitor = page.headers.getall("Set-Cookie")[0]
        assert "HttpOnly" in visitor and "SameSite=Strict" in visitor
        token = (await page.text()).split('name="csrf" value="')[1].split('"')[0]
        fields = {"csrf": token, "login": "wang.mei", "password": "竹海 lamp 2026"}
        headers = {"Cookie": visitor.split(";")[0]}
        answer = await one.client.post("/sign-in", data=fields, allow_redirects=False, headers=headers)
        return answer.headers.getall("Set-Cookie")[0]

    plain = await session_cookie(browser)
    assert plain.startswith("lianban-n17-session=")
    assert "HttpOnly" in plain and "SameSite=Lax" in plain and "Secure" not in plain
    secure = await session_cookie(await open_browser(replace(SITE, tls=True)))
    assert secure.startswith("__Host-lianban-n17-session=")
    assert "Secure" in secure and "Path=/" in secure and "Domain" not in secure


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
async def test_a_form_without_the_right_token_is_refused(signed_in: Browser, place: Place, token: str) -> None:
    status, text = await signed_in.post("/cases", token, name="张三")
    assert status == 403
    assert "重新提交" in text
    assert place.taken == []
    assert (await signed_in.post("/sign-out", token))[0] == 403


async def test_signing_in_needs_the_token_of_this_very_browser(browser: Browser, open_browser: Open) -> None:
    foreign = await browser.token()
    victim = await open_browser()
    assert (await victim.post("/sign-in", foreign, login="wang.mei", password="竹海 lamp 2026"))[0] == 403
    await victim.get("/sign-in")
    assert (await victim.post("/sign-in", foreign, login="wang.mei", password="竹海 lamp 2026"))[0] == 403


async def test_a_token_of_one_session_is_worth_nothing_in_another(signed_in: Browser, open_browser: Open) -> None:
    other = await open_browser()
    await other.sign_in()
    assert (await other.post("/cases", await signed_in.token("/cases"), name="x"))[0] == 403


async def test_a_good_form_is_taken_and_a_faulty_one_comes_back_filled(signed_in: Browser, place: Place) -> None:
    token = await signed_in.token("/cases")
    status, text = await signed_in.post("/cases", token, name=" ")
    assert status == 422
    assert 'href="#f-name"' in text and 'aria-invalid="true"' in text and 'aria-describedby="f-name-error"' in text
    assert await signed_in.post("/cases", token, name=" 买买提·吐尔逊𠮷\x00 ") == (303, "/cases")
    assert place.taken == [("买买提·吐尔逊𠮷", 0)]
    assert "已保存 100% 买买提·吐尔逊𠮷" in (await signed_in.get("/cases"))[1]


def _multipart(token: str, *files: tuple[str, bytes], first: str = "csrf") -> bytes:
    """The bytes a browser sends; file names go out as plain UTF-8."""
    fields = sorted({"csrf": token, "name": "李四"}.items(), key=lambda pair: pair[0] != first)
    parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields]
    for name, body in files:
        parts.append(f'name="scan"; filename="{name}"\r\nContent-Type: image/jpeg\r\n\r\n'.encode() + body)
    joined = b"".join(b"--b\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts)
    return joined + b"--b--\r\n"


async def _upload(browser: Browser, body: bytes) -> tuple[int, str]:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await browser.client.post("/cases", data=body, headers=headers, allow_redirects=False)
    return answer.status, await answer.text()


async def test_an_upload_is_taken_within_its_limits_and_refused_beyond(signed_in: Browser, place: Place) -> None:
    token = await signed_in.token("/cases")
    small, big = b"x" * 300_000, b"x" * (2 * 1024 * 1024 + 1)
    assert (await _upload(signed_in, _multipart(token, ("a.jpg", small), ("C:\\照片 1.jpg", b""))))[0] == 303
    assert place.taken == [("李四", 0), ("a.jpg", 300_000), ("照片 1.jpg", 0)]
    status, text = await _upload(signed_in, _multipart(token, ("a.jpg", big)))
    assert status == 413
    assert "太大" in text and "200 dpi" in text
    status, text = await _upload(signed_in, _multipart(token, *[(f"{n}.jpg", b"x") for n in range(3)]))
    assert status == 422
    assert "一次最多上传 2 个文件" in text
    assert len(place.taken) == 3


async def test_a_length_that_is_too_much_is_refused_before_reading(signed_in: Browser) -> None:
    url = signed_in.client.make_url("/cases")
    cookie = f"lianban-n17-session={signed_in.cookie('lianban-n17-session')}"
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"POST /cases HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\nContent-Length: {2 * 1024**3}\r\n"
    writer.write(head.encode() + b"Content-Type: multipart/form-data; boundary=b\r\n\r\n")
    assert b" 413 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    assert (await signed_in.get("/cases"))[0] == 200


async def test_an_endless_upload_without_a_length_is_cut_off(signed_in: Browser) -> None:
    sent = 0

    async def endless() -> object:
        nonlocal sent
        yield f'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{token}\r\n'.encode()
        yield b'--b\r\nContent-Disposition: form-data; name="scan"; filename="a"\r\n\r\n'
        while sent < 40:
            sent += 1
            yield b"x" * 1024 * 1024

    token = await signed_in.token("/cases")
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    try:
        answer = await signed_in.client.post("/cases", data=endless(), headers=headers, allow_redirects=False)
        assert answer.status == 413
    except aiohttp.ClientConnectionError:
        pass  # the server may hang up while we are still sending
    assert (await signed_in.get("/cases"))[0] == 200


async def test_a_forged_upload_is_refused_before_its_files(signed_in: Browser, place: Place) -> None:
    token = await signed_in.token("/cases")
    assert (await _upload(signed_in, _multipart("0" * 64, ("a.jpg", b"x"))))[0] == 403
    assert (await _upload(signed_in, _multipart(token, ("a.jpg", b"x"), first="name")))[0] == 403
    assert place.taken == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\ncut'),
        ("multipart/form-data; boundary=b", b"no boundary here"),
        ("application/x-www-form-urlencoded", b"csrf=%ff%fe&name=%80"),
        ("application/x-www-form-urlencoded", "姓名=张".encode("gbk")),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(600))),
        ("text/plain", b"\x00" * 10),
        ("application/json", b"{}"),
    ],
)
async def test_a_body_that_is_no_form_is_refused_with_a_page(signed_in: Browser, kind: str, body: bytes) -> None:
    headers = {"Content-Type": kind}
    answer = await signed_in.client.post("/cases", data=body, headers=headers, allow_redirects=False)
    assert answer.status in (403, 422)
    assert "<h1>" in await answer.text()
    assert (await signed_in.get("/cases"))[0] == 200


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/fail/bad", 422, "收件日期 90% 不对 &lt;b&gt;"),
        ("/fail/no", 403, "只有县级审批员可以准予"),
        ("/fail/none", 404, "没有找到"),
        ("/nowhere", 404, "没有找到"),
        ("/sign-out", 405, "不能这样打开"),
        ("/fail/bug", 500, "事故编号"),
        ("/fail/full", 507, "磁盘没有空间"),
    ],
)
async def test_an_error_page_says_what_happened_and_what_next(
    signed_in: Browser, path: str, status: int, says: str
) -> None:
    got, text = await signed_in.get(path)
    assert got == status
    assert says in text and 'href="/"' in text and "王梅" in text


async def test_the_incident_is_logged_and_its_cause_is_never_shown(signed_in: Browser) -> None:
    with capture_logs() as logs:
        _, text = await signed_in.get("/fail/bug")
    incident = text.split('class="code">')[1].split("<")[0]
    assert "hunter2" not in text and "Traceback" not in text and "RuntimeError" not in text
    (logged,) = [line for line in logs if line.get("incident")]
    assert logged["incident"] == incident
    assert logged["exc_info"] is True


async def test_the_request_log_names_the_route_and_not_what_was_typed(signed_in: Browser) -> None:
    with capture_logs() as logs:
        await signed_in.get("/cases?q=341882189001011230")
        await signed_in.get("/fail/none?q=王梅")
    assert [(line["route"], line["status"]) for line in logs] == [("/cases", 200), ("/fail/{kind}", 404)]
    assert "341882189001011230" not in json.dumps(logs)


async def test_when_the_database_is_gone_there_is_still_a_page(signed_in: Browser, place: Place) -> None:
    async def broken(_fn: object) -> None:
        raise RuntimeError("disk I/O error")

    place.store.read = broken  # type: ignore[method-assign, assignment]
    status, text = await signed_in.get("/cases")
    assert status == 500
    assert "事故编号" in text and "disk I/O" not in text


async def test_a_form_posted_after_the_session_ran_out_is_not_lost_silently(signed_in: Browser, place: Place) -> None:
    token = await signed_in.token("/cases")
    place.now += 25 * 3600
    status, text = await signed_in.post("/cases", token, name="张三")
    assert status == 401
    assert "没有提交" in text and place.taken == []


async def test_a_redirect_that_a_page_raises_is_kept(signed_in: Browser) -> None:
    assert await signed_in.get("/fail/moved") == (302, "/cases")


async def test_a_route_nobody_described_still_needs_a_signed_in_person(browser: Browser) -> None:
    assert (await browser.get("/undescribed"))[0] == 303


async def test_machine_paths_pass_untouched(browser: Browser) -> None:
    answer = await browser.client.post("/v1/exchange", data=b"\x00\x01")
    assert (answer.status, await answer.read()) == (200, b"\x00\x01")
    assert "Set-Cookie" not in answer.headers
    assert "Content-Security-Policy" not in answer.headers


async def test_two_programs_on_one_host_do_not_sign_each_other_out(place: Place, open_browser: Open) -> None:
    await place.add(AGENT)
    one = await open_browser()
    await one.sign_in()
    other = await open_browser(replace(SITE, key="hub"))
    jar = {c.key: c.value for c in one.client.session.cookie_jar}
    other.client.session.cookie_jar.update_cookies(jar)
    await other.sign_in()
    assert other.cookie("lianban-n17-session") == one.cookie("lianban-n17-session")


async def test_uploads_are_spooled_where_the_program_says(
    place: Place, open_browser: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.add(AGENT)
    folders: list[object] = []
    import tempfile

    real = tempfile.SpooledTemporaryFile
    monkeypatch.setattr("tempfile.SpooledTemporaryFile", lambda **more: folders.append(more["dir"]) or real(**more))
    browser = await open_browser(replace(SITE, spool_dir=tmp_path))
    await browser.sign_in()
    token = await browser.token("/cases")
    assert (await _upload(browser, _multipart(token, ("a.jpg", b"x" * 600_000))))[0] == 303
    assert folders == [str(tmp_path)]
