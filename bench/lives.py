"""Whole lives of cases as a county's year has them, the same for the same seed: changes in bytes, and as a log hands
them over.

Who takes part follows from each item's route; how often something happens does from `Shares`. Bodies are those that
the product's own windows would write: forms of the catalogue, materials scanned or seen, hashes of pages and previews.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from bench.cases import ITEMS, Person
from casework.catalogue import Catalogue, load_catalogue
from casework.change_choices import SPECIAL_PROCEDURES
from casework.changes import ChangeKind
from casework.example_intake import example_intake_line
from casework.intake import (
    HeldMaterial,
    HeldPage,
    HeldPreview,
    Intake,
    Stamp,
    StoredBlob,
    collect_body,
    material_entries,
)
from casework.journal import BLOB_RESULT, ORDERED
from casework.scenario import all_answers, requirements
from casework.service_item import ServiceItem
from casework.states import COUNTY, HOME, TOWNSHIP, Course, deciding_office
from sync_protocol import canonical
from sync_protocol.entries import BlobRef
from sync_protocol.reading import PlacedEntry

_INTAKE = "2026-01-05"
_START = 1_767_225_600
"""2026-01-01, unix seconds."""
_CHANGE_SECONDS = 20_000
_PAGE_BYTES, _PREVIEW_BYTES, _RESULT_BYTES = 350_000, 12_000, 90_000


@dataclass(frozen=True, slots=True)
class Shares:
    """Of all cases that come so far, the share to which this happens."""

    corrected: float = 0.15
    supplement_at_township: float = 0.2
    supplement_at_decider: float = 0.1
    withdrawal_asked: float = 0.02
    withdrawal_declined: float = 0.3
    refused_acceptance: float = 0.02
    special_procedure: float = 0.06
    extended: float = 0.03
    denied: float = 0.05
    result_document: float = 0.7
    seen_by_clerk: float = 0.35
    second_page: float = 0.4
    page_used_before: float = 0.1


SHARES = Shares()


@dataclass(frozen=True, slots=True)
class Life:
    """A case's changes in order: as the log hands them over, and each one's body in bytes."""

    changes: tuple[PlacedEntry, ...]
    bodies: tuple[bytes, ...]


def lives(seed: int, first: int, count: int, catalogue: Catalogue | None = None) -> Iterator[Life]:
    """Cases `first`, `first` + 1 ...; each depends on the seed and its number alone."""
    known = catalogue or load_catalogue()
    keys, weights = list(ITEMS), list(ITEMS.values())
    for number in range(first, first + count):
        rng = random.Random(seed * 1_000_003 + number)
        yield _Writer(rng, known.get(rng.choices(keys, weights)[0]), number).life()


class _Writer:
    """Writes one case's changes down, one after another."""

    def __init__(self, rng: random.Random, item: ServiceItem, number: int) -> None:
        self._rng = rng
        self._item = item
        self._number = number
        self._person = Person(rng, number, 0)
        self._decider = deciding_office(Course("village", item.first_review, item.decision_tier))
        self._changes: list[PlacedEntry] = []
        self._bodies: list[bytes] = []

    def life(self) -> Life:
        """From the 收件 to the end."""
        self._collect()
        if self._often(SHARES.corrected):
            applicant = {**self._person.applicant(), "phone": f"18{self._person.phone[2:]}"}
            self._say(ChangeKind.CORRECT, HOME, {"applicant": applicant, "reason": "更正联系电话"})
        if not self._ends_before_acceptance():
            self._accept_and_decide()
        return Life(tuple(self._changes), tuple(self._bodies))

    def _often(self, share: float) -> bool:
        return self._rng.random() < share

    def _ends_before_acceptance(self) -> bool:
        if self._item.first_review:
            self._maybe_supplement(TOWNSHIP, SHARES.supplement_at_township)
            self._say(ChangeKind.ENDORSE, TOWNSHIP, {"opinion": self._person.sentence(40)})
        self._maybe_supplement(self._decider, SHARES.supplement_at_decider)
        if self._often(SHARES.refused_acceptance):
            body = {"reason": self._person.sentence(30), "basis": "行政许可法第三十二条第一款第二项"}
            self._say(ChangeKind.REFUSE_ACCEPTANCE, self._decider, body)
            self._deliver()
            return True
        return self._withdrawal()

    def _withdrawal(self) -> bool:
        if not self._often(SHARES.withdrawal_asked):
            return False
        self._say(ChangeKind.REQUEST_WITHDRAW, HOME, {"reason": self._person.sentence(20)})
        answer = {"request": self._changes[-1].ref, "reason": "已告知申请人"}
        declined = self._often(SHARES.withdrawal_declined)
        self._say(ChangeKind.DECLINE_REQUEST if declined else ChangeKind.WITHDRAW, self._decider, answer)
        return not declined

    def _accept_and_decide(self) -> None:
        day = f"{20260101 + self._number % 28}"
        self._say(ChangeKind.ACCEPT, self._decider, {})
        self._say(ChangeKind.NUMBER, COUNTY, {"case_no": f"341882-{day}-{self._number:07d}"})
        self._say(ChangeKind.REVIEW, self._decider, {})
        if self._often(SHARES.special_procedure):
            body = {"procedure": self._rng.choice(list(SPECIAL_PROCEDURES)), "days": 15, "reason": "依法需要"}
            self._say(ChangeKind.SPECIAL_PROCEDURE, self._decider, body)
            self._say(ChangeKind.SPECIAL_RESULT, self._decider, {"opinion": self._person.sentence(30)})
        if self._often(SHARES.extended):
            self._say(ChangeKind.EXTEND, self._decider, {"days": 10, "reason": self._person.sentence(20)})
        seen = [blob.hash for change in self._changes for blob in change.blobs if blob.role == 0]
        if self._often(SHARES.denied):
            self._say(ChangeKind.DENY, self._decider, {"seen": seen, "reason": self._person.sentence(60)})
        else:
            self._say(ChangeKind.GRANT, self._decider, {"seen": seen})
        if self._often(SHARES.result_document):
            body = {"title": "决定书", "blob": 0, "plain": self._rng.randbytes(32), "type": "application/pdf"}
            document = StoredBlob(self._rng.randbytes(32), _RESULT_BYTES, BLOB_RESULT)
            self._say(ChangeKind.ATTACH_RESULT, self._decider, body, [document])
        self._say(ChangeKind.CLOSE, self._decider, {"result": "completed"})
        self._deliver()

    def _deliver(self) -> None:
        self._say(ChangeKind.DELIVER, HOME, {"to": self._person.name, "how": "window"})

    def _collect(self) -> None:
        applicant, answers = self._person.applicant(), example_intake_line(self._item).get("answers", {})
        needs = requirements(self._item, all_answers(self._item, answers, applicant, date.fromisoformat(_INTAKE)))
        form = {field.key: self._person.value(field) for field in self._item.form if field.required}
        intake = Intake(
            applicant,
            form,
            household=f"{self._person.name}户",
            materials=tuple(self._material(name) for name in needs.required),
            answers=answers,
        )
        code = f"341882101201-1-{20260101 + self._number % 28}-{self._number:06d}-7"
        body, blobs = collect_body(self._item, intake, Stamp("village", code, _INTAKE))
        self._say(ChangeKind.COLLECT, HOME, body, blobs)

    def _maybe_supplement(self, office: str, share: float) -> None:
        if not self._often(share):
            return
        rule = self._rng.choice(self._item.materials)
        defects = [{"subject": rule.name, "what": self._person.sentence(30)}]
        self._say(ChangeKind.ASK_SUPPLEMENT, office, {"defects": defects, "note": "请携原件到村站"})
        materials, blobs = material_entries([self._scanned(rule.name)])
        self._say(ChangeKind.SUPPLEMENT, HOME, {"materials": materials, "note": self._person.sentence(20)}, blobs)

    def _material(self, name: str) -> HeldMaterial:
        return HeldMaterial(name, seen="1") if self._often(SHARES.seen_by_clerk) else self._scanned(name)

    def _scanned(self, name: str) -> HeldMaterial:
        return HeldMaterial(name, pages=tuple(self._page() for _ in range(2 if self._often(SHARES.second_page) else 1)))

    def _page(self) -> HeldPage:
        bytes_of, rng = self._rng.randbytes, self._rng
        key = bytes_of(72) if self._often(SHARES.page_used_before) else b""
        preview = HeldPreview(bytes_of(32), _PREVIEW_BYTES + rng.randrange(4_000), bytes_of(72) if key else b"")
        return HeldPage(bytes_of(32), _PAGE_BYTES + rng.randrange(90_000), bytes_of(32), "image/jpeg", preview, key)

    def _say(self, kind: ChangeKind, office: str, body: dict[str, Any], blobs: list[StoredBlob] | None = None) -> None:
        """One more change; its body is what comes out of the bytes, as it does at the hub."""
        packed = canonical.pack(body)
        number = len(self._changes) + 1
        author = {HOME: 17, TOWNSHIP: 3, COUNTY: 1}[office]
        change = PlacedEntry(
            kind=int(kind),
            body=canonical.unpack(packed, bytes_max=len(packed)),
            author=author,
            office=office,
            actor=5 + author,
            time=_START + 170 * self._number + _CHANGE_SECONDS * number,
            quality=1,
            standing=ORDERED,
            code="",
            field="",
            ref=f"up:{author}/0/{9 * self._number + number}",
            blobs=tuple(BlobRef(blob.hash, blob.length, blob.role) for blob in blobs or ()),
            received=_START + 170 * self._number + _CHANGE_SECONDS * number,
        )
        self._changes.append(change)
        self._bodies.append(packed)
