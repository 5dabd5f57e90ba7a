"""The node's program put together: the one place with threads, tasks, sockets and the clock."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from sqlalchemy import Connection

from casework import reference
from casework.accounts import Account
from casework.errors import TOO_LARGE, TOO_LARGE_REMEDY, BadInput, NotAllowed, Problem
from casework.passwords import ChildPasswords
from casework.staff_log import password_changed
from casework.texts import N_, Gettext, say
from casework.web import setup
from casework.web.case_keys import DESK, OFF_LOOP, RATINGS, SPOOL
from casework.web.case_pages import CASE_PAGES
from casework.web.case_reading import translator
from casework.web.courier_pages import COURIER_PAGES, Courier, add_courier
from casework.web.listen import admin_app, client_context, start, tls_context
from casework.web.pages import add_pages
from casework.web.site import Hooks, Site, SyncBar
from casework.workdays import Calendar
from node.metered import QUIET_SECONDS, rest_seconds
from node.metrics import NodeMetrics
from node.pages import NODE_PAGES, NODE_TEMPLATES, SITUATION, SYNC_STATUS, nav_for
from node.reporting import look
from node.settings import INTAKE_REFUSED, INTAKE_REFUSED_REMEDY, NodeSettings, has_room
from node.standing import outstanding
from node.station import ANSWERED_URL, Station, ancestor_urls, last_answered, last_contact, open_station
from node.sync_status import OFFLINE_SECONDS, SyncStatus, sync_bar
from node.syncing import Until, sync_until
from node.telling_ratings import StationRatings
from node.watching import Watch
from sync_protocol import canonical
from sync_protocol.ancestors import Ancestors
from sync_protocol.background import collect_seldom, end, until_stopped, watch_commits
from sync_protocol.bell import Bell
from sync_protocol.client import Link
from sync_protocol.dialer import Dialer
from sync_protocol.errors import DiskFull, Gap, SyncError, TooLarge, UnknownTopic
from sync_protocol.feeds import up
from sync_protocol.journal import Writing
from sync_protocol.link_times import LinkTimes
from sync_protocol.reporting import Reporter
from sync_protocol.server import ENROL_PATH, SYNC_PATH, Parent
from sync_protocol.store.async_store import AsyncStore, ending_on_disk_failure
from sync_protocol.store.data_folder import DataFolder, FolderError, Serving
from sync_protocol.store.me import put
from sync_protocol.transport import HttpTransport, enrol

T = TypeVar("T")
_log = logging.getLogger("lianban.node")
_CONNECTIONS_MAX = 8
"""A long poll, the lanes and an entry beside them, and somebody's enrolment that is passed on."""


def now() -> int:
    """Unix seconds."""
    return int(time.time())


@dataclass(slots=True)
class Running:
    """A node's parts while it runs."""

    station: Station
    store: AsyncStore
    bell: Bell
    link: Link
    ancestors: Ancestors
    session: aiohttp.ClientSession
    metrics: NodeMetrics
    offload: ThreadPoolExecutor
    disk_reserve_mib: int
    watch: Watch
    metered: bool
    carrying: ThreadPoolExecutor | None = None
    """One thread for bundles: they may take minutes, and nobody else waits for them."""

    async def off_loop(self, fn: Callable[[], T]) -> T:
        """Blocking work (opening and sealing files) in a bounded pool of its own."""
        return await asyncio.get_running_loop().run_in_executor(self.offload, fn)

    async def carry(self, fn: Callable[[], T]) -> T:
        """Work on a bundle."""
        return await asyncio.get_running_loop().run_in_executor(self.carrying, ending_on_disk_failure, fn)


@asynccontextmanager
async def running(settings: NodeSettings) -> AsyncIterator[Running]:
    """Open the station and its link; no listener, no background task yet. Raises FolderError, StoreError."""
    folder = DataFolder(settings.dir, settings.key_file)
    station = open_station(folder, os.urandom, now)
    collect_seldom()
    store = AsyncStore(station.store)
    bell = Bell(asyncio.get_running_loop())
    station.store.listen(bell.ring)
    times = LinkTimes()
    connector = aiohttp.TCPConnector(
        ssl=client_context(station.ca), limit=_CONNECTIONS_MAX, socket_factory=times.make_socket
    )
    session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
    reporter = Reporter(station.me, look)
    dialer = Dialer(station.replica, station.parent_author, reporter)
    ancestors = await _ancestors(station, store, session, times)
    clock = asyncio.get_running_loop().time
    watch = Watch(store, station.me.author, lambda: link.state, dialer, clock, now)
    await watch.begin()
    outcome = partial(_heard, reporter, partial(watch.heard, ancestors.outcome))
    link = Link(ancestors, dialer, station.replica, store, bell, now, outcome)
    link.state.last_contact, _ = await store.read(lambda conn: last_contact(conn, station.me.author))
    offload = ThreadPoolExecutor(settings.open_files_at_once, thread_name_prefix="files")
    carrying = ThreadPoolExecutor(1, thread_name_prefix="bundles")
    try:
        metrics, reserve = NodeMetrics(), settings.disk_reserve_mib
        told = (metrics, offload, reserve, watch, settings.metered, carrying)
        yield Running(station, store, bell, link, ancestors, session, *told)
    finally:
        await watch.remember()
        await session.close()
        offload.shutdown()
        carrying.shutdown()
        await store.close()


