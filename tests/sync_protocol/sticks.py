"""Bundles between the replicas of a small county, carried in memory."""

from __future__ import annotations

import io

from sync_protocol.bundle_export import Written, bundle_for
from sync_protocol.bundle_import import Imported, take_bundle
from tests.sync_protocol.county import Place


def write(place: Place, reader: int, *, everything: bool = False) -> tuple[bytes, Written]:
    """The bundle that a place writes for a reader, and what it says went in."""
    writer = bundle_for(place.store, place.replica, reader, place.clock.now, everything=everything)
    return b"".join(writer.pieces()), writer.written


def take(place: Place, bundle: bytes) -> Imported:
    return take_bundle(place.store, place.replica, io.BytesIO(bundle), place.clock.now, lambda what, length: None)


def carry(writer: Place, reader: Place, *, everything: bool = False) -> Imported:
    """One stick from one place to another."""
    bundle, written = write(writer, reader.author, everything=everything)
    done = take(reader, bundle)
    assert (done.entries, done.blobs, done.blob_bytes) == (
        written.entries,
        written.previews + written.pages + written.documents,
        written.blob_bytes,
    )
    return done
