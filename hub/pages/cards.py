"""Cards of supervision: the list, one card, pleading against it and clearing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from casework.errors import BadInput, Problem
from casework.policy import Act, may
from casework.supervision_rules import BY_PERSON, CLEARINGS, COLOURS
from casework.texts import N_
from casework.web import keys
from casework.web.case_pages import page_number
from casework.web.forms import Form, form_of
from casework.web.render import flash, redirect, render
from casework.workdays import china_day
from hub.card_lists import CardQuery, card_line, find_cards, office_of, offices_with_cards
from hub.cards import TEXT_MAX_CHARS, CardKey, card_row, clear, plead, target_of_card
from hub.pages.keys import COUNTY, journal_of, writing_of

_OFFICE_CHARS = 100


async def show_cards(request: web.Request) -> web.Response:
    """GET /cards?over=1&colour=COLOUR&office=OFFICE&page=N."""
    person, rules = request[keys.PERSON], request.app[COUNTY].rules
    colour = request.query.get("colour", "")
    number = page_number(request.query.get("page", "1"))
    query = CardQuery(
        over=request.query.get("over") == "1",
        colour=colour if colour in COLOURS else "",
        office=request.query.get("office", "")[:_OFFICE_CHARS].replace("\0", ""),
        page=number - 1,
    )

    def read(conn: Connection) -> tuple[Any, list[str]]:
        return find_cards(conn, person, query, rules), [] if office_of(person) else offices_with_cards(conn)

    found, offices = await request.app[keys.STORE].read(read)
    context = {
        "found": found,
        "query": query,
        "colours": list(COLOURS.items()),
        "offices": offices,
        "address": lambda **other: _address(query, other),
        "newer": _address(query, {"page": number - 1}) if number > 1 else "",
        "older": _address(query, {"page": number + 1}) if found.more else "",
    }
    return await render(request, "cards.html", context)


def _address(query: CardQuery, other: dict[str, Any]) -> str:
    """The list with other choices; from its first page, unless one is asked for."""
    chosen = {"over": "1" if query.over else "", "colour": query.colour, "office": query.office, **other}
    if chosen.get("page") == 1:
        del chosen["page"]
    named = {name: str(value) for name, value in chosen.items() if value}
    return "/cards" + (f"?{urlencode(named)}" if named else "")


async def show_card(request: web.Request) -> web.Response:
    """GET /cards/{card}; card is epoch-number of the entry that issued it."""
    return await _card_page(request, CardKey.parse(request.match_info["card"]))


async def plead_card(request: web.Request) -> web.Response:
    """POST /cards/{card}/plead: text."""
    form, person = form_of(request), request[keys.PERSON]
    journal, writing = journal_of(request), writing_of(request)

    def write(conn: Connection, key: CardKey) -> None:
        plead(conn, journal, person, key, form.raw("text"), writing)

    return await _done(request, form, write, N_("申辩已提交，由督查员核定。"))


async def clear_card(request: web.Request) -> web.Response:
    """POST /cards/{card}/clear: code, note."""
    form, person, rules = form_of(request), request[keys.PERSON], request.app[COUNTY].rules
    journal, writing = journal_of(request), writing_of(request)
    today = china_day(writing.time)

    def write(conn: Connection, key: CardKey) -> None:
        clear(conn, journal, person, key, form.get("code"), form.raw("note"), writing, today, rules)

    return await _done(request, form, write, N_("已消牌，原因和时间已记入监察记录。"))


async def _done(
    request: web.Request, form: Form, write: Callable[[Connection, CardKey], None], said: str
) -> web.Response:
    key = CardKey.parse(request.match_info["card"])
    try:
        await request.app[keys.STORE].write(lambda conn: write(conn, key))
    except BadInput as error:
        return await _card_page(request, key, error.problems, form)
    flash(request, said)
    return redirect(f"/cards/{key}")


async def _card_page(
    request: web.Request, key: CardKey, problems: Sequence[Problem] = (), form: Form | None = None
) -> web.Response:
    person, rules = request[keys.PERSON], request.app[COUNTY].rules

    def read(conn: Connection) -> dict[str, Any]:
        row = card_row(conn, person, key)
        target = target_of_card(row)
        return {
            "line": card_line(conn, row, rules),
            "may_plead": not row.over and may(person, Act.PLEAD_CARD, target),
            "may_clear": not row.over and may(person, Act.CLEAR_CARD, target),
        }

    context = await request.app[keys.STORE].read(read)
    context |= {"codes": [(code, CLEARINGS[code]) for code in BY_PERSON], "most": TEXT_MAX_CHARS}
    return await render(
        request, "card.html", context, problems=problems, values=form.values() if form is not None else None
    )
