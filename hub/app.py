"""The county's program put together: the one place with threads, tasks, sockets and the clock."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from sqlalchemy import Connection
from sqlalchemy.exc import InternalError, OperationalError, SQLAlchemyError

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
from hub.cards import issue_cards
from hub.county import County, open_county, read_rules
from hub.gateways import check_gateway
from hub.judge import KNOWN_BY_NOW, judge_arrived, judge_one_home, unsettled_homes
from hub.message_sending import send_for_ever
from hub.messages import note_gateway
from hub.metrics import HubMetrics
from hub.opinions import opinions_of
from hub.pages import HUB_ASSETS, HUB_NAV, HUB_PAGES, HUB_TEMPLATES
from hub.pages.desk_stream import add_stream
from hub.pages.keys import COUNTY
from hub.pages.public import LIMITS, Limits
from hub.ratings import CountyRatings
from hub.settings import HubSettings
from hub.sharing import admit
from hub.sweep import Place, lapsed_cases, let_time_act
from sync_protocol.background import collect_seldom, end, until_stopped, watch_commits
from sync_protocol.bell import Bell
from sync_protocol.enrolment import parse_request
from sync_protocol.errors import BadBytes, DiskFull, NotYet, TooLarge, UnknownTopic
from sync_protocol.journal import Writing
from sync_protocol.judging import has_waiting
from sync_protocol.server import ENROL_PATH, SYNC_PATH, Followed, Parent
from sync_protocol.store import memory
from sync_protocol.store.async_store import AsyncStore, ending_on_disk_failure
from sync_protocol.store.data_folder import DataFolder, FolderError, Serving
from sync_protocol.store.seam import StoreUnavailable, touched

T = TypeVar("T")
_log = logging.getLogger("lianban.hub")
_LOOK_AGAIN_SECONDS = 60.0
_DATABASE_AWAY_SECONDS = 1.0
_DISK_RESERVE_BYTES = 200 * 1024 * 1024
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BadBytes,
    BadInput,
    LookupError,
    NotYet,
    RecursionError,
    SQLAlchemyError,
    TypeError,
    ValueError,
)
"""What a fault of the rules can raise. A database or a disk that fails is none of them."""


def now() -> int:
    """Unix seconds."""
    return int(time.time())


def _chance() -> float:
    """Anything from 0 to 1."""
    return int.from_bytes(os.urandom(4)) / 2**32


def opened(folder: DataFolder) -> County:
    """The county in a folder, for a command. Raises FolderError, StoreError or SchemaTooNew."""
    return open_county(folder, os.urandom, now)


@dataclass(slots=True)
class Running:
    """The hub's parts while it runs. `waiting` maps a home to the loop time until which its upload goes on."""

    county: County
    store: AsyncStore
    bell: Bell
    metrics: HubMetrics
    offload: ThreadPoolExecutor
    settle_seconds: float
    waiting: dict[int, float] = field(default_factory=dict)
    spool: Path | None = None
    """Where uploads lie until they are opened; None when no pages are served."""
    carrying: ThreadPoolExecutor | None = None
    """One thread for bundles: they may take minutes, and nobody else waits for them."""

    async def off_loop(self, fn: Callable[[], T]) -> T:
        """Blocking work (opening and sealing files) in a bounded pool of its own."""
        return await asyncio.get_running_loop().run_in_executor(self.offload, fn)

    async def carry(self, fn: Callable[[], T]) -> T:
        """Work on a bundle."""
        return await asyncio.get_running_loop().run_in_executor(self.carrying, ending_on_disk_failure, fn)

    def arrived(self, homes: Iterable[int], more: bool) -> None:  # noqa: FBT001
        """Entries of these homes came; judge at once, or wait for the rest that was announced."""
        until = asyncio.get_running_loop().time() + (self.settle_seconds if more else 0.0)
        for home in homes:
            self.waiting[home] = until
        self.bell.ring(["judge"])

    def follow(self, conn: Connection, homes: Sequence[int], more: bool) -> Followed:  # noqa: FBT001
        """Judge what a message has brought in the write that takes it in. What cannot be done is left to the worker."""
        if not homes:
            return Followed(homes)
        county, judged, arrived = self.county, 0, touched(conn)
        try:
            with conn.begin_nested():
                judged = len(
                    judge_arrived(
                        conn,
                        county.replica.journal,
                        county.topics,
                        county.desk,
                        {home: arrived.get(home, ()) for home in homes},
                        county.desk.now(),
                        last=not more,
                    ).topics
                )
        except (OperationalError, InternalError):
            raise
        except _FAULTS:  # must not keep entries from being taken in
            _log.exception("judging waits for the worker", extra={"homes": list(homes)})
            memory.begin(conn)
        return Followed([home for home in homes if has_waiting(conn, home)], judged)

    def followed(self, followed: Followed, more: bool) -> None:  # noqa: FBT001 - the server's callback
        """After the commit."""
        self.metrics.judged.inc(followed.topics)
        if followed.homes:
            self.arrived(followed.homes, more)

    async def judge(self, home: int, again: Collection[str] = ()) -> None:
        """Judge one home now, batch by batch, so that other writes find their turn in between."""
        county = self.county
        journal = county.replica.journal
        while True:
            judged = await self.store.write(
                lambda conn: judge_one_home(
                    conn, journal, county.topics, county.desk, home, county.desk.now(), (), again
                )
            )
            self.metrics.judged.inc(len(judged.topics))
            if not judged.topics:
                return

    def _time_acts(self, conn: Connection, home: int, cases: Sequence[bytes]) -> int:
        county = self.county
        return let_time_act(conn, county.replica.journal, county.topics, county.desk, home, cases, county.desk.now())

    async def let_time_act(self) -> None:
        """Write what time alone has caused since the last look, one home at a time; then supervise."""
        county = self.county
        place: Place | None = Place()
        today = china_day(county.desk.now())
        while place is not None:
            homes, place = await self.store.read(partial(lapsed_cases, today=today, after=place))
            for home, cases in homes.items():
                await self.store.write(partial(self._time_acts, home=home, cases=cases))
        await self.issue_cards()

    async def issue_cards(self) -> None:
        """Supervise what has changed, or whose day has come, in writes of their own."""
        county, at = self.county, self.county.desk.now()
        issue = partial(
            issue_cards,
            journal=county.replica.journal,
            today=china_day(at),
            writing=Writing(0, at, 1),
            rules=county.rules,
        )
        while await self.store.write(issue):
            pass


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


