"""A county with as many stations as a test likes, in the hub's database alone: nobody runs them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import reference
from casework.regions import built_in_regions
from hub.metrics import PROGRAM_VERSION
from sync_protocol.certificates import Certificate, sign_certificate
from sync_protocol.crypto import BoxKey, Signer
from sync_protocol.feeds import HUB, up
from sync_protocol.reports import StationReport, pack_report, sign_report
from sync_protocol.store import report_store
from sync_protocol.store import tables as t
from sync_protocol.topology import Tier
from tests.hub.hall import Hall

DAY = 86_400


def settle_many(hall: Hall, count: int, first: int = 100) -> list[int]:
    """Enrol so many townships and villages that have none yet, in order of their codes, as authors from `first` on."""
    authors = list(range(first, first + count))
    used = set(hall.hub.store.read(lambda conn: conn.execute(sa.select(t.station.c.region)).scalars().all()))
    tree = [one for one in built_in_regions("341882") if one.level != "county"]
    chosen = [one.code for one in tree if one.code not in used][:count]
    halls_of = [one.code for one in tree if one.level == "township"]
    made_up = [
        [
            f"{halls_of[n % len(halls_of)][:9]}{900 + n // len(halls_of)}",
            "village",
            halls_of[n % len(halls_of)],
            f"新村{n}",
        ]
        for n in range(count - len(chosen))
    ]
    chosen += [row[0] for row in made_up]

    def write(conn: Connection) -> None:
        reference.save_regions(conn, made_up)
        halls: dict[str, int] = {}
        rows = conn.execute(sa.select(t.station).where(t.station.c.tier == int(Tier.TOWNSHIP)))
        halls.update({row.region[:9]: row.author for row in rows})
        for author, region in zip(authors, chosen, strict=True):
            tier = Tier.TOWNSHIP if region.endswith("000") else Tier.VILLAGE
            parent = HUB if tier is Tier.TOWNSHIP else halls.get(region[:9], HUB)
            if tier is Tier.TOWNSHIP:
                halls[region[:9]] = author
            certify(hall, conn, author, region, tier, parent)

    hall.hub.store.write(write)
    return authors


def certify(hall: Hall, conn: Connection, author: int, region: str, tier: Tier, parent: int, **changes: Any) -> None:
    me, now = hall.hub.me, hall.now()
    signer = Signer(author.to_bytes(32, "big"))
    certificate = Certificate(
        serial=1000 + author,
        author=author,
        parent=parent,
        tier=tier,
        region=region,
        sign_key=signer.public,
        box_key=BoxKey(author.to_bytes(32, "big")).public,
        not_before=now - 30 * DAY,
        not_after=now + 700 * DAY,
        epoch=0,
    )
    signed = sign_certificate(me.deployment, replace(certificate, **changes), me.signer, me.serial)
    conn.execute(sa.insert(t.station).values(author=author, region=region, tier=int(tier)))
    row = {"serial": 1000 + author, "author": author, "packed": signed.packed(), "revoked": None}
    conn.execute(sa.insert(t.certificate).values(**row))
    conn.execute(
        sa.insert(t.tip).values(feed=up(author).packed(), epoch=0, number=40, head=bytes(32)),
    )


def says(hall: Hall, author: int, ago: int = 60, skew: int = 0, **values: Any) -> None:
    """What a station is known to have said so many seconds ago; in order but for `values`."""
    now = hall.now()
    blank = StationReport(author, 1000 + author, now - ago + skew, 0, 40, program=PROGRAM_VERSION, schema="0010")
    packed = pack_report(replace(blank, **values))
    signature = sign_report(hall.hub.me.deployment, Signer(author.to_bytes(32, "big")), packed)
    hall.hub.store.write(lambda conn: report_store.keep(conn, author, packed, signature, now - ago, skew))
