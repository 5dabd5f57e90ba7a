"""The whole of a replica in one file, for audit: feeds, signatures, order records, certificates, blobs (SPEC 15).

The frames are those of an exchange, so a verifier reads one format. The last part is this replica's signature over
all that stands before it: the feeds sign themselves, but who wrote the file, and how, nobody else says. Streams:
memory does not grow with the file.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import Connection, select

from sync_protocol import canonical
from sync_protocol.crypto import domain, u32
from sync_protocol.feeds import FeedId
from sync_protocol.frontier import Branch
from sync_protocol.limits import BLOB_CHUNK_BYTES_MAX, VECTOR_BRANCHES_MAX
from sync_protocol.messages import Chunk, Vector, frame_bytes
from sync_protocol.store import feed_store, trust
from sync_protocol.store import tables as t
from sync_protocol.store.blob_files import BlobFiles
from sync_protocol.store.me import Me

MAGIC = domain("export")
_LENGTH = struct.Struct(">I")


@dataclass(slots=True)
class Exported:
    """What went into the file. `damaged` scans were left out: their files are gone or changed on disk (see `fsck`)."""

    segments: int = 0
    entries: int = 0
    blobs: int = 0
    bytes: int = 0
    damaged: int = 0


def write_export(conn: Connection, me: Me, blobs: BlobFiles, out: BinaryIO) -> Exported:
    """Write everything held here. Order: magic, head, certificates, the frontier, segments, blobs, counts, seal."""
    done = Exported()
    written = hashlib.sha256()
    for piece in _parts(conn, me, blobs, done):
        out.write(piece)
        written.update(piece)
        done.bytes += len(piece)
    signature = me.signer.sign(export_message(me.deployment, me.serial, written.digest()))
    end = part([me.serial, signature])
    out.write(end)
    done.bytes += len(end)
    return done


def export_message(deployment: bytes, serial: int, written: bytes) -> bytes:
    """What the writer signs: `written` is the SHA-256 of all bytes before the last part."""
    return domain("sign-export") + deployment + u32(serial) + written


def _parts(conn: Connection, me: Me, blobs: BlobFiles, done: Exported) -> Iterator[bytes]:
    branches = feed_store.frontier(conn, _feeds(conn))
    yield MAGIC
    certificates = [
        trust.signed_certificate(conn, serial).packed()
        for (serial,) in conn.execute(select(t.certificate.c.serial).order_by(t.certificate.c.serial)).all()
    ]
    yield part([me.deployment, me.root_key, me.author, certificates])
    ordered = sorted(branches.items())
    for at in range(0, max(1, len(ordered)), VECTOR_BRANCHES_MAX):
        yield frame_bytes(Vector(dict(ordered[at : at + VECTOR_BRANCHES_MAX])))
    for branch in _by_home(branches):
        start = feed_store.start_of(conn, me.deployment, branch)
        for segment, _ in feed_store.cut(conn, branch, start.number, 2**62):
            done.segments += 1
            done.entries += len(segment.items)
            yield frame_bytes(segment)
    held = conn.execute(select(t.blob.c.hash, t.blob.c.length).where(t.blob.c.held == 1).order_by(t.blob.c.hash))
    for row in held:
        if not blobs.check(row.hash):  # one bad scan must neither stop an audit nor make the whole file worthless
            done.damaged += 1
            continue
        done.blobs += 1
        for offset in range(0, row.length, BLOB_CHUNK_BYTES_MAX):
            data = blobs.read_range(row.hash, offset, BLOB_CHUNK_BYTES_MAX)
            yield frame_bytes(Chunk(row.hash, row.length, offset, data))
    yield part([done.segments, done.entries, done.blobs])


def part(value: object) -> bytes:
    """One part of the file: framed like a frame, but not one."""
    packed = canonical.pack(value)
    return _LENGTH.pack(len(packed)) + packed


def _feeds(conn: Connection) -> list[FeedId]:
    return [FeedId.parse(feed) for (feed,) in conn.execute(select(t.tip.c.feed).distinct()).all()]


def _by_home(branches: Iterable[Branch]) -> list[Branch]:
    """Homes' own feeds before the others', since openings stand there."""
    return sorted(branches, key=lambda b: (b.feed.home or 0, b.feed.kind, b.epoch, b.feed))
