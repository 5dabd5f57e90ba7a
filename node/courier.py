"""A station's bundles for couriers, with what goes wrong said in words for the person who holds the stick."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection

from casework import reference
from casework.web import courier_words
from casework.web.courier_words import Carried
from node.station import Station
from sync_protocol import courier
from sync_protocol.bundle_export import BundleWriter, bundle_for
from sync_protocol.bundle_import import Progress, take_bundle
from sync_protocol.errors import SyncError


@contextmanager
def in_words(station: Station) -> Iterator[None]:
    """What the log refuses becomes BadInput with a remedy."""
    try:
        yield
    except SyncError as error:
        author, machine = error.evidence.get("reader", 0), bool(error.evidence.get("machine"))
        reader = station.store.read(lambda conn: _name(conn, station.me.author, author))
        raise courier_words.refused(error.code, reader, earlier_machine=machine) from error


def _name(conn: Connection, me: int, author: int) -> str:
    region = dict(courier.readers(conn, me)).get(author, "")
    return reference.region_name(conn, region) if region else ""


def readers(station: Station) -> list[tuple[str, str]]:
    """(author, name) of every place that a bundle from here may be for, those above first."""

    def read(conn: Connection) -> list[tuple[str, str]]:
        found = courier.readers(conn, station.me.author)
        return [(str(author), reference.region_name(conn, region)) for author, region in found]

    return station.store.read(read)


def writer_for(station: Station, word: str, now: int, *, everything: bool) -> tuple[BundleWriter, str]:
    """A bundle about to be written, and its file name. Raises BadInput."""
    with in_words(station):
        reader = station.store.read(lambda conn: courier.reader_named(conn, station.me.author, word))
        writer = bundle_for(station.store, station.replica, reader, now, everything=everything)
    author = station.me.author
    region = station.store.read(lambda conn: station.topics.region_of(conn, author))
    return writer, courier.file_name(writer, region, courier_words.file_stamp(now))


def write_to(writer: BundleWriter, target: Path, say: courier.Say) -> dict[str, Any]:
    """Write a bundle to a stick; the command's report. Raises BadInput."""
    try:
        written = courier.write_to_stick(writer, target, say)
    except OSError as error:
        raise courier_words.disk_trouble(error, writing=True) from error
    return {"file": str(target)} | {name: getattr(written, name) for name in written.__slots__}


def take(station: Station, file: BinaryIO, now: int, progress: Progress) -> Carried:
    """Check a bundle and take it in. Raises BadInput; nothing was changed then, unless a disk was full."""
    with in_words(station):
        try:
            done = take_bundle(station.store, station.replica, file, now, progress)
        except OSError as error:
            raise courier_words.disk_trouble(error, writing=False) from error
    return Carried(
        station.store.read(lambda conn: reference.region_name(conn, done.region)),
        done.time,
        done.entries,
        done.new_entries,
        done.blobs,
        done.new_blobs,
        done.left,
        tuple((fault.code, fault.detail) for fault in done.refused),
        tuple(sorted(done.homes)),
    )
