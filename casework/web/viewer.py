"""One scan of a case at full size, page by page. Every step is a link; a script only spares the reload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from casework.desk import CaseView
from casework.errors import NotFound
from casework.texts import N_
from casework.web.case_reading import translator, view_of
from casework.web.page_words import PageRow, page_rows
from casework.web.render import render

ZOOMS = (100, 150, 200, 300, 400)
"""Per cent of a sheet that fits the window."""
TURNS = (0, 90, 180, 270)
_DIGITS_MAX = 4


@dataclass(frozen=True, slots=True)
class Look:
    """How a sheet is looked at; zoom in per cent, turn in degrees clockwise."""

    zoom: int = ZOOMS[0]
    turn: int = TURNS[0]

    @property
    def query(self) -> str:
        """What the address adds for it, "" for the plain look."""
        asked = {"zoom": self.zoom} if self.zoom != ZOOMS[0] else {}
        return urlencode(asked | ({"turn": self.turn} if self.turn else {}))

    def nearer(self, steps: int) -> Look:
        """So many steps of zoom nearer, or further away; stops at the ends."""
        at = min(max(ZOOMS.index(self.zoom) + steps, 0), len(ZOOMS) - 1)
        return Look(ZOOMS[at], self.turn)

    def turned(self, degrees: int) -> Look:
        return Look(self.zoom, (self.turn + degrees) % 360)


def look_of(query: Mapping[str, str]) -> Look:
    """As an address asks for it; the plain one for anything else."""
    zoom, turn = (int(text) if _is_number(text) else 0 for text in (query.get("zoom", ""), query.get("turn", "")))
    return Look(zoom if zoom in ZOOMS else ZOOMS[0], turn if turn in TURNS else TURNS[0])


def sheets(view: CaseView, rows: Mapping[str, list[PageRow]]) -> list[tuple[str, int, PageRow]]:
    """The scans of a case in order: material, number within it, row."""
    return [
        (material.name, number, row)
        for material in view.state.materials
        for number, row in enumerate(rows[material.name], 1)
    ]


async def show_sheet(request: web.Request) -> web.Response:
    """GET /cases/{topic}/view/{number}?zoom=Z&turn=T: the number-th scan of the case, from 1."""
    view = await view_of(request)
    every = sheets(view, page_rows(view, translator(request)))
    text = request.match_info["number"]
    number = int(text) if _is_number(text) else 0
    if not 1 <= number <= len(every):
        raise NotFound(N_("该办件没有这一页"))
    material, place, row = every[number - 1]
    path = f"/cases/{view.topic.hex()}"
    look = look_of(request.query)

    def address(number: int, look: Look) -> str:
        return f"{path}/view/{number}" + (f"?{look.query}" if look.query else "")

    context = {
        "view": view,
        "path_of_case": path,
        "material": material,
        "place": place,
        "row": row,
        "number": number,
        "every": len(every),
        "look": look,
        "zooms": ZOOMS,
        "older": address(number - 1, look) if number > 1 else "",
        "newer": address(number + 1, look) if number < len(every) else "",
        "nearer": address(number, look.nearer(1)),
        "further": address(number, look.nearer(-1)),
        "whole": address(number, Look()),
        "left": address(number, look.turned(-90)),
        "right": address(number, look.turned(90)),
    }
    return await render(request, "viewer.html", context)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX
