"""What SPEC sections 5 to 9 allow each field to be, said once more and apart from the parsers.

A parser that lets through what is not here has lost one of its checks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

U31, U32, I53, I63 = 2**31 - 1, 2**32 - 1, 2**53 - 1, 2**63 - 1


def whole(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def octets(value: Any, *lengths: int) -> bool:
    return type(value) is bytes and len(value) in lengths


def text(value: Any, most: int, least: int = 0) -> bool:
    return type(value) is str and least <= len(value) <= most


def feed(value: Any) -> bool:
    right_audience = whole(value.audience, 1, U32) if value.kind == 2 else value.audience == 0
    author = value.author == 1 if value.kind in (3, 4) else whole(value.author, 1, U32)
    return value.kind in (1, 2, 3, 4) and right_audience and author


def ascending(values: Sequence[Any]) -> bool:
    return all(one < two for one, two in pairwise(values))


def header(h: Any) -> bool:
    return (
        whole(h.type, 1, 65_535) and octets(h.topic, 0, 16) and whole(h.actor, 0, U32) and whole(h.time, 0, I53)
        and whole(h.quality, 0, 255) and len(h.after) == 3 and all(whole(mark, 0, I63) for mark in h.after)
        and len(h.blobs) <= 128 and whole(h.urgency, 0, 2**31) and whole(h.flags, 0, 255) and len(h.rest) <= 10
        and all(octets(b.hash, 32) and whole(b.length, 1, 2**26) and whole(b.role, 0, 255) for b in h.blobs)
        and (h.origin is None or (whole(h.origin[0], 0, U31) and whole(h.origin[1], 1, U32)))
        and not (h.flags & 1 and not h.topic)
    )  # fmt: skip


def opening(o: Any) -> bool:
    wraps = len(o.wraps) <= 4 and all(whole(r, 1, U32) and type(w) is bytes and len(w) <= 256 for r, w in o.wraps)
    return octets(o.salt, 16) and wraps and type(o.inner) is bytes


def _run(run: Any) -> bool:
    exceptions = len(run.exceptions) <= 256 and ascending([e.number for e in run.exceptions])
    inside = all(
        whole(e.number, run.first, run.last) and e.standing in (2, 3) and text(e.code, 64, 1) and text(e.field, 128)
        for e in run.exceptions
    )
    return (
        run.slot in (0, 1) and whole(run.epoch, 0, U31) and 1 <= run.first <= run.last <= U32 and exceptions and inside
    )


def runs(value: Any) -> bool:
    total = sum(run.last - run.first + 1 for run in value)
    return 1 <= len(value) <= 64 and all(map(_run, value)) and total <= 4_096


def receipt(r: Any) -> bool:
    blobs = len(r.blobs) <= 256 and all(whole(number, 1, U32) and whole(index, 0, 255) for number, index in r.blobs)
    return whole(r.epoch, 0, U31) and whole(r.number, 0, U32) and blobs


def grant(g: Any) -> bool:
    starts = all(
        feed(f) and whole(s.epoch, 0, U31) and whole(s.number, 1, U32) and octets(s.head, 32) for f, s in g.starts
    )
    numbers = whole(g.author, 1, U32) and whole(g.epoch, 1, U31) and whole(g.serial, 1, U32)
    return numbers and len(g.starts) <= 512 and starts and ascending([f for f, _ in g.starts])


def revocation(r: Any) -> bool:
    cuts = all(feed(f) and whole(epoch, 0, U31) and whole(number, 0, U32) for f, epoch, number in r.cuts)
    numbers = whole(r.author, 1, U32) and whole(r.serial, 1, U32) and text(r.reason, 200)
    return numbers and len(r.cuts) <= 512 and cuts and ascending([cut[0] for cut in r.cuts])


def proof(p: Any) -> bool:
    sides = all(
        octets(s.head, 32) and len(s.leaves) <= 31 and all(octets(leaf, 32) for leaf in s.leaves)
        and whole(s.serial, 1, U32) and octets(s.signature, 64)
        for s in p.sides
    )  # fmt: skip
    return feed(p.feed) and whole(p.epoch, 0, U31) and whole(p.number, 1, U32) and len(p.sides) == 2 and sides


def certificate(c: Any) -> bool:
    return (
        whole(c.serial, 1, U32) and whole(c.author, 1, U32) and whole(c.parent, 0, U32) and c.tier in (1, 2, 3)
        and (c.tier == 3) == (c.author == 1) and text(c.region, 12) and octets(c.sign_key, 32) and octets(c.box_key, 32)
        and whole(c.not_before, 0, I53) and whole(c.not_after, 0, I53) and whole(c.epoch, 0, U31)
    )  # fmt: skip


def signed(s: Any) -> bool:
    return certificate(s.certificate) and whole(s.signer, 0, U32) and octets(s.signature, 64)


def enrolment(e: Any) -> bool:
    r = e.request
    return text(r.station, 12) and type(r.tier) is int and octets(r.sign_key, 32) and octets(r.box_key, 32)


def welcome(w: Any) -> bool:
    return octets(w.root_key, 32) and all(map(signed, (w.hub, w.station, *w.ancestors))) and len(w.ancestors) <= 4


def ask(hashes: Any) -> bool:
    return 1 <= len(hashes) <= 64 and all(octets(h, 32) for h in hashes) and len(set(hashes)) == len(hashes)


def share(s: Any) -> bool:
    reader = whole(s.reader, 1, U32) and whole(s.serial, 1, U32)
    return octets(s.topic, 16) and reader and type(s.seal) is bytes and 1 <= len(s.seal) <= 256


def bundle_head(h: Any) -> bool:
    numbers = all(whole(n, 1, U32) for n in (h.writer, h.reader, h.reader_serial)) and whole(h.time, 0, I53)
    serials = [one.certificate.serial for one in h.certificates]
    certificates = len(serials) <= 4 and ascending(serials) and all(map(signed, h.certificates))
    return octets(h.root_key, 32) and numbers and certificates and octets(h.id, 16) and octets(h.seal, 96)


def bundle_counts(c: Any) -> bool:
    return all(whole(count, 0, I53) for count in (c.messages, c.entries, c.blobs, c.blob_bytes))


def hello(h: Any) -> bool:
    flags = whole(h.flags, 0, 255) and whole(h.wait_seconds, 0, 3_600)
    return whole(h.version, 1, 255) and whole(h.time, 0, I53) and octets(h.digest, 16) and flags


def vector(v: Any) -> bool:
    branches = list(v.frontier)
    good = all(
        feed(b.feed) and whole(b.epoch, 0, U31) and whole(tip.number, 1, U32) and octets(tip.head, 32)
        for b, tip in v.frontier.items()
    )
    return len(branches) <= 2_000 and ascending(branches) and good


def segment(s: Any) -> bool:
    items = all(
        type(i.header) is bytes and (octets(i.body_hash, 32) if i.body is None else len(i.body) <= 49_152)
        for i in s.items
    )
    size = sum(len(i.header) + len(i.body or b"") for i in s.items)
    place = feed(s.feed) and whole(s.epoch, 0, U31) and s.first >= 1 and s.last <= U32 and whole(s.serial, 1, U32)
    return place and octets(s.signature, 64) and 1 <= len(s.items) <= 32 and items and size <= 65_536


def want(w: Any) -> bool:
    return len(w.blobs) <= 64 and all(octets(h, 32) and whole(offset, 0, 2**26) for h, offset in w.blobs)


def chunk(c: Any) -> bool:
    inside = whole(c.offset, 0, c.length) and c.offset + len(c.data) <= c.length and len(c.data) <= 65_536
    return octets(c.hash, 32) and whole(c.length, 1, 2**26) and inside


def pieces(p: Any) -> bool:
    inside = whole(p.offset, 0, p.length) and whole(p.size, 1, 65_536) and p.offset + p.size <= p.length
    return (
        octets(p.hash, 32)
        and whole(p.length, 1, 2**26)
        and inside
        and octets(p.digests, (p.size + 4_095) // 4_096 * 16)
    )


def report_frame(r: Any) -> bool:
    here = len(r.packed) <= 256 and octets(r.signature, 64)
    return here and whole(r.ago, 0, 2**53 - 1) and whole(r.skew, 1 - 2**53, 2**53 - 1)


def report(r: Any) -> bool:
    numbers = (
        r.time,
        r.waiting,
        r.oldest,
        r.waiting_blobs,
        r.waiting_bytes,
        r.alone,
        r.alone_blobs,
        r.drafts,
        r.error_at,
    )
    who = whole(r.author, 1, U32) and whole(r.serial, 1, U32) and whole(r.epoch, 0, U31) and whole(r.number, 0, U32)
    said = text(r.program, 24) and text(r.schema, 24) and text(r.error, 32) and whole(r.protocol, 0, 255)
    return who and said and all(whole(number, 0, 2**53 - 1) for number in numbers)


def blob_state(b: Any) -> bool:
    return len(b.blobs) <= 64 and all(octets(h, 32) and whole(offset, -1, 2**26) for h, offset in b.blobs)


def fault(f: Any) -> bool:
    return text(f.code, 64) and octets(f.feed, 0, 9) and text(f.detail, 256)


def plain(value: Any, depth: int = 8) -> bool:
    match value:
        case None | bool() | bytes():
            return True
        case int():
            return -(2**63) <= value <= I63
        case str():
            return value.encode() is not None
        case list():
            return depth > 0 and all(plain(item, depth - 1) for item in value)
        case dict():
            return depth > 0 and all(type(k) is str and plain(item, depth - 1) for k, item in value.items())
        case _:
            return False


FITS: dict[str, Callable[[Any], bool]] = {
    "any value": plain, "header": header, "opening": opening, "order record": runs, "receipt": receipt, "grant": grant,
    "erasure": lambda pair: whole(pair[0], 1, U32) and octets(pair[1], 16),
    "revocation": revocation, "fork proof": proof, "certificate's body": certificate, "certificate": signed,
    "enrolment": enrolment, "welcome": welcome, "Hello": hello, "Vector": vector, "Segment": segment, "Want": want,
    "ask": ask, "share": lambda shares: 1 <= len(shares) <= 64 and all(map(share, shares)),
    "bundle's head": bundle_head, "bundle's counts": bundle_counts,
    "bundle's end": lambda pair: whole(pair[0], 1, U32) and octets(pair[1], 64),
    "Chunk": chunk, "Blob state": blob_state, "Fault": fault,
    "Pieces": pieces, "Report": report_frame, "report": report,
}  # fmt: skip
