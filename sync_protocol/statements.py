"""Statements: small bytes that a place signed and that anybody verifies who knows the county's root (SPEC section 18).

A station's statement carries the station's own certificate, so that who never heard of the station needs a hub key and
nothing else. What it says, and the context that it is bound to and does not carry, are the application's. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sync_protocol.certificates import (
    Certificate,
    SignedCertificate,
    pack_certificate,
    parse_certificate,
    verify_certificate,
)
from sync_protocol.crypto import KEY_BYTES, SIGNATURE_BYTES, Signer, domain, sha256, verify
from sync_protocol.epochs import Revocation
from sync_protocol.errors import BadSignature, CertificateRevoked, CutShort, NotCanonical, TooLarge
from sync_protocol.feeds import HUB, FeedId, down, up
from sync_protocol.limits import (
    AUTHOR_MAX,
    EPOCH_MAX,
    INT_MAX,
    SERIAL_MAX,
    STATEMENT_BYTES_MAX,
    STATEMENT_PAYLOAD_BYTES_MAX,
)
from sync_protocol.topology import Tier

BY_HUB, BY_STATION = 1, 2
_NUMBER_MAX = 2**32 - 1
_REGION_BYTES = 5
_REGION_DIGITS_MAX = 12
_VARINT_BYTES_MAX = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Where in its author's feeds a statement stands: the audience (0 for the up feed), an epoch and a number."""

    audience: int
    epoch: int
    number: int

    def feed(self, author: int) -> FeedId:
        return down(author, self.audience) if self.audience else up(author)


@dataclass(frozen=True, slots=True)
class Said:
    """What a statement says: kind and payload are the application's; time in unix seconds by the signer's clock."""

    kind: int
    place: Place
    time: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as read, not yet verified. `holder` is the station's certificate; None: the hub's of that serial."""

    serial: int
    holder: SignedCertificate | None
    mark: int
    said: Said
    signed: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    """Whose statement it is; `certificate` is the hub's own or the station's."""

    certificate: Certificate
    said: Said


HubKey = Callable[[int], Certificate]
"""The hub's certificate of that serial, checked against the county's root. Raises UnknownCertificate, BadSignature."""


def sign_statement(deployment: bytes, signer: Signer, holder: SignedCertificate, said: Said, bound: bytes) -> bytes:
    """A statement by the holder of a certificate. Raises NotCanonical, TooLarge for what has no form."""
    head = _packed_head(holder, said, bound)
    data = head + signer.sign(_message(deployment, bound, head))
    if len(data) > STATEMENT_BYTES_MAX:
        raise TooLarge("a statement")
    return data


def _message(deployment: bytes, bound: bytes, head: bytes) -> bytes:
    return domain("sign-statement") + deployment + sha256(bound) + head


def mark_of(bound: bytes) -> int:
    """By this byte a reader tells a statement that belongs to another context from one that was altered."""
    return sha256(bound)[0]


def _packed_head(holder: SignedCertificate, said: Said, bound: bytes) -> bytes:
    certificate, place = holder.certificate, said.place
    if len(said.payload) > STATEMENT_PAYLOAD_BYTES_MAX:
        raise TooLarge("payload of a statement")
    by_hub = certificate.author == HUB
    packed = _varint(certificate.serial) if by_hub else _packed_holder(holder)
    epoch, since = (0, 0) if by_hub else (certificate.epoch, certificate.not_before)
    parts = (
        bytes([BY_HUB if by_hub else BY_STATION, mark_of(bound)]),
        packed,
        bytes([said.kind]),
        _varint(place.audience),
        _varint(_zigzag(place.epoch - epoch)),
        _varint(place.number),
        _varint(_zigzag(said.time - since)),
        _varint(len(said.payload)),
        said.payload,
    )
    return b"".join(parts)


def _packed_holder(holder: SignedCertificate) -> bytes:
    """The station's certificate without what msgpack adds: its body follows from these bytes."""
    c = holder.certificate
    if c.region and not (c.region.isascii() and c.region.isdigit()):
        raise NotCanonical("a region that is no number")
    parts = (
        *map(_varint, (c.serial, c.author, c.parent)),
        bytes([c.tier << 4 | len(c.region)]),
        int(c.region or "0").to_bytes(_REGION_BYTES, "big"),
        c.sign_key,
        c.box_key,
        _varint(c.not_before),
        _varint(_zigzag(c.not_after - c.not_before)),
        _varint(c.epoch),
        _varint(holder.signer),
        holder.signature,
    )
    return b"".join(parts)


