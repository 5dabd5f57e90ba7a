"""The county every play starts from: founded, published, enrolled and in step, made once per process and copied."""

from __future__ import annotations

import atexit
import random
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from casework.catalogue import load_catalogue
from casework.example_intake import example_intake_line
from casework.intake import HeldMaterial, Intake
from casework.regions import built_in_regions
from casework.service_item import ServiceItem
from casework.workdays import load_calendar
from hub import county as hub_county
from hub.reference_data import publish
from migrations.upgrade import upgrade
from node.enrol import found_station
from node.station import assemble
from sync_protocol import authority
from sync_protocol.answerer import Answerer
from sync_protocol.crypto import BoxKey, Signer
from sync_protocol.dialer import Dialer
from sync_protocol.enrolment import EnrolRequest, Token, Welcome, pack_request, parse_request, parse_welcome
from sync_protocol.feeds import HUB
from sync_protocol.journal import Journal, Writing
from sync_protocol.replica import Replica
from sync_protocol.store.data_folder import DataFolder
from sync_protocol.store.me import Me
from sync_protocol.store.me import put as put_identity
from sync_protocol.store.seam import SqliteStore
from sync_protocol.topology import Tier
from tests.memory_folder import memory_folder

EPOCH_SECONDS = 1_790_000_000
REGION = "341882000000"
STATIONS = (
    ("341882103000", Tier.TOWNSHIP),
    ("341882101000", Tier.TOWNSHIP),
    ("341882103201", Tier.VILLAGE),
    ("341882103202", Tier.VILLAGE),
    ("341882101201", Tier.VILLAGE),
    ("341882102201", Tier.VILLAGE),
)
"""The last one's township has no hall: it stands under the county."""
ITEMS = ("elder_allowance", "disabled_subsidy")


def folder_of(root: Path, author: int) -> DataFolder:
    return DataFolder(root / f"p{author}", root / f"p{author}.key")


@dataclass(frozen=True)
class Template:
    """A folder with one data folder per author, and who stands under whom."""

    root: Path
    parents: dict[int, int]
    tiers: dict[int, Tier]

    def copy(self, to: Path) -> None:
        for author in self.parents:
            source, target = folder_of(self.root, author), folder_of(to, author)
            shutil.copytree(source.path, target.path)
            shutil.copyfile(source.key_file, target.key_file)


@cache
def template() -> Template:
    rng = random.Random(1)
    root = memory_folder("lianban-template-")
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    hub_store = new_store(folder_of(root, HUB), "hub", rng)
    now = EPOCH_SECONDS - 3600
    me, _ = hub_store.write(lambda conn: authority.found(conn, REGION, rng.randbytes, now))
    hub_store.write(lambda conn: put_identity(conn, hub_county.REGION, REGION.encode()))
    journal = Journal(me, rng.randbytes)
    items = [_catalogue()[key] for key in ITEMS]
    tree, calendar = built_in_regions(REGION[:6]), load_calendar()
    hub = hub_county.assemble(folder_of(root, HUB), hub_store, me, REGION, rng.randbytes, lambda: now)
    hub_store.write(lambda conn: publish(conn, journal, items, calendar, tree, Writing(0, now, 1)))
    replicas, stores, parents, tiers = {HUB: hub.replica}, {HUB: hub_store}, {HUB: 0}, {HUB: Tier.COUNTY}
    for region, tier in STATIONS:
        station = enrol(hub_store, me, region, tier, rng, now)
        author = station.author
        stores[author], replicas[author] = settle(folder_of(root, author), station, rng)
        parents[author], tiers[author] = station.parent, tier
    for _ in range(2):
        for author, parent in parents.items():
            if author != HUB:
                _sync(stores, replicas, author, parent, now)
    for store in stores.values():
        store.close()
    return Template(root, parents, tiers)


@dataclass(frozen=True)
class Enrolled:
    """A station's welcome as the hub granted it, and its new keys."""

    author: int
    parent: int
    welcome: Welcome
    signer: Signer
    box: BoxKey


def enrol(hub: SqliteStore, me: Me, region: str, tier: Tier, rng: random.Random, now: int) -> Enrolled:
    """Invite a station and redeem the invitation: for a new station, or for the next machine of one."""
    invitation = hub.write(lambda conn: authority.invite(conn, me, region, tier, rng.randbytes, now))
    token = Token.parse(invitation.token)
    signer, box = Signer(rng.randbytes(32)), BoxKey(rng.randbytes(32))
    request = EnrolRequest(token.id, token.station, token.tier, signer.public, box.public)
    sealed = parse_request(pack_request(request, token, signer))
    journal = Journal(me, rng.randbytes)
    answer = hub.write(lambda conn: authority.redeem(conn, journal, sealed, now)).packed()
    welcome = parse_welcome(answer, token, signer.public)
    mine = welcome.station.certificate
    return Enrolled(mine.author, mine.parent, welcome, signer, box)


def settle(folder: DataFolder, station: Enrolled, rng: random.Random) -> tuple[SqliteStore, Replica]:
    """The station's first start, as `lianban-node init` makes it."""
    keys = (station.signer, station.box)
    folder.create(rng.randbytes)
    me = found_station(folder, "http://parent.example", None, station.welcome, keys)
    store = folder.store(lambda conn: None)
    return store, assemble(folder, store, me, rng.randbytes, lambda: EPOCH_SECONDS).replica


def new_store(folder: DataFolder, kind: str, rng: random.Random) -> SqliteStore:
    folder.create(rng.randbytes)
    return folder.store(lambda conn: upgrade(conn, kind), new=True)


def _sync(stores: dict[int, SqliteStore], replicas: dict[int, Replica], child: int, parent: int, now: int) -> None:
    dialer = Dialer(replicas[child], parent)
    above, below = stores[parent], stores[child]
    for _ in range(20):
        sent = below.read(lambda conn: dialer.compose(conn, now, 0))
        answerer = Answerer(replicas[parent], child, sent.frames)
        above.write(lambda conn, a=answerer: a.take(conn, now))
        above.write(lambda conn, a=answerer: a.settle(conn, Writing(0, now, 1)))
        answer = above.write(lambda conn, a=answerer: a.answer(conn, now))
        progress = below.write(lambda conn, s=sent, f=answer.frames: dialer.absorb_entries(conn, s, f, now))
        if not progress.again:
            return
    raise AssertionError("the template did not come to rest")


@cache
def _catalogue() -> dict[str, ServiceItem]:
    return {item.key: item for item in load_catalogue()}


def intake_line(item_key: str, serial: int) -> Intake:
    """What a window hands over for an item, everything filled in and seen."""
    item = _catalogue()[item_key]
    line = example_intake_line(item, serial=serial)
    materials = tuple(HeldMaterial(material["name"], "seen") for material in line["materials"])
    return Intake(line["applicant"], line["form"], line["household"], line["ref"], materials, line.get("answers", {}))
