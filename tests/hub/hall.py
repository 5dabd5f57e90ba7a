"""A county hall for tests: real encrypted replicas with the application's tables, and the hub's pages over them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestClient

from casework import accounts_store, reference
from casework.accounts import Account
from casework.case_tables import case_row
from casework.catalogue import load_catalogue
from casework.desk import Desk, Machine
from casework.example_intake import example_intake_line
from casework.intake import HeldMaterial, HeldPage, Intake
from casework.passwords import hash_password, verify_password
from casework.policy import Person, Role
from casework.projector import Projector
from casework.public_code import code_text
from casework.regions import built_in_regions
from casework.staff_log import password_changed
from casework.tables import metadata
from casework.web.case_keys import DESK
from casework.web.pages import add_pages
from casework.web.setup import setup
from casework.web.site import Hooks, Site
from casework.workdays import load_calendar
from hub import staff
from hub.county import County as HubCounty
from hub.following import projector_of
from hub.judge import judge_one_home
from hub.pages import HUB_NAV, HUB_PAGES, HUB_TEMPLATES
from hub.pages.keys import COUNTY
from hub.pages.public import LIMITS, Limits
from hub.reference_data import publish
from sync_protocol import canonical
from sync_protocol.authority import revoke
from sync_protocol.feeds import HUB, up
from sync_protocol.journal import Writing
from sync_protocol.reading import PlacedEntry, plain_body
from sync_protocol.replica import Replica
from sync_protocol.store import trust
from sync_protocol.store.data_folder import DataFolder
from sync_protocol.store.me import load_me
from sync_protocol.store.seam import SqliteStore, Store
from sync_protocol.topics import Topics
from tests.casework.web.tiny_program import Browser, CheapPasswords
from tests.sync_protocol.county import REGION, County, Place, small_county

T = TypeVar("T")
ITEM = "disabled_subsidy"
OFFICE = "民政局"
FIRST = "初始 lamp 4711"
OWN = "自己 chosen 0815"


def cheap_hash(password: str) -> str:
    return hash_password(password, passes=1, memory_bytes=8192)


@dataclass
class Hall:
    """A hub, its township and its village, all with the application on top."""

    county: County
    hub: Place
    township: Place
    village: Place

    def topics(self, place: Place) -> Topics:
        return Topics(lambda: place.replica)

    def desk(self, place: Place) -> Desk:
        return Desk(self.topics(place), Machine(lambda: place.me.epoch, self.now, lambda: 1))

    def now(self) -> int:
        return self.county.clock.now

    def writing(self, actor: int = 0) -> Writing:
        return Writing(actor, self.now(), 1)

    def at_hub(self, fn: Callable[..., T], *arguments: Any) -> T:
        """`fn(conn, journal, *arguments)` in a transaction of the hub."""
        return self.hub.store.write(lambda conn: fn(conn, self.hub.replica.journal, *arguments))

    def publish(self) -> Any:
        tree, calendar = built_in_regions("341882"), load_calendar()
        return self.at_hub(publish, load_catalogue(), calendar, tree, self.writing())

    def add_user(self, login: str, role: Role, station: str = "", office: str = "", password: str = FIRST) -> Account:
        new = staff.NewUser(login, f"{login}姓名", role, station, office)
        return self.at_hub(staff.add_user, new, cheap_hash(password), self.writing())

    def account(self, place: Place, number: int) -> Account:
        found = place.store.read(lambda conn: accounts_store.get(conn, number))
        assert found is not None
        return found

    def opens(self, place: Place, number: int, password: str) -> bool:
        """Whether this password is right at a place."""
        return verify_password(password, self.account(place, number).hash)

    def change_password(self, place: Place, number: int, password: str) -> None:
        """What the password page of a station does."""

        def say(conn: sa.Connection, kind: int, body: dict[str, Any]) -> None:
            feed = up(place.author)
            place.replica.journal.tell(conn, feed, kind, canonical.pack(body), self.writing(number))

        place.store.write(lambda conn: password_changed(conn, number, cheap_hash(password), say))

    def sync(self) -> None:
        """Everything that is known anywhere reaches everybody who may know it."""
        for _ in range(2):
            self.county.sync(self.village, self.township)
            self.county.sync(self.township, self.hub)
        self.county.sync(self.village, self.township)

    def close(self) -> None:
        for place in self.county.places.values():
            place.store.close()

    def judge(self, home: int | None = None) -> None:
        self.hub.store.write(lambda conn: self.judge_again(conn, home or self.village.author, b""))

    def judge_again(self, conn: sa.Connection, home: int, topic: bytes) -> None:
        journal, topics = self.hub.replica.journal, self.topics(self.hub)
        settled = [topic] if topic else []
        judge_one_home(conn, journal, topics, self.desk(self.hub), home, self.now(), settled)

    def agent(self, account: Account) -> Person:
        return Person(account.account, account.display, Role(account.role), account.author, account.region)

    def collect(
        self, account: Account, name: str = "示例申请人", pages: int = 0, item: str = ITEM, green: str = ""
    ) -> bytes:
        """A real intake at the village."""
        desk = self.desk(self.village)
        topic, key = desk.log.new()
        line = example_intake_line(load_catalogue().get(item))
        materials = [HeldMaterial(m["name"], seen="1") for m in line["materials"]]
        if pages:
            held = tuple(desk.seal(key, b"page %d" % n * 400, "image/jpeg") for n in range(pages))
            materials[0] = HeldMaterial(materials[0].name, pages=cast("tuple[HeldPage, ...]", held))
        applicant = {**line["applicant"], "name": name}
        answers = line.get("answers", {})
        intake = Intake(applicant, line["form"], materials=tuple(materials), answers=answers, green=green)
        person = self.agent(account)
        return self.village.store.write(lambda conn: desk.collect(conn, person, topic, key, intake, item))

    def revoke_village(self) -> None:
        self.revoke(self.village.author)

    def revoke(self, author: int) -> None:
        def run(conn: sa.Connection) -> None:
            certificate = trust.current_certificate(conn, author)
            assert certificate is not None
            revoke(conn, self.hub.replica.journal, certificate.serial, "电脑丢失", self.writing())

        self.hub.store.write(run)

    def public_code(self, place: Place, topic: bytes) -> str:
        """What is printed for the public page; "" where the place cannot read the case."""
        log = self.topics(place)
        code = place.store.read(lambda conn: log.public_code(conn, log.home_of(conn, topic) or 0, topic))
        return "" if code is None else code_text(code)

    def changes(self, place: Place, topic: bytes) -> list[PlacedEntry]:
        return place.changes(self.village.author, topic)

    def row(self, place: Place, topic: bytes) -> Any:
        return place.store.read(
            lambda conn: conn.execute(sa.select(case_row).where(case_row.c.topic == topic)).one_or_none()
        )


def follow(place: Place, clock: Callable[[], int]) -> None:
    """Put the application's tables and projector on a replica."""
    place.store.migrate(metadata.create_all)
    place.store.projector = _projector(place, clock)


