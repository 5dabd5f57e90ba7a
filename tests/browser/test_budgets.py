"""No page grows heavier than a weak PC on a slow link can bear: budgets per kind of page, by size and never by time."""

from __future__ import annotations

import gzip
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser.people import STAFF
from tests.browser.weighing import Weight, weigh

BUILT = Path(__file__).parents[2] / "casework" / "web" / "built"
LIST = Weight(14, 12, 22)
CAPTURE = Weight(10, 12, 26)
LAZY_KB = {"corners.js": 60}
"""What comes only when the camera is used, by the name of its source."""
DESK = Weight(16, 14, 42)
WATCH = Weight(20, 14, 50)
PUBLIC = Weight(6 + 4, 0, 0)
"""Its styles stand in the page."""

PAGES = [
    ("agent", "/", LIST),
    ("agent", "/cases", LIST),
    ("agent", "/outbox", LIST),
    ("agent", "/intake", LIST),
    ("agent", "/drafts", LIST),
    ("township", "/", LIST),
    ("township", "/review", DESK),
    ("township", "/status", LIST),
    ("approver", "/queue", DESK),
    ("reviewer", "/", DESK),
    ("supervisor", "/cards", WATCH),
    ("ops", "/status", WATCH),
    ("admin", "/stations", WATCH),
]


@pytest.mark.parametrize(("who", "path", "budget"), PAGES, ids=[f"{who} {path}" for who, path, _ in PAGES])
def test_a_page_keeps_to_its_budget(who, path, budget, county, visit):
    weight = weigh(county.url(STAFF[who].place), path, _cookie(visit(who)))
    assert weight.over(budget) == []


def test_the_capture_step_keeps_to_its_budget(county, visit):
    page = visit("agent", "/drafts")
    page.locator("main a[href^='/drafts/']").first.click()
    path = "/".join(urlsplit(page.url).path.split("/")[:3]) + "/materials"
    assert weigh(county.url("village"), path, _cookie(page)).over(CAPTURE) == []


@pytest.mark.parametrize("name", LAZY_KB)
def test_what_comes_later_has_a_budget_too(name):
    assert len(gzip.compress((BUILT / name).read_bytes(), 9)) / 1000 <= LAZY_KB[name]


def test_the_public_page_is_one_file_without_script(county):
    assert weigh(county.url("hub"), county.public_path(), "").over(PUBLIC) == []


def _cookie(page) -> str:
    return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in page.context.cookies())
