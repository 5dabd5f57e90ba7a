"""The county as an authority: found it, invite stations, grant certificates and epochs (SPEC section 9).

Runs at the hub only, inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from sync_protocol.certificates import Certificate, deployment_id, fingerprint, sign_certificate
from sync_protocol.crypto import KEY_BYTES, BoxKey, Signer
from sync_protocol.enrolment import SECRET_BYTES, EnrolRequest, SealedRequest, Token, Welcome
from sync_protocol.entries import EntryType, pack_erasure
from sync_protocol.epochs import Grant, Revocation, Start, pack_grant, pack_revocation
from sync_protocol.errors import BadToken, NotEnrolled
from sync_protocol.feeds import HUB, TO_ALL, FeedId, down, up
from sync_protocol.frontier import Branch, Tip
from sync_protocol.journal import Journal, Writing
from sync_protocol.limits import TOKEN_SECONDS
from sync_protocol.store import feed_store, trust
from sync_protocol.store import tables as t
from sync_protocol.store.dialect import lock_feeds, lock_homes
from sync_protocol.store.me import Me, Seal, save_me
from sync_protocol.topology import Tier

DAY_SECONDS = 86_400
HUB_KEY_DAYS = 3 * 366
STATION_KEY_DAYS = 3 * 366
_CLOCK_SLACK_SECONDS = DAY_SECONDS


def found(
    conn: Connection, region: str, random_bytes: Callable[[int], bytes], now: int, seal: Seal | None = None
) -> tuple[Me, bytes]:
    """Make the county's root and hub keys and the hub's first entry.

    Returns who the hub now is, and the root's secret, which belongs on a medium kept offline. `seal` keeps the hub's
    own secrets in a database that is not encrypted.
    """
    root = Signer(random_bytes(KEY_BYTES))
    signer, box = Signer(random_bytes(KEY_BYTES)), BoxKey(random_bytes(KEY_BYTES))
    deployment = deployment_id(root.public)
    certificate = Certificate(
        1,
        HUB,
        0,
        Tier.COUNTY,
        region,
        signer.public,
        box.public,
        now - _CLOCK_SLACK_SECONDS,
        now + HUB_KEY_DAYS * DAY_SECONDS,
        0,
    )
    me = Me(HUB, 0, 1, deployment, root.public, signer, box)
    save_me(conn, me, seal)
    signed = sign_certificate(deployment, certificate, root, 0)
    trust.add_certificate(conn, deployment, root.public, signed)
    Journal(me, random_bytes).tell(conn, TO_ALL, EntryType.HUB_KEY, signed.packed(), Writing(0, now, 1))
    return me, root.seed


@dataclass(frozen=True, slots=True)
class Invitation:
    token: str
    station: str
    tier: Tier
    expires: int


def invite(
    conn: Connection, me: Me, region: str, tier: Tier, random_bytes: Callable[[int], bytes], now: int
) -> Invitation:
    """A one-time token for a station, good for 72 hours. A station that exists gets one for its next machine."""
    lock_feeds(conn, [TO_ALL])  # author numbers and certificates' serials are given one at a time
    known = conn.execute(select(t.station.c.tier).where(t.station.c.region == region)).scalar()
    if known is not None and known != int(tier):
        raise BadToken("the station exists with another tier", station=region)
    token = Token(random_bytes(SECRET_BYTES), fingerprint(me.root_key), region, int(tier))
    expires = now + TOKEN_SECONDS
    conn.execute(
        insert(t.invitation).values(token_id=token.id, key=token.key, region=region, tier=int(tier), expires=expires)
    )
    if known is None:
        author = max(HUB, conn.execute(select(func.max(t.station.c.author))).scalar() or HUB) + 1
        conn.execute(insert(t.station).values(author=author, region=region, tier=int(tier)))
    return Invitation(token.text(), region, tier, expires)


def station_author(conn: Connection, region: str) -> int | None:
    """The author number of the station at a region code, invited or enrolled."""
    return conn.execute(select(t.station.c.author).where(t.station.c.region == region)).scalar()


def redeem(conn: Connection, journal: Journal, sealed: SealedRequest, now: int) -> Welcome:
    """Grant a certificate for an invitation, once. The same station asking again gets the same answer.

    Raises BadToken or BadSignature.
    """
    request = sealed.request
    i = t.invitation.c
    row = conn.execute(select(t.invitation).where(i.token_id == request.token_id).with_for_update()).one_or_none()
    if row is None:
        raise BadToken("this invitation is not known here")
    sealed.check(row.key, fingerprint(journal.me.root_key))
    if (row.region, row.tier) != (request.station, request.tier):
        raise BadToken("the invitation is for another station")
    if row.used_by is not None:
        if row.used_by != request.sign_key:
            raise BadToken("the invitation was used by another machine")
        return _welcome(conn, journal.me, row.serial)
    if now > row.expires:
        raise BadToken("the invitation has expired")
    certificate = _certify(conn, journal, request, now)
    conn.execute(
        update(t.invitation)
        .where(i.token_id == request.token_id)
        .values(used_by=request.sign_key, serial=certificate.serial)
    )
    return _welcome(conn, journal.me, certificate.serial)


def _certify(conn: Connection, journal: Journal, request: EnrolRequest, now: int) -> Certificate:
    author = station_author(conn, request.station)
    assert author is not None
    _lock_feeds_of(conn, author)
    before = trust.newest_certificate(conn, author)
    certificate = Certificate(
        serial=trust.next_serial(conn),
        author=author,
        parent=before.parent if before else _parent(conn, request.station, Tier(request.tier)),
        tier=Tier(request.tier),
        region=request.station,
        sign_key=request.sign_key,
        box_key=request.box_key,
        not_before=now - _CLOCK_SLACK_SECONDS,
        not_after=now + STATION_KEY_DAYS * DAY_SECONDS,
        epoch=before.epoch + 1 if before else 0,
    )
    writing = Writing(0, now, 1)
    if before is not None and trust.is_revoked(conn, before.serial) is None:
        revoke(conn, journal, before.serial, "replaced", writing)
    signed = sign_certificate(journal.me.deployment, certificate, journal.me.signer, journal.me.serial)
    journal.tell(conn, TO_ALL, EntryType.CERTIFICATE, signed.packed(), writing)
    if before is not None:
        grant = Grant(author, certificate.epoch, certificate.serial, tuple(_starts(conn, author)))
        journal.tell(conn, TO_ALL, EntryType.GRANT, pack_grant(grant), writing)  # its children need it as well
    return certificate


def _parent(conn: Connection, region: str, tier: Tier) -> int:
    """A village stands under its township's station if there is one, else under the county."""
    if tier is not Tier.VILLAGE:
        return HUB
    rows = conn.execute(select(t.station.c.author, t.station.c.region).where(t.station.c.tier == int(Tier.TOWNSHIP)))
    for row in rows:
        if row.region[:9] == region[:9] and trust.current_certificate(conn, row.author) is not None:
            return int(row.author)
    return HUB


