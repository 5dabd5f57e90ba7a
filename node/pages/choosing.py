"""What is to be applied for, and which intake was not finished: nothing is taken up again without being asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy import Connection

from casework import reference
from casework.initials import sought_by
from casework.service_item import ServiceItem
from casework.web import keys
from casework.web.case_keys import DESK
from casework.web.render import render, render_part, wants_part
from casework.web.scan_landing import landed
from node import drafts
from node.draft_steps import TITLES
from node.drafts import Draft
from node.item_use import uses

OFTEN = 5
_QUERY_CHARS = 100
UNFINISHED_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A draft as it is offered: its item's name, and the part at which it stands (a key of TITLES)."""

    draft: Draft
    item: str
    part: str

    @property
    def title(self) -> str:
        """Of the part."""
        return TITLES[self.part]


def unfinished(conn: Connection, found: Sequence[Draft]) -> list[Unfinished]:
    """These drafts with the words for them."""
    names = {item.key: item.name for item in reference.items(conn)} if found else {}
    return [Unfinished(one, names.get(one.item, one.item), _part(one)) for one in found]


def _part(draft: Draft) -> str:
    part = draft.step.partition("-")[0]
    return part if part in TITLES else "applicant"


def is_meant(item: ServiceItem, text: str) -> bool:
    """Whether the text is a part of the item's name, of its key, or some initials of its name in pinyin."""
    plain = "".join(text.split()).casefold()
    letters = plain.isascii() and plain.isalpha()
    return plain in item.name.casefold() or plain in item.key or (letters and sought_by(item.name, plain))


async def choose_item(request: web.Request) -> web.StreamResponse:
    """GET /intake?q=TEXT: the items, those that this station takes in most first."""
    scan = await landed(request, request.query.get("q", ""))
    if scan is not None:
        return scan
    q = request.query.get("q", "").strip()[:_QUERY_CHARS]
    desk, account = request.app[DESK], request[keys.PERSON].account

    def read(conn: Connection) -> tuple[list[ServiceItem], dict[str, int], list[Unfinished]]:
        used = uses(conn, desk.log.region_of(conn, desk.log.author))
        mine = drafts.of_account(conn, account, UNFINISHED_SHOWN)
        return reference.items(conn), used, unfinished(conn, mine)

    items, used, left = await request.app[keys.STORE].read(read)
    found = sorted((item for item in items if is_meant(item, q)), key=lambda item: -used.get(item.key, 0))
    often = sum(1 for item in found[:OFTEN] if used.get(item.key)) if not q else 0
    context = {"often": found[:often], "items": found[often:], "all": len(items), "q": q}
    if wants_part(request):
        return render_part(request, "intake_found.html", context)
    return await render(request, "intake.html", context | {"unfinished": left}, values={"q": q})


async def list_drafts(request: web.Request) -> web.Response:
    """GET /drafts: everybody's at this station, last saved first."""

    def read(conn: Connection) -> list[Unfinished]:
        return unfinished(conn, drafts.newest(conn))

    found = await request.app[keys.STORE].read(read)
    return await render(request, "drafts.html", {"drafts": found, "most": drafts.LIST_ROWS})
