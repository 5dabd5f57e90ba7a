"""Every object of the wire: good samples of it, how it is read, how the same value is written again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sync_protocol import canonical
from sync_protocol.asking import pack_ask, parse_ask
from sync_protocol.bundles import _TAIL_BYTES_MAX, Counts, Head, _parse_counts, _parse_end, _parse_head
from sync_protocol.certificates import SignedCertificate, pack_certificate, parse_certificate
from sync_protocol.custody import Receipt, pack_receipt, parse_receipt
from sync_protocol.enrolment import parse_request, parse_welcome
from sync_protocol.entries import (
    Opening,
    pack_erasure,
    pack_header,
    pack_opening,
    parse_erasure,
    parse_header,
    parse_opening,
)
from sync_protocol.epochs import (
    Grant,
    Revocation,
    Start,
    pack_grant,
    pack_revocation,
    parse_grant,
    parse_revocation,
)
from sync_protocol.feeds import HUB, TO_ALL, FeedId, down, up
from sync_protocol.forks import Proof, Side, pack_proof, parse_proof
from sync_protocol.limits import (
    BODY_BYTES_MAX,
    BUNDLE_HEAD_BYTES_MAX,
    CERTIFICATE_BYTES_MAX,
    FORK_PROOF_BYTES_MAX,
    FRAME_BYTES_MAX,
    HEADER_BYTES_MAX,
    KIB,
    REPORT_BYTES_MAX,
)
from sync_protocol.messages import (
    BlobState,
    Chunk,
    Fault,
    Hello,
    Pieces,
    Report,
    Vector,
    Want,
    frame_bytes,
    parse_frame,
)
from sync_protocol.order import Run, RunException, Standing, pack_runs, parse_runs
from sync_protocol.reports import pack_report, parse_report
from sync_protocol.sharing import Share, pack_shares, parse_shares
from tests.fuzz.spoil import tree
from tests.vectors import golden as g


@dataclass(frozen=True)
class Kind:
    """One kind of object: sample trees, the parser, the packer back, and the bound that it promises in bytes."""

    samples: list[Any]
    parse: Callable[[bytes], Any]
    pack: Callable[[Any], bytes] | None
    bytes_max: int


def _trees(*packed: bytes) -> list[Any]:
    return [tree(canonical.unpack(data, bytes_max=len(data))) for data in packed]


def _frame(*frames: Any) -> Kind:
    return Kind(
        _trees(*(frame_bytes(frame)[4:] for frame in frames)),
        parse_frame,
        lambda frame: frame_bytes(frame)[4:],
        FRAME_BYTES_MAX,
    )


_FRAMES = {type(frame).__name__: frame for frame in g.FRAMES}
_RICH = g.HEADERS[0]._replace(origin=(1, 7), rest=(1, "later", [b"", {"a": 1}]), urgency=20_000, flags=3)
_MANY = {down(2, home): Start(0, home, bytes(32)) for home in range(3, 9)}
_SIDE = Side(bytes(32), (b"1" * 32, b"2" * 32), 3, bytes(64))
_OTHER_READER = replace(g.BUNDLE_HEAD, reader=g.VILLAGE, reader_serial=g.SERIALS[g.VILLAGE])
_TOWNSHIP = g.CERTIFICATES[g.TOWNSHIP]


def _welcome(data: bytes) -> Any:
    return parse_welcome(data, g.TOKEN, g.SIGNERS[g.VILLAGE].public)


KINDS: dict[str, Kind] = {
    "any value": Kind(
        [
            *_trees(*(canonical.pack(v) for v in (None, 0, "张三", b"x", [], {}, [1, [2, {"b": [b"", None]}], "c"]))),
            tree({"": [], "a": {"aa": -1, "b": [True, False]}, "张": 2**63 - 1, "x": -(2**63)}),
        ],
        lambda data: canonical.unpack(data, bytes_max=BODY_BYTES_MAX),
        canonical.pack,
        BODY_BYTES_MAX,
    ),
    "header": Kind(
        _trees(*(pack_header(header) for header in (*g.HEADERS, _RICH))), parse_header, pack_header, HEADER_BYTES_MAX
    ),
    "opening": Kind(
        _trees(g.BODIES[0], pack_opening(Opening(bytes(16), (), b""))), parse_opening, pack_opening, BODY_BYTES_MAX
    ),
    "erasure": Kind(
        _trees(pack_erasure(3, g.TOPIC)), parse_erasure, lambda value: pack_erasure(*value), BODY_BYTES_MAX
    ),
    "order record": Kind(
        _trees(g.ORDER, pack_runs([Run(1, 2, 1, 4_000, (RunException(9, Standing.HELD, "awaits", "a.b"),))])),
        parse_runs,
        pack_runs,
        BODY_BYTES_MAX,
    ),
    "receipt": Kind(
        _trees(g.RECEIPT, pack_receipt(Receipt(2**31 - 1, 0, ((1, 255),)))), parse_receipt, pack_receipt, BODY_BYTES_MAX
    ),
    "grant": Kind(
        _trees(g.GRANT, pack_grant(Grant(2, 1, 4, tuple(_MANY.items())))), parse_grant, pack_grant, BODY_BYTES_MAX
    ),
    "revocation": Kind(
        _trees(g.REVOCATION, pack_revocation(Revocation(2, 2, "x" * 200, tuple((f, 0, 9) for f in _MANY)))),
        parse_revocation,
        pack_revocation,
        BODY_BYTES_MAX,
    ),
    "fork proof": Kind(
        _trees(pack_proof(Proof(g.FEED, 0, 2, (_SIDE, replace(_SIDE, leaves=()))))),
        parse_proof,
        pack_proof,
        FORK_PROOF_BYTES_MAX,
    ),
    "certificate's body": Kind(
        _trees(*(signed.body for signed in g.CERTIFICATES.values())),
        parse_certificate,
        pack_certificate,
        CERTIFICATE_BYTES_MAX,
    ),
    "certificate": Kind(
        _trees(*(signed.packed() for signed in g.CERTIFICATES.values())),
        lambda data: (SignedCertificate.parse(data), SignedCertificate.parse(data).certificate)[0],
        SignedCertificate.packed,
        CERTIFICATE_BYTES_MAX,
    ),
    "enrolment": Kind(
        _trees(g.ENROL_REQUEST),
        parse_request,
        lambda sealed: canonical.pack([sealed.raw, sealed.mac, sealed.signature]),
        2 * KIB,
    ),
    "welcome": Kind(_trees(g.WELCOME.packed()), _welcome, lambda welcome: welcome.packed(), 16 * KIB),
    "ask": Kind(_trees(pack_ask([g.BLOB_HASH]), pack_ask([b"1" * 32, b"2" * 32])), parse_ask, pack_ask, BODY_BYTES_MAX),
    "share": Kind(
        _trees(*(pack_shares([Share(g.TOPIC, reader, 9, b"\x93sealed") for reader in (1, 2)][:n]) for n in (1, 2))),
        parse_shares,
        pack_shares,
        BODY_BYTES_MAX,
    ),
    "bundle's head": Kind(
        _trees(g.BUNDLE_HEAD.packed()[4:], _OTHER_READER.packed()[4:]),
        _parse_head,
        lambda head: Head.packed(head)[4:],
        BUNDLE_HEAD_BYTES_MAX,
    ),
    "bundle's counts": Kind(
        _trees(canonical.pack([3, 3, 1, 60])),
        _parse_counts,
        lambda counts: canonical.pack(Counts.fields(counts)),
        _TAIL_BYTES_MAX,
    ),
    "bundle's end": Kind(
        _trees(canonical.pack([7, bytes(64)])), _parse_end, lambda end: canonical.pack(list(end)), _TAIL_BYTES_MAX
    ),
    "Hello": _frame(_FRAMES["Hello"], Hello(255, 2**53 - 1, bytes(16), 255, 3_600)),
    "Vector": _frame(_FRAMES["Vector"], Vector({})),
    "Segment": _frame(g.SEGMENT, g.ERASED),
    "Want": _frame(_FRAMES["Want"], Want(())),
    "Chunk": _frame(Chunk(g.BLOB_HASH, 70_000, 10, b"\x93abc"), Chunk(bytes(32), 1, 1, b"")),
    "Blob state": _frame(_FRAMES["BlobState"], BlobState(())),
    "Fault": _frame(_FRAMES["Fault"], Fault("", b"", "")),
    "Report": _frame(_FRAMES["Report"], Report(b"", bytes(64), 2**53 - 1, 1 - 2**53)),
    "report": Kind(_trees(g.REPORT), parse_report, pack_report, REPORT_BYTES_MAX),
    "Pieces": _frame(_FRAMES["Pieces"], Pieces(bytes(32), 70_000, 4_465, 65_535, bytes(256))),
}

FEEDS: list[bytes] = [
    feed.packed()
    for feed in (
        up(3),
        down(2, 3),
        down(HUB, 2**32 - 1),
        TO_ALL,
        FeedId.parse(b"\x04" + b"\x00\x00\x00\x01" + bytes(4)),
    )
]
