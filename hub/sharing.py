"""A station's new machine gets the keys of the cases that are still under way: its old ones went with the old disk."""

from __future__ import annotations

from sqlalchemy import Connection, select

from casework.case_tables import case_row
from casework.states import State
from sync_protocol.authority import redeem
from sync_protocol.enrolment import SealedRequest, Welcome
from sync_protocol.journal import Journal
from sync_protocol.topics import Topics

_OVER = (State.DELIVERED.value, State.WITHDRAWN.value, "")


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