async def _heard(
    reporter: Reporter, tell: Callable[[SyncError | None], Awaitable[bool]], error: SyncError | None
) -> bool:
    if error is not None:
        reporter.failed(error.code, now())
    return await tell(error)


async def _ancestors(
    station: Station, store: AsyncStore, session: aiohttp.ClientSession, times: LinkTimes
) -> Ancestors:
    async def addresses() -> Sequence[str]:
        return await store.read(lambda conn: ancestor_urls(conn, station))

    async def told(url: str) -> None:
        _log.info("another ancestor answers", extra={"url": url})
        await store.write(lambda conn: put(conn, ANSWERED_URL, url.encode()))

    return Ancestors(
        await addresses(),
        addresses,
        lambda url: HttpTransport(session, url, times),
        asyncio.get_running_loop().time,
        told,
        await store.read(lambda conn: last_answered(conn, station)),
    )


async def serve(settings: NodeSettings, stop: asyncio.Event, say: Callable[[str], None]) -> None:
    """Serve pages and children, and keep in step with the parent, until `stop`. Says one JSON line when ready."""
    folder = DataFolder(settings.dir, settings.key_file)
    tls = tls_context(settings.tls_cert, settings.tls_key)
    if not folder.database.exists():
        raise FolderError(f"{folder.path} holds no database: run lianban-node init first")
    if not folder.lock():
        raise FolderError(f"{folder.path} is served by another process already")
    try:
        async with running(settings) as parts:
            control = secrets.token_urlsafe(32)
            pages = await page_app(parts, uses_tls="yes" if tls else "")
            runner, url = await start(pages, settings.listen, tls)
            admin_runner, admin_url = await start(_admin(parts, control), settings.admin_listen, None)
            folder.announce(Serving(os.getpid(), url, admin_url, control))
            say(json.dumps({"url": url, "admin_url": admin_url}))
            rest = partial(_rest, parts) if settings.metered else None
            work = (parts.link.run(rest), watch_commits(parts.store, parts.bell))
            tasks = [asyncio.create_task(task) for task in work]
            try:
                await until_stopped(stop, tasks)
            finally:
                await end(tasks)
                await runner.cleanup()
                await admin_runner.cleanup()
    finally:
        folder.unlock()


async def _rest(parts: Running) -> float:
    """Until a metered station asks again, by its parent's clock: its own may be wrong."""

    def read(conn: Connection) -> tuple[int, Calendar]:
        _, skew = last_contact(conn, parts.station.me.author)
        return skew, reference.calendar(conn)

    skew, calendar = await parts.store.read(read)
    return rest_seconds(now() + skew, calendar.is_workday)


async def page_app(parts: Running, *, uses_tls: str) -> web.Application:
    """Pages and the exchange routes on one application."""
    station = parts.station
    author = station.me.author
    tier, name = await parts.store.read(lambda conn: _place(conn, station))
    app = web.Application(client_max_size=1024 * 1024)
    site = Site(
        key=f"n{author}",
        name=N_("联办"),
        station=name,
        tier=tier,
        tls=bool(uses_tls),
        nav=nav_for(tier),
        machine_paths=(SYNC_PATH, ENROL_PATH),
        author=author,
        spool_dir=station.folder.spool,
        templates=NODE_TEMPLATES,
    )
    hooks = Hooks(
        password_change=lambda account, new: _password_changed(parts, account, new),
        sync_bar=lambda request: _sync_bar(parts, translator(request)),
    )
    setup.setup(
        app,
        store=parts.store,
        site=site,
        hooks=hooks,
        passwords=ChildPasswords(),
        clock=now,
        random_bytes=os.urandom,
    )
    app.middlewares.extend((_log_says_no, _room_for_intake(parts)))
    app[DESK], app[OFF_LOOP], app[SPOOL] = station.desk, parts.off_loop, station.folder.spool
    app[RATINGS] = StationRatings(lambda: station.replica)
    app[SYNC_STATUS], app[SITUATION] = lambda: _sync_status(parts), parts.watch.look
    words, sticks = station.sticks()
    add_courier(app, Courier(sticks, words, now, parts.store.off_loop, parts.carry))
    add_pages(app, [*CASE_PAGES, *COURIER_PAGES, *NODE_PAGES])
    app.add_routes(_parent(parts).routes())
    return app


