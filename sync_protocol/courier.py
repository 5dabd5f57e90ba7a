"""What a courier does with sticks: write a bundle to one, take one in, look at one. Files, no pages and no words.

Runs beside a server of the same folder: every transaction is short, and a blob has a name of its own until it is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from sync_protocol.bundle_export import BundleWriter, Written
from sync_protocol.bundles import BundleFile
from sync_protocol.certificates import Certificate
from sync_protocol.errors import NotEnrolled, SyncError
from sync_protocol.feeds import HUB
from sync_protocol.limits import MIB
from sync_protocol.store import trust
from sync_protocol.store.whole_file import write_whole

ENDING = ".bundle"
_SAY_EVERY_BYTES = 64 * MIB

Say = Callable[[str], None]


def reader_named(conn: Connection, me: int, word: str) -> int:
    """The author that a word means: "parent", "county", a station's region code (12 digits) or its author number.

    Raises NotEnrolled when there is no such reader for bundles from here.
    """
    topology = trust.topology(conn)
    above = topology.ancestors(me)
    for one in (*above, *topology.subtree(me)):
        station = topology.station(one)
        if one != me and (word == str(one) or (station is not None and word == station.region)):
            return one
    if above and word in ("parent", "county"):
        return above[0] if word == "parent" else HUB
    raise NotEnrolled("no reader of that name above or below this place", word=word)


def readers(conn: Connection, me: int) -> list[tuple[int, str]]:
    """(author, region) of every place that a bundle from here may be for: those above first, then those below."""
    topology, found = trust.topology(conn), []
    for author in (*topology.ancestors(me), *topology.subtree(me)):
        certificate = trust.current_certificate(conn, author) if author != me else None
        if certificate is not None:
            found.append((author, certificate.region))
    return found


def file_name(writer: BundleWriter, region: str, stamp: str) -> str:
    """What a bundle is called on a stick: from where, for where, when."""
    return f"lianban-{region}-{writer.plan.reader.region}-{stamp}{ENDING}"


def write_to_stick(writer: BundleWriter, target: Path, say: Say) -> Written:
    """Write a bundle to a file that is there whole or not at all. Raises OSError, FileExistsError, SyncError."""
    write_whole(target, _told(writer.pieces(), say))
    return writer.written


def _told(pieces: Iterator[bytes], say: Say) -> Iterator[bytes]:
    meter = Meter(say, 0)
    for piece in pieces:
        yield piece
        meter("write", len(piece))


class Meter:
    """Says now and then how far a long file is; `total_bytes` 0 when that is not known."""

    def __init__(self, say: Say, total_bytes: int) -> None:
        self._say = say
        self._total = total_bytes
        self._what = ""
        self._done = 0
        self._said = 0

    def __call__(self, what: str, length: int) -> None:
        if what != self._what:
            self._what, self._done, self._said = what, 0, 0
        self._done += length
        if self._done - self._said >= _SAY_EVERY_BYTES:
            self._said = self._done
            of = f" of {self._total // MIB}" if self._total else ""
            self._say(f"{what}: {self._done // MIB}{of} MiB")


@dataclass(frozen=True, slots=True)
class Look:
    """What a bundle shows without a key: its places, its date, its counts. `sound`: its signature stands under the
    county's key that it names itself, `fault` says why not."""

    county: str
    writer: int
    writer_region: str
    reader: int
    reader_region: str
    time: int
    entries: int
    blobs: int
    blob_bytes: int
    bytes: int
    sound: bool
    fault: str


def look_at(path: Path, say: Say) -> Look:
    """Read a bundle file to its end without opening it. Raises BadBytes when it does not even begin as one."""
    size = path.stat().st_size
    meter, fault = Meter(say, size), ""
    with path.open("rb") as file:
        bundle = BundleFile(file, lambda length: meter("look", length))
        try:
            bundle.skim()
        except SyncError as error:
            fault = error.code
    head, counts = bundle.head, bundle.counts
    places: dict[int, Certificate] = {signed.certificate.author: signed.certificate for signed in head.certificates}
    names = [places[one].region if one in places else "" for one in (head.writer, head.reader)]
    return Look(
        head.deployment.hex(),
        head.writer,
        names[0],
        head.reader,
        names[1],
        head.time,
        counts.entries,
        counts.blobs,
        counts.blob_bytes,
        size,
        not fault,
        fault,
    )
