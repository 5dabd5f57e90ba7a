"""County root → hub keys → station certificates (SPEC section 9). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sync_protocol import canonical
from sync_protocol.crypto import DEPLOYMENT_BYTES, KEY_BYTES, SIGNATURE_BYTES, Signer, digest, domain, verify
from sync_protocol.errors import BadSignature, CertificateExpired, NotCanonical
from sync_protocol.feeds import HUB
from sync_protocol.limits import AUTHOR_MAX, CERTIFICATE_BYTES_MAX, EPOCH_MAX, INT_MAX, SERIAL_MAX
from sync_protocol.topology import Station, Tier

FINGERPRINT_BYTES = 16
REGION_LETTERS_MAX = 12


def deployment_id(root_public: bytes) -> bytes:
    """The 16 bytes that tie every signature to one county."""
    return digest("deployment", root_public)[:DEPLOYMENT_BYTES]


def fingerprint(root_public: bytes) -> bytes:
    """What an invitation carries so that a station knows the true county: 16 bytes."""
    return digest("fingerprint", root_public)[:FINGERPRINT_BYTES]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A station's (or, with author 1, the hub's) keys, place and time of validity in unix seconds.

    `epoch` is the author's epoch from which the key signs. `serial` numbers are never used twice.
    """

    serial: int
    author: int
    parent: int
    tier: Tier
    region: str
    sign_key: bytes
    box_key: bytes
    not_before: int
    not_after: int
    epoch: int

    @property
    def station(self) -> Station:
        return Station(self.author, self.parent, self.tier, self.region)

    def check_time(self, now: int) -> None:
        """Raises CertificateExpired outside the time of validity."""
        if not self.not_before <= now <= self.not_after:
            raise CertificateExpired("the certificate is outside its time", serial=self.serial)


@dataclass(frozen=True, slots=True)
class SignedCertificate:
    """The certificate's bytes as signed: by the county root if it is the hub's, else by a hub key."""

    body: bytes
    signer: int
    signature: bytes

    def packed(self) -> bytes:
        return canonical.pack([self.body, self.signer, self.signature])

    @classmethod
    def parse(cls, data: bytes) -> SignedCertificate:
        value = canonical.unpack(data, bytes_max=CERTIFICATE_BYTES_MAX)
        if not isinstance(value, list) or len(value) != 3:
            raise NotCanonical("certificate")
        body, signer, signature = value
        if not isinstance(body, bytes) or type(signer) is not int or not isinstance(signature, bytes):
            raise NotCanonical("certificate")
        if len(signature) != SIGNATURE_BYTES or not 0 <= signer < 2**32:
            raise NotCanonical("certificate")
        return cls(body, signer, signature)

    @property
    def certificate(self) -> Certificate:
        return parse_certificate(self.body)


def pack_certificate(c: Certificate) -> bytes:
    return canonical.pack(
        [c.serial, c.author, c.parent, int(c.tier), c.region, c.sign_key, c.box_key, c.not_before, c.not_after, c.epoch]
    )


def parse_certificate(body: bytes) -> Certificate:
    """Raises NotCanonical for anything that is not a possible certificate."""
    value = canonical.unpack(body, bytes_max=CERTIFICATE_BYTES_MAX)
    if not isinstance(value, list) or len(value) != 10:
        raise NotCanonical("a certificate has ten fields")
    serial, author, parent, tier, region, sign_key, box_key, not_before, not_after, epoch = value
    numbers: list[Any] = [serial, author, parent, tier, not_before, not_after, epoch]
    if any(type(number) is not int or not 0 <= number <= INT_MAX for number in numbers):
        raise NotCanonical("certificate numbers")
    if not 1 <= serial <= SERIAL_MAX or not 1 <= author <= AUTHOR_MAX or parent > AUTHOR_MAX or epoch > EPOCH_MAX:
        raise NotCanonical("certificate numbers")
    if tier not in (1, 2, 3) or not isinstance(region, str) or len(region) > REGION_LETTERS_MAX:
        raise NotCanonical("certificate place")
    if any(not isinstance(key, bytes) or len(key) != KEY_BYTES for key in (sign_key, box_key)):
        raise NotCanonical("certificate keys")
    if not (author == HUB) == (tier == Tier.COUNTY) == (parent == 0):
        raise NotCanonical("the hub alone is of the county tier, and has no parent")
    return Certificate(serial, author, parent, Tier(tier), region, sign_key, box_key, not_before, not_after, epoch)


def _message(kind: str, deployment: bytes, body: bytes) -> bytes:
    return domain(kind) + deployment + body


def sign_certificate(
    deployment: bytes, certificate: Certificate, signer: Signer, signer_serial: int
) -> SignedCertificate:
    """Sign with a hub key (`signer_serial` > 0) or, for the hub's own certificate, with the county root (0)."""
    body = pack_certificate(certificate)
    kind = "sign-hub-key" if certificate.author == HUB else "sign-certificate"
    return SignedCertificate(body, signer_serial, signer.sign(_message(kind, deployment, body)))


def verify_certificate(deployment: bytes, signed: SignedCertificate, signer_key: bytes) -> Certificate:
    """Raises BadSignature; the caller says which key `signed.signer` is: the county root's (0) for the hub alone."""
    certificate = signed.certificate
    if (certificate.author == HUB) != (signed.signer == 0):
        raise BadSignature("only the hub's own certificate is signed by the county root")
    kind = "sign-hub-key" if certificate.author == HUB else "sign-certificate"
    verify(signer_key, _message(kind, deployment, signed.body), signed.signature)
    return certificate
