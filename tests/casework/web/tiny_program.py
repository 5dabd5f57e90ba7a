"""A tiny program on the page layer: a SQLite file, a clock that tests set, cheap hashes, three pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import jinja2
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestClient

from casework import accounts_store
from casework.accounts import Account
from casework.errors import BadInput, NotAllowed, NotFound, Problem
from casework.passwords import hash_password, verify_password
from casework.policy import Act, Role
from casework.tables import metadata
from casework.web.forms import form_of
from casework.web.help_pages import HELP_PAGES
from casework.web.pages import MIB, Page, UploadLimits, add_pages
from casework.web.render import flash, redirect, render
from casework.web.setup import setup
from casework.web.site import Hooks, NavEntry, Site

T = TypeVar("T")
PASSWORD = "竹海 lamp 2026"
AGENT = Account(
    12,
    "wang.mei",
    "王梅",
    Role.VILLAGE_AGENT,
    17,
    "341882101200",
    "",
    "",
    must_change=False,
    locked=False,
    row=1,
)
MENU = (NavEntry("办件", "/cases", Act.LIST_CASES), NavEntry("人员", "/users", Act.MANAGE_USERS))
SITE = Site(
    key="n17", name="联办", station="石狮村便民服务站", tier="village", machine_paths=("/v1/",), nav=MENU, author=17
)
PAGE = """{% extends "base.html" %}{% import "fields.html" as f with context %}
{% block title %}{{ _("试") }}{% endblock %}{% block main %}{{ f.error_summary() }}
<form method="post">{{ f.csrf_field() }}{{ f.text("name", _("姓名")) }}</form>{% endblock %}"""


class FileStore:
    """The store seam over a plain SQLite file."""

    def __init__(self, path: Path) -> None:
        self.engine = sa.create_engine(f"sqlite:///{path}")
        metadata.create_all(self.engine)

    async def read(self, fn: Callable[[sa.Connection], T]) -> T:
        with self.engine.connect() as connection:
            return fn(connection)

    async def write(self, fn: Callable[[sa.Connection], T]) -> T:
        with self.engine.begin() as connection:
            return fn(connection)


class CheapPasswords:
    """Argon2id at its lowest cost, in this process; remembers what it was asked to look at."""

    def __init__(self) -> None:
        self.looked_at: list[str] = []

    async def hash(self, password: str) -> str:
        return hash_password(password, passes=1, memory_bytes=8192)

    async def verify(self, password: str, stored: str) -> bool:
        self.looked_at.append(password)
        return verify_password(password, stored) if "m=8," in stored else False


@dataclass
class Place:
    """One running program and what the test may turn or look at."""

    store: FileStore
    now: int = 1_790_000_000
    passwords: CheapPasswords = field(default_factory=CheapPasswords)
    changed: list[int] = field(default_factory=list)
    signed_in: list[tuple[int, str]] = field(default_factory=list)
    taken: list[tuple[str, int]] = field(default_factory=list)
    drawn: int = 0

    def clock(self) -> int:
        return self.now

    def random_bytes(self, count: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(4, "big") * (count // 4)

    async def password_change(self, account: Account, new_hash: str) -> None:
        self.changed.append(account.account)
        await self.store.write(lambda c: accounts_store.set_local_password(c, account.account, new_hash))

    async def on_sign_in(self, account: Account, address: str) -> None:
        self.signed_in.append((account.account, address))

    async def add(self, account: Account, password: str = PASSWORD) -> None:
        stored = replace(account, hash=await self.passwords.hash(password))
        await self.store.write(lambda c: accounts_store.upsert_staff_row(c, stored))


def make_app(place: Place, site: Site = SITE) -> web.Application:
    """The tiny program."""

    async def cases(request: web.Request) -> web.Response:
        return await render(request, "page.html")

    async def save(request: web.Request) -> web.Response:
        name = form_of(request).get("name")
        if not name:
            problems = [Problem("name", "没有填写姓名", "请填写")]
            return await render(request, "page.html", problems=problems, values=form_of(request).values())
        place.taken += [(name, 0)] + [(one.name, one.length) for one in form_of(request).files("scan")]
        flash(request, f"已保存 100% {name}")
        return redirect("/cases")

    async def fail(request: web.Request) -> web.Response:
        kinds: dict[str, Exception] = {
            "bad": BadInput([Problem("", "收件日期 90% 不对 <b>", "请改")]),
            "no": NotAllowed("只有县级审批员可以准予"),
            "none": NotFound(),
            "bug": RuntimeError("password=hunter2 341882189001011230"),
            "full": web.HTTPInsufficientStorage(),
            "moved": web.HTTPFound("/cases"),
        }
        raise kinds[request.match_info["kind"]]

    async def machine(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    app = web.Application()
    templates = (jinja2.DictLoader({"page.html": PAGE}),)
    setup(
        app,
        store=place.store,
        site=replace(site, templates=templates),
        hooks=Hooks(password_change=place.password_change, signed_in=place.on_sign_in),
        passwords=place.passwords,
        clock=place.clock,
        random_bytes=place.random_bytes,
    )
    limits = UploadLimits(files=2, file_bytes=2 * MIB, total_bytes=3 * MIB)
    add_pages(
        app,
        [
            Page("GET", "/", cases),
            Page("GET", "/cases", cases, act=Act.LIST_CASES),
            Page("POST", "/cases", save, act=Act.COLLECT, upload=limits),
            Page("GET", "/users", cases, act=Act.MANAGE_USERS),
            Page("GET", "/fail/{kind}", fail),
            *HELP_PAGES,
        ],
    )
    app.router.add_get("/undescribed", cases)
    app.router.add_post("/v1/exchange", machine)
    return app


class Browser:
    """A test client that keeps cookies, does not follow redirects, and finds the token in a page."""

    def __init__(self, client: TestClient[web.Request, web.Application]) -> None:
        self.client = client

    async def get(self, path: str, **more: object) -> tuple[int, str]:
        answer = await self.client.get(path, allow_redirects=False, **more)  # type: ignore[arg-type]
        return answer.status, answer.headers.get("Location") or await answer.text()

    async def token(self, path: str = "/sign-in") -> str:
        _, text = await self.get(path)
        return text.split('name="csrf" value="')[1].split('"')[0] if 'name="csrf"' in text else ""

    async def post(self, path: str, token: str | None = None, **fields: str) -> tuple[int, str]:
        fields["csrf"] = await self.token() if token is None else token
        answer = await self.client.post(path, data=fields, allow_redirects=False)
        return answer.status, answer.headers.get("Location") or await answer.text()

    async def sign_in(self, password: str = PASSWORD, login: str = "wang.mei", **more: str) -> tuple[int, str]:
        return await self.post("/sign-in", login=login, password=password, **more)

    def cookie(self, name: str) -> str:
        return next((c.value for c in self.client.session.cookie_jar if c.key == name), "")


Open = Callable[..., Awaitable[Browser]]
