"""Reports: how a station says it stands, signed by itself and passed on by whoever is above it (SPEC section 19). Pure.

A report is no entry: only the newest of each station is kept, so it costs the same whatever the history, and what is
lost on the way comes again. It decides nothing; it is what those above look at.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import Any

from sync_protocol import canonical
from sync_protocol.certificates import Certificate
from sync_protocol.crypto import Signer, domain, verify
from sync_protocol.errors import BadSignature, NotCanonical
from sync_protocol.limits import AUTHOR_MAX, EPOCH_MAX, INT_MAX, REPORT_BYTES_MAX, SERIAL_MAX

_TEXTS = {"program": 24, "schema": 24, "error": 32}
_WHO = ("author", "serial")
_BOUNDS = {"author": AUTHOR_MAX, "serial": SERIAL_MAX, "epoch": EPOCH_MAX, "number": 2**32 - 1, "protocol": 255}


@dataclass(frozen=True, slots=True)
class StationReport:
    """Moments in unix seconds by the station's own clock, 0 for none.

    number: the last entry of its own feed. waiting: entries, its own and those of stations below it, and blobs for
    which nobody above has signed; oldest: when the oldest of these entries was written down there. alone: what of
    that it has written itself, by topics, so that it may exist nowhere else; drafts: what was not said yet at all.
    error: code of the last exchange that failed.
    """

    author: int
    serial: int
    time: int
    epoch: int
    number: int
    waiting: int = 0
    oldest: int = 0
    waiting_blobs: int = 0
    waiting_bytes: int = 0
    alone: int = 0
    alone_blobs: int = 0
    drafts: int = 0
    protocol: int = 1
    program: str = ""
    schema: str = ""
    error: str = ""
    error_at: int = 0


_NAMES = tuple(field.name for field in fields(StationReport))


def pack_report(report: StationReport) -> bytes:
    return canonical.pack(list(astuple(report)))


def parse_report(packed: bytes) -> StationReport:
    """Raises BadBytes unless `packed` is a report's."""
    values = canonical.unpack(packed, bytes_max=REPORT_BYTES_MAX)
    if not isinstance(values, list) or len(values) != len(_NAMES):
        raise NotCanonical("report")
    for name, value in zip(_NAMES, values, strict=True):
        _check(name, value)
    return StationReport(*values)


def _check(name: str, value: Any) -> None:
    if name in _TEXTS:
        if not isinstance(value, str) or len(value) > _TEXTS[name]:
            raise NotCanonical(f"report: {name}")
    elif type(value) is not int or not (name in _WHO) <= value <= _BOUNDS.get(name, INT_MAX):
        raise NotCanonical(f"report: {name}")


def sign_report(deployment: bytes, signer: Signer, packed: bytes) -> bytes:
    return signer.sign(_message(deployment, packed))


def verify_report(
    deployment: bytes, report: StationReport, packed: bytes, signature: bytes, holder: Certificate
) -> None:
    """Raises BadSignature unless the holder of this certificate is the report's author and signed it."""
    if (holder.author, holder.serial) != (report.author, report.serial):
        raise BadSignature("the report is under another station's certificate")
    verify(holder.sign_key, _message(deployment, packed), signature)


def _message(deployment: bytes, packed: bytes) -> bytes:
    return domain("sign-report") + deployment + packed
