"""Listening: the pages' listener (TLS when given) and the admin listener with metrics, health and control."""

from __future__ import annotations

import asyncio
import hmac
import html
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Middleware
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

CONTROL_HEADER = "X-Lianban-Control"
Ready = Callable[[], Awaitable[list[str]]]
"""What keeps the program from being ready, in words; empty when nothing does. Being offline is ready."""


def parse_listen(text: str) -> tuple[str, int]:
    """ "host:port" or "[v6]:port". Raises ValueError that says what is expected."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not HOST:PORT, for example 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def tls_context(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """None without a certificate. Raises ValueError when only one of both is given, or they are no pair."""
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise ValueError("--tls-cert and --tls-key belong together")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key)
    except ssl.SSLError as error:
        raise ValueError(f"{cert} and {key} are not a certificate and its key in PEM") from error
    return context


def client_context(ca: bytes | None) -> ssl.SSLContext | bool:
    """Trust the county's CA alone when one is given, else the system's."""
    if ca is None:
        return True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=ca.decode("ascii"))
    return context


def checked_proxies(addresses: Iterable[str]) -> tuple[str, ...]:
    """Addresses of proxies as a peer's address is written. Raises ValueError for what is no IP address."""
    try:
        return tuple(str(ipaddress.ip_address(one)) for one in addresses)
    except ValueError as error:
        raise ValueError(f"--proxy is the IP address of a proxy, for example 127.0.0.1: {error}") from None


async def start(app: web.Application, listen: str, tls: ssl.SSLContext | None) -> tuple[web.AppRunner, str]:
    """Start listening; the runner to clean up, and the URL with the port that was really taken."""
    host, port = parse_listen(listen)
    # No browser and no station of ours sends a body in a content coding: nothing is unpacked for anybody.
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=1.0,
        handler_cancellation=True,
        keepalive_timeout=75,
        auto_decompress=False,
    )
    await runner.setup()
    site = web.TCPSite(runner, host, port, ssl_context=tls)
    await site.start()
    taken = runner.addresses[0][1]
    shown = f"[{host}]" if ":" in host else host
    return runner, f"{'https' if tls else 'http'}://{shown}:{taken}"


def admin_app(
    registry: CollectorRegistry, ready: Ready, control: str, refresh: Callable[[], Awaitable[None]]
) -> web.Application:
    """/metrics, /healthz, /readyz, and POST /control/NAME for this machine's own commands (secret in a header).

    `refresh` sets the gauges before each scrape.
    """
    app = web.Application(middlewares=[_own_machine(control)])

    async def metrics(request: web.Request) -> web.Response:
        await refresh()
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def health(request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readiness(request: web.Request) -> web.Response:
        reasons = await ready()
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    app.add_routes([web.get("/metrics", metrics), web.get("/healthz", health), web.get("/readyz", readiness)])
    return app


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _own_machine(control: str) -> Middleware:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/control/"):
            given = request.headers.get(CONTROL_HEADER, "")
            if not hmac.compare_digest(given, control) or not _loopback(request.remote):
                raise web.HTTPForbidden(text="this address is for the machine's own commands")
        return await handler(request)

    return check


def _loopback(address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


_REFUSAL = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>联办：程序需要升级</title>
<h1>本机程序比数据旧，暂时不能使用</h1>
<p>数据没有被改动，已收的件都在。</p>
<p>请安装新版程序后重新启动；急需办理时请到上级窗口，或联系县级运维。</p>
<p>（{reason}）</p></html>"""


def refusal_app(reason: str) -> web.Application:
    """Answers every page with the reason why the program does not start; nothing is ready."""

    async def refuse(request: web.Request) -> web.Response:
        return web.Response(
            text=_REFUSAL.format(reason=html.escape(reason)),
            status=503,
            content_type="text/html",
            headers={"Content-Security-Policy": "default-src 'none'", "Cache-Control": "no-store", "Retry-After": "60"},
        )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", refuse)
    return app


async def serve_refusal(
    listen: str, tls: ssl.SSLContext | None, reason: str, stop: asyncio.Event, say: Callable[[str], None]
) -> None:
    """Say on the pages' address why the program cannot run, until `stop`."""
    runner, url = await start(refusal_app(reason), listen, tls)
    try:
        say(url)
        await stop.wait()
    finally:
        await runner.cleanup()
