"""What else lies about in a county after five weeks: drafts, ratings, a station that was lost, people, invitations."""

from __future__ import annotations

import os
from functools import partial
from itertools import islice

from sqlalchemy import Connection

from casework.hall import Hall
from casework.policy import Role
from casework.ratings import INTAKE, read_rating
from casework.regions import built_in_regions
from hub import staff, stations
from hub.hall_cli import say_hall
from node.intake_file import take_file
from node.station import open_station
from node.telling_ratings import StationRatings
from sync_protocol import authority
from sync_protocol.journal import Writing
from sync_protocol.store import trust
from sync_protocol.store.data_folder import DataFolder
from tests.browser.filling import Filling, exchange, topics_of
from tests.browser.people import OFFICE, intake_line
from tests.processes.founding import COUNTY, LOST_VILLAGE, TOWNSHIP, enrol
from tests.processes.lines import write_lines

MANY = 20
"""A list with so many rows shows how it pages and scrolls."""
_WORDS = ("", "来了三趟才办好", "工作人员很耐心", "说明看不懂")


def furnish(filling: Filling, address: str) -> None:
    """All of it. `address`: where citizens reach the county, as slips say."""
    journal, writing = filling.hub.replica.journal, Writing(0, filling.clock(), 1)
    filling.hub.store.write(lambda conn: stations.say_address(conn, journal, "", address, writing))
    hall = Hall("广德市政务服务中心", address, "0563-0000000", "12345")
    filling.hub.store.write(lambda conn: say_hall(conn, journal, hall, writing))
    _drafts(filling)
    _ratings(filling)
    _lost_station(filling)
    _people_and_invitations(filling)
    filling.carry()


def _drafts(filling: Filling) -> None:
    lines = [
        intake_line(500 + n, "elder_allowance", ("page-0.jpg",) if n == MANY - 1 else ()) | {"submit": False}
        for n in range(MANY)
    ]
    file = write_lines(filling.folder / "drafts.jsonl", list(lines))
    done = take_file(filling.station("village"), file, filling.folder / "scans", 0)
    assert done.drafts == MANY, done


def _ratings(filling: Filling) -> None:
    village = filling.station("village")
    ratings = StationRatings(lambda: village.replica)
    for n, topic in enumerate(topics_of(village)[: MANY + 4]):
        rating = read_rating(str(n % 5 + 1), [], _WORDS[n % len(_WORDS)])
        give = partial(ratings.give, topic=topic, stage=INTAKE, rating=rating, now=filling.clock())
        village.store.write(give)


def _lost_station(filling: Filling) -> None:
    """A third village's computer was stolen; what it says after its certificate was revoked waits for a person."""
    hub, folder = filling.hub, filling.folder / "lost"
    enrol(hub, folder, LOST_VILLAGE, "village")
    lost = open_station(DataFolder(folder), os.urandom, filling.clock)
    try:
        exchange(lost, hub)

        def revoke(conn: Connection) -> None:
            certificate = trust.current_certificate(conn, lost.me.author)
            assert certificate is not None
            writing = Writing(0, filling.clock(), 1)
            authority.revoke(conn, hub.replica.journal, certificate.serial, "电脑被盗", writing)

        hub.store.write(revoke)
        lines = [intake_line(700 + n, "elder_allowance") for n in range(MANY)]
        done = take_file(lost, write_lines(filling.folder / "lost.jsonl", list(lines)), folder, 0)
        assert done.taken == MANY, done
        exchange(lost, hub)
        hub.judge([lost.me.author])
    finally:
        lost.close()


def _people_and_invitations(filling: Filling) -> None:
    hub, writing = filling.hub, Writing(0, filling.clock(), 1)
    for n in range(MANY - 6):
        new = staff.NewUser(f"renyuan{n}", f"审核员 第 {n + 1} 位", Role.COUNTY_REVIEWER, "", OFFICE)
        hub.store.write(lambda conn, new=new: staff.add_user(conn, hub.replica.journal, new, "x", writing))
    regions = (one for one in built_in_regions(COUNTY) if one.level == "village" and one.parent != TOWNSHIP)
    for region in islice(regions, MANY):
        invite = partial(stations.invite, me=hub.me, region=region.code, tier="village")
        hub.store.write(partial(invite, random_bytes=os.urandom, now=filling.clock()))
