"""What anybody on the network may throw at a hub and at a township; afterwards the same processes serve on."""

from __future__ import annotations

import gzip
import os
import random
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from sync_protocol import canonical
from sync_protocol.envelopes import REQUEST_HEAD_BYTES
from sync_protocol.limits import MESSAGE_BYTES_MAX, MIB
from tests.processes.founding import SmallCounty, dial, found_small_county
from tests.processes.lines import line, write_lines
from tests.processes.proxy import Proxy
from tests.processes.running import Server, fetch, report

GROWTH_KIB = 48 * 1024
"""How much a process may grow over an attack: some buffers of the largest message, no more."""
SERVERS = ("hub", "township")


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCounty]:
    found = found_small_county(tmp_path_factory.mktemp("bad") / "county", names=("township", "village"))
    found.serve("hub", "township")
    report("node", "sync", "--dir", found.dir("village"))
    yield found
    found.stop()


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, county: SmallCounty, tmp_path) -> Iterator[Server]:
    """The program under attack; it must be the same process afterwards, not grown, and serving."""
    attacked = county[request.param]
    assert attacked.process is not None
    pid, before = attacked.process.pid, attacked.kib("VmRSS")
    yield attacked
    assert attacked.process.poll() is None and attacked.process.pid == pid
    assert attacked.kib("VmRSS") - before < GROWTH_KIB
    assert fetch(attacked.url + "/sign-in")[0] == 200
    _sync_one_more(county, tmp_path)
    assert not re.search("Traceback|Unhandled|Task exception", attacked.written()), attacked.written()[-3000:]


_serial = iter(range(1, 1000))


def _sync_one_more(county: SmallCounty, folder) -> None:
    village = county.dir("village")
    cases = write_lines(folder / "good.jsonl", [line(next(_serial))])
    assert report("node", "intake", "--dir", village, cases, "--materials", folder)["taken"] == 1
    done = report("node", "sync", "--dir", village, "--until", "ordered")
    assert done["entries_sent"] == 1 and done["held"] == []


