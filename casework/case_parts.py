"""The parts of a case's state: small frozen values, each with its plain form.

`to_plain` of a part is a dict of plain objects; `from_plain` of the same dict gives an equal part back. Dicts
that came out of a body (applicant, form) are shared, never changed in place.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

from casework.texts import N_


@dataclass(frozen=True, slots=True)
class Part:
    """Base of parts whose fields are all plain already."""

    def to_plain(self) -> dict[str, Any]:
        """Return the fields as a dict, in the order in which they are declared."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """Build the part from `to_plain`'s dict. Raises KeyError if a field is missing."""
        return cls(**{field.name: plain[field.name] for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Page(Part):
    """One scanned page: stored blob (hash, length in bytes), salted hash of the plain page, media type.

    preview: hash of the preview's blob, or None. ref: the entry that brought the page. key, preview_key: the blobs'
    keys, sealed under the case's key, where another case brought them first; else b"".
    """

    blob: bytes
    length: int
    plain: bytes
    type: str
    preview: bytes | None
    preview_length: int
    ref: str
    key: bytes
    preview_key: bytes


class Material(NamedTuple):
    """One material as last handed in: seen against the original by the clerk, scanned pages, or not handed in because
    it is shared or verified on line (exempt: which of the two, else "")."""

    name: str
    seen: bool
    pages: tuple[Page, ...]
    ref: str
    exempt: str = ""

    def to_plain(self) -> dict[str, Any]:
        """Return the plain form."""
        pages = [page.to_plain() for page in self.pages]
        return {"name": self.name, "seen": self.seen, "pages": pages, "ref": self.ref, "exempt": self.exempt}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Material:
        """Build from the plain form. Raises KeyError if a field is missing."""
        pages = tuple(Page.from_plain(page) for page in plain["pages"])
        return cls(plain["name"], plain["seen"], pages, plain["ref"], plain["exempt"])


@dataclass(frozen=True, slots=True)
class Supplement(Part):
    """The last notice of defects: what, when (unix s), by which office; answered_at once supplemented. until: the last
    day for the applicant, YYYY-MM-DD, or "" for none."""

    defects: list[dict[str, Any]]
    note: str
    asked_at: int
    office: str
    ref: str
    answered_at: int | None
    until: str


@dataclass(frozen=True, slots=True)
class SpecialProcedure(Part):
    """A procedure whose time does not count: which, why, how many days were announced, from when to when (unix s; until
    is None while it goes on), and what came of it."""

    procedure: str
    reason: str
    days: int
    since: int
    until: int | None
    opinion: str


@dataclass(frozen=True, slots=True)
class Extension(Part):
    """By how many days the decision may be later, in the unit of the limit; why, and when that was said (unix s).

    each: [time, days] of every extension in their order; `days` is their sum, reason and time are the last one's.
    """

    days: int
    reason: str
    time: int
    each: list[list[int]]


@dataclass(frozen=True, slots=True)
class Lacking(Part):
    """A material that may follow (容缺): its name, its last day (YYYY-MM-DD), and when it came (unix s)."""

    name: str
    due: str
    filled_at: int | None


@dataclass(frozen=True, slots=True)
class DepartmentPart(Part):
    """What one department is asked in parallel (并联审批): since when (unix s), by which day; its answer."""

    office: str
    since: int
    due: str
    answered_at: int | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Escalation(Part):
    """A case handed to an outside line system (转报): which, why, since when; its answer and its number there."""

    system: str
    reason: str
    since: int
    answered_at: int | None
    outcome: str
    number: str
    opinion: str


@dataclass(frozen=True, slots=True)
class Licence(Part):
    """A licence that was made out (制证): title, number, last day of validity or "", when (unix s)."""

    title: str
    number: str
    until: str
    time: int


@dataclass(frozen=True, slots=True)
class CommitmentCheck(Part):
    """What was found when a commitment (告知承诺) was checked afterwards."""

    kept: bool
    opinion: str
    time: int


@dataclass(frozen=True, slots=True)
class ResultDocument(Part):
    """One result document attached by the deciding office."""

    title: str
    blob: bytes
    length: int
    plain: bytes
    type: str
    ref: str


@dataclass(frozen=True, slots=True)
class Told(Part):
    """What the applicant was told, or is to be told at an appointment: about what and which change (`of`), how, whether
    a person said it (`done`), when (unix s); an appointment's day (YYYY-MM-DD), hour and place (`at`)."""

    about: str
    of: str
    how: str
    done: bool
    day: str
    at: str
    note: str
    time: int
    ref: str


SIGNED_ON: dict[str, str] = {"screen": N_("屏幕签名"), "paper": N_("纸质签收")}
"""How whoever received a result has signed for it, with the name or a thumb."""


@dataclass(frozen=True, slots=True)
class Delivery(Part):
    """To whom, in which way and when (unix s) the result was handed over; signed for on a "screen", on "paper", or "",
    and the page that shows it, if one was brought."""

    to: str
    how: str
    note: str
    time: int
    signed: str = ""
    receipt: Page | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return the plain form."""
        return Part.to_plain(self) | {"receipt": self.receipt.to_plain() if self.receipt is not None else None}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """Build from the plain form. Raises KeyError if a field is missing."""
        receipt = plain["receipt"]
        whole = {field.name: plain[field.name] for field in fields(cls)}
        return cls(**whole | {"receipt": None if receipt is None else Page.from_plain(receipt)})


class TimelineItem(NamedTuple):
    """One line of a case's story. `applied` is False when the change moved and added nothing.

    standing: ordered, tentative, held or refused, with `code` for the last two. note: shortened free text.
    """

    ref: str
    kind: int
    office: str
    author: int
    actor: int
    time: int
    quality: int
    standing: str
    code: str
    note: str
    applied: bool

    def to_plain(self) -> dict[str, Any]:
        """Return the plain form."""
        return self._asdict()

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> TimelineItem:
        """Build from the plain form. Raises KeyError if a field is missing."""
        return cls(*(plain[name] for name in cls._fields))
