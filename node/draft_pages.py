"""What is done to the pages of one material of a draft: added, taken out, moved, cut again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from casework.intake import HeldPage
from node.drafts import DraftMaterial, Shot

EARLIER, LATER = "earlier", "later"


def with_pages(known: DraftMaterial, seen: str, pages: Sequence[HeldPage], shots: Sequence[Shot]) -> DraftMaterial:
    """Pages added at the end; scans and «seen» exclude each other.

    A file whose pages are all there already brings nothing: it was sent again because the first answer got lost.
    """
    there = {page.plain for page in known.pages}
    if pages and all(page.plain in there for page in pages):
        return known
    kept = (*known.pages, *pages)
    return DraftMaterial("" if kept else seen, kept, (*known.shots, *shots))


def without(known: DraftMaterial, page: bytes) -> DraftMaterial:
    """The page of this hash taken out, with its photo."""
    return replace(
        known,
        pages=tuple(one for one in known.pages if one.hash != page),
        shots=tuple(shot for shot in known.shots if shot.page != page),
    )


def moved(known: DraftMaterial, page: bytes, way: str) -> DraftMaterial:
    """The page of this hash one place earlier or later; at the end of the row it stays."""
    pages = list(known.pages)
    at = next((number for number, one in enumerate(pages) if one.hash == page), None)
    to = None if at is None else at + {EARLIER: -1, LATER: 1}.get(way, 0)
    if at is None or to is None or not 0 <= to < len(pages):
        return known
    pages.insert(to, pages.pop(at))
    return replace(known, pages=tuple(pages))


def recut(known: DraftMaterial, old: bytes, new: HeldPage, shot: Shot | None) -> DraftMaterial:
    """The page of hash `old` replaced where it stands; `shot` is None where the photo itself is the page again."""
    if old not in {page.hash for page in known.pages}:
        return known
    return replace(
        known,
        pages=tuple(new if page.hash == old else page for page in known.pages),
        shots=(*(one for one in known.shots if one.page != old), *([shot] if shot else [])),
    )