def _connect(server: Server) -> socket.socket:
    host, port = server.url.split("//")[1].split(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    connection.settimeout(20)
    return connection


def _head(path: str, length: int | str, *more: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {length}", *more, "", ""]
    return "\r\n".join(lines).encode()


def _answer(connection: socket.socket) -> tuple[int, bytes]:
    """Status and body of one answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        assert part, f"closed after {data!r}"
        data += part
    head, body = data.split(b"\r\n\r\n", 1)
    found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    assert found, head
    while len(body) < int(found.group(1)):
        body += connection.recv(65536)
    return int(head.split()[1]), body


def _post(server: Server, path: str, body: bytes, *more: str) -> tuple[int, str]:
    """Status and refusal code."""
    with _connect(server) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered before it had read all
            connection.sendall(_head(path, len(body), *more) + body)
        status, answer = _answer(connection)
    try:
        return status, str(canonical.unpack(answer, bytes_max=4096)[0])
    except (ValueError, TypeError, KeyError):
        return status, ""


def _garbage() -> list[bytes]:
    rng = random.Random(7)
    return [
        b"",
        b"\x00",
        b"\x01" * 88,
        b"\xff" * 200,
        rng.randbytes(89),
        rng.randbytes(5000),
        b'{"json": true}',
        b"\x28\xb5\x2f\xfd" + rng.randbytes(100),
        b"\x01" + rng.randbytes(MESSAGE_BYTES_MAX - 1),
        b"\x81" * 1500,
        b"\x93\xc4\x00\xc4\x00\xc4\x00",
        b"\xdd\xff\xff\xff\xff" + b"\x90" * 100,
    ]


@pytest.mark.parametrize("path", ["/sync", "/enrol"])
def test_garbage_is_refused_with_a_code(server, path):
    for body in _garbage():
        status, code = _post(server, path, body)
        assert status in (400, 403, 409, 413) and code, (status, code, body[:20])


def test_what_is_no_http_and_other_methods(server):
    for raw in (
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET",
        b"\r\n" * 50,
        os.urandom(2000),
        b"POST /sync HTTP/9.9\r\n\r\n",
    ):
        with _connect(server) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                while connection.recv(65536):
                    pass
    for path in ("/sync", "/enrol"):
        assert fetch(server.url + path)[0] in (404, 405)
    for head in (_head("/sync", "-1"), _head("/sync", "9" * 30), _head("/sync", 5, "Transfer-Encoding: chunked")):
        with _connect(server) as connection:
            connection.sendall(head + b"hello")
            assert _answer(connection)[0] == 400
    assert fetch(server.url + "/sync/" + "a" * 20_000)[0] in (400, 404, 414)


def test_a_replayed_request_is_not_answered_twice(county, server):
    """What a listener on the wire recorded, sent again as it was: no entry, no answer, only `bad_nonce`."""
    child = "township" if server.program == "hub" else "village"
    if child == "township":
        county["township"].stop()
    with Proxy(server.url) as proxy:
        proxy.keep()
        dial(county.dir(child), proxy.url)
        try:
            report("node", "sync", "--dir", county.dir(child), "--until", "ordered")
        finally:
            dial(county.dir(child), server.url)
            if child == "township":
                county.serve("township")
    requests = [part for sent in proxy.sent for part in _requests(sent)]
    assert len(requests) >= 2  # the first is asked for a fresh nonce, the second answered
    for body in requests:
        for _ in range(2):
            assert _post(server, "/sync", body) == (401, "bad_nonce")


def _requests(sent: bytes) -> Iterator[bytes]:
    """Bodies of the requests on one connection."""
    while sent:
        head, rest = sent.split(b"\r\n\r\n", 1)
        found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        assert found and head.startswith(b"POST /sync ")
        yield rest[: int(found.group(1))]
        sent = rest[int(found.group(1)) :]


@pytest.mark.parametrize("path", ["/sync", "/enrol", "/sign-in"])
def test_two_gigabytes_are_refused_early_and_never_held(server, path):
    before = server.kib("VmRSS")
    status, _ = _announce(server, path, _head(path, 2 * 1024**3))
    assert status == 413 or (path == "/sign-in" and status in (400, 403))
    assert server.kib("VmRSS") - before < GROWTH_KIB


def _announce(server: Server, path: str, head: bytes, *, mib: int = 64, framed: str = "") -> tuple[int, int]:
    """Stream up to `mib` MiB of what was announced, until the other side has had enough: (status, MiB sent)."""
    piece = b"\x01" * MIB
    sent = 0
    with _connect(server) as connection:
        connection.sendall(head)
        try:
            while sent < mib:
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if framed else piece)
                sent += 1
        except OSError:
            pass
        try:
            status = _answer(connection)[0]
        except (OSError, AssertionError):
            status = 413 if sent < mib else 0  # reset before the answer was read: it was not read either
    return status, sent


@pytest.mark.parametrize("path", ["/sync", "/enrol"])
def test_a_stream_without_a_length_is_cut_at_the_bound(server, path):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    before = server.kib("VmRSS")
    status, sent = _announce(server, path, head, mib=256, framed="yes")
    assert status == 413, sent
    assert server.kib("VmRSS") - before < GROWTH_KIB


def test_a_gzip_bomb_is_not_unpacked(server):
    bomb = gzip.compress(bytes(300 * MIB), 1)
    bomb = bomb[: 3 * MIB]
    for path in ("/sync", "/enrol"):
        before = server.kib("VmRSS")
        assert _post(server, path, bomb, "Content-Encoding: gzip") == (413, "too_large")
        assert _post(server, path, gzip.compress(b"hello"), "Content-Encoding: deflate") == (413, "too_large")
        assert server.kib("VmRSS") - before < GROWTH_KIB


def _request_of(payload: int) -> bytes:
    """A request that nobody signed, as long as it says."""
    return b"\x01" * (REQUEST_HEAD_BYTES - 4) + payload.to_bytes(4, "big") + bytes(payload)


def test_half_open_requests_hold_nobody_up(server):
    """Two hundred clients that never finish what they began, and do not hang up either."""
    beginnings = [
        b"",
        b"POST /sync HTTP/1.1\r\nHost",
        _head("/sync", 4000) + _request_of(3_907)[:100],
        _head("/enrol", 2000) + b"\x93",
        _head("/sign-in", 900, "Content-Type: application/x-www-form-urlencoded") + b"login=",
        b"GET /sign-in HTTP/1.1\r\nHost: x\r\n",
    ]
    held = [_connect(server) for _ in range(200)]
    try:
        for number, connection in enumerate(held):
            connection.sendall(beginnings[number % len(beginnings)])
        began = time.monotonic()
        assert fetch(server.url + "/sign-in")[0] == 200
        assert _post(server, "/sync", _request_of(7))[0] in (400, 403, 409)
        assert time.monotonic() - began < 5
    finally:
        for connection in held:
            connection.close()
