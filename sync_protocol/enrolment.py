"""Invitations and enrolment (SPEC section 9.3). Pure; randomness and time are arguments.

An invitation is a 128-bit secret with the fingerprint of the county root. The secret itself never travels: the
request is authenticated with a key derived from it, so a relay that passes the request on learns nothing it could use.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from sync_protocol import canonical
from sync_protocol.certificates import (
    FINGERPRINT_BYTES,
    REGION_LETTERS_MAX,
    Certificate,
    SignedCertificate,
    deployment_id,
    fingerprint,
    verify_certificate,
)
from sync_protocol.crypto import KEY_BYTES, Signer, digest, domain, mac, same, verify
from sync_protocol.errors import BadBytes, BadSignature, BadToken, NotCanonical, WrongDeployment
from sync_protocol.feeds import HUB
from sync_protocol.limits import KIB, TOKEN_BYTES_MAX
from sync_protocol.topology import Tier

SECRET_BYTES = 16
_TOKEN_HEAD = "LB1"
REQUEST_BYTES_MAX = 2 * KIB
REPLY_BYTES_MAX = 16 * KIB


@dataclass(frozen=True, slots=True)
class Token:
    """What the hub hands to a person who sets up a station: the secret, the county's fingerprint, the place."""

    secret: bytes
    fingerprint: bytes
    station: str
    tier: int

    def text(self) -> str:
        raw = canonical.pack([self.secret, self.fingerprint, self.station, self.tier])
        check = digest("token-check", raw)[:3]
        body = base64.b32encode(raw + check).decode("ascii").rstrip("=")
        return f"{_TOKEN_HEAD}-{body}"

    @classmethod
    def parse(cls, text: str) -> Token:
        """Raises BadToken for anything that is not a whole token (mistyped, cut, foreign)."""
        typed = "".join(text.split())
        squeezed = typed.upper() if typed.isascii() else ""  # some foreign letters are ASCII in upper case
        if len(squeezed) > TOKEN_BYTES_MAX or not squeezed.startswith(_TOKEN_HEAD + "-"):
            raise BadToken("not an invitation token")
        body = squeezed[len(_TOKEN_HEAD) + 1 :]
        try:
            raw = base64.b32decode(body + "=" * (-len(body) % 8))
            value = canonical.unpack(raw[:-3], bytes_max=TOKEN_BYTES_MAX)
        except (ValueError, BadBytes) as error:
            raise BadToken("the invitation token is mistyped") from error
        if not same(digest("token-check", raw[:-3])[:3], raw[-3:]):
            raise BadToken("the invitation token is mistyped")
        if not isinstance(value, list) or len(value) != 4:
            raise BadToken("not an invitation token")
        secret, county, station, tier = value
        if not isinstance(secret, bytes) or len(secret) != SECRET_BYTES:
            raise BadToken("not an invitation token")
        if not isinstance(county, bytes) or len(county) != FINGERPRINT_BYTES:
            raise BadToken("not an invitation token")
        if not isinstance(station, str) or len(station) > REGION_LETTERS_MAX or type(tier) is not int:
            raise BadToken("not an invitation token")
        if tier not in (Tier.VILLAGE, Tier.TOWNSHIP):
            raise BadToken("not an invitation token")
        token = cls(secret, county, station, tier)
        if token.text() != squeezed:  # base32 has bits to spare in its last letter
            raise BadToken("the invitation token is mistyped")
        return token

    @property
    def id(self) -> bytes:
        return digest("token-id", self.secret)[:8]

    @property
    def key(self) -> bytes:
        """What the hub stores instead of the secret."""
        return digest("token-key", self.secret)


@dataclass(frozen=True, slots=True)
class EnrolRequest:
    """A station's new public keys, authenticated by the token and by the keys themselves."""

    token_id: bytes
    station: str
    tier: int
    sign_key: bytes
    box_key: bytes

    def body(self) -> bytes:
        return canonical.pack([self.token_id, self.station, self.tier, self.sign_key, self.box_key])


