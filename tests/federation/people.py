"""What the people of a place do: take in cases, act on those that they hold, sometimes out of turn."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from casework import reference
from casework.case_tables import case_row
from casework.changes import ChangeKind
from casework.errors import NotFound
from casework.intake import Stamp, collect_body
from casework.journal import BLOB_PAGE, BLOB_RESULT, ORDERED
from casework.projector import office_of
from casework.states import HOME, TABLE, Course, State, office_fits
from casework.workdays import china_day
from sync_protocol import authority
from sync_protocol.entries import BlobRef
from sync_protocol.errors import SyncError
from sync_protocol.feeds import HUB
from sync_protocol.frontier import Branch, Tip
from sync_protocol.journal import Writing
from sync_protocol.reading import PlacedEntry
from sync_protocol.store import tables as t
from tests.casework.cases import body_of
from tests.federation.judges import position_of
from tests.federation.template import ITEMS, intake_line

if TYPE_CHECKING:
    from tests.federation.places import Machine

_NEVER_BY_PEOPLE = (ChangeKind.COLLECT, ChangeKind.NUMBER)


async def work(machine: Machine, until: float) -> None:
    """One person's shift at this machine; ends with the machine or at `until`."""
    rng, loop = machine.rng, machine.world.loop
    while loop.time() < until and not machine.off:
        await asyncio.sleep(rng.expovariate(1 / machine.world.pause_seconds))
        if machine.off or loop.time() >= until:
            return
        for _ in range(rng.choice((5, 11, 20))):
            await _one(machine)


async def _one(machine: Machine) -> None:
    machine.world.step(machine)
    try:
        if machine.author != HUB and machine.rng.random() < 0.35:
            await _collect(machine)
        else:
            await _act(machine)
    except SyncError as error:
        machine.world.counts[f"not written: {error.code}"] += 1
    except NotFound:  # a new machine that has not heard of the items yet
        machine.world.counts["not written: item unknown"] += 1


def _pages(machine: Machine, key: bytes) -> list[Any]:
    """Seal a few scans; most small, some of several chunks."""
    rng = machine.rng
    sizes = [rng.choice((300, 2_000, 90_000)) for _ in range(rng.choice((0, 0, 1, 2)))]
    sealed = [machine.topics.seal(key, rng.randbytes(size), BLOB_PAGE) for size in sizes]
    for blob in sealed:
        machine.world.lengths[blob.ref.hash] = blob.ref.length
    return sealed


def _brought_before(conn: Connection, machine: Machine) -> list[BlobRef]:
    """A scan that this machine still holds of an earlier case, to be named again; mostly none."""
    if machine.rng.random() > 0.3:
        return []
    r, b = t.blob_ref.c, t.blob.c
    rows = conn.execute(
        select(r.hash, b.length).join(t.blob, b.hash == r.hash).where(r.home == machine.author, r.role == BLOB_PAGE)
    )
    known = sorted({(row.hash, row.length) for row in rows if machine.topics.holds(row.hash)})
    return [BlobRef(*machine.rng.choice(known), BLOB_PAGE)] if known else []


async def _collect(machine: Machine) -> None:
    rng = machine.rng
    topic, key = machine.topics.new()
    sealed = await machine.store.off_loop(lambda: _pages(machine, key))
    serial = machine.world.serial()
    tier = "township" if machine.tier == 2 else "village"
    wrong_route = rng.random() < 0.06

    def write(conn: Connection) -> PlacedEntry:
        item = reference.newest_item(conn, ITEMS[serial % len(ITEMS)])
        again = _brought_before(conn, machine)
        machine.world.counts["scan named again"] += len(again)
        stamp = Stamp(tier, f"{machine.author}-{serial}", china_day(machine.now()).isoformat())
        body, _ = collect_body(item, intake_line(item.key, serial), stamp)
        if wrong_route:  # as a program with an old catalogue would
            body["route"] = {**body["route"], "first_review": not body["route"]["first_review"]}
        if sealed:
            pages = [{"blob": at, "plain": blob.plain, "type": "image/jpeg"} for at, blob in enumerate(sealed)]
            body["materials"][0] = {"name": body["materials"][0]["name"], "pages": pages}
        return machine.topics.open(
            conn,
            topic,
            key,
            (int(ChangeKind.COLLECT), body),
            [*(blob.ref for blob in sealed), *again],
            relays_read=item.township_reads,
            actor=3,
            time=machine.now(),
            quality=1,
            urgency=20_000 + serial % 7,
        )

    written = await machine.store.write(write)
    told_saved(machine, written, {blob.ref.hash for blob in sealed})


