"""Later readers of cases. A station's new machine gets the keys of those that are still under way: its old ones went
with the old disk. And by hand the county shares any one case with a station on its way.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from casework.case_tables import case_row
from casework.errors import BadInput, Problem
from casework.intake_code import parse
from casework.states import State
from sync_protocol.authority import redeem, station_author
from sync_protocol.enrolment import SealedRequest, Welcome
from sync_protocol.errors import NotEnrolled
from sync_protocol.feeds import HUB
from sync_protocol.journal import Journal
from sync_protocol.topics import Topics

_WHO = "请填写收件站点或其上级乡镇的 12 位区划代码"
_OVER = (State.DELIVERED.value, State.WITHDRAWN.value, State.ARCHIVED.value, "")


def admit(conn: Connection, journal: Journal, topics: Topics, sealed: SealedRequest, now: int) -> Welcome:
    """Redeem a station's invitation; a new machine gets its certificate and its cases' keys in one transaction, so that
    none is ever left with cases that it cannot open. Raises BadToken, BadSignature.
    """
    welcome = redeem(conn, journal, sealed, now)
    author = welcome.station.certificate.author
    homes = homes_to_share(conn, topics, author)
    topics.lock(conn, homes)
    for home in homes:
        share_with_new_machine(conn, topics, author, home, now)
    return welcome


def homes_to_share(conn: Connection, topics: Topics, author: int) -> list[int]:
    """The homes whose cases a station's machine may have to read: none while it is the station's first machine."""
    return topics.subtree(conn, author) if topics.was_replaced(conn, author) else []


def share_with_new_machine(conn: Connection, topics: Topics, author: int, home: int, now: int) -> int:
    """Share the keys of a home's unfinished cases with `author`, who is the home or could read them before.

    How many were shared; 0 when all were already.
    """
    c = case_row.c
    topics.lock(conn, [home])
    rows = conn.execute(select(c.topic).where(c.home == home, c.state.not_in(_OVER)).order_by(c.topic))
    wanted = [row.topic for row in rows if author in (home, *topics.readers(conn, home, row.topic))]
    return topics.share(conn, home, wanted, author, actor=0, time=now, quality=1)


def share_by_hand(conn: Connection, topics: Topics, code: str, region: str, now: int) -> int:
    """Share the key of the case with this 收件码 with the station at a region code (12 digits): its home, or the
    township above it. 1, or 0 when its present machine had it already. Raises BadInput (fields case, with).
    """
    c = case_row.c
    row = conn.execute(select(c.topic, c.home).where(c.code == parse(code).text)).first()
    if row is None:
        raise BadInput([Problem("case", "本县没有这个收件码的办件", "请核对收件码，或先在办件页面查到它")])
    reader = station_author(conn, region)
    if reader is None or reader == HUB or row.home not in topics.subtree(conn, reader):
        raise BadInput([Problem("with", f"{region} 不是这个办件的收件站点，也不是它的上级乡镇", _WHO)])
    if topics.key_of(conn, row.home, row.topic) is None:
        raise BadInput([Problem("case", "县级没有这个办件的密钥", "内容可能已依法删除；没有删除的请用备份核对")])
    topics.lock(conn, [row.home])
    try:
        return topics.share(conn, row.home, [row.topic], reader, actor=0, time=now, quality=1)
    except NotEnrolled:
        raise BadInput([Problem("with", f"{region} 还没有接入的电脑", "请先用接入口令接入，再共享")]) from None
