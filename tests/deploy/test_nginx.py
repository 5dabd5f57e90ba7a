"""The site before the hub, in a real nginx with an application behind it that shows what reaches it and when."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from casework.web.case_pages import CASE_PAGES
from casework.web.courier_pages import COURIER_PAGES
from casework.web.pages import MIB, Page
from casework.web.sign_in import SIGN_IN_PAGES
from hub.pages import HUB_PAGES
from sync_protocol.enrolment import REQUEST_BYTES_MAX
from sync_protocol.limits import LONG_POLL_SECONDS_MAX, MESSAGE_BYTES_MAX
from tests.deploy.nginx_site import SITE, NginxSite
from tests.processes.founding import free_port

pytestmark = pytest.mark.processes
GIB = 1024 * MIB
_PATIENCE_SECONDS = 30
_POSTS = [page for page in (*CASE_PAGES, *COURIER_PAGES, *HUB_PAGES, *SIGN_IN_PAGES) if page.method == "POST"]


@dataclass
class Behind:
    """Stands where the hub would: keeps what came, answers with what it is told to."""

    came: list[web.Request] = field(default_factory=list)
    first_part: asyncio.Future[bytes] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def any(self, request: web.Request) -> web.StreamResponse:
        self.came.append(request)
        if request.path == "/events":
            return await self._events(request)
        if request.path == "/hold":
            await self.go_on.wait()
        if request.path == "/sync":
            self.first_part.set_result(await request.content.readany())
            await request.content.read()
        headers = {"Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "nosniff"}
        return web.Response(text="of the hub", headers=headers)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"data: first\n\n")
        await self.go_on.wait()
        await answer.write(b"data: second\n\n")
        return answer


@dataclass
class Both:
    """nginx, what is behind it, and ways to ask."""

    site: NginxSite
    hub: Behind

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.site.ca[0])

    @asynccontextmanager
    async def raw(self, head: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection on which the request's head has been sent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.site.https, ssl=self.trust)
        try:
            writer.write(head.replace("\n", "\r\n").encode())
            yield reader, writer
        finally:
            writer.close()
            with suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    async def status(self, head: str) -> int:
        """The status that a head alone is answered with."""
        async with asyncio.timeout(_PATIENCE_SECONDS), self.raw(head) as (reader, _):
            return int((await reader.readline()).split()[1])

    async def ask(self, path: str, method: str = "GET", **more: object) -> tuple[aiohttp.ClientResponse, str]:
        connector = aiohttp.TCPConnector(ssl=self.trust, local_addr=more.pop("local", None))  # type: ignore[arg-type]
        async with aiohttp.ClientSession(connector=connector) as session:
            asked = session.request(method, self.site.url + path, allow_redirects=False, **more)  # type: ignore[arg-type]
            async with asked as answer:
                return answer, await answer.text()


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    hub, port = Behind(), free_port()
    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/{path:.*}", hub.any)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    with NginxSite(tmp_path / "nginx", port) as site:
        yield Both(site, hub)
    hub.go_on.set()
    await runner.cleanup()


def test_nginx_accepts_the_site(tmp_path: Path) -> None:
    site = NginxSite(tmp_path / "nginx", 8000)
    done = subprocess.run(site.command("-t"), capture_output=True, text=True, check=False)
    said = done.stderr + site.written()
    assert done.returncode == 0, said
    assert "[warn]" not in said and "[emerg]" not in said, said


async def test_a_body_is_passed_on_before_it_has_ended(both: Both) -> None:
    """What a link carried before it was cut must not wait at the door."""
    async with (
        asyncio.timeout(_PATIENCE_SECONDS),
        both.raw("POST /sync HTTP/1.1\nHost: county\nContent-Length: 6\n\n") as (reader, writer),
    ):
        writer.write(b"one")
        assert await both.hub.first_part == b"one"
        writer.write(b"two")
        assert b" 200 " in await reader.readline()


async def test_a_body_of_unknown_length_is_passed_on_too(both: Both) -> None:
    async with (
        asyncio.timeout(_PATIENCE_SECONDS),
        both.raw("POST /sync HTTP/1.1\nHost: county\nTransfer-Encoding: chunked\n\n") as (reader, writer),
    ):
        writer.write(b"3\r\none\r\n")
        assert await both.hub.first_part == b"one"
        writer.write(b"0\r\n\r\n")
        assert b" 200 " in await reader.readline()


async def test_an_event_arrives_while_the_stream_goes_on(both: Both) -> None:
    async with (
        asyncio.timeout(_PATIENCE_SECONDS),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=both.trust)) as session,
        session.get(both.site.url + "/events") as answer,
    ):
        assert await answer.content.readany() == b"data: first\n\n"
        both.hub.go_on.set()
        assert await answer.content.read() == b"data: second\n\n"


def _sample(path: str) -> str:
    return re.sub(r"\{\w+\}", "0a1b", path)


def _head(path: str, length: int) -> str:
    return f"POST {path} HTTP/1.1\nHost: county\nContent-Length: {length}\n\n"


async def test_what_the_hub_takes_passes_and_what_it_never_takes_does_not(both: Both) -> None:
    """Each page's own limit and what a form adds; the page that answers above it is in people's language."""
    for page in _POSTS:
        assert await both.status(_head(_sample(page.path), _most(page))) == 200, page
        # No page may be used to push the next larger thing through.
        above = 20 * GIB if page.path == "/courier/import" else max(4 * _most(page), 8 * MIB)
        assert await both.status(_head(_sample(page.path), above)) == 413, page
    answer, text = await both.ask("/sign-in", "POST", data=b"x" * 3 * MIB)
    assert answer.status == 413 and "已停止接收" in text and answer.headers["Cache-Control"] == "no-store"


def _most(page: Page) -> int:
    return page.upload.total_bytes + min(MIB, page.upload.total_bytes)


async def test_nobody_who_has_not_signed_in_may_push_more_than_a_form(both: Both) -> None:
    open_to_all = [page for page in _POSTS if page.public]
    assert len(open_to_all) > 3
    for page in open_to_all:
        assert await both.status(_head(_sample(page.path), 3 * MIB)) == 413, page


async def test_a_stations_message_passes_up_to_its_limit_and_a_little_more(both: Both) -> None:
    """The little more is the hub's to refuse, with a code that the station understands."""
    head = "POST {} HTTP/1.1\nHost: county\nContent-Length: {}\n\n"
    assert await both.status(head.format("/enrol", REQUEST_BYTES_MAX + 1)) == 200
    assert await both.status(head.format("/enrol", 3 * MIB)) == 413
    async with both.raw(head.format("/sync", MESSAGE_BYTES_MAX + 1)) as (_, writer):
        writer.write(b"x")
        assert await asyncio.wait_for(both.hub.first_part, _PATIENCE_SECONDS) == b"x"
    assert await both.status(head.format("/sync", 6 * MIB)) == 413
    waits = re.search(r"location = /sync \{[^}]*proxy_read_timeout (\d+)s", SITE.read_text(encoding="utf-8"))
    assert waits is not None and int(waits[1]) > 2 * LONG_POLL_SECONDS_MAX