_TOPICS = select(case_row.c.topic, case_row.c.home)


async def _act(machine: Machine) -> None:
    """Write one change to a case; mostly one that the state table allows this office now."""
    rng = machine.rng
    topics = await machine.store.read(lambda conn: list(conn.execute(_TOPICS).all()))
    if not topics:
        return
    topic, home = rng.choice(sorted(topics))
    out_of_turn = rng.random() < 0.06
    document = machine.author == HUB and rng.random() < 0.9
    erase = machine.author == HUB and rng.random() < 0.05

    def choose(conn: Connection) -> tuple[ChangeKind, bytes | None] | None:
        state = machine.state_of(machine.topics.changes(conn, home, topic))
        office = office_of(machine.topics, home)
        kinds = _kinds(state.state, state.course(), office, out_of_turn)
        if not kinds:
            return None
        return rng.choice(kinds), machine.topics.key_of(conn, home, topic)

    if erase:
        machine.world.counts["case erased"] += 1
        journal = machine.replica.journal
        await machine.store.write(
            lambda conn: authority.erase(conn, journal, home, topic, Writing(1, machine.now(), 1))
        )
        return
    chosen = await machine.store.read(choose)
    if chosen is None:
        return
    kind, key = chosen
    blobs: list[Any] = []
    if kind is ChangeKind.ATTACH_RESULT:
        if key is None or not document:
            return
        plain = rng.randbytes(rng.choice((500, 70_000)))
        blobs = [await machine.store.off_loop(lambda: machine.topics.seal(key, plain, BLOB_RESULT))]
        machine.world.lengths[blobs[0].ref.hash] = blobs[0].ref.length
    out = await machine.store.write(lambda conn: _write(conn, machine, home, topic, kind, blobs))
    told_saved(machine, out, {blob.ref.hash for blob in blobs})


def _kinds(state: State | None, course: Course, office: str, out_of_turn: bool) -> list[ChangeKind]:
    rows = [row for row in TABLE if row.kind not in _NEVER_BY_PEOPLE]
    if out_of_turn:
        return [row.kind for row in rows]
    return [row.kind for row in rows if state in row.sources and office_fits(row, state, course, office)]


def _write(
    conn: Connection, machine: Machine, home: int, topic: bytes, kind: ChangeKind, blobs: list[Any]
) -> PlacedEntry:
    """In one transaction, as the desk does: the county first puts in order what it has received."""
    machine.desk._machine.settle(conn, home)
    office = office_of(machine.topics, home)
    body = copy.deepcopy(body_of(kind))
    if "seen" in body:
        body["seen"] = []
    if kind is ChangeKind.CORRECT:
        body = {"form": {"note": str(machine.world.serial())}, "reason": "更正"}
    if kind is ChangeKind.SUPPLEMENT:
        body = {"materials": [], "form": {"note": str(machine.world.serial())}}
    if kind is ChangeKind.DECLINE_REQUEST or (kind is ChangeKind.WITHDRAW and office != HOME):
        requests = machine.state_of(machine.topics.changes(conn, home, topic)).open_requests
        body["request"] = requests[0] if requests else "up:9/0/1"
    if blobs:
        body["plain"] = blobs[0].plain
    refs: list[BlobRef] = [blob.ref for blob in blobs]
    return machine.topics.write(conn, home, topic, (int(kind), body), refs, actor=4, time=machine.now(), quality=1)


def told_saved(machine: Machine, written: PlacedEntry, blobs: set[bytes]) -> None:
    """The page said «saved»: from now on the judges hold this machine to it."""
    if machine.off:
        return  # the page never got there
    feed, epoch, number = position_of(written.ref)
    tip = Tip(number, b"")
    machine.world.judges.acknowledge(machine.author, {Branch(feed, epoch): tip}, blobs)
    machine.world.counts["saved"] += 1
    if written.standing == ORDERED:
        machine.world.counts["ordered at once"] += 1
