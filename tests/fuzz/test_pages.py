"""Requests that no browser sends, byte by byte on a real socket: every one gets a page that is not a fault.

A status of 500 or above is a fault of ours. What is no HTTP at all may be cut off without an answer.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.casework.web.tiny_program import AGENT, Browser, FileStore, Place, make_app
from tests.fuzz.spoil import RECIPES, spoiled_bytes

# aiohttp warns of such headers with their text, and text that is no UTF-8 cannot travel between test workers.
pytestmark = [
    pytest.mark.filterwarnings("ignore::aiohttp.multipart.BadContentDispositionHeader"),
    pytest.mark.filterwarnings("ignore::aiohttp.multipart.BadContentDispositionParam"),
]

TENTH = settings.get_profile("fuzz-tenth")
EDGE = b"edge"
WAIT_SECONDS = 20
"""For an answer on loopback; nothing is measured by it."""


class Wire:
    """The tiny program on a port, and raw requests to it, all in one event loop."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.store = FileStore(folder / "pages.db")
        self.place = Place(self.store)
        self.statuses: Counter[int] = Counter()
        self.token = self.cookie = b""
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.run(self._open())

    def run(self, work):
        return self.loop.run_until_complete(work)

    async def _open(self) -> None:
        await self.place.add(AGENT)
        self.server = TestServer(make_app(self.place), loop=self.loop)
        await self.server.start_server()
        client = TestClient(self.server, loop=self.loop)
        browser = Browser(client)
        assert (await browser.sign_in())[0] == 303
        self.token = (await browser.token("/cases")).encode()
        self.cookie = f"lianban-n17-session={browser.cookie('lianban-n17-session')}".encode()
        await client.session.close()

    async def _close(self) -> None:
        if self._line:
            self._line[1].close()
        await self.server.close()

    def close(self) -> None:
        self.run(self._close())
        self.store.engine.dispose()
        self.loop.close()

    def ask(self, target: bytes, *headers: bytes, method: bytes = b"GET", body: bytes = b"") -> int:
        """The status of the answer, 0 when there was none."""
        lines = [method + b" " + target + b" HTTP/1.1", b"Host: x", *headers]
        if method == b"POST":
            lines.append(b"Content-Length: %d" % len(body))
        status = self.run(self._ask(b"\r\n".join(lines) + b"\r\n\r\n" + body))
        self.statuses[status] += 1
        return status

    async def _ask(self, data: bytes) -> int:
        async with asyncio.timeout(WAIT_SECONDS):
            for _ in range(2):
                fresh = self._line is None
                reader, writer = self._line or await asyncio.open_connection("127.0.0.1", self.server.port)
                self._line = None
                try:
                    writer.write(data)
                    head = await reader.readuntil(b"\r\n\r\n")
                except (asyncio.IncompleteReadError, ConnectionError):
                    writer.close()
                    if fresh:
                        return 0
                    continue
                await self._rest(reader, writer, head)
                return int(head.split(b" ", 2)[1])
        return 0

    async def _rest(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        """Read the body and keep the connection only if it is clean for the next request."""
        lower = head.lower()
        length = lower.split(b"content-length:")[1].split(b"\r\n")[0] if b"content-length:" in lower else b"0"
        await reader.readexactly(int(length))
        if b"connection: close" in lower or b"transfer-encoding" in lower or int(head.split(b" ", 2)[1]) >= 400:
            writer.close()
        else:
            self._line = reader, writer


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    found = Wire(tmp_path_factory.mktemp("pages"))
    yield found
    found.close()


ODD = st.sampled_from([
    b"", b"\x80", b"\xff\xfe", b"\xed\xa0\x80", "张".encode(), b"%", b"%00", b"%zz", b"%ed%a0%80", b"%ff", b"%0d%0aX:1",
    b"..", b"%2e%2e%2f", b"//", b"\\", b"'", b'"', b"<script>", b"\x7f", b"\t", b"=", b";", b",", b"&", b"+", b"#",
    b"?", b"9" * 30, b"-1", b"0", b"1e9", b"\xef\xbc\x91", b"\xd9\xa1", b"a" * 300, b"__Host-", b"$Version=1", b"None",
])  # fmt: skip
WORDS = st.lists(st.one_of(ODD, st.binary(max_size=6)), min_size=1, max_size=4).map(b"".join)


def line_safe(data: bytes) -> bytes:
    """A header's value or a request's target holds no line ends, and a target no space."""
    return data.translate(None, b"\r\n\0")


@TENTH
@given(
    name=st.sampled_from([b"lianban-n17-session", b"lianban-n17-visitor", b"other"]), value=WORDS, good=st.booleans()
)
def test_no_cookie_breaks_a_page(wire, name, value, good):
    cookie = b"Cookie: " + (wire.cookie + b"; " if good else b"") + name + b"=" + line_safe(value)
    assert wire.ask(b"/sign-in", cookie) < 500


@TENTH
@given(
    path=st.sampled_from([b"/sign-in?next=", b"/cases?q=", b"/cases?page=", b"/", b"/static/", b"/undescribed?"]),
    value=WORDS,
    good=st.booleans(),
)
def test_no_address_breaks_a_page(wire, path, value, good):
    target = path + line_safe(value).translate(None, b" \t")
    assert wire.ask(target, *([b"Cookie: " + wire.cookie] if good else [])) < 500


@pytest.mark.parametrize("name", [b"lianban-n17-session", b"lianban-n17-visitor"])
@pytest.mark.parametrize("value", [b"\x80", b"\xff\xfe", "张".encode(), b'"\\303\\277"'])
def test_a_cookie_of_bytes_that_are_no_text_is_no_cookie(wire, name, value):
    assert wire.ask(b"/sign-in", b"Cookie: " + name + b"=" + value) == 200


FIELDS = st.lists(
    st.tuples(st.sampled_from([b"csrf", b"name", b"login", b"password", b"next", b"_charset_", b""]), WORDS), max_size=4
)


@TENTH
@given(fields=FIELDS, recipe=RECIPES, token=st.booleans(), sign_in=st.sampled_from([False] * 7 + [True]))
def test_no_posted_fields_break_a_page(wire, fields, recipe, token, sign_in):
    pairs = [(b"csrf", wire.token)] * token + fields
    body = b"&".join(name + b"=" + (value if recipe[0] % 2 else quote(value).encode()) for name, value in pairs)
    body = spoiled_bytes([body], recipe) if recipe[0] > 128 else body
    kind = b"Content-Type: application/x-www-form-urlencoded"
    target = b"/sign-in" if sign_in else b"/cases"
    headers = [kind] if sign_in else [kind, b"Cookie: " + wire.cookie]
    assert wire.ask(target, *headers, method=b"POST", body=body) < 500


PART_HEADS = st.sampled_from([
    b'Content-Disposition: form-data; name="name"', b'Content-Disposition: form-data; name="scan"; filename="a.jpg"',
    b'Content-Disposition: form-data; name="scan"; filename=""', b"Content-Disposition: form-data",
    b'Content-Disposition: form-data; name="_charset_"', b"Content-Disposition: attachment; filename*=UTF-8''%ff%zz",
    b"Content-Disposition: form-data; name*=no-such-charset''a", b"Content-Disposition: ;;;", b"X: y", b"",
    b'Content-Disposition: form-data; name="\xff\xfe"', b'Content-Disposition: form-data; name="a"; filename="\xff"',
    b'Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64',
    b'Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: no-such',
    b'Content-Disposition: form-data; name="a"\r\nContent-Encoding: gzip',
    b'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=no-such',
    b"Content-Type: multipart/mixed; boundary=x", b"Content-Type: multipart/mixed",
    b'Content-Disposition: form-data; name="a"\r\nContent-Length: 3', b"Content-Length: -1",
    b"Content-Length: 9" + b"9" * 40,
    b"X: " + b"y" * 9_000, b"no colon",
])  # fmt: skip
EDGES = st.sampled_from([b"edge"] * 9 + [b"", b"edge\xff", b'"edge"', b"e" * 80, b"edge; boundary=x"])


@st.composite
def multiparts(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A content type and a body: parts with odd heads, then the whole spoiled a little."""
    parts = []
    if draw(st.booleans()):
        parts.append(b'Content-Disposition: form-data; name="csrf"\r\n\r\nTOKEN')
    for head in draw(st.lists(PART_HEADS, max_size=3)):
        parts.append(head + b"\r\n\r\n" + draw(WORDS))
    body = b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"
    return b"Content-Type: multipart/form-data; boundary=" + draw(EDGES), body


@TENTH
@given(form=multiparts(), recipe=RECIPES, coding=st.sampled_from([b"", b"", b"", b"", b"gzip", b"deflate", b"no-such"]))
def test_no_multipart_body_breaks_a_page(wire, form, recipe, coding):
    kind, body = form
    body = spoiled_bytes([body.replace(b"TOKEN", wire.token)], recipe)
    headers = [kind, b"Cookie: " + wire.cookie] + ([b"Content-Encoding: " + coding] if coding else [])
    assert wire.ask(b"/cases", *headers, method=b"POST", body=body) < 500


def test_a_form_that_is_cut_anywhere_is_an_error_of_the_form(wire):
    head = b'--edge\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n' + wire.token + b"\r\n"
    body = head + b'--edge\r\nContent-Disposition: form-data; name="name"\r\n\r\na\r\n--edge--\r\n'
    headers = [b"Content-Type: multipart/form-data; boundary=edge", b"Cookie: " + wire.cookie]
    for length in range(0, len(body), 3):
        assert wire.ask(b"/cases", *headers, method=b"POST", body=body[:length]) in (303, 403, 422), length


def test_the_requests_above_were_answered(wire):
    if not wire.statuses:
        pytest.fail("run the whole file")
    assert {200, 303, 403, 404, 422} <= set(wire.statuses), wire.statuses