async def test_a_body_that_does_not_say_its_length_is_cut_at_the_limit(both: Both) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(80):
            yield bytes(64 * 1024)

    with suppress(aiohttp.ClientOSError):  # the connection may be gone before the answer was read
        answer, _ = await both.ask("/password", "POST", data=endless())
        assert answer.status == 413


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /cases HTTP/1.1\nHost: county\nCookie: " + "a" * 9_000 + "\n\n", 400),
        ("GET /cases HTTP/1.1\nHost: county\n" + "".join(f"X-{n}: {'b' * 900}\n" for n in range(60)) + "\n", 400),
        ("GET /cases?" + "c" * 9_000 + " HTTP/1.1\nHost: county\n\n", 414),
        ("GET /cases HTTP/1.1\n\n", 400),
        ("GET /cases HTTP/1.1\nHost: county\nCookie: " + "a" * 6_000 + "\n\n", 200),
    ],
    ids=["one-header", "many-headers", "address", "no-host", "within"],
)
async def test_a_head_beyond_the_limits_never_reaches_the_hub(both: Both, head: str, status: int) -> None:
    assert await both.status(head) == status
    assert len(both.hub.came) == (status == 200)


async def test_the_hub_hears_the_real_address_and_nothing_that_a_visitor_claims(both: Both) -> None:
    await both.ask("/", headers={"X-Forwarded-For": "10.1.2.3"}, local=("127.0.0.9", 0))
    (request,) = both.hub.came
    assert request.headers.getall("X-Forwarded-For") == ["127.0.0.9"]
    assert request.headers["Host"] == f"127.0.0.1:{both.site.https}"


