"""Stations: how they stand, and inviting one. An invitation's token is shown once and kept nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from casework import reference
from casework.errors import BadInput, Problem
from casework.policy import Act, Person, Target, may, require
from casework.regions import RegionTree
from casework.texts import N_, say
from casework.web import keys
from casework.web.forms import Form, form_of
from casework.web.render import render
from hub.pages.keys import journal_of
from hub.station_lines import StationLine, list_stations
from hub.stations import TIER_NAMES, invite
from sync_protocol.authority import Invitation


async def show_stations(request: web.Request) -> web.Response:
    """GET /stations."""
    return await _stations_page(request)


async def invite_station(request: web.Request) -> web.Response:
    """POST /stations/invite: region (12 digits), tier ("village", "township", or nothing to take the region's own)."""
    form, person, me = form_of(request), request[keys.PERSON], journal_of(request).me
    region, now = form.get("region"), request.app[keys.CLOCK]()
    random_bytes = request.app[keys.RANDOM]

    def write(conn: Connection) -> tuple[Invitation, str]:
        tree = reference.regions(conn)
        tier = form.get("tier") or _level(tree, region)
        require(person, Act.INVITE, Target(region))
        invitation = invite(conn, me, region, tier, random_bytes, now)
        return invitation, _label(tree, region)

    try:
        if not region:
            raise BadInput([Problem("region", N_("没有选择站点"), N_("请从列表中选择，或填写 12 位区划代码"))])
        invitation, name = await request.app[keys.STORE].write(write)
    except BadInput as error:
        return await _stations_page(request, error.problems, form)
    context = {"invitation": invitation, "name": name, "tier": TIER_NAMES[invitation.tier]}
    return await render(request, "invitation.html", context)


async def _stations_page(
    request: web.Request, problems: Sequence[Problem] = (), form: Form | None = None
) -> web.Response:
    person = request[keys.PERSON]

    def read(conn: Connection) -> dict[str, Any]:
        lines = list_stations(conn)
        return {"lines": lines, "choices": _choices(person, reference.regions(conn), lines)}

    context = await request.app[keys.STORE].read(read)
    context |= {"tier_names": TIER_NAMES, "now": request.app[keys.CLOCK]()}
    return await render(
        request, "stations.html", context, problems=problems, values=form.values() if form is not None else None
    )


def _level(tree: RegionTree | None, region: str) -> str:
    found = next((one for one in tree or () if one.code == region), None)
    return found.level if found is not None and found.level != "county" else "village"


def _label(tree: RegionTree | None, region: str) -> str:
    return "".join(one.name for one in tree.path(region)[1:]) if tree is not None else region


def _choices(person: Person, tree: RegionTree | None, lines: Sequence[StationLine]) -> list[tuple[str, str]]:
    """Places that may still be invited, townships before their villages; enrolled ones say so."""
    enrolled = {line.region for line in lines if line.enrolled}
    again = N_("{place} {code}（已接入，换新机）")
    return [
        (one.code, say(again, place=place, code=one.code) if one.code in enrolled else f"{place} {one.code}")
        for one, place in ((one, _label(tree, one.code)) for one in tree or ())
        if one.level != "county" and may(person, Act.INVITE, Target(one.code))
    ]