async def judge_for_ever(parts: Running) -> None:
    """The county's worker: judge each home as its entries come; after a start or a database that was away, whatever
    was left.
    """
    while True:
        try:
            await _judge_while_reachable(parts)
        except StoreUnavailable as error:
            _log.warning("judging waits for the database", extra={"reason": str(error)})
            await asyncio.sleep(_DATABASE_AWAY_SECONDS)


async def _judge_while_reachable(parts: Running) -> None:
    """Raises StoreUnavailable."""
    loop = asyncio.get_running_loop()
    looked = 0.0
    while True:
        if loop.time() - looked > _LOOK_AGAIN_SECONDS or not looked:
            # Also finds what a child left behind that went away in the middle, and what is understood by now.
            for home in await parts.store.read(unsettled_homes):
                await parts.judge(home, KNOWN_BY_NOW)
            await parts.let_time_act()
            looked = loop.time()
        with parts.bell.listen(["judge"]) as waiter:
            ready = [home for home, until in parts.waiting.items() if until <= loop.time()]
            for home in ready:
                del parts.waiting[home]
            # Each home is judged in writes of its own; what several write at the same time shares its commits.
            await asyncio.gather(*(parts.judge(home) for home in ready))
            left = [until - loop.time() for until in parts.waiting.values()]
            if not ready:
                await waiter.wait(max(0.05, min([60.0, *left])))


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
        assets=HUB_ASSETS,
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
    app[COUNTY] = county
    add_stream(app, parts.bell)
    app[LIMITS] = Limits(time.monotonic)
    app[OPINIONS] = opinions_of
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
    return admin_app(
        parts.metrics.registry, lambda: _not_ready(parts), control, lambda: parts.store.read(parts.metrics.show)
    )


async def _not_ready(parts: Running) -> list[str]:
    """Reasons not to be ready: the database does not write, or the disk is nearly full."""
    try:
        await parts.store.write(lambda conn: None)
    except StoreUnavailable:
        return ["the database does not answer"]
    disk = os.statvfs(parts.county.folder.path)
    if disk.f_bavail * disk.f_frsize < _DISK_RESERVE_BYTES:
        return ["less than 200 MB of disk are free"]
    return []
