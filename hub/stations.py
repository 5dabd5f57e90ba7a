"""Stations as the county sees them: inviting one, and how each of them stands."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import reference
from casework.changes import ChangeKind
from casework.errors import BadInput, Problem
from casework.regions import RegionTree
from casework.texts import N_, say
from sync_protocol import authority, canonical
from sync_protocol.errors import BadToken
from sync_protocol.feeds import HUB, TO_ALL
from sync_protocol.journal import Journal, Writing
from sync_protocol.store import tables as t
from sync_protocol.store.dialect import lock_feeds
from sync_protocol.store.me import Me
from sync_protocol.topology import Tier

TIER_WORDS = {"village": Tier.VILLAGE, "township": Tier.TOWNSHIP}
TIER_NAMES = {Tier.VILLAGE: N_("村站"), Tier.TOWNSHIP: N_("乡镇厅"), Tier.COUNTY: N_("县级")}


def invite(
    conn: Connection, me: Me, region: str, tier: str, random_bytes: Callable[[int], bytes], now: int
) -> authority.Invitation:
    """A one-time token for the station at a region code. tier: "village" or "township". Raises BadInput."""
    wanted = TIER_WORDS.get(tier)
    if wanted is None:
        raise BadInput([Problem("tier", N_("没有选择站点级别"), N_("请选择村站（village）或乡镇厅（township）"))])
    _check_region(reference.regions(conn), region, tier)
    try:
        return authority.invite(conn, me, region, wanted, random_bytes, now)
    except BadToken as error:
        raise BadInput([Problem("tier", N_("该站点已按另一级别登记"), N_("请选择与登记一致的级别"))]) from error


def _check_region(tree: RegionTree | None, region: str, tier: str) -> None:
    if tree is None:
        raise BadInput([Problem("region", N_("县级还没有区划数据"), N_("请先载入本县区划文件"))])
    found = next((one for one in tree if one.code == region), None)
    if found is None:
        raise BadInput(
            [Problem("region", say("本县没有区划代码「{region}」", region=region[:20]), N_("请核对 12 位代码"))]
        )
    if found.until:
        successor = say("，已并入 {successor}", successor=found.successor) if found.successor else ""
        message = say("「{name}」{until} 已撤销{successor}", name=found.name, until=found.until, successor=successor)
        raise BadInput([Problem("region", message, N_("请改用现行的区划代码；已登记的站点可以继续办理原来的办件"))])
    if found.level != tier:
        names = {"county": N_("县级"), "township": N_("乡镇级"), "village": N_("村级")}
        message = say("「{name}」是{names}区划，与站点级别不符", name=found.name, names=names[found.level])
        raise BadInput([Problem("region", message, N_("请改选站点级别，或核对代码"))])


def say_address(conn: Connection, journal: Journal, region: str, url: str, writing: Writing) -> None:
    """Tell everybody where a station ("" for the county) is reached, or with "" no longer. Raises BadInput.

    Stations below it that have lost their own parent go there. Saying it again writes nothing.
    """
    author = HUB if not region else _author_of(conn, region)
    lock_feeds(conn, [TO_ALL])
    url = reference.checked_url(url, "--url") if url else ""
    if reference.addresses(conn).get(author, "") != url:
        body = canonical.pack({"author": author, "url": url})
        journal.tell(conn, TO_ALL, int(ChangeKind.ADDRESS), body, writing)


def _author_of(conn: Connection, region: str) -> int:
    found = conn.execute(sa.select(t.station.c.author).where(t.station.c.region == region)).scalar()
    if found is None:
        raise BadInput(
            [Problem("station", say("没有登记过代码为「{region}」的站点", region=region[:20]), N_("请核对 12 位代码"))]
        )
    return int(found)


def invitation_plain(invitation: authority.Invitation) -> dict[str, object]:
    """{token, station, expires} as the command prints it."""
    return {"token": invitation.token, "station": invitation.station, "expires": invitation.expires}
