"""No page grows heavier than a weak PC on a slow link can bear: budgets per kind of page, by size and never by time."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.browser.people import STAFF
from tests.browser.weighing import Weight, weigh

LIST = Weight(14, 12, 22)
CAPTURE = Weight(10, 12, 26 + 60)
"""The second number of the scripts is what comes when the camera is used: finding corners."""
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
    ("township", "/review", LIST),
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


def test_the_public_page_is_one_file_without_script(county):
    assert weigh(county.url("hub"), county.public_path(), "").over(PUBLIC) == []


def _cookie(page) -> str:
    return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in page.context.cookies())
