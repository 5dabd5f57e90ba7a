"""The pages of any place of a small real county, over its encrypted store, as the programs put them together."""

from __future__ import annotations

import asyncio
import atexit
import html
import re
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar, cast

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from casework import accounts_store
from casework.accounts import Account
from casework.case_lists import CaseQuery
from casework.catalogue import load_catalogue
from casework.example_intake import example_intake_line
from casework.policy import Role
from casework.states import COUNTY
from casework.supervision_rules import DEFAULT_RULES
from casework.web.case_keys import CARDS, DESK, OFF_LOOP, OPINIONS, RATINGS, SPOOL
from casework.web.case_pages import CASE_PAGES
from casework.web.case_reading import translator
from casework.web.courier_pages import COURIER_PAGES, Courier, add_courier
from casework.web.courier_words import StickWords
from casework.web.pages import add_pages
from casework.web.setup import setup
from casework.web.site import Hooks, Site
from casework.workdays import china_day
from hub.card_lists import cards_of_case
from hub.cards import issue_cards
from hub.county import County as HubCounty
from hub.opinions import opinions_of
from hub.pages import HUB_NAV, HUB_PAGES, HUB_TEMPLATES
from hub.pages.desk_stream import add_stream
from hub.pages.keys import COUNTY as COUNTY_PARTS
from hub.pages.public import LIMITS, Limits
from hub.ratings import CountyRatings
from node.keeping import kept
from node.pages import NODE_PAGES, NODE_TEMPLATES, SITUATION, SYNC_STATUS, nav_for
from node.sync_status import SyncStatus, sync_bar
from node.telling_ratings import StationRatings
from node.transfer import Transfer
from node.watching import Measured, Situation
from sync_protocol.bell import Bell
from sync_protocol.courier import Sticks
from sync_protocol.dialer import Dialer
from sync_protocol.store.async_store import AsyncStore
from sync_protocol.store.data_folder import DataFolder
from tests.casework.web.tiny_program import CheapPasswords
from tests.hub.hall import OFFICE, Hall, build_hall, cheap_hash, reopen
from tests.sync_protocol.county import REGION, TOWNSHIP, VILLAGE, Place