def parse_statement(data: bytes) -> Statement:
    """Raises TooLarge, CutShort where bytes are missing at the end, NotCanonical for what else is no statement."""
    if len(data) > STATEMENT_BYTES_MAX:
        raise TooLarge("a statement")
    reader = _Reader(data)
    form, mark = reader.take(2)
    if form not in (BY_HUB, BY_STATION):
        raise NotCanonical("a form of statement that is not known")
    holder = _read_holder(reader) if form == BY_STATION else None
    c = holder.certificate if holder else None
    serial = c.serial if c else _ranged(reader.varint(), 1, SERIAL_MAX)
    (kind,) = reader.take(1)
    audience = _ranged(reader.varint(), 0, AUTHOR_MAX)
    epoch = _ranged((c.epoch if c else 0) + _unzigzag(reader.varint()), 0, EPOCH_MAX)
    place = Place(audience, epoch, _ranged(reader.varint(), 1, _NUMBER_MAX))
    if c is None and not audience:
        raise NotCanonical("the hub has no up feed")
    time = _ranged((c.not_before if c else 0) + _unzigzag(reader.varint()), 0, INT_MAX)
    payload = reader.take(_ranged(reader.varint(), 0, STATEMENT_PAYLOAD_BYTES_MAX))
    signed = data[: reader.at]
    signature = reader.take(SIGNATURE_BYTES)
    if reader.at != len(data):
        raise NotCanonical("bytes after the signature")
    return Statement(serial, holder, mark, Said(kind, place, time, payload), signed, signature)


def _read_holder(reader: _Reader) -> SignedCertificate:
    serial, author, parent = reader.varint(), reader.varint(), reader.varint()
    (where,) = reader.take(1)
    digits, number = where & 15, int.from_bytes(reader.take(_REGION_BYTES), "big")
    region = f"{number:0{digits}}" if digits else ""
    if digits > _REGION_DIGITS_MAX or (len(region) != digits) or (number and not digits):
        raise NotCanonical("region")
    sign_key, box_key = reader.take(KEY_BYTES), reader.take(KEY_BYTES)
    not_before = _ranged(reader.varint(), 0, INT_MAX)
    not_after = _ranged(not_before + _unzigzag(reader.varint()), 0, INT_MAX)
    epoch, signer = reader.varint(), reader.varint()
    signature = reader.take(SIGNATURE_BYTES)
    if not Tier.VILLAGE <= where >> 4 <= Tier.TOWNSHIP or not 1 <= signer <= SERIAL_MAX:
        raise NotCanonical("no station's certificate")
    body = pack_certificate(
        Certificate(serial, author, parent, Tier(where >> 4), region, sign_key, box_key, not_before, not_after, epoch)
    )
    parse_certificate(body)
    return SignedCertificate(body, signer, signature)


def verify_statement(deployment: bytes, statement: Statement, bound: bytes, hub_key: HubKey) -> Verified:
    """Raises BadSignature, and what `hub_key` raises; whether its signer was still trusted says `check_revoked`.

    The evidence of a BadSignature: `holder`, whether it is the certificate inside that is not of this county; `mark`,
    whether the statement says itself that it belongs to this context.
    """
    holder = statement.holder
    if holder is None:
        certificate = hub_key(statement.serial)
    else:
        try:
            certificate = verify_certificate(deployment, holder, hub_key(holder.signer).sign_key)
        except BadSignature as error:
            raise BadSignature("the certificate inside does not verify", holder=True, mark=True) from error
    message = _message(deployment, bound, statement.signed)
    try:
        verify(certificate.sign_key, message, statement.signature)
    except BadSignature as error:
        same = statement.mark == mark_of(bound)
        raise BadSignature("the statement does not verify", holder=False, mark=same) from error
    return Verified(certificate, statement.said)


def check_revoked(verified: Verified, revocations: Iterable[Revocation]) -> bool:
    """Whether the signer's certificate was revoked after it said this. Raises CertificateRevoked if it was before."""
    certificate, place = verified.certificate, verified.said.place
    for revocation in revocations:
        if (revocation.author, revocation.serial) == (certificate.author, certificate.serial):
            if revocation.past(place.feed(certificate.author), place.epoch, place.number):
                raise CertificateRevoked("said after the certificate was revoked", serial=certificate.serial)
            return True
    return False


class _Reader:
    """Takes bytes from the front; CutShort where there are none."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        taken = self._data[self.at : self.at + count]
        if len(taken) < count:
            raise CutShort("a statement")
        self.at += count
        return taken

    def varint(self) -> int:
        """Seven bits to a byte, the lowest first, the high bit set in all but the last."""
        value = 0
        for place in range(_VARINT_BYTES_MAX):
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                if not byte and place:
                    raise NotCanonical("a number with more bytes than it needs")
                return value
        raise NotCanonical("a number that is too long")


def _varint(value: int) -> bytes:
    if not 0 <= value < 1 << 7 * _VARINT_BYTES_MAX:
        raise NotCanonical("a number that has no form")
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _zigzag(value: int) -> int:
    """Numbers around zero without a sign: 0, -1, 1, -2 … become 0, 1, 2, 3 …"""
    return 2 * value if value >= 0 else -2 * value - 1


def _unzigzag(value: int) -> int:
    return value // 2 if value % 2 == 0 else -(value + 1) // 2


def _ranged(value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise NotCanonical("a number out of its range")
    return value
