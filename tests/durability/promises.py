"""What was promised to somebody, and whether it is still so: read from the databases, with or without servers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_tables import case_row, draft
from sync_protocol.feeds import FeedId, up
from sync_protocol.store import tables as t
from sync_protocol.store.blob_files import BlobFiles
from sync_protocol.store.data_folder import DataFolder
from sync_protocol.store.seam import SqliteStore

T = TypeVar("T")
Tips = dict[tuple[bytes, int], int]


def read(folder: Path, fn: Callable[[Connection], T]) -> T:
    """One snapshot of a database; no migration, no lock."""
    data = DataFolder(folder)
    store = SqliteStore(data.database, bytes.fromhex(data.key_file.read_text(encoding="ascii").strip()))
    try:
        return store.read(fn)
    finally:
        store.close()


def tips(conn: Connection) -> Tips:
    return {(row.feed, row.epoch): row.number for row in conn.execute(sa.select(t.tip))}


@dataclass
class Promises:
    """Of a county in `folder`, whose places are parents before children; what pages and commands acknowledged."""

    folder: Path
    places: tuple[str, ...] = ("hub", "township", "village")
    authors: dict[str, int] = field(default_factory=dict)
    refs: set[str] = field(default_factory=set)
    """Cases that `intake` said it took in at the village."""
    saved: set[str] = field(default_factory=set)
    """Drafts and cases (topics in hex) that the village's pages said were saved."""
    acts: set[tuple[str, str, int]] = field(default_factory=set)
    """(place, topic in hex, kind) of what its pages said was done."""

    def __post_init__(self) -> None:
        for place in self.places:
            number = read(self.folder / place, lambda conn: conn.execute(_AUTHOR).scalar())
            self.authors[place] = int(number or b"0")

    def broken_at(self, place: str) -> list[str]:
        """What this place owes and no longer has; read while the others go on, so they are read first."""
        refs, saved, acts = set(self.refs), set(self.saved), set(self.acts)
        others = {one: read(self.folder / one, self._seen_of(place)) for one in self.places if one != place}
        own, held = read(self.folder / place, lambda conn: (tips(conn), _held(conn)))
        files = BlobFiles(self.folder / place / "blobs")
        wrong = [f"{hash_.hex()} noted as held, no file" for hash_ in held if not files.holds(hash_)]
        for other, (numbers, blobs) in others.items():
            for (feed, epoch), number in numbers.items():
                if own.get((feed, epoch), 0) < number:
                    have = own.get((feed, epoch), 0)
                    wrong.append(f"{place} has {FeedId.parse(feed)}/{epoch} up to {have}, {other} relies on {number}")
            wrong += [f"{place} signed for {hash_.hex()}, which it lacks" for hash_ in blobs - held]
        if place == "village":
            wrong += read(self.folder / place, lambda conn: _lost(conn, refs, saved))
        done = read(self.folder / place, _kinds)
        wrong += [
            f"{place} said {kind} of {topic} was done"
            for at, topic, kind in acts
            if at == place and (topic, kind) not in done
        ]
        return wrong

    def _seen_of(self, place: str) -> Callable[[Connection], tuple[Tips, set[bytes]]]:
        """What a neighbour relies on: this place's own feeds as it holds them, and what this place signed for."""
        author = self.authors[place]

        def seen(conn: Connection) -> tuple[Tips, set[bytes]]:
            numbers = {key: n for key, n in tips(conn).items() if FeedId.parse(key[0]).author == author}
            r, b = t.receipt.c, t.blob_receipt.c
            for row in conn.execute(sa.select(t.receipt).where(r.author == author)):
                key = (up(row.home).packed(), row.epoch)
                numbers[key] = max(numbers.get(key, 0), row.number)
            blobs = set(conn.execute(sa.select(b.hash).where(b.author == author)).scalars())
            return numbers, blobs

        return seen

    def at_the_county(self) -> list[str]:
        """At the end: every acknowledged case and act is at the county, with every page."""

        def look(conn: Connection) -> list[str]:
            refs = list(conn.execute(sa.select(case_row.c.ref).where(case_row.c.ref != "")).scalars())
            topics = {bytes(topic).hex() for topic in conn.execute(sa.select(case_row.c.topic)).scalars()}
            absent = conn.execute(sa.select(sa.func.count()).select_from(t.blob).where(t.blob.c.held == 0)).scalar_one()
            done = _kinds(conn)
            return [
                *(f"{ref} is not at the county" for ref in self.refs - set(refs)),
                *(f"{ref} is there twice" for ref in set(refs) if refs.count(ref) > 1),
                *(f"{act} is not at the county" for act in self.acts if act[1:] not in done),
                *(f"{act} concerns no case at the county" for act in self.acts if act[1] not in topics),
                *([f"{absent} pages are missing at the county"] if absent else []),
            ]

        return read(self.folder / "hub", look)

    def apart(self) -> list[str]:
        """Feeds of which two places hold different stretches although everything has been exchanged."""
        held = {place: read(self.folder / place, tips) for place in self.places}
        keys = {key for found in held.values() for key in found}
        wrong = []
        for key in sorted(keys):
            numbers = {place: found[key] for place, found in held.items() if key in found}
            if len(set(numbers.values())) > 1:
                wrong.append(f"{FeedId.parse(key[0])}/{key[1]}: {numbers}")
        return wrong


_AUTHOR = sa.select(t.identity.c.value).where(t.identity.c.name == "author")


def _held(conn: Connection) -> set[bytes]:
    return set(conn.execute(sa.select(t.blob.c.hash).where(t.blob.c.held == 1)).scalars())


def _lost(conn: Connection, refs: set[str], saved: set[str]) -> list[str]:
    found = set(conn.execute(sa.select(case_row.c.ref)).scalars())
    topics = {bytes(topic).hex() for topic in conn.execute(sa.select(case_row.c.topic)).scalars()}
    drafts = set(conn.execute(sa.select(draft.c.id)).scalars())
    return [
        *(f"{ref} was taken in" for ref in refs - found),
        *(f"{topic} was saved" for topic in saved - topics - drafts),
    ]


def _kinds(conn: Connection) -> set[tuple[str, int]]:
    e = t.entry.c
    return {(bytes(row.topic).hex(), row.type) for row in conn.execute(sa.select(e.topic, e.type).where(e.type >= 64))}
