"""What the case rules need from a log: a change handed over, and the blobs it names.

The log (any log) satisfies these shapes structurally; nothing here knows feeds, signatures or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

ORDERED = "ordered"
TENTATIVE = "tentative"
HELD = "held"
REFUSED = "refused"

BLOB_PAGE = 0
BLOB_PREVIEW = 1
BLOB_RESULT = 2


class BlobRef(Protocol):
    """A blob that a change names: a page, a preview or a result document."""

    @property
    def hash(self) -> bytes:
        """32 bytes, the hash of the stored (encrypted) bytes."""

    @property
    def length(self) -> int:
        """Stored length in bytes."""

    @property
    def role(self) -> int:
        """BLOB_PAGE, BLOB_PREVIEW or BLOB_RESULT."""


class Change(Protocol):
    """One entry of a case as the log hands it over; its header was checked by the log, its body by nobody."""

    @property
    def kind(self) -> int:
        """Number of the change kind; may be one this program does not know."""

    @property
    def body(self) -> Any:
        """Plain object (dict, str, int, bytes, list, bool, None); None if unreadable (sealed or erased)."""

    @property
    def author(self) -> int:
        """Station number of the writer."""

    @property
    def office(self) -> str:
        """The writer's office relative to the case: "home", "township" or "county"."""

    @property
    def actor(self) -> int:
        """Staff account number; 0 is the program itself."""

    @property
    def time(self) -> int:
        """Unix seconds by the writer's device clock."""

    @property
    def quality(self) -> int:
        """Clock quality: 0 unknown, 1 checked, 2 known wrong."""

    @property
    def standing(self) -> str:
        """ORDERED, TENTATIVE, HELD or REFUSED."""

    @property
    def code(self) -> str:
        """Why it is held or refused, else ""."""

    @property
    def ref(self) -> str:
        """Unique name of the entry, "up:17/0/5" (feed, epoch, number)."""

    @property
    def blobs(self) -> Sequence[BlobRef]:
        """The blobs that the body's indexes point into."""