def _projector(place: Place, clock: Callable[[], int]) -> Projector:
    topics = Topics(lambda: place.replica)
    return projector_of(place.replica, topics, clock) if place.author == HUB else Projector(topics, plain_body, clock)


def build_hall(folder: Path, hub_store: Callable[[], Store] | None = None, seed: int = 1) -> Hall:
    county, hub, township, village = small_county(folder, seed, hub_store=hub_store)
    for place in (hub, township, village):
        follow(place, lambda: county.clock.now)
    hall = Hall(county, hub, township, village)
    hall.publish()
    hall.sync()
    return hall


def reopen(folder: Path, seed: int = 2, hub_store: Callable[[], Store] | None = None) -> Hall:
    """The hall that lies in a folder; a copy of one that was built is much cheaper than building."""
    county = County(folder, random.Random(seed))
    places = []
    for name in ("hub", "township", "village"):
        elsewhere = hub_store if name == "hub" else None
        store = elsewhere() if elsewhere else SqliteStore(folder / f"{name}.db", b"k" * 32, synchronous="OFF")
        me = store.read(load_me)
        assert me is not None
        replica = Replica(me, county.blobs(name), county.rng.randbytes)
        county.places[me.author] = Place(store, replica, county.clock)
        store.projector = _projector(county.places[me.author], lambda: county.clock.now)
        places.append(county.places[me.author])
    return Hall(county, *places)


class InlineStore:
    """The page layer's seam over a store, without threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, fn: Callable[[sa.Connection], T]) -> T:
        return self._store.read(fn)

    async def write(self, fn: Callable[[sa.Connection], T]) -> T:
        return self._store.write(fn)


def hub_app(hall: Hall) -> web.Application:
    """The hub's pages over the hall's hub."""
    hub = hall.hub
    journal = hub.replica.journal

    async def password_change(account: Account, new_hash: str) -> None:
        hall.at_hub(staff.password_changed, account.account, new_hash, hall.writing(account.account))

    app = web.Application()
    name = hub.store.read(lambda conn: reference.region_name(conn, REGION))
    site = Site(
        key="hub",
        name="联办",
        station=name,
        tier="county",
        nav=HUB_NAV,
        templates=HUB_TEMPLATES,
        author=hub.author,
    )
    setup(
        app,
        store=InlineStore(hub.store),
        site=site,
        hooks=Hooks(password_change),
        passwords=CheapPasswords(),
        clock=hall.now,
        random_bytes=journal._random,
    )
    folder = cast("DataFolder", None)
    app[DESK] = hall.desk(hub)
    app[COUNTY] = HubCounty(folder, hub.store, hub.replica, hall.topics(hub), hall.desk(hub), REGION)
    app[LIMITS] = Limits(hall.now)
    add_pages(app, HUB_PAGES)
    return app


class HubBrowser(Browser):
    """A browser that finds its token on the password page, as every signed-in person can."""

    async def post(self, path: str, token: str | None = None, **fields: str) -> tuple[int, str]:
        known = await self.token("/password") or await self.token()
        return await super().post(path, known if token is None else token, **fields)


async def signed_in(client: TestClient[web.Request, web.Application], login: str) -> HubBrowser:
    """A browser whose person has already replaced the first password."""
    browser = HubBrowser(client)
    status, where = await browser.sign_in(FIRST, login)
    assert status == 303, where
    changed = await browser.post("/password", current=FIRST, new=OWN, repeat=OWN)
    assert changed[0] == 303, changed
    return browser
