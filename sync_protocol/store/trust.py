"""Certificates held here, and the tree that follows from them."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import Connection, bindparam, func, insert, select, update

from sync_protocol.certificates import Certificate, SignedCertificate, verify_certificate
from sync_protocol.epochs import Grant, Revocation, pack_grant, pack_revocation, parse_grant, parse_revocation
from sync_protocol.errors import BadSignature, UnknownCertificate
from sync_protocol.feeds import HUB
from sync_protocol.store import tables as t
from sync_protocol.store.memory import memory
from sync_protocol.topology import Topology

_C = t.certificate.c
# asked at every message and entry: made once, because to make a statement takes longer than to run it
_PACKED = select(_C.packed).where(_C.serial == bindparam("serial"))
_ALL_PACKED = select(_C.packed).order_by(_C.serial)
_REVOKED = select(_C.revoked).where(_C.serial == bindparam("serial"))
_NEWEST_EPOCH = select(func.max(t.grant.c.epoch)).where(t.grant.c.author == bindparam("author"))


def add_certificate(conn: Connection, deployment: bytes, root_key: bytes, signed: SignedCertificate) -> Certificate:
    """Verify and keep a certificate; again is nothing. Raises BadSignature or UnknownCertificate."""
    certificate = signed.certificate
    key = root_key if certificate.author == HUB else hub_certificate(conn, signed.signer).sign_key
    verify_certificate(deployment, signed, key)
    known = conn.execute(_PACKED, {"serial": certificate.serial}).scalar()
    if known is None:
        conn.execute(
            insert(t.certificate).values(
                serial=certificate.serial, author=certificate.author, packed=signed.packed(), revoked=None
            )
        )
        memory(conn).pop("topology", None)
    elif known != signed.packed():
        raise BadSignature("two certificates share a serial number", serial=certificate.serial)
    return certificate


def hub_certificate(conn: Connection, serial: int) -> Certificate:
    certificate = certificate_of(conn, serial)
    if certificate.author != HUB:
        raise BadSignature("not a hub key", serial=serial)
    return certificate


def certificate_of(conn: Connection, serial: int) -> Certificate:
    """Raises UnknownCertificate."""
    known = memory(conn)
    if ("certificate", serial) not in known:
        packed = conn.execute(_PACKED, {"serial": serial}).scalar()
        if packed is None:
            raise UnknownCertificate("the signer's certificate is not held here", serial=serial)
        known["certificate", serial] = SignedCertificate.parse(packed).certificate
    found: Certificate = known["certificate", serial]
    return found


def signed_certificate(conn: Connection, serial: int) -> SignedCertificate:
    packed = conn.execute(_PACKED, {"serial": serial}).scalar_one()
    return SignedCertificate.parse(packed)


def current_certificate(conn: Connection, author: int) -> Certificate | None:
    """The author's newest certificate that is not revoked."""
    packed = conn.execute(
        select(_C.packed).where(_C.author == author, _C.revoked.is_(None)).order_by(_C.serial.desc()).limit(1)
    ).scalar()
    return SignedCertificate.parse(packed).certificate if packed else None


def newest_certificate(conn: Connection, author: int) -> Certificate | None:
    """The author's newest certificate, revoked or not: what comes after it goes on from its place and epoch."""
    packed = conn.execute(select(_C.packed).where(_C.author == author).order_by(_C.serial.desc()).limit(1)).scalar()
    return SignedCertificate.parse(packed).certificate if packed else None


def is_revoked(conn: Connection, serial: int) -> str | None:
    """The reason, or None."""
    return conn.execute(_REVOKED, {"serial": serial}).scalar()


def topology(conn: Connection) -> Topology:
    """The tree of all stations, each in the place that its newest certificate names."""
    known = memory(conn)
    if "topology" not in known:
        packed = conn.execute(_ALL_PACKED).scalars()
        known["topology"] = _tree(tuple(packed))
    tree: Topology = known["topology"]
    return tree


@lru_cache(maxsize=8)
def _tree(packed: tuple[bytes, ...]) -> Topology:
    """Asked for at every entry; certificates change a few times a year."""
    latest = {}
    for body in packed:
        certificate = SignedCertificate.parse(body).certificate
        latest[certificate.author] = certificate.station
    return Topology(latest.values())


def next_serial(conn: Connection) -> int:
    return (conn.execute(select(func.max(_C.serial))).scalar() or 0) + 1


def add_grant(conn: Connection, grant: Grant) -> None:
    known = conn.execute(
        select(t.grant.c.epoch).where(t.grant.c.author == grant.author, t.grant.c.epoch == grant.epoch)
    ).scalar()
    if known is None:
        conn.execute(insert(t.grant).values(author=grant.author, epoch=grant.epoch, body=pack_grant(grant)))


def grant_of(conn: Connection, author: int, epoch: int) -> Grant | None:
    body = conn.execute(select(t.grant.c.body).where(t.grant.c.author == author, t.grant.c.epoch == epoch)).scalar()
    return parse_grant(body) if body else None


def newest_epoch(conn: Connection, author: int) -> int:
    """The highest epoch granted to an author, 0 for its first machine."""
    return conn.execute(_NEWEST_EPOCH, {"author": author}).scalar() or 0


def add_revocation(conn: Connection, revocation: Revocation) -> None:
    known = conn.execute(select(t.revocation.c.serial).where(t.revocation.c.serial == revocation.serial)).scalar()
    if known is None:
        conn.execute(
            insert(t.revocation).values(
                serial=revocation.serial, author=revocation.author, body=pack_revocation(revocation)
            )
        )
        memory(conn).pop(("revocations", revocation.author), None)
    conn.execute(
        update(t.certificate)
        .where(_C.serial == revocation.serial, _C.author == revocation.author)
        .values(revoked=revocation.reason)
    )


def revocations_of(conn: Connection, author: int) -> list[Revocation]:
    known = memory(conn)
    if ("revocations", author) not in known:
        rows = conn.execute(select(t.revocation.c.body).where(t.revocation.c.author == author))
        known["revocations", author] = [parse_revocation(body) for (body,) in rows]
    found: list[Revocation] = known["revocations", author]
    return found
