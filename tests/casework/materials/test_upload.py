"""Forms over a real loopback connection: what is taken, refused, and left on disk and in memory."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

import casework
from casework.errors import BadInput
from casework.materials.rules import MIB
from casework.materials.upload import Form, FormLimits, _append, read_form

LIMITS = FormLimits(fields=3, field_bytes=100, files=3, file_bytes=1000, total_bytes=1500)
ROOT = str(Path(casework.__file__).resolve().parents[1])
EDGE = "edge-of-part"
Post = Callable[..., Awaitable[tuple[int, dict[str, object]]]]


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def seen(form: Form) -> dict[str, object]:
    files = {key: [(u.name, u.path.name, u.path.read_bytes().hex()) for u in all_] for key, all_ in form.files.items()}
    return {"fields": form.fields, "files": files}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(seen(await read_form(request, tmp_path, LIMITS)))
        except BadInput as bad:
            return web.json_response({"field": bad.problems[0].field, "said": str(bad)}, status=400)

    app = web.Application()
    app.router.add_post("/", handle)
    async with TestClient(TestServer(app)) as running:
        yield running


@pytest.fixture
def post(client: TestClient[web.Request, web.Application]) -> Post:
    async def send(*parts: bytes, headers: dict[str, str] | None = None) -> tuple[int, dict[str, object]]:
        body = b"".join(b"--" + EDGE.encode() + b"\r\n" + part + b"\r\n" for part in parts)
        body += b"--" + EDGE.encode() + b"--\r\n"
        return await send_body(client, body, headers)

    return send


async def send_body(
    client: TestClient[web.Request, web.Application], body: bytes, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, object]]:
    kind = {"Content-Type": f"multipart/form-data; boundary={EDGE}"}
    async with client.post("/", data=body, headers=kind | (headers or {})) as reply:
        return reply.status, await reply.json()


def text(name: str, value: bytes) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value


def file(name: str, filename: str, data: bytes) -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
    return head.encode() + b"Content-Type: image/jpeg\r\n\r\n" + data


async def test_texts_and_files_arrive_as_sent(post: Post, tmp_path: Path) -> None:
    data = bytes(range(256)) + b"\r\n--edge-of-par\r\n"
    status, got = await post(
        text("name", "买买提·吐尔逊".encode()),
        text("many", b"1"),
        text("many", b""),
        file("scan", "户口本.jpg", data),
    )
    assert status == 200
    assert got["fields"] == {"name": ["买买提·吐尔逊"], "many": ["1", ""]}
    ((shown, stored, content),) = got["files"]["scan"]  # type: ignore[index]
    assert (shown, content) == ("户口本.jpg", data.hex())
    assert left_in(tmp_path) == {stored}


def test_the_last_text_of_a_name_counts() -> None:
    form = Form(fields={"a": ["1", "2"]})
    assert (form.text("a"), form.text("b")) == ("2", "")


@pytest.mark.parametrize("name", ["../../escape.jpg", "/etc/cron.d/x", "..", "a\\\\..\\\\b.jpg"])
async def test_a_client_name_never_becomes_a_path(post: Post, tmp_path: Path, name: str) -> None:
    status, got = await post(file("scan", name, b"abc"))
    assert status == 200
    (kept,) = left_in(tmp_path)
    assert kept.startswith("upload-")
    assert "/" not in got["files"]["scan"][0][0]  # type: ignore[index]


async def test_an_empty_file_input_is_left_out_but_an_empty_file_is_not(post: Post, tmp_path: Path) -> None:
    status, got = await post(file("none", "", b""), file("void", "空.jpg", b""))
    assert status == 200
    assert list(got["files"]) == ["void"]  # type: ignore[call-overload]
    assert len(left_in(tmp_path)) == 1


async def test_a_file_is_taken_at_the_limit_and_refused_one_byte_above(post: Post, tmp_path: Path) -> None:
    assert (await post(file("scan", "a.jpg", bytes(1000))))[0] == 200
    before = left_in(tmp_path)
    status, got = await post(file("ok", "b.jpg", b"b"), file("scan", "大.jpg", bytes(1001)))
    assert (status, got["field"]) == (400, "scan")
    assert "「大.jpg」" in str(got["said"])
    assert left_in(tmp_path) == before


REFUSED: dict[str, tuple[list[bytes], str]] = {
    "too many fields": ([file("f", "f", b"f"), *[text("a", b"1")] * 4], "超过 3 个"),
    "too many files": ([file("a", "a", b"1")] * 4, "超过 3 个"),
    "too many empty file inputs": ([file("a", "", b"")] * 4, "超过 3 个"),
    "too long a text": ([text("a", bytes(101))], "「a」的文字超过"),
    "too much in all": ([file("a", "a", bytes(800)), file("b", "b", bytes(800))], "合计超过"),
    "not utf-8": ([file("f", "f", b"f"), text("a", b"\xc4\xe3\xba\xc3")], "无法识别的字符"),
    "a half surrogate": ([text("a", b"\xed\xa0\x80")], "无法识别的字符"),
    "a nul": ([text("a", b"1\x002")], "无法识别的字符"),
    "a part without a name": ([b"Content-Disposition: form-data\r\n\r\n1"], "格式不对"),
    "a part without a disposition": ([b"X: y\r\n\r\n1"], "格式不对"),
    "a nested form": (
        [b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n1\r\n--x--"],
        "格式不对",
    ),
    "a name of control characters": ([text("a\x1b[2J", b"1")], "格式不对"),
    "a name of 201 characters": ([text("n" * 201, b"1")], "格式不对"),
    "a header line without an end": (
        [file("f", "f", b"f"), b"X: " + b"y" * 20_000 + b"\r\n\r\n1"],
        "格式不对",
    ),
    "a charset field that is too long": ([text("_charset_", b"u" * 64), text("a", b"1")], "格式不对"),
}


@pytest.mark.parametrize("title", REFUSED)
async def test_a_form_beyond_its_bounds_is_refused_and_the_next_is_served(
    post: Post, tmp_path: Path, title: str
) -> None:
    parts, words = REFUSED[title]
    status, got = await post(*parts)
    assert status == 400
    assert words in str(got["said"])
    assert left_in(tmp_path) == set()
    assert (await post(text("a", b"1")))[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no edge at all",
        b"--edge-of-part",
        b"--edge-of-part\r\n",
        b"--edge-of-part\r\n" + text("a", b"never ends"),
    ],
)
async def test_a_body_that_is_no_form_is_refused(
    client: TestClient[web.Request, web.Application], tmp_path: Path, body: bytes
) -> None:
    status, got = await send_body(client, body)
    assert status == 400
    assert "格式不对" in str(got["said"])
    assert left_in(tmp_path) == set()


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json"},
        {"Content-Type": "multipart/form-data"},
        {"Content-Type": "multipart/form-data; boundary=" + "b" * 71},
        {"Content-Encoding": "gzip"},
    ],
)
async def test_a_body_of_another_type_is_refused(post: Post, headers: dict[str, str]) -> None:
    status, _ = await post(text("a", b"1"), headers=headers)
    assert status == 400


async def test_a_client_that_leaves_in_the_middle_leaves_no_file(
    client: TestClient[web.Request, web.Application], tmp_path: Path
) -> None:
    head = f"--{EDGE}\r\n".encode() + file("scan", "a.jpg", b"x" * 300)
    _, writer = await asyncio.open_connection(client.host, client.port)
    kind = f"Content-Type: multipart/form-data; boundary={EDGE}"
    writer.write(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n{kind}\r\n\r\n".encode() + head)
    await writer.drain()
    await until(lambda: len(left_in(tmp_path)) == 1)
    writer.close()
    await until(lambda: not left_in(tmp_path))


def test_a_full_disk_is_said_in_words() -> None:
    handle = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(BadInput, match="未能保存：本机磁盘空间不足"):
        _append(handle, b"x", name="a.jpg", field_name="scan")
    os.close(handle)


async def until(true: Callable[[], bool]) -> None:
    for _ in range(100):
        if true():
            return
        await asyncio.sleep(0.05)
    pytest.fail("never happened")


SERVER = """
import asyncio, json, resource, sys
from pathlib import Path
sys.path.append(sys.argv[1])
from aiohttp import web
from casework.errors import BadInput
from casework.materials.upload import read_form

