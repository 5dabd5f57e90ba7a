"""Finding every page of a place: everybody who works there follows every link."""

from __future__ import annotations

import time

from casework import rating_codes
from casework.ratings import INTAKE
from node import drafts
from sync_protocol.store.seam import Store
from tests.browser.conftest import Visits
from tests.browser.county import BrowserCounty
from tests.browser.crawling import Crawl
from tests.browser.people import STAFF
from tests.browser.routes import routes_of
from tests.processes.founding import opened_hub, opened_node


def crawl_place(place: str, county: BrowserCounty, visit: Visits) -> tuple[Crawl, list[str]]:
    """What was seen, and what was wrong with the pages on which everybody begins."""
    crawl, faults = Crawl(county.url(place), routes_of(place)), list[str]()
    unlinked = _unlinked(county, place)
    crawl.go("", (), unlinked)
    for who in (key for key, worker in STAFF.items() if worker.place == place):
        page = visit(who)
        cases = [f"/cases/{topics[0]}" for topics in county.cases.values()]
        crawl.go(who, page.context.cookies(), ["/", *cases, *unlinked])
        faults += visit.leave(page)
    return crawl, faults


def _unlinked(county: BrowserCounty, place: str) -> list[str]:
    """Addresses that stand on paper, on the applicant's telephone or in a script, and in no link that is followed."""
    found = ["/sign-in", "/rate", "/rated"]
    scanned = county.cases["endorsed/scanned"][0]
    if place == "hub":
        public = county.public_path()
        with opened_hub(county.small.dir("hub")) as hub:
            code = _rating_code(hub.store, scanned)
        return [
            *found,
            f"/rate/{code}",
            "/q",
            public,
            public + "/rate",
            f"/queue/case/{scanned}",
            f"/cases/{scanned}/view/1",
        ]
    with opened_node(county.small.dir(place)) as station:
        code = _rating_code(station.store, scanned)
        held = [draft for draft in station.store.read(drafts.newest) if draft.pages]
    found += [f"/rate/{code}", f"/cases/{scanned}/view/1"]
    if place == "township":
        return [*found, f"/review/case/{scanned}"]
    # Everybody opens one draft: the one that has pages.
    return [*found, f"/cases/{scanned}/taken", f"/drafts/{held[0].id}/materials"]


def _rating_code(store: Store, case: str) -> str:
    random, now = bytes(range(rating_codes.RANDOM_BYTES)), int(time.time())
    return store.write(lambda conn: rating_codes.issue(conn, bytes.fromhex(case), INTAKE, now, random))
