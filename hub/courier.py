"""The county's bundles for couriers, with what goes wrong said in words for the person who holds the stick."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection

from casework import reference
from casework.web import courier_words
from casework.web.courier_words import Carried
from hub.county import County
from hub.judge import judge_one_home
from sync_protocol import courier
from sync_protocol.bundle_export import BundleWriter, bundle_for
from sync_protocol.bundle_import import Progress, take_bundle
from sync_protocol.errors import SyncError


@contextmanager
def in_words(county: County) -> Iterator[None]:
    """What the log refuses becomes BadInput with a remedy."""
    try:
        yield
    except SyncError as error:
        author, machine = error.evidence.get("reader", 0), bool(error.evidence.get("machine"))
        reader = county.store.read(lambda conn: _name(conn, county.me.author, author))
        raise courier_words.refused(error.code, reader, earlier_machine=machine) from error


def _name(conn: Connection, me: int, author: int) -> str:
    region = dict(courier.readers(conn, me)).get(author, "")
    return reference.region_name(conn, region) if region else ""


def readers(county: County) -> list[tuple[str, str]]:
    """(author, name) of every place that a bundle from here may be for."""

    def read(conn: Connection) -> list[tuple[str, str]]:
        found = courier.readers(conn, county.me.author)
        return [(str(author), reference.region_name(conn, region)) for author, region in found]

    return county.store.read(read)


def writer_for(county: County, word: str, now: int, *, everything: bool) -> tuple[BundleWriter, str]:
    """A bundle about to be written, and its file name. Raises BadInput."""
    with in_words(county):
        reader = county.store.read(lambda conn: courier.reader_named(conn, county.me.author, word))
        writer = bundle_for(county.store, county.replica, reader, now, everything=everything)

    return writer, courier.file_name(writer, county.region, courier_words.file_stamp(now))


def write_to(writer: BundleWriter, target: Path, say: courier.Say) -> dict[str, Any]:
    """Write a bundle to a stick; the command's report. Raises BadInput."""
    try:
        written = courier.write_to_stick(writer, target, say)
    except OSError as error:
        raise courier_words.disk_trouble(error, writing=True) from error
    return {"file": str(target)} | {name: getattr(written, name) for name in written.__slots__}


def take(county: County, file: BinaryIO, now: int, progress: Progress) -> Carried:
    """Check a bundle and take it in. Raises BadInput; nothing was changed then, unless a disk was full."""
    with in_words(county):
        try:
            done = take_bundle(county.store, county.replica, file, now, progress)
        except OSError as error:
            raise courier_words.disk_trouble(error, writing=False) from error
    return Carried(
        county.store.read(lambda conn: reference.region_name(conn, done.region)),
        done.time,
        done.entries,
        done.new_entries,
        done.blobs,
        done.new_blobs,
        done.left,
        tuple((fault.code, fault.detail) for fault in done.refused),
        tuple(sorted(done.homes)),
    )


def judge(county: County, homes: tuple[int, ...]) -> None:
    """Judge what came of these homes, batch by batch; where a server runs as well, whoever is first does it."""
    journal, topics, desk = county.replica.journal, county.topics, county.desk

    def one_batch(conn: Connection, home: int) -> bool:
        return bool(judge_one_home(conn, journal, topics, desk, home, desk.now()).topics)

    for home in homes:
        while county.store.write(partial(one_batch, home=home)):
            pass
