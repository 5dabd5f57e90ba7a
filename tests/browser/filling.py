"""A county with weeks of work behind it, made with the programs' own code in this process before they serve it.

Its clock starts five weeks ago and goes on as the work does, so that lists hold what is new, due, late and done.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from bench.places import one_turn
from casework import accounts_store
from casework.case_tables import case_row
from casework.changes import ChangeKind
from casework.intake import HeldPage
from casework.passwords import hash_password
from casework.policy import Person
from casework.staff_log import password_changed
from casework.workdays import china_day
from deploy.demo import scans
from hub import staff
from hub.cards import issue_cards
from hub.county import County, open_county
from node.intake_file import take_file
from node.station import Station, open_station
from sync_protocol import canonical
from sync_protocol.dialer import Dialer
from sync_protocol.feeds import up
from sync_protocol.journal import Writing
from sync_protocol.store import blob_store, tables
from sync_protocol.store.data_folder import DataFolder
from tests.browser.people import PASSWORD, STAFF, Worker, intake_line
from tests.processes.lines import write_lines

_DAY = 24 * 3600
_STATIONS = ("township", "village", "other")
_K = ChangeKind


@dataclass(frozen=True, slots=True)
class Batch:
    """Cases of one day: how many days ago, where, how many, what for, how far they have come since."""

    days_ago: int
    place: str
    count: int
    item: str
    stage: str
    pages: int = 0


WORK = (
    Batch(34, "village", 6, "elder_allowance", "delivered", pages=1),
    Batch(34, "other", 3, "elder_allowance", "accepted"),
    Batch(30, "village", 3, "elder_allowance", "denied"),
    Batch(30, "village", 2, "elder_allowance", "refused"),
    Batch(27, "village", 4, "elder_allowance", "closed"),
    Batch(27, "village", 12, "elder_allowance", "collected"),
    Batch(20, "other", 4, "elder_allowance", "endorsed"),
    Batch(14, "village", 4, "elder_allowance", "reviewed", pages=1),
    Batch(14, "village", 4, "elder_allowance", "asked"),
    Batch(6, "village", 8, "elder_allowance", "accepted"),
    Batch(6, "township", 3, "elder_allowance", "endorsed"),
    Batch(3, "village", 4, "elder_allowance", "endorsed", pages=2),
    Batch(1, "village", 8, "elder_allowance", "collected"),
    Batch(1, "other", 6, "temp_relief", "collected"),
    Batch(1, "village", 2, "elder_allowance", "granted"),
    Batch(0, "village", 2, "elder_allowance", "collected", pages=3),
)
_TURNS = 4
"""Enough for entries and their answers; a dialer that waits for scans would go on for ever."""
_SCANS = 4
"""Pictures of pages that are drawn; what differs from case to case is the case."""

_ENDORSE = ("township", "township", _K.ENDORSE, {"opinion": "经核对原件，情况属实，同意上报。"})
_ACCEPT = ("hub", "reviewer", _K.ACCEPT, {})
_REVIEW = ("hub", "reviewer", _K.REVIEW, {})
_GRANT = ("hub", "approver", _K.GRANT, {})
_DENY = ("hub", "approver", _K.DENY, {"reason": "经核查，申请人未满八十周岁，不符合发放条件。"})
_REFUSE = {"reason": "户籍不在本县，不属于本机关职权范围。", "basis": "行政许可法第三十二条"}
_ASK = {"defects": [{"subject": "身份证", "what": "照片模糊，看不清号码"}], "note": "请重新扫描"}
_UP_TO_GRANT = (_ENDORSE, _ACCEPT, _REVIEW, _GRANT)
_ATTACH = ("hub", "approver", _K.ATTACH_RESULT, {"title": "准予决定书"})
_CLOSE = ("hub", "approver", _K.CLOSE, {"result": "issued"})
_CLOSED = (*_UP_TO_GRANT, _ATTACH, _CLOSE)
STAGES: dict[str, tuple[tuple[str, str, ChangeKind, dict[str, Any]], ...]] = {
    "collected": (),
    "endorsed": (_ENDORSE,),
    "asked": (("township", "township", _K.ASK_SUPPLEMENT, _ASK),),
    "refused": (_ENDORSE, ("hub", "reviewer", _K.REFUSE_ACCEPTANCE, _REFUSE)),
    "accepted": (_ENDORSE, _ACCEPT),
    "reviewed": (_ENDORSE, _ACCEPT, _REVIEW),
    "denied": (_ENDORSE, _ACCEPT, _REVIEW, _DENY, ("hub", "approver", _K.CLOSE, {"result": "denied"})),
    "granted": _UP_TO_GRANT,
    "closed": _CLOSED,
    "delivered": (*_CLOSED, ("village", "agent", _K.DELIVER, {"to": "本人", "how": "window"})),
}
"""What is done, by whom and where, for a case to come so far; a place's work is done before the next place's."""


@dataclass
class Clock:
    """Unix seconds; stands still unless it is told to go on."""

    now: int

    def __call__(self) -> int:
        return self.now


@dataclass
class Filling:
    """The opened folders of a county, and the clock that they all go by."""

    folder: Path
    clock: Clock
    places: dict[str, County | Station] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    taken: int = 0
    made: dict[str, list[str]] = field(default_factory=dict)
    """Stage, with "/scanned" if there are pages → cases as addresses name them."""

    @property
    def hub(self) -> County:
        found = self.places["hub"]
        assert isinstance(found, County)
        return found

    def station(self, name: str) -> Station:
        found = self.places[name]
        assert isinstance(found, Station)
        return found

    def staff(self) -> None:
        """Everybody gets an account and has chosen a password of their own already."""
        hub, first, hashed = self.hub, hash_password("first-" + PASSWORD), hash_password(PASSWORD)
        for worker in STAFF.values():
            new = staff.NewUser(worker.login, worker.display, worker.role, worker.station, worker.office)
            add = partial(staff.add_user, new=new, new_hash=first, writing=Writing(0, self.clock(), 1))
            hub.store.write(lambda conn, add=add: add(conn, hub.replica.journal))
        self.carry()
        for worker in STAFF.values():
            self._choose_password(worker, hashed)

    def _choose_password(self, worker: Worker, hashed: str) -> None:
        place = self.places[worker.place]

        def write(conn: Connection) -> Person:
            account = accounts_store.find_by_login(conn, worker.login)
            assert account is not None
            writing, journal = Writing(account.account, self.clock(), 1), place.replica.journal

            def say(conn: Connection, kind: int, body: dict[str, Any]) -> None:
                journal.tell(conn, up(place.me.author), kind, canonical.pack(body), writing)

            if isinstance(place, County):
                staff.password_changed(conn, journal, account.account, hashed, writing)
            else:
                password_changed(conn, account.account, hashed, say)
            return Person(account.account, account.display, worker.role, account.author, account.region, account.office)

        self.people[worker.key] = place.store.write(write)

    def carry(self, *children: str) -> None:
        """What these villages (both, if none is named) and the township hold reaches the county, which judges it, and
        its answers reach them."""
        township = self.station("township")
        villages = [self.station(name) for name in children or ("village", "other") if name != "township"]
        for village in villages:
            exchange(village, township)
        exchange(township, self.hub)
        self.hub.judge([place.me.author for place in (*villages, township)])
        exchange(township, self.hub)
        for village in villages:
            exchange(village, township)

    def work(self, batch: Batch) -> None:
        """The batch's cases are taken in and go their way on the day."""
        self.clock.now = max(self.clock.now + 60, int(time.time()) - batch.days_ago * _DAY)
        topics = self._take_in(batch)
        name = batch.stage + ("/scanned" if batch.pages else "")
        self.made.setdefault(name, []).extend(topic.hex() for topic in topics)
        self.carry(batch.place)
        before = ""
        for place, who, kind, body in STAGES[batch.stage]:
            if before not in ("", place):
                self.carry(batch.place)
            before = place
            self.clock.now += 60
            for topic in topics:
                self._act(batch.place if who == "agent" else place, who, topic, kind, body)
        self.carry(batch.place)

    def _take_in(self, batch: Batch) -> list[bytes]:
        station = self.station(batch.place)
        known = set(topics_of(station))
        lines = []
        for _ in range(batch.count):
            self.taken += 1
            files = tuple(f"page-{(self.taken + n) % _SCANS}.jpg" for n in range(batch.pages))
            lines.append(intake_line(self.taken, batch.item, files))
        file = write_lines(self.folder / "intake.jsonl", list(lines))
        done = take_file(station, file, self.folder / "scans", 0)
        assert done.taken == batch.count, done
        return [topic for topic in topics_of(station) if topic not in known]

    def _act(self, name: str, who: str, topic: bytes, kind: ChangeKind, body: dict[str, Any]) -> None:
        place, person = self.places[name], self.people[who]
        result = self._document(topic) if kind is _K.ATTACH_RESULT else None
        place.store.write(lambda conn: place.desk.act(conn, person, topic, kind, body, result=result))

    def _document(self, topic: bytes) -> HeldPage:
        desk, approver = self.hub.desk, self.people["approver"]
        key = self.hub.store.read(lambda conn: desk.key_for(conn, approver, topic))
        data = scans.document("准予决定书", ["经审查，符合规定条件，准予发放高龄津贴。", "广德市民政局"])
        return desk.seal(key, data, "application/pdf")

    def supervise(self) -> None:
        """Issue the cards that are due."""
        hub, now = self.hub, int(time.time())
        issue = partial(
            issue_cards, journal=hub.replica.journal, today=china_day(now), writing=Writing(0, now, 1), rules=hub.rules
        )
        while hub.store.write(issue):
            pass

    def draw_scans(self) -> None:
        (self.folder / "scans").mkdir(exist_ok=True)
        for n in range(_SCANS):
            picture = scans.page("居民身份证", ["姓名：（示例）", f"第 {n + 1} 份扫描件", "与原件核对无异"], n)
            (self.folder / "scans" / f"page-{n}.jpg").write_bytes(picture)