def _starts(conn: Connection, author: int) -> list[tuple[FeedId, Start]]:
    """The last entries held of every feed of an author: where its next epoch goes on."""
    starts: dict[FeedId, Start] = {}
    for branch, tip in sorted(_tips(conn, author).items()):
        starts[branch.feed] = Start(branch.epoch, tip.number, tip.head)
    return list(starts.items())


def _tips(conn: Connection, author: int) -> dict[Branch, Tip]:
    return feed_store.frontier(conn, _feeds_of(conn, author))


def _feeds_of(conn: Connection, author: int) -> list[FeedId]:
    return [up(author), *(down(author, child) for child in trust.topology(conn).children(author))]


def _lock_feeds_of(conn: Connection, author: int) -> None:
    """Nothing of this author arrives, nor is judged, between the look at its last entries and the word about them."""
    lock_feeds(conn, [*_feeds_of(conn, author), TO_ALL])


def revoke(conn: Connection, journal: Journal, serial: int, reason: str, writing: Writing) -> None:
    """A certificate counts no more; what its author signed beyond what is held now will be held for a person."""
    certificate = trust.certificate_of(conn, serial)
    if certificate.author == HUB:
        raise NotEnrolled("the hub's own key is not revoked this way")
    _lock_feeds_of(conn, certificate.author)
    cuts = tuple((feed, start.epoch, start.number) for feed, start in _starts(conn, certificate.author))
    body = pack_revocation(Revocation(certificate.author, serial, reason, cuts))
    journal.tell(conn, TO_ALL, EntryType.REVOCATION, body, writing)


def erase(conn: Connection, journal: Journal, home: int, topic: bytes, writing: Writing) -> None:
    """Erase a topic's bodies here now, and everywhere as the word reaches them; chains go on verifying."""
    lock_homes(conn, [home])
    journal.tell(conn, TO_ALL, EntryType.ERASURE, pack_erasure(home, topic), writing)


def _welcome(conn: Connection, me: Me, serial: int) -> Welcome:
    certificate = trust.certificate_of(conn, serial)
    ancestors = [a for a in trust.topology(conn).ancestors(certificate.author) if a != HUB]
    serials = [c.serial for a in ancestors if (c := trust.current_certificate(conn, a)) is not None]
    return Welcome(
        me.root_key,
        trust.signed_certificate(conn, me.serial),
        trust.signed_certificate(conn, serial),
        tuple(trust.signed_certificate(conn, s) for s in serials),
    )


def settle_in(conn: Connection, welcome: Welcome, signer: Signer, box: BoxKey) -> Me:
    """At the new station: write down who it is and the certificates it was given."""
    deployment = deployment_id(welcome.root_key)
    mine = welcome.station.certificate
    me = Me(mine.author, mine.epoch, mine.serial, deployment, welcome.root_key, signer, box)
    save_me(conn, me)
    for signed in (welcome.hub, *welcome.ancestors, welcome.station):
        trust.add_certificate(conn, deployment, welcome.root_key, signed)
    return me
