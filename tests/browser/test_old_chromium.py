"""An intake in Chromium 87, from signing in to the slip: what an old PC at a village has for a browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.county import BrowserCounty
from tests.browser.old_chromium import OldPage, old_chromium
from tests.browser.people import PASSWORD, STAFF, intake_line

_NUMBER = 901
_NEXT = "main form button.button-main[name=go][value=next]"
_STEPS_MAX = 12


async def _sign_in(page: OldPage, url: str) -> None:
    await page.go(url + "/sign-in")
    for field in await page.fields():
        if field["name"] in ("login", "password"):
            await page.type(field["id"], PASSWORD if field["name"] == "password" else STAFF["agent"].login)
    await page.press("main form button[type=submit], main form button")


def _typed() -> dict[str, str]:
    """Name of an input → what the agent enters; the answers to the item's questions too."""
    line = intake_line(_NUMBER, "elder_allowance")
    found = {f"applicant.{key}": str(value) for key, value in line["applicant"].items()}
    found |= {f"form.{key}": str(value) for key, value in line["form"].items()}
    found |= {f"answers.{key}": value for key, value in line.get("answers", {}).items()}
    return found | {"household": line["household"]}


async def _fill(page: OldPage, typed: dict[str, str]) -> None:
    for field in await page.fields():
        wanted = typed.get(field["name"])
        if field["name"].endswith(".seen") and not field["checked"]:
            await page.tick(field["id"])
        elif wanted is None or (field["type"] != "radio" and field["value"] == wanted):
            continue
        elif field["type"] == "radio":
            if field["value"] == wanted and not field["checked"]:
                await page.tick(field["id"])
        elif field["type"].startswith("select"):
            await page.choose(field["id"], wanted)
        else:
            await page.type(field["id"], wanted)


@pytest.mark.timeout(240)
async def test_an_intake_is_taken_in_chromium_87(county: BrowserCounty, tmp_path: Path) -> None:
    url, typed = county.url("village"), _typed()
    async with old_chromium(tmp_path) as page:
        assert "Chrome/87" in (await page.call("Browser.getVersion"))["product"]
        await _sign_in(page, url)
        await page.go(url + "/intake/elder_allowance")
        for _ in range(_STEPS_MAX):
            path = str(await page.evaluate("location.pathname"))
            if path.endswith("/check"):
                break
            await _fill(page, typed)
            await page.press(_NEXT)
        await page.press("main form[action$='/submit'] button")
        assert typed["applicant.name"] in await page.evaluate("document.body.innerText")
        await page.go(url + "/cases?q=" + typed["applicant.name"])
        listed = await page.evaluate("document.querySelector('main').innerText")
        assert typed["applicant.name"] in listed
        assert page.errors == []
