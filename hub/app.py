"""The county's program put together: the one place with threads, tasks, sockets and the clock."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Handler
from sqlalchemy import Connection

from casework import reference
from casework.accounts import Account
from casework.errors import TOO_LARGE, TOO_LARGE_REMEDY, BadInput, NotAllowed, Problem
from casework.passwords import ChildPasswords
from casework.web import setup
from casework.web.case_keys import CARDS, DESK, OFF_LOOP, OPINIONS, RATINGS, SPOOL
from casework.web.case_pages import CASE_PAGES
from casework.web.courier_pages import COURIER_PAGES, Courier, add_courier
from casework.web.listen import admin_app, start, tls_context
from casework.web.pages import add_pages
from casework.web.site import Hooks, Site
from casework.workdays import china_day
from hub import staff
from hub.card_lists import cards_of_case
from hub.county import County, open_county, read_rules
from hub.gateways import check_gateway
from hub.message_sending import send_for_ever
from hub.messages import note_gateway
from hub.metrics import HubMetrics
from hub.opinions import opinions_of
from hub.pages import HUB_NAV, HUB_PAGES, HUB_TEMPLATES
from hub.pages.desk_stream import add_stream
from hub.pages.keys import COUNTY
from hub.pages.public import LIMITS, Limits
from hub.ratings import CountyRatings
from hub.running import Running, judge_for_ever
from hub.settings import HubSettings
from hub.sharing import admit
from sync_protocol.background import collect_seldom, end, until_stopped, watch_commits
from sync_protocol.bell import Bell
from sync_protocol.enrolment import parse_request
from sync_protocol.errors import DiskFull, TooLarge, UnknownTopic
from sync_protocol.journal import Writing
from sync_protocol.server import ENROL_PATH, SYNC_PATH, Parent
from sync_protocol.store.async_store import AsyncStore
from sync_protocol.store.data_folder import DataFolder, FolderError, Serving
from sync_protocol.store.seam import StoreUnavailable

_DISK_RESERVE_BYTES = 200 * 1024 * 1024


def now() -> int:
    """Unix seconds."""
    return int(time.time())


def _chance() -> float:
    """Anything from 0 to 1."""
    return int.from_bytes(os.urandom(4)) / 2**32


def opened(folder: DataFolder) -> County:
    """The county in a folder, for a command. Raises FolderError, StoreError or SchemaTooNew."""
    return open_county(folder, os.urandom, now)


@asynccontextmanager
async def running(settings: HubSettings) -> AsyncIterator[Running]:
    """Open the county; no listener, no background task yet. Raises FolderError, StoreError."""
    county = open_county(DataFolder(settings.dir, settings.key_file, settings.db), os.urandom, now)
    county.rules = read_rules(settings.supervision)
    collect_seldom()
    store = AsyncStore(county.store)
    bell = Bell(asyncio.get_running_loop())
    offload = ThreadPoolExecutor(settings.open_files_at_once, thread_name_prefix="files")
    carrying = ThreadPoolExecutor(1, thread_name_prefix="bundles")
    try:
        county.store.listen(bell.ring)
        with county.folder.serving_room() as spool:
            yield Running(
                county, store, bell, HubMetrics(), offload, settings.settle_seconds, spool=spool, carrying=carrying
            )
    finally:
        offload.shutdown()
        carrying.shutdown()
        await store.close()


async def serve(settings: HubSettings, stop: asyncio.Event, say: Callable[[str], None]) -> None:
    """Serve pages and stations and judge, until `stop`. Says one JSON line when ready."""
    folder = DataFolder(settings.dir, settings.key_file, settings.db)
    tls = tls_context(settings.tls_cert, settings.tls_key)
    sends = check_gateway(settings)
    if not folder.founded:
        raise FolderError(f"{folder.path} holds no database: run lianban-hub init first")
    if not folder.lock():
        raise FolderError(f"{folder.path} is served by another process already")
    try:
        async with running(settings) as parts:
            without = settings.messages_without if sends else None
            await parts.store.write(lambda conn: note_gateway(conn, without))
            control = secrets.token_urlsafe(32)
            pages = await page_app(parts, uses_tls="yes" if tls or settings.proxies else "", proxies=settings.proxies)
            runner, url = await start(pages, settings.listen, tls)
            admin_runner, admin_url = await start(_admin(parts, control), settings.admin_listen, None)
            folder.announce(Serving(os.getpid(), url, admin_url, control))
            say(json.dumps({"url": url, "admin_url": admin_url}))
            tasks = [asyncio.create_task(judge_for_ever(parts))]
            if sends:
                sending = send_for_ever(parts.county, parts.store, settings, _chance, parts.metrics.message)
                tasks.append(asyncio.create_task(sending))
            if not parts.store.sync.hears_others:
                tasks.append(asyncio.create_task(watch_commits(parts.store, parts.bell)))
            try:
                await until_stopped(stop, tasks)
            finally:
                await end(tasks)
                await runner.cleanup()
                await admin_runner.cleanup()
    finally:
        folder.unlock()


async def page_app(parts: Running, *, uses_tls: str, proxies: Collection[str] = ()) -> web.Application:
    """Pages and the exchange routes on one application."""
    county, spool = parts.county, parts.spool or parts.county.folder.spool
    name = await parts.store.read(lambda conn: reference.region_name(conn, county.region))
    app = web.Application(client_max_size=1024 * 1024)
    site = Site(
        key="hub",
        name="联办",
        station=name,
        tier="county",
        tls=bool(uses_tls),
        trusted_proxies=frozenset(proxies),
        nav=HUB_NAV,
        machine_paths=(SYNC_PATH, ENROL_PATH),
        author=county.me.author,
        spool_dir=spool,
        templates=HUB_TEMPLATES,
    )
    hooks = Hooks(password_change=lambda account, new: _password_changed(parts, account, new))
    setup.setup(
        app,
        store=parts.store,
        site=site,
        hooks=hooks,
        passwords=ChildPasswords(),
        clock=now,
        random_bytes=os.urandom,
    )
    app.middlewares.append(_log_says_no)
    app[DESK], app[OFF_LOOP], app[SPOOL] = county.desk, parts.off_loop, spool
    app[COUNTY], app[LIMITS], app[OPINIONS] = county, Limits(time.monotonic), opinions_of
    add_stream(app, parts.bell)
    app[RATINGS] = CountyRatings(lambda: county.replica.journal, county.topics)
    app[CARDS] = lambda conn, person, topic: cards_of_case(conn, person, topic, county.rules)
    words, sticks = county.sticks()
    courier = Courier(
        sticks, words, now, parts.store.off_loop, parts.carry, lambda carried: parts.arrived(carried.homes, False)
    )
    add_courier(app, courier)
    add_pages(app, [*CASE_PAGES, *COURIER_PAGES, *HUB_PAGES])
    app.add_routes(parent_of(parts).routes())
    return app


@web.middleware
async def _log_says_no(request: web.Request, handler: Handler) -> web.StreamResponse:
    """In words: an entry is too large for the log."""
    try:
        return await handler(request)
    except UnknownTopic:
        raise NotAllowed("这个办件的内容已依法删除，不能再办理") from None
    except TooLarge:
        raise BadInput([Problem("", TOO_LARGE, TOO_LARGE_REMEDY)]) from None
    except DiskFull:
        raise web.HTTPInsufficientStorage from None


def parent_of(parts: Running) -> Parent:
    """What answers the stations."""
    county = parts.county

    async def grant(data: bytes) -> bytes:
        sealed, journal = parse_request(data), county.replica.journal
        welcome = await parts.store.write(lambda conn: admit(conn, journal, county.topics, sealed, county.desk.now()))
        return welcome.packed()

    return Parent(
        replica=lambda: county.replica,
        store=parts.store,
        bell=parts.bell,
        now=county.desk.now,
        random_bytes=os.urandom,
        enrol=grant,
        count=parts.metrics.sync.count,
        follow=parts.follow,
        after_exchange=parts.followed,
    )


async def _password_changed(parts: Running, account: Account, new_hash: str) -> None:
    """A new password is an internal entry of the hub's own feed."""
    journal = parts.county.replica.journal
    writing = Writing(account.account, now(), 1)
    await parts.store.write(lambda conn: staff.password_changed(conn, journal, account.account, new_hash, writing))


def _admin(parts: Running, control: str) -> web.Application:
    def show(conn: Connection) -> None:
        parts.metrics.show(conn, china_day(parts.county.desk.now()), parts.county.folder.free_bytes)

    return admin_app(parts.metrics.registry, lambda: _not_ready(parts), control, lambda: parts.store.read(show))


async def _not_ready(parts: Running) -> list[str]:
    """Reasons not to be ready: the database does not write, or the disk is nearly full."""
    try:
        await parts.store.write(lambda conn: None)
    except StoreUnavailable:
        return ["the database does not answer"]
    if parts.county.folder.free_bytes < _DISK_RESERVE_BYTES:
        return ["less than 200 MB of disk are free"]
    return []
