"""What a courier does with sticks: write a bundle to one, take one in, look at one. Files, no pages and no words.

Runs beside a server of the same folder: every transaction is short, and a blob has a name of its own until it is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from sqlalchemy import Connection

from sync_protocol.bundle_export import BundleWriter, bundle_for
from sync_protocol.bundle_import import Imported, Progress, take_bundle
from sync_protocol.bundles import BundleFile
from sync_protocol.certificates import Certificate
from sync_protocol.errors import NotEnrolled, SyncError
from sync_protocol.feeds import HUB
from sync_protocol.limits import MIB
from sync_protocol.replica import Replica
from sync_protocol.store import trust
from sync_protocol.store.seam import Store
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


class Words(Protocol):
    """How a courier is told of things; the application's own words."""

    def refused(self, code: str, region: str, *, earlier_machine: bool) -> Exception:
        """What to raise for a bundle that was refused; region: of the place that it is for, "" when not known."""

    def disk_trouble(self, error: OSError, *, writing: bool) -> Exception:
        """What to raise for a disk or stick that failed."""

    def file_stamp(self, seconds: int) -> str:
        """Unix seconds as part of a file's name."""


class Sticks:
    """The bundles that one place writes and takes in. What goes wrong is raised as its words have it."""

    def __init__(self, store: Store, replica: Replica, words: Words) -> None:
        self._store = store
        self._replica = replica
        self._words = words

    def readers(self) -> list[tuple[int, str]]:
        """(author, region) of every place that a bundle from here may be for: those above first, then those below."""
        return self._store.read(lambda conn: readers(conn, self._replica.me.author))

    def writer_for(self, word: str, now: int, *, everything: bool) -> tuple[BundleWriter, str]:
        """A bundle about to be written for whom `word` means (see `reader_named`), and its file name."""
        me = self._replica.me
        with self._refusals():
            reader = self._store.read(lambda conn: reader_named(conn, me.author, word))
            writer = bundle_for(self._store, self._replica, reader, now, everything=everything)
        region = self._store.read(lambda conn: trust.certificate_of(conn, me.serial)).region
        stamp = self._words.file_stamp(now)
        return writer, f"lianban-{region}-{writer.plan.reader.region}-{stamp}{ENDING}"

    def write(self, word: str, to: Path, now: int, say: Say, *, everything: bool) -> dict[str, Any]:
        """Write a bundle into a folder, or to a file, that is then there whole or not at all: {file, …its counts}."""
        writer, name = self.writer_for(word, now, everything=everything)
        target = to / name if to.is_dir() else to
        try:
            write_whole(target, _told(writer.pieces(), say))
        except OSError as error:
            raise self._words.disk_trouble(error, writing=True) from error
        return {"file": str(target)} | {field: getattr(writer.written, field) for field in writer.written.__slots__}

    def take(self, file: BinaryIO, now: int, progress: Progress) -> Imported:
        """Check a bundle and take it in; where it raises, nothing was changed, unless a disk was full."""
        with self._refusals():
            try:
                return take_bundle(self._store, self._replica, file, now, progress)
            except OSError as error:
                raise self._words.disk_trouble(error, writing=False) from error

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except SyncError as error:
            region = dict(self.readers()).get(error.evidence.get("reader", 0), "")
            machine = bool(error.evidence.get("machine"))
            raise self._words.refused(error.code, region, earlier_machine=machine) from error


def written_line(report: dict[str, Any]) -> str:
    """What `Sticks.write` reported, for the command's reader."""
    counts = ", ".join(f"{report[name]} {name}" for name in ("entries", "previews", "pages", "documents", "bytes"))
    damaged = f"; {report['damaged']} damaged scans left out, see fsck" if report["damaged"] else ""
    return f"{counts} in {report['file']}{damaged}"


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

    def report(self) -> dict[str, Any]:
        """All of it by name."""
        return {name: getattr(self, name) for name in self.__slots__}


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