def exchange(child: Station, parent: Station | County) -> None:
    """Entries travel by the dialer; scans travel between served programs only, so they are copied."""
    dialer = Dialer(child.replica, parent.me.author)
    for _ in range(_TURNS):
        if one_turn(dialer, child, parent):
            break
    _copy_scans(child, parent)
    _copy_scans(parent, child)


def _copy_scans(source: Station | County, target: Station | County) -> None:
    mine, theirs = source.replica.blobs, target.replica.blobs
    for row in target.store.read(_missing_blobs):
        if mine.holds(row.hash) and not theirs.holds(row.hash):
            theirs.put_named(row.hash, mine.pieces(row.hash))
            target.store.write(partial(blob_store.note_held, hash_=row.hash, length=row.length))


def _missing_blobs(conn: Connection) -> list[Any]:
    return list(conn.execute(select(tables.blob.c.hash, tables.blob.c.length).where(tables.blob.c.held == 0)))


def topics_of(station: Station) -> list[bytes]:
    """Its own cases."""
    author = station.me.author
    wanted = select(case_row.c.topic).where(case_row.c.home == author)
    return [bytes(row.topic) for row in station.store.read(lambda conn: conn.execute(wanted).all())]


def begin() -> Clock:
    """A clock that shows five weeks ago."""
    return Clock(int(time.time()) - 36 * _DAY)


@contextmanager
def opened(folder: Path, clock: Callable[[], int]) -> Iterator[Filling]:
    """The places of a founded county, all open in this process."""
    assert isinstance(clock, Clock)
    filling = Filling(folder, clock)
    filling.places["hub"] = open_county(DataFolder(folder / "hub"), os.urandom, clock)
    for name in _STATIONS:
        filling.places[name] = open_station(DataFolder(folder / name), os.urandom, clock)
    try:
        yield filling
    finally:
        for place in filling.places.values():
            place.close()


def fill(
    folder: Path, clock: Clock, furnish: Callable[[Filling], None]
) -> tuple[dict[str, list[str]], dict[str, Person]]:
    """All the work of five weeks; `furnish` adds what else lies about. Gives `made` and `people` of the filling."""
    with opened(folder, clock) as filling:
        filling.carry()
        filling.staff()
        filling.draw_scans()
        for batch in WORK:
            filling.work(batch)
        furnish(filling)
        filling.supervise()
        return filling.made, filling.people