T = TypeVar("T")
PASSWORD = "竹海 lamp 2026"
ITEM = "elder_allowance"
Files = Sequence[tuple[str, str, bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser got: status, where it was sent or what it shows, headers."""

    status: int
    text: str
    location: str
    headers: dict[str, str]
    body: bytes

    @property
    def words(self) -> str:
        """The page without tags, spaces squeezed."""
        return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", self.text)))


@dataclass
class Clerk:
    """A browser of one member of staff at one place; follows no redirect by itself."""

    client: TestClient[web.Request, web.Application]
    account: Account
    token: str = ""

    async def get(self, path: str) -> Answer:
        return await self._answer(await self.client.get(path, allow_redirects=False))

    async def follow(self, path: str) -> Answer:
        """What is shown there in the end."""
        page = await self.get(path)
        return await self.follow(page.location) if page.status == 303 else page

    async def post(self, path: str, *fields: tuple[str, str], files: Files = (), token: str | None = None) -> Answer:
        data = aiohttp.FormData(quote_fields=False, default_to_multipart=bool(files))
        data.add_field("csrf", self.token if token is None else token)
        for name, value in fields:
            data.add_field(name, value)
        for name, filename, content in files:
            data.add_field(name, content, filename=filename, content_type="application/octet-stream")
        return await self._answer(await self.client.post(path, data=data, allow_redirects=False))

    async def _answer(self, response: aiohttp.ClientResponse) -> Answer:
        body = await response.read()
        text = body.decode("utf-8", "replace")
        return Answer(response.status, text, response.headers.get("Location", ""), dict(response.headers), body)

    async def sign_in(self) -> None:
        page = await self.get("/sign-in")
        self.token = page.text.split('name="csrf" value="')[1].split('"')[0]
        done = await self.post("/sign-in", ("login", self.account.login), ("password", PASSWORD))
        assert done.status == 303, done.words
        home = await self.get("/password")
        self.token = home.text.split('name="csrf" value="')[1].split('"')[0]


@dataclass
class Programs:
    """A county whose three places serve pages; `sync` says what the link is to look like at a node."""

    hall: Hall
    folder: Path
    sync: SyncStatus = field(default_factory=lambda: SyncStatus(True, 0, 0, 0, 1_790_000_000, ""))
    goodput: Measured = field(default_factory=Measured)
    transfer: Transfer | None = None
    clients: list[TestClient[web.Request, web.Application]] = field(default_factory=list)
    stores: list[AsyncStore] = field(default_factory=list)
    carrying: list[ThreadPoolExecutor] = field(default_factory=list)
    """As in the programs: one thread for the bundles of each place."""

    async def clerk(self, login: str) -> Clerk:
        """Sign this member of staff in at the place they belong to."""
        place = self.place_of(login)
        client: TestClient[web.Request, web.Application] = TestClient(TestServer(self.app(place)))
        self.clients.append(client)
        await client.start_server()
        account = place.store.read(lambda conn: accounts_store.find_by_login(conn, login))
        assert account is not None
        clerk = Clerk(client, account)
        await clerk.sign_in()
        return clerk

    def place_of(self, login: str) -> Place:
        return {"c": self.hall.hub, "t": self.hall.township, "v": self.hall.village}[login[0]]

    def app(self, place: Place) -> web.Application:
        store = AsyncStore(place.store)
        self.stores.append(store)
        hall, spool = self.hall, self.folder / f"spool-{place.author}"
        spool.mkdir(exist_ok=True)
        tier = COUNTY if place is hall.hub else self.tier(place)
        app = web.Application()
        site = Site(
            key=f"n{place.author}",
            name="联办",
            station=self.name(place),
            tier=tier,
            nav=HUB_NAV if tier == COUNTY else nav_for(tier),
            templates=HUB_TEMPLATES if tier == COUNTY else NODE_TEMPLATES,
            spool_dir=spool,
        )

        async def bar(request: web.Request) -> object:
            return sync_bar(self.sync, hall.now(), translator(request))

        async def status() -> SyncStatus:
            return self.sync

        async def situation() -> Situation:
            found = place.store.read(lambda conn: kept(conn, place.author, {}))
            return Situation(found, self.transfer, self.goodput)

        async def password_change(_account: Account, _hash: str) -> None: ...

        async def off_loop(fn: Callable[[], T]) -> T:
            return await asyncio.to_thread(fn)

        setup(
            app,
            store=store,
            site=site,
            hooks=Hooks(password_change, sync_bar=bar),  # type: ignore[arg-type]
            passwords=CheapPasswords(),
            clock=hall.now,
            random_bytes=place.replica.random_bytes,
        )
        app[DESK], app[OFF_LOOP], app[SPOOL], app[SYNC_STATUS] = hall.desk(place), off_loop, spool, status
        app[SITUATION] = situation
        app[RATINGS] = StationRatings(lambda: place.replica)
        add_courier(app, self.courier(place, store))
        if tier == COUNTY:
            folder = cast("DataFolder", None)
            bell = Bell(asyncio.get_running_loop())
            place.store.listen(bell.ring)
            add_stream(app, bell)
            app[COUNTY_PARTS] = HubCounty(
                folder, place.store, place.replica, hall.topics(place), hall.desk(place), REGION
            )
            app[OPINIONS] = opinions_of
            app[LIMITS] = Limits(hall.now)
            app[RATINGS] = CountyRatings(lambda: place.replica.journal, hall.topics(place))
            app[CARDS] = lambda conn, person, topic: cards_of_case(conn, person, topic, DEFAULT_RULES)
        add_pages(app, [*CASE_PAGES, *COURIER_PAGES, *(HUB_PAGES if tier == COUNTY else NODE_PAGES)])
        return app

    def courier(self, place: Place, store: AsyncStore) -> Courier:
        from casework import reference

        one = ThreadPoolExecutor(1)
        self.carrying.append(one)

        async def run(fn: Callable[[], T]) -> T:
            return await asyncio.get_running_loop().run_in_executor(one, fn)

        hall = self.hall
        words = StickWords(lambda region: place.store.read(lambda conn: reference.region_name(conn, region)))
        return Courier(
            Sticks(place.store, place.replica, words),
            words,
            hall.now,
            store.off_loop,
            run,
            lambda carried: [hall.judge(home) for home in carried.homes if place is hall.hub] and None,
        )

    def tier(self, place: Place) -> str:
        return place.store.read(lambda conn: self.hall.topics(place).tier_of(conn, place.author))

    def name(self, place: Place) -> str:
        from casework import reference

        region = {self.hall.hub.author: REGION, self.hall.township.author: TOWNSHIP}.get(place.author, VILLAGE)
        return place.store.read(lambda conn: reference.region_name(conn, region))

    def exchange(self) -> None:
        """Everything travels up, is judged, and the answers with their documents travel down."""
        hall = self.hall
        for _ in range(2):
            self._talk(hall.village, hall.township)
            self._talk(hall.township, hall.hub)
            for home in (hall.village, hall.township):
                hall.judge(home.author)
        self._talk(hall.township, hall.hub)
        self._talk(hall.village, hall.township)

    def supervise(self) -> None:
        """What the county's program does by itself every minute."""
        hall = self.hall
        while hall.at_hub(issue_cards, china_day(hall.now()), hall.writing()):
            pass

    def _talk(self, child: Place, parent: Place) -> None:
        """One dialer that goes on a little after the last news, as a long poll does."""
        dialer = Dialer(child.replica, parent.author)
        quiet = 0
        while quiet < 2:
            quiet = 0 if self.hall.county.exchange(dialer, child, parent).again else quiet + 1

    def only_case(self, place: Place, account: Account) -> str:
        """The topic of the one case that this person sees."""
        page = place.store.read(lambda conn: self.hall.desk(place).find(conn, self.hall.agent(account), CaseQuery()))
        (row,) = page.rows
        return bytes(row.topic).hex()

    async def close(self) -> None:
        for client in self.clients:
            await client.close()
        for thread in self.carrying:
            thread.shutdown()
        for store in self.stores:
            store._writer.shutdown()
            store._readers.shutdown()
        for place in self.hall.county.places.values():
            place.store.close()


STAFF = (
    ("v.agent", Role.VILLAGE_AGENT, VILLAGE, ""),
    ("t.clerk", Role.TOWNSHIP_CLERK, TOWNSHIP, ""),
    ("t.reviewer", Role.TOWNSHIP_REVIEWER, TOWNSHIP, ""),
    ("c.reviewer", Role.COUNTY_REVIEWER, "", OFFICE),
    ("c.approver", Role.COUNTY_APPROVER, "", OFFICE),
    ("c.other", Role.COUNTY_REVIEWER, "", "卫生健康委员会"),
)


def open_programs(folder: Path) -> Programs:
    """A county with its staff signed up; their first passwords are changed already."""
    shutil.copytree(_built(), folder, dirs_exist_ok=True)
    return Programs(reopen(folder), folder)


@cache
def _built() -> Path:
    """A folder of a county at rest, made once in a process: a copy is much cheaper."""
    folder = Path(mkdtemp(prefix="lianban-programs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    hall = build_hall(folder)
    for login, role, station, office in STAFF:
        hall.add_user(login, role, station, office)
    hall.sync()
    programs = Programs(hall, folder)
    for login, *_ in STAFF:
        _set_password(programs.place_of(login), login)
    hall.close()
    return folder


def sign_up(programs: Programs, login: str, role: Role, station: str, office: str) -> None:
    """One more member of staff, whose first password is changed already."""
    programs.hall.add_user(login, role, station, office)
    programs.hall.sync()
    _set_password(programs.place_of(login), login)


def _set_password(place: Place, login: str) -> None:
    def write(conn: object) -> None:
        account = accounts_store.find_by_login(conn, login)  # type: ignore[arg-type]
        assert account is not None
        accounts_store.set_local_password(conn, account.account, cheap_hash(PASSWORD))  # type: ignore[arg-type]

    place.store.write(write)


def typed(item_key: str = ITEM, **more: str) -> list[tuple[str, str]]:
    """What an agent types into the pages of an intake; `more` replaces single inputs (dots as __)."""
    line = example_intake_line(load_catalogue().get(item_key))
    fields = {f"applicant.{key}": str(value) for key, value in line["applicant"].items()}
    fields |= {f"form.{key}": str(value) for key, value in line["form"].items()}
    fields |= {f"answers.{key}": value for key, value in line.get("answers", {}).items()}
    fields |= {"household": line["household"]} | {key.replace("__", "."): value for key, value in more.items()}
    return list(fields.items())


def required_indexes(item_key: str = ITEM) -> list[int]:
    """Places of what the applicant of `typed` has to bring."""
    item = load_catalogue().get(item_key)
    names = [material["name"] for material in example_intake_line(item)["materials"]]
    return [index for index, rule in enumerate(item.materials) if rule.name in names]


async def new_draft(clerk: Clerk, item_key: str = ITEM, **more: str) -> str:
    """The path of a draft that is filled in but for its materials."""
    draft = await begun(clerk, item_key)
    saved = await clerk.post(draft, *typed(item_key, **more), ("go", "next"))
    assert saved.location == draft + "/materials", saved.words
    return draft


async def begun(clerk: Clerk, item_key: str = ITEM) -> str:
    """The path of a draft that says nothing yet."""
    start = await clerk.post(f"/intake/{item_key}", ("go", "stay"))
    assert start.status == 303, start.words
    return start.location


async def take_in(clerk: Clerk, scans: Files = (), item_key: str = ITEM, **more: str) -> str:
    """A whole intake: the scans as given, every other required material seen. Returns the path of the case."""
    draft = await new_draft(clerk, item_key, **more)
    scanned = {int(name.split(".")[1]) for name, _, _ in scans}
    seen = [(f"materials.{n}.seen", "1") for n in required_indexes(item_key) if n not in scanned]
    brought = await clerk.post(draft + "/materials", ("whole", "1"), *seen, ("go", "next"), files=scans)
    assert brought.location == draft + "/check", brought.words
    done = await clerk.post(draft + "/submit")
    assert done.location.startswith("/cases/"), done.words
    return done.location.removesuffix("/taken")


def blobs_on_disk(place: Place) -> int:
    """How many whole blobs lie at a place."""
    folder = place.replica.blobs._folder
    return sum(1 for path in folder.rglob("*") if path.is_file() and path.parent.name != "partial")


__all__ = [
    "ITEM",
    "PASSWORD",
    "Answer",
    "Clerk",
    "Programs",
    "begun",
    "blobs_on_disk",
    "new_draft",
    "open_programs",
    "required_indexes",
    "sign_up",
    "take_in",
    "typed",
]
