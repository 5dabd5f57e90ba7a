"""Bundles between the replicas of a small county, carried in memory."""

from __future__ import annotations

import io
from collections.abc import Callable

from sync_protocol.bundle_contents import plan
from sync_protocol.bundle_export import Written, bundle_for
from sync_protocol.bundle_import import Imported, take_bundle
from sync_protocol.bundles import Counts, Head, bundle_pieces, key_context
from sync_protocol.crypto import seal_to
from sync_protocol.feeds import HUB
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


def forged(
    writer: Place,
    messages: list[bytes],
    counts: Counts | None = None,
    change: Callable[[Head], Head] = lambda head: head,
) -> bytes:
    """A bundle of a station for the hub with these messages; as many as there are, and nothing else, unless told."""
    me = writer.me
    made = writer.store.read(lambda conn: plan(conn, me, HUB))
    key, id_ = bytes(32), bytes(16)
    seal = seal_to(made.reader.box_key, key + key_context(me.deployment, me.author, HUB, id_))
    head = Head(me.root_key, made.certificates, me.author, HUB, made.reader.serial, 0, id_, seal)
    counts = counts or Counts(len(messages))
    return b"".join(bundle_pieces(change(head), key, messages, counts, me.signer, me.serial))
