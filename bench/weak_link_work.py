"""The work that the weak-link bench sends: cases with real JPEG pages and legible previews, all from one seed.

A page is rendered text with noise, 40 to 250 kB, small ones more often; its preview is a WebP of about 25 kB. A quarter
of the pages are used again by a later case of the same household: its entry names the blobs that are there already.
Intake is done before any clock starts.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from backports.zstd import compress
from PIL import Image, ImageDraw, ImageFont
from sqlalchemy import Connection, select

from bench.cases import Case, plan
from bench.places import now
from casework.changes import ChangeKind
from casework.intake import Stamp, collect_body
from casework.intake_code import mint
from casework.journal import BLOB_PAGE, BLOB_PREVIEW
from casework.workdays import china_day
from node.station import Station
from sync_protocol.entries import BlobRef
from sync_protocol.feeds import up
from sync_protocol.store import tables as t
from sync_protocol.topics import SealedBlob

PAGE_BYTES = (40_000, 250_000)
PREVIEW_BYTES = 25_000
_PAGE_SIZE = (1240, 1754)
_PREVIEW_SIZE = (707, 1000)
_NOISE = 0.02
_LEVEL = 19
_WORDS = "household income village township certificate approved medical farmland pension resident signature"
_URGENCY = 20_780


@dataclass(frozen=True, slots=True)
class Page:
    """A scan and its preview, as files."""

    jpeg: bytes
    preview: bytes


@dataclass(frozen=True, slots=True)
class Work:
    """What was put into a village, and what of it has to cross at least."""

    cases: int
    blobs: dict[int, dict[bytes, int]]
    """By role: length of each blob in bytes."""
    entry_bytes: int
    """Headers and bodies of all entries in one zstd stream."""

    @property
    def page_bytes(self) -> int:
        return sum(self.blobs[BLOB_PAGE].values())

    @property
    def preview_bytes(self) -> int:
        return sum(self.blobs[BLOB_PREVIEW].values())

    @property
    def bytes(self) -> int:
        """The sum that every figure is held against."""
        return self.page_bytes + self.preview_bytes + self.entry_bytes


def pages(rng: random.Random) -> Iterator[Page]:
    """Pages without end."""
    while True:
        image = _text(rng)
        low, high = (math.log(bound) for bound in PAGE_BYTES)
        jpeg = _fitting(image, "JPEG", round(math.exp(rng.uniform(low, high))))
        yield Page(jpeg, _fitting(image.resize(_PREVIEW_SIZE), "WEBP", PREVIEW_BYTES))


def _text(rng: random.Random) -> Image.Image:
    paper = Image.new("L", _PAGE_SIZE, 240)
    draw = ImageDraw.Draw(paper)
    font = ImageFont.load_default(34)
    words = _WORDS.split()
    for y in range(90, _PAGE_SIZE[1] - 90, 72):
        line = " ".join(rng.choice(words) if rng.random() < 0.8 else str(rng.randrange(10**8)) for _ in range(6))
        draw.text((90 + rng.randrange(6), y), line[:48], font=font, fill=rng.randrange(20, 70))
    noise = Image.frombytes("L", _PAGE_SIZE, rng.randbytes(_PAGE_SIZE[0] * _PAGE_SIZE[1]))
    return Image.blend(paper, noise, _NOISE)


def _fitting(image: Image.Image, kind: str, bytes_wanted: int) -> bytes:
    """The best quality that is not larger than wanted; the smallest of all where none fits."""
    low, high, best = 1, 95, _saved(image, kind, 1)
    while low <= high:
        quality = (low + high) // 2
        tried = _saved(image, kind, quality)
        if len(tried) <= bytes_wanted:
            best, low = tried, quality + 1
        else:
            high = quality - 1
    return best


def _saved(image: Image.Image, kind: str, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, quality=quality)
    return out.getvalue()


def pages_of_cases(rng: random.Random, cases: int) -> list[list[int]]:
    """Which page each case shows: one and two in turn; every fourth was seen in one of the cases just before."""
    found: list[list[int]] = []
    fresh = slot = 0
    for number in range(cases):
        shown: list[int] = []
        for _ in range(1 + number % 2):
            slot += 1
            seen = [page for page in range(max(0, fresh - 6), fresh) if page not in shown]
            again = slot % 4 == 0 and bool(seen)
            shown.append(rng.choice(seen) if again else fresh)
            fresh += not again
        found.append(shown)
    return found


def take_in(village: Station, seed: int, cases: int) -> tuple[Work, list[Page]]:
    """Put the work into an open village; what there is to send, and the pages as files for other programs."""
    rng = random.Random(seed)
    source = pages(rng)
    made: list[Page] = []
    sealed: list[tuple[SealedBlob, SealedBlob]] = []
    for case, shown in zip(plan(seed, cases, 1), pages_of_cases(rng, cases), strict=True):
        topic, key = village.topics.new()
        while len(made) <= max(shown):
            made.append(next(source))
            seal = partial(village.topics.seal, key)
            sealed.append((seal(made[-1].jpeg, BLOB_PAGE), seal(made[-1].preview, BLOB_PREVIEW)))
        write = partial(_collect, village=village, case=case, topic=(topic, key), shown=[sealed[n] for n in shown])
        village.store.write(write)
    return village.store.read(partial(_measured, home=village.me.author, cases=cases)), made


def _collect(
    conn: Connection,
    village: Station,
    case: Case,
    topic: tuple[bytes, bytes],
    shown: Sequence[tuple[SealedBlob, SealedBlob]],
) -> None:
    moment = now()
    day = china_day(moment)
    region = village.topics.region_of(conn, village.me.author)
    code = mint(region, village.me.author, 0, day, case.number + 1)
    body, _ = collect_body(case.item, case.intake, Stamp("village", code, day.isoformat()))
    listed: list[dict[str, Any]] = []
    refs: list[BlobRef] = []
    for page, preview in shown:
        listed.append({"blob": len(refs), "preview": len(refs) + 1, "plain": page.plain, "type": "image/jpeg"})
        refs += [page.ref, preview.ref]
    body["materials"][0] = {"name": body["materials"][0]["name"], "pages": listed}
    village.topics.open(
        conn, topic[0], topic[1], (int(ChangeKind.COLLECT), body), refs,
        relays_read=case.item.township_reads, actor=100, time=moment, quality=1, urgency=_URGENCY,
    )  # fmt: skip


def _measured(conn: Connection, home: int, cases: int) -> Work:
    e = t.entry.c
    rows = conn.execute(select(e.header, e.body).where(e.feed == up(home).packed(), e.type >= 64).order_by(e.number))
    bare = b"".join(row.header + row.body for row in rows)
    blobs: dict[int, dict[bytes, int]] = {BLOB_PAGE: {}, BLOB_PREVIEW: {}}
    named = select(t.blob_ref.c.role, t.blob_ref.c.hash, t.blob.c.length).join(
        t.blob, t.blob.c.hash == t.blob_ref.c.hash
    )
    for role, hash_, length in conn.execute(named):
        blobs[role][hash_] = length
    return Work(cases, blobs, len(compress(bare, level=_LEVEL)))


def held(conn: Connection) -> tuple[int, int, int]:
    """How many cases have arrived at a place, and how many of their previews and pages lie there."""
    cases = conn.execute(select(t.entry.c.number).where(t.entry.c.type == int(ChangeKind.COLLECT)).distinct()).all()
    query = (
        select(t.blob_ref.c.role, t.blob.c.hash)
        .join(t.blob, t.blob.c.hash == t.blob_ref.c.hash)
        .where(t.blob.c.held == 1)
        .distinct()
    )
    roles = [role for role, _ in conn.execute(query)]
    return len(cases), roles.count(BLOB_PREVIEW), roles.count(BLOB_PAGE)
