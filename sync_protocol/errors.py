"""The tree of errors of the replication library, each with a stable code and one verdict.

    SyncError
    ├── BadBytes            quarantine   the carrier's fault: drop the bytes, ask elsewhere
    │   ├── NotCanonical                 not our msgpack
    │   │   └── CutShort                 bytes are missing at the end
    │   ├── TooLarge                     a bound of limits.py is exceeded
    │   ├── BadSignature                 signature, key or certificate does not verify
    │   └── WrongDeployment              signed for another county
    ├── NotYet              retry        true bytes that we cannot use before others have come
    │   ├── Gap                          does not continue what we hold
    │   ├── UnknownCertificate           the signer's certificate has not arrived
    │   └── UnknownTopic                 the opening of the topic has not arrived
    ├── TransferFailed      retry        the link, the peer's process or its answer failed
    ├── DiskFull            retry        this place's own disk has no room; the step left no trace
    ├── ParentFull          retry        the disk of the place that answers has no room
    ├── BadNonce            retry        the request's nonce is spent; the refusal brings a fresh one
    ├── Refused             stop         the peer understood and says no
    │   ├── NotEnrolled, CertificateExpired, CertificateRevoked, NotYourParent, BadToken, WrongReader
    └── Fork                stop         two valid signatures over different heads at one number

Callers act on `verdict`, never on the text. A refusal carries its evidence.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

Verdict = Literal["retry", "quarantine", "stop"]


class SyncError(Exception):
    """Base of all errors of this library; `code` is stable and documented in SPEC section 12."""

    code: ClassVar[str] = "sync_error"
    verdict: ClassVar[Verdict] = "stop"

    def __init__(self, message: str = "", **evidence: Any) -> None:
        super().__init__(message or self.code)
        self.evidence = evidence


class BadBytes(SyncError):
    """The bytes are not what their sender's author signed."""

    code = "bad_bytes"
    verdict = "quarantine"


class NotCanonical(BadBytes):
    """Not canonical msgpack of the expected shape."""

    code = "not_canonical"


class CutShort(NotCanonical):
    """Bytes are missing at the end of a statement."""

    code = "cut_short"


class TooLarge(BadBytes):
    """A bound of `limits` is exceeded."""

    code = "too_large"


class BadSignature(BadBytes):
    """A signature, seal or certificate does not verify."""

    code = "bad_signature"


class WrongDeployment(BadBytes):
    """Signed for another county."""

    code = "wrong_deployment"


class NotYet(SyncError):
    """Cannot be used before something else has arrived."""

    code = "not_yet"
    verdict = "retry"


class Gap(NotYet):
    """The segment does not continue what is held."""

    code = "gap"


class UnknownCertificate(NotYet):
    """The signer's certificate has not arrived here."""

    code = "unknown_certificate"


class UnknownTopic(NotYet):
    """The entry that opens the topic has not arrived here."""

    code = "unknown_topic"


class TransferFailed(SyncError):
    """The link, the peer's process or its answer failed."""

    code = "transfer_failed"
    verdict = "retry"


class DiskFull(SyncError):
    """This place's disk has no room: nothing of the step was kept, and it may be tried again. It never travels."""

    code = "disk_full"
    verdict = "retry"


class ParentFull(SyncError):
    """The disk of the place that answers has no room: what it had not acknowledged comes again."""

    code = "parent_full"
    verdict = "retry"


class BadNonce(SyncError):
    """The request's nonce was not handed out, or was used before; the reply carries a fresh one."""

    code = "bad_nonce"
    verdict = "retry"


class Refused(SyncError):
    """The peer understood and says no."""

    code = "refused"


class NotEnrolled(Refused):
    """The station is not known here."""

    code = "not_enrolled"


class CertificateExpired(Refused):
    """The station's certificate is outside its time."""

    code = "certificate_expired"


class CertificateRevoked(Refused):
    """The station's certificate was revoked or replaced."""

    code = "certificate_revoked"


class NotYourParent(Refused):
    """The station belongs under another parent."""

    code = "not_your_parent"


class BadToken(Refused):
    """The invitation is unknown, used, expired or for another station."""

    code = "bad_token"


class WrongReader(Refused):
    """The bundle is sealed for another place, or for an earlier machine of this one."""

    code = "wrong_reader"


class Fork(SyncError):
    """Two valid signatures over different heads at one number; `evidence` is the proof."""

    code = "fork"


def by_code(code: str) -> type[SyncError]:
    """The class for a code received from a peer; `Refused` when the code is not known here."""
    pending = [SyncError]
    while pending:
        cls = pending.pop()
        if cls.code == code:
            return cls
        pending.extend(cls.__subclasses__())
    return Refused
