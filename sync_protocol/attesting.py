"""Statements made and checked with what is held here: our key and place in the log, the county's keys, its revocations.

SPEC section 18. Everything runs inside the caller's transaction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Connection, select

from sync_protocol.entries import parse_header
from sync_protocol.errors import BadSignature, SyncError
from sync_protocol.feeds import HUB, TO_ALL, FeedId, down
from sync_protocol.frontier import Branch
from sync_protocol.replica import Replica
from sync_protocol.statements import (
    Place,
    Said,
    Statement,
    Verified,
    check_revoked,
    parse_statement,
    sign_statement,
    verify_statement,
)
from sync_protocol.store import feed_store, peers, trust
from sync_protocol.store import tables as t
from sync_protocol.topology import Tier

OTHER_CONTEXT = "other_context"
"""Not an error's code: the signature speaks of other bound bytes than those it was shown with."""
FOREIGN = "foreign"
"""Not an error's code: by its certificate it was made in another county."""

_REF = re.compile(r"(?:up:(\d+)|down:(\d+)>(\d+))/(\d+)/(\d+)")
_COUNTY_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a statement: fault is "" where it is good, else a code of SPEC section 12, OTHER_CONTEXT or FOREIGN.

    tier: "village", "township" or "county"; revoked: its certificate was revoked after it was said. With a fault the
    rest says what the bytes claim, as far as they could be read. newest: of when the last word of the county is that
    has come here (unix seconds); what it says to everybody travels before all else.
    """

    fault: str
    author: int = 0
    tier: str = ""
    region: str = ""
    serial: int = 0
    kind: int = 0
    audience: int = 0
    epoch: int = 0
    number: int = 0
    time: int = 0
    payload: bytes = b""
    revoked: bool = False
    newest: int = 0


def attest(
    conn: Connection, replica: Replica, home: int, kind: int, bound: bytes, time: int, payload: bytes, about: str
) -> bytes:
    """Sign a statement about a home's matter, placed at our own entry `about`, else at the next we write about it.

    Who writes that entry in this transaction holds the home's lock, so that nobody else takes the place.
    """
    me = replica.me
    place = _place_of(about, me.author) or _next_place(conn, replica, home)
    holder = trust.signed_certificate(conn, me.serial)
    return sign_statement(me.deployment, me.signer, holder, Said(kind, place, time, payload), bound)


def _place_of(ref: str, author: int) -> Place | None:
    shape = _REF.fullmatch(ref)
    if shape is None:
        return None
    up, writer, audience, epoch, number = (int(part or 0) for part in shape.groups())
    return Place(audience, epoch, number) if author in (up, writer) else None


def _next_place(conn: Connection, replica: Replica, home: int) -> Place:
    me, feed = replica.me, replica.journal.feed_for(home)
    branch = Branch(feed, me.epoch)
    known = feed_store.tip_of(conn, branch)
    number = known.number if known else feed_store.start_of(conn, me.deployment, branch).number
    return Place(feed.audience, me.epoch, number + 1)


def check(conn: Connection, replica: Replica, data: bytes, bound: bytes) -> Checked:
    """Never raises on bytes, whatever they are."""
    deployment, newest = replica.me.deployment, _newest(conn, replica.me.author)
    try:
        statement = parse_statement(data)
    except SyncError as error:
        return Checked(error.code, newest=newest)
    try:
        verified = verify_statement(deployment, statement, bound, lambda serial: trust.hub_certificate(conn, serial))
        revoked = check_revoked(verified, trust.revocations_of(conn, verified.certificate.author))
    except SyncError as error:
        return _checked(_fault(conn, statement, error), _claimed(conn, statement), newest)
    return _checked("", verified, newest, revoked=revoked)


def _fault(conn: Connection, statement: Statement, error: SyncError) -> str:
    if error.code in ("bad_signature", "unknown_certificate") and _is_foreign(conn, statement):
        return FOREIGN
    if isinstance(error, BadSignature) and not error.evidence.get("mark", True):
        return OTHER_CONTEXT
    return error.code


def _is_foreign(conn: Connection, statement: Statement) -> bool:
    """Asked only of what does not verify: division codes of one county begin alike (GB/T 2260)."""
    hub = trust.newest_certificate(conn, HUB)
    if statement.holder is None or hub is None:
        return False
    return statement.holder.certificate.region[:_COUNTY_DIGITS] != hub.region[:_COUNTY_DIGITS]


def _claimed(conn: Connection, statement: Statement) -> Verified | None:
    certificate = statement.holder.certificate if statement.holder else trust.newest_certificate(conn, HUB)
    return Verified(certificate, statement.said) if certificate else None


def _checked(fault: str, verified: Verified | None, newest: int, *, revoked: bool = False) -> Checked:
    if verified is None:
        return Checked(fault, newest=newest)
    c, said = verified.certificate, verified.said
    return Checked(
        fault,
        c.author,
        Tier(c.tier).name.lower(),
        c.region,
        c.serial,
        said.kind,
        said.place.audience,
        said.place.epoch,
        said.place.number,
        said.time,
        said.payload,
        revoked,
        newest,
    )


def _newest(conn: Connection, me: int) -> int:
    spoken, _ = peers.contact(conn, HUB)
    return max(spoken, *(_last_time(conn, feed) for feed in (TO_ALL, down(HUB, me))))


def _last_time(conn: Connection, feed: FeedId) -> int:
    e = t.entry.c
    newest = select(e.header).where(e.feed == feed.packed()).order_by(e.epoch.desc(), e.number.desc()).limit(1)
    header = conn.execute(newest).scalar()
    return parse_header(header).time if header else 0