async def test_no_address_of_a_slip_and_no_search_comes_into_a_log(both: Both) -> None:
    code, name = "ABCDEFGHJKMNPQRS", "%E5%BC%A0%E4%B8%89"
    asked = [f"/q/{code}", f"/q?code={code}", f"/q/{code}/rate", f"/cases?q={name}", f"/cases/{code}", f"/rate/{code}"]
    for path in asked:
        assert (await both.ask(path))[0].status == 200
    for path in asked:  # answered by nginx itself
        assert await both.status(f"GET {path}&{'c' * 9_000} HTTP/1.1\nHost: county\n\n") in (400, 414)
        assert await both.status(f"POST {path} HTTP/1.1\nHost: county\nContent-Length: {20 * GIB}\n\n") == 413
    plain = f"http://127.0.0.1:{both.site.http}/q/{code}"
    async with aiohttp.ClientSession() as session, session.get(plain, allow_redirects=False) as answer:
        assert answer.status == 301 and answer.headers["Location"] == f"https://county.example/q/{code}"
    rows = [json.loads(line) for line in both.site.logged().splitlines()]
    assert {row["place"] for row in rows} == {"/cases", "/rate", "-"}, rows  # "-": no address was read at all
    assert code not in both.site.written() and name not in both.site.written()


async def test_what_is_away_says_so_in_words_and_leaves_no_address_in_a_log(tmp_path: Path) -> None:
    code = "ABCDEFGHJKMNPQRS"
    with NginxSite(tmp_path / "nginx", free_port()) as site:
        alone = Both(site, Behind())
        for path in (f"/q/{code}", f"/cases?q={code}", "/sign-in"):
            answer, text = await alone.ask(path)
            assert answer.status == 503 and answer.headers["Retry-After"] == "30"
            assert "县级系统暂时没有应答" in text and "已保存的办件" in text
        assert code not in site.written()


async def test_the_admin_listeners_pages_are_not_to_be_had(both: Both) -> None:
    for path in ("/metrics", "/healthz", "/readyz", "/control/status"):
        assert (await both.ask(path))[0].status == 404
    assert both.hub.came == []


async def test_headers_are_the_hubs_and_said_once(both: Both) -> None:
    answer, _ = await both.ask("/")
    for name in ("Content-Security-Policy", "X-Content-Type-Options", "Strict-Transport-Security"):
        assert len(answer.headers.getall(name)) == 1, name
    assert answer.headers["Content-Security-Policy"] == "default-src 'self'"
    assert answer.headers["Server"] == "nginx"
    # A station pays for each byte and pins the certificate anyway.
    station, _ = await both.ask("/sync", "POST", data=b"x")
    assert "Strict-Transport-Security" not in station.headers


async def test_a_flood_of_one_address_is_answered_without_the_hub(both: Both) -> None:
    most = int(re.search(r"limit_conn lianban_connections (\d+);", SITE.read_text("utf-8"))[1])  # type: ignore[index]
    connector = aiohttp.TCPConnector(ssl=both.trust, limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one() -> int:
            async with session.get(both.site.url + "/hold") as answer:
                return answer.status

        tasks = [asyncio.create_task(one()) for _ in range(most + 5)]
        async with asyncio.timeout(_PATIENCE_SECONDS):
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            assert {task.result() for task in done} == {429}
            both.hub.go_on.set()
            statuses = await asyncio.gather(*tasks)
    assert statuses.count(429) == 5 and statuses.count(200) == most


async def test_questions_of_one_address_are_slowed_down_and_others_go_on(both: Both) -> None:
    connector = aiohttp.TCPConnector(ssl=both.trust)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one() -> int:
            async with session.get(both.site.url + "/q/ABCD") as answer:
                if answer.status == 429:
                    assert "访问太频繁" in await answer.text()
                return answer.status

        statuses = await asyncio.gather(*(one() for _ in range(400)))
    assert 200 in statuses and 429 in statuses
    assert (await both.ask("/q/ABCD", local=("127.0.0.8", 0)))[0].status == 200
    assert (await both.ask("/cases"))[0].status == 200
    assert "/q" not in both.site.written()


def test_old_tls_is_refused(tmp_path: Path) -> None:
    with NginxSite(tmp_path / "nginx", free_port()) as site:
        assert not _speaks(site, "-tls1_1")
        assert _speaks(site, "-tls1_2") and _speaks(site, "-tls1_3")


def _speaks(site: NginxSite, version: str) -> bool:
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{site.https}", version, "-cipher", "ALL:@SECLEVEL=0"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.returncode == 0 and "Cipher is (NONE)" not in done.stdout