@web.middleware
async def _log_says_no(request: web.Request, handler: Handler) -> web.StreamResponse:
    """In words: an entry is too large; or this is a station's new machine, whose earlier entries come back first."""
    try:
        return await handler(request)
    except UnknownTopic:
        raise NotAllowed(N_("这个办件的内容已依法删除，不能再办理")) from None
    except Gap:
        raise NotAllowed(N_("本机刚换过电脑，正在从上级取回以前的记录；取回之前不能提交，已填内容都在草稿里")) from None
    except TooLarge:
        raise BadInput([Problem("", TOO_LARGE, TOO_LARGE_REMEDY)]) from None
    except DiskFull:
        raise web.HTTPInsufficientStorage from None


def _room_for_intake(parts: Running) -> Middleware:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        """A disk that is nearly full takes in nothing new: what is left is for what must still go out."""
        more = request.path.startswith(("/intake", "/drafts/")) and not request.path.endswith("/discard")
        takes_in = request.method == "POST" and more
        if takes_in and not has_room(parts.station.folder.path, parts.disk_reserve_mib):
            raise NotAllowed(
                say(
                    "{intake_refused}。{intake_refused_remedy}",
                    intake_refused=INTAKE_REFUSED,
                    intake_refused_remedy=INTAKE_REFUSED_REMEDY,
                )
            )
        return await handler(request)

    return check


def _place(conn: Connection, station: Station) -> tuple[str, str]:
    author = station.me.author
    region = station.topics.region_of(conn, author)
    return station.topics.tier_of(conn, author), reference.region_name(conn, region)


def _parent(parts: Running) -> Parent:
    async def pass_on(request: bytes) -> bytes:
        try:
            answer = await enrol(parts.session, parts.station.parent_url, request)
        finally:
            parts.bell.ring(["retry"])
        with suppress(SyncError):
            await parts.link.exchange()
        return answer

    return Parent(
        replica=lambda: parts.station.replica,
        store=parts.store,
        bell=parts.bell,
        now=now,
        random_bytes=os.urandom,
        enrol=pass_on,
        count=parts.metrics.sync.count,
        clock_trusted=lambda: parts.station.quality() == 1,
    )


async def _password_changed(parts: Running, account: Account, new_hash: str) -> None:
    """A new password is an entry of this station's own feed; it counts here at once."""
    station = parts.station

    def say(conn: Connection, kind: int, body: dict[str, Any]) -> None:
        writing = Writing(account.account, now(), 1)
        station.replica.journal.tell(conn, up(station.me.author), kind, canonical.pack(body), writing)

    def write(conn: Connection) -> None:
        password_changed(conn, account.account, new_hash, say)

    await parts.store.write(write)


async def _sync_status(parts: Running) -> SyncStatus:
    work = await parts.store.read(lambda conn: outstanding(conn, parts.station.me.author))
    state = parts.link.state
    return SyncStatus(
        in_step=state.in_step,
        waiting_cases=work.cases,
        waiting_blobs=max(work.pages, min(work.blobs, 1)),
        oldest_waiting_at=work.oldest_pending,
        last_contact=state.last_contact,
        error_code=state.error,
        past_parent=not parts.ancestors.at_parent and not state.error,
        silence_seconds=OFFLINE_SECONDS + (QUIET_SECONDS if parts.metered else 0),
    )


async def _sync_bar(parts: Running, gettext: Gettext) -> SyncBar | None:
    return sync_bar(await _sync_status(parts), now(), gettext)


def _admin(parts: Running, control: str) -> web.Application:
    app = admin_app(parts.metrics.registry, lambda: _not_ready(parts), control, lambda: _gauges(parts))
    app.add_routes(
        [
            web.post("/control/sync", lambda request: _control_sync(parts, request)),
            web.get("/control/status", lambda request: _control_status(parts)),
        ]
    )
    return app


async def _control_sync(parts: Running, request: web.Request) -> web.Response:
    asked: dict[str, Any] = await request.json()
    until: Until = "ordered" if asked.get("until") == "ordered" else "received"
    seconds = min(max(float(asked.get("timeout", 120)), 1.0), 3600.0)
    parts.bell.ring(["retry"])
    author = parts.station.me.author
    code, done = await sync_until(parts.link, parts.store, parts.bell, author, until, seconds)
    return web.json_response({"exit": code, "report": done})


async def _control_status(parts: Running) -> web.Response:
    """What only the running program knows."""
    situation = await parts.watch.look()
    return web.json_response({"situation": asdict(situation), "error": parts.link.state.error})


async def _gauges(parts: Running) -> None:
    work = await parts.store.read(lambda conn: outstanding(conn, parts.station.me.author))
    parts.metrics.show(work, parts.link.state)


async def _not_ready(parts: Running) -> list[str]:
    """Reasons not to be ready. Being offline from the parent is none."""
    if not has_room(parts.station.folder.path, parts.disk_reserve_mib):
        return [f"less than {parts.disk_reserve_mib} MiB of disk are free: intake is refused"]
    return []
