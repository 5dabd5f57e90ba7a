"""Users: who works where, a new colleague, a new first password, locking and unlocking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from casework import reference
from casework.accounts import Account
from casework.errors import BadInput, NotFound, Problem
from casework.policy import ROLE_NAMES, Act, Person, Target, may, require
from casework.texts import N_, say
from casework.web import keys
from casework.web.forms import Form, form_of
from casework.web.render import flash, redirect, render
from hub import staff
from hub.pages.keys import journal_of, writing_of
from hub.staff import NewUser, Workplace
from sync_protocol.journal import Journal, Writing
from sync_protocol.topology import Tier


async def show_users(request: web.Request) -> web.Response:
    """GET /users."""
    return await _users_page(request)


async def add(request: web.Request) -> web.Response:
    """POST /users: login, display, role, station (region code, "" is the county), office, password (or drawn)."""
    form, person = form_of(request), request[keys.PERSON]
    new = NewUser(*(form.get(name) for name in ("login", "display", "role", "station", "office")))
    journal, writing = journal_of(request), writing_of(request)
    try:
        await request.app[keys.STORE].read(lambda conn: _check(conn, person, new))
        password, new_hash = await _first_password(request, form.raw("password"), new.login)

        def write(conn: Connection) -> Account:
            _check(conn, person, new)
            return staff.add_user(conn, journal, new, new_hash, writing)

        account = await request.app[keys.STORE].write(write)
    except BadInput as error:
        return await _users_page(request, error.problems, form)
    return await _password_page(request, account, password, "")


async def reset(request: web.Request) -> web.Response:
    """POST /users/{account}/reset: password (or drawn)."""
    form, person, number = form_of(request), request[keys.PERSON], _number(request)
    journal, writing = journal_of(request), writing_of(request)
    try:
        known = await request.app[keys.STORE].read(lambda conn: _managed(conn, person, number))
        password, new_hash = await _first_password(request, form.raw("password"), known.login)

        def write(conn: Connection) -> Account:
            _managed(conn, person, number)
            return staff.reset_password(conn, journal, number, new_hash, writing)

        account = await request.app[keys.STORE].write(write)
    except BadInput as error:
        return await _users_page(request, error.problems)
    return await _password_page(request, account, password, "reset")


async def lock(request: web.Request) -> web.Response:
    """POST /users/{account}/lock."""
    return await _switch(request, staff.lock, N_("已停用：{name} 不能再登录，站点联网后同样生效。"))


async def unlock(request: web.Request) -> web.Response:
    """POST /users/{account}/unlock."""
    return await _switch(request, staff.unlock, N_("已启用：{name} 可以用原来的密码登录。"))


_Switch = Callable[[Connection, Journal, int, Writing], Account]


async def _switch(request: web.Request, change: _Switch, said: str) -> web.Response:
    person, number = request[keys.PERSON], _number(request)
    journal, writing = journal_of(request), writing_of(request)

    def write(conn: Connection) -> Account:
        _managed(conn, person, number)
        return change(conn, journal, number, writing)

    try:
        account = await request.app[keys.STORE].write(write)
    except BadInput as error:
        return await _users_page(request, error.problems)
    flash(request, said.format(name=account.display))
    return redirect("/users")


def _number(request: web.Request) -> int:
    text = request.match_info["account"]
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFound(N_("没有这个账号"))
    return int(text)


def _managed(conn: Connection, person: Person, number: int) -> Account:
    account = staff.account_of(conn, number)
    require(person, Act.MANAGE_USERS, Target(account.region))
    return account


def _check(conn: Connection, person: Person, new: NewUser) -> None:
    """Raises BadInput with every problem, NotAllowed for a place outside of the person's area."""
    place, problems = staff.check_new_user(conn, new)
    if place is not None:
        require(person, Act.MANAGE_USERS, Target(place.region))
    if problems:
        raise BadInput(problems)


async def _first_password(request: web.Request, typed: str, login: str) -> tuple[str, str]:
    """What to show once ("" when it was typed) and its hash. Raises BadInput for a weak one."""
    drawn = "" if typed else staff.first_password(request.app[keys.RANDOM])
    staff.check_first_password(typed or drawn, login)
    return drawn, await request.app[keys.PASSWORDS].hash(typed or drawn)


async def _password_page(request: web.Request, account: Account, password: str, why: str) -> web.Response:
    context = {"account": account, "password": password, "why": why, "role": _role_name(account)}
    return await render(request, "user_password.html", context)


async def _users_page(request: web.Request, problems: Sequence[Problem] = (), form: Form | None = None) -> web.Response:
    person = request[keys.PERSON]
    context = await request.app[keys.STORE].read(lambda conn: _read(conn, person))
    return await render(
        request, "users.html", context, problems=problems, values=form.values() if form is not None else None
    )


def _read(conn: Connection, person: Person) -> dict[str, Any]:
    places = staff.workplaces(conn)
    names = {place.author: place.name for place in places}
    users = [one for one in staff.list_users(conn) if may(person, Act.MANAGE_USERS, Target(one.region))]
    return {
        "users": [(one, names.get(one.author, one.region), _role_name(one)) for one in users],
        "places": [
            (place.region, _place_label(place))
            for place in places
            if may(person, Act.MANAGE_USERS, Target(place.region))
        ],
        "roles": [
            (role.value, ROLE_NAMES[role]) for tier in (Tier.VILLAGE, Tier.TOWNSHIP, Tier.COUNTY)
            for role in staff.ROLES_OF_TIER[tier]
        ],
        "offices": [(office, office) for office in reference.offices(conn)],
    }  # fmt: skip


def _place_label(place: Workplace) -> str:
    kind = {Tier.COUNTY: N_("县级"), Tier.TOWNSHIP: N_("乡镇厅"), Tier.VILLAGE: N_("村站")}[place.tier]
    return say("{kind} · {place}", kind=kind, place=place.name)


def _role_name(account: Account) -> str:
    return next((name for role, name in ROLE_NAMES.items() if role == account.role), account.role)