def pack_request(request: EnrolRequest, token: Token, signer: Signer) -> bytes:
    body = request.body()
    signature = signer.sign(_message(token.fingerprint, body))
    return canonical.pack([body, mac("enrol", token.key, body), signature])


def _message(county: bytes, body: bytes) -> bytes:
    """What the new key signs. The county is named by its fingerprint: the deployment is not known to it yet."""
    return domain("sign-enrol") + county + body


@dataclass(frozen=True, slots=True)
class SealedRequest:
    """A request as received: `check` it with the token's key before believing it."""

    request: EnrolRequest
    raw: bytes
    mac: bytes
    signature: bytes

    def check(self, token_key: bytes, county: bytes) -> None:
        """`county` is our own fingerprint. Raises BadToken or BadSignature."""
        if not same(mac("enrol", token_key, self.raw), self.mac):
            raise BadToken("the invitation does not fit")
        verify(self.request.sign_key, _message(county, self.raw), self.signature)


def parse_request(data: bytes) -> SealedRequest:
    """Raises BadBytes unless `data` is an enrolment request."""
    value = canonical.unpack(data, bytes_max=REQUEST_BYTES_MAX)
    if not isinstance(value, list) or len(value) != 3 or any(not isinstance(part, bytes) for part in value):
        raise NotCanonical("enrolment request")
    fields = canonical.unpack(value[0], bytes_max=REQUEST_BYTES_MAX)
    if not isinstance(fields, list) or len(fields) != 5:
        raise NotCanonical("enrolment request")
    token_id, station, tier, sign_key, box_key = fields
    if not isinstance(token_id, bytes) or type(tier) is not int:
        raise NotCanonical("enrolment request")
    if not isinstance(station, str) or len(station) > REGION_LETTERS_MAX:
        raise NotCanonical("enrolment request")
    if any(not isinstance(key, bytes) or len(key) != KEY_BYTES for key in (sign_key, box_key)):
        raise NotCanonical("enrolment keys")
    return SealedRequest(EnrolRequest(token_id, station, tier, sign_key, box_key), value[0], value[1], value[2])


@dataclass(frozen=True, slots=True)
class Welcome:
    """The hub's answer: everything a station needs to check all else."""

    root_key: bytes
    hub: SignedCertificate
    station: SignedCertificate
    ancestors: tuple[SignedCertificate, ...]

    def packed(self) -> bytes:
        return canonical.pack(
            [self.root_key, self.hub.packed(), self.station.packed(), [c.packed() for c in self.ancestors]]
        )


def parse_welcome(data: bytes, token: Token, sign_key: bytes) -> Welcome:
    """Check the answer against the token's fingerprint and one's own key. Raises BadBytes."""
    value: Any = canonical.unpack(data, bytes_max=REPLY_BYTES_MAX)
    if not isinstance(value, list) or len(value) != 4 or not isinstance(value[3], list) or len(value[3]) > 4:
        raise NotCanonical("enrolment answer")
    if any(not isinstance(part, bytes) for part in (*value[:3], *value[3])):
        raise NotCanonical("enrolment answer")
    root_key, hub, station, *_ = value
    if len(root_key) != KEY_BYTES or not same(fingerprint(root_key), token.fingerprint):
        raise WrongDeployment("the answer comes from another county than the invitation")
    deployment = deployment_id(root_key)
    welcome = Welcome(
        root_key,
        SignedCertificate.parse(hub),
        SignedCertificate.parse(station),
        tuple(SignedCertificate.parse(item) for item in value[3]),
    )
    hub_key = verify_certificate(deployment, welcome.hub, root_key)
    mine = _signed_by(deployment, welcome.station, hub_key)
    for other in welcome.ancestors:
        _signed_by(deployment, other, hub_key)
    if not same(mine.sign_key, sign_key) or mine.region != token.station or int(mine.tier) != token.tier:
        raise BadSignature("the certificate is not for this station")
    return welcome


def _signed_by(deployment: bytes, signed: SignedCertificate, hub: Certificate) -> Certificate:
    if signed.signer != hub.serial or hub.author != HUB:
        raise BadSignature("signed under another key than the hub's that came with it")
    return verify_certificate(deployment, signed, hub.sign_key)