def rss_kib():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1])

async def take(request):
    try:
        form = await read_form(request, Path(sys.argv[2]))
        said = {"bytes": form.files["scan"][0].length_bytes}
    except BadInput as bad:
        return web.json_response({"said": str(bad), "rss_kib": rss_kib()}, status=400)
    return web.json_response(said | {"rss_kib": rss_kib()})

async def main():
    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(json.dumps({"url": "http://127.0.0.1:%d/" % runner.addresses[0][1]}), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def stream(size_bytes: int, sent: list[int]) -> AsyncIterator[bytes]:
    """A form with one file of that size, made while it is sent."""
    yield f"--{EDGE}\r\n".encode() + file("scan", "全村.jpg", b"")
    block = b"\xff\xd8\xff\xe0" * (64 * 1024)
    for start in range(0, size_bytes, len(block)):
        yield block[: size_bytes - start]
        sent.append(len(block))
    yield f"\r\n--{EDGE}--\r\n".encode()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[str]:
    command = (sys.executable, "-I", "-c", SERVER, ROOT, str(tmp_path))
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    yield json.loads(await child.stdout.readline())["url"]
    child.kill()
    await child.wait()


async def offer(url: str, size_bytes: int, sent: list[int]) -> dict[str, object]:
    headers = {"Content-Type": f"multipart/form-data; boundary={EDGE}"}
    body = stream(size_bytes, sent)
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as reply:
        answer: dict[str, object] = await reply.json()
        return answer | {"status": reply.status}


@pytest.mark.processes
async def test_an_upload_of_two_gigabytes_is_cut_at_the_limit_and_the_next_one_is_served(
    server: str, tmp_path: Path
) -> None:
    sent: list[int] = []
    good = await offer(server, 20 * MIB, [])
    assert (good["status"], good["bytes"]) == (200, 20 * MIB)
    kept = left_in(tmp_path)
    cut = await offer(server, 2048 * MIB, sent)
    assert cut["status"] == 400
    assert "「全村.jpg」超过 30 MB" in str(cut["said"])
    assert left_in(tmp_path) == kept
    assert sum(sent) < 512 * MIB
    again = await offer(server, 29 * MIB, [])
    assert (again["status"], again["bytes"]) == (200, 29 * MIB)
    assert int(str(again["rss_kib"])) - int(str(good["rss_kib"])) < 8 * 1024
    assert int(str(again["rss_kib"])) < 100 * 1024


@pytest.mark.processes
async def test_a_declared_size_above_the_total_is_refused_unread(server: str, tmp_path: Path) -> None:
    host, port = server.removeprefix("http://").strip("/").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    kind = f"Content-Type: multipart/form-data; boundary={EDGE}"
    writer.write(f"POST / HTTP/1.1\r\nHost: x\r\n{kind}\r\nContent-Length: {2048 * MIB}\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(200), 10)
    assert answer.startswith(b"HTTP/1.1 400")
    writer.close()
    assert left_in(tmp_path) == set()
