"""From the changes of a case to its state: total and pure.

The fold never judges what the hub has ordered: an ordered change whose body is readable and that has a row
in the state table for the current state is applied, whoever wrote it; anything else is a line in the timeline
and no more. What nobody has judged yet (tentative) must fit office and route too, so that a stranger's claim
is not shown as fact. No sequence of changes raises.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any

from casework.case_parts import (
    CommitmentCheck,
    Delivery,
    DepartmentPart,
    Escalation,
    Extension,
    Lacking,
    Licence,
    Material,
    ResultDocument,
    SpecialProcedure,
    Supplement,
    TimelineItem,
    Told,
)
from casework.changes import check_blobs, check_body
from casework.fold_rules import RULES, note_of
from casework.journal import ORDERED, TENTATIVE, Change
from casework.states import Course, Row, State, holder_of, next_state, office_fits, resume_after, row_for

_PARTS: dict[str, Any] = {
    "materials": Material,
    "lacking": Lacking,
    "parts": DepartmentPart,
    "procedures": SpecialProcedure,
    "results": ResultDocument,
    "licences": Licence,
    "told": Told,
    "timeline": TimelineItem,
}
_SINGLE: dict[str, Any] = {
    "supplement": Supplement,
    "extension": Extension,
    "escalation": Escalation,
    "commitment_check": CommitmentCheck,
    "delivery": Delivery,
}
_LISTS = (*_PARTS, "lapses", "open_requests", "seen")


@dataclass(slots=True)
class CaseState:
    """What is known of one case. All times are unix seconds by the writer's clock; hashes are 32 bytes.

    state None: no readable 收件 yet, and all else is empty. holder: "home", "township", "county" or "".
    decision: "", "granted" or "denied". entered: state word -> time it was last entered. resume: the state a
    supplement returns to. answers: scenario question -> answer. commitment: 告知承诺. green: why the case goes first
    (绿色通道), or "". first_asked: the clerk of 首问负责, or "". proxy: who acts for the applicant, or {}.
    reason, basis: of the last refusal, denial or withdrawal. seen: blobs the decision
    names. certificate: the signed statement of what was granted, that of a licence once one was made out.
    office: the county department that it was passed on to (转办), "" for that of the item. deemed: the day whose
    end made it accepted by silence, "" where it is not; lapsed: the rule by which time ended it, while it is so ended;
    lapses: all that time has caused, «rule:day». base: the state without anything tentative, once something tentative
    was applied, else None.
    """

    state: State | None = None
    holder: str = ""
    home: int = 0
    item: str = ""
    version: int = 0
    code: str = ""
    case_no: str = ""
    tier: str = ""
    route: dict[str, Any] = field(default_factory=dict)
    applicant: dict[str, Any] = field(default_factory=dict)
    form: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    household: str | None = None
    received: str = ""
    ref: str | None = None
    answers: dict[str, str] = field(default_factory=dict)
    commitment: bool = False
    green: str = ""
    first_asked: str = ""
    proxy: dict[str, Any] = field(default_factory=dict)
    materials: list[Material] = field(default_factory=list)
    supplement: Supplement | None = None
    resume: State | None = None
    opinion: str = ""
    collected_by: int = 0
    collected_at: int | None = None
    accepted_at: int | None = None
    deemed: str = ""
    lacking: list[Lacking] = field(default_factory=list)
    office: str = ""
    parts: list[DepartmentPart] = field(default_factory=list)
    escalation: Escalation | None = None
    procedures: list[SpecialProcedure] = field(default_factory=list)
    extension: Extension | None = None
    decided_at: int | None = None
    closed_at: int | None = None
    decision: str = ""
    reason: str = ""
    basis: str = ""
    seen: list[bytes] = field(default_factory=list)
    certificate: bytes = b""
    results: list[ResultDocument] = field(default_factory=list)
    licences: list[Licence] = field(default_factory=list)
    close_result: str = ""
    lapsed: str = ""
    lapses: list[str] = field(default_factory=list)
    commitment_check: CommitmentCheck | None = None
    delivery: Delivery | None = None
    told: list[Told] = field(default_factory=list)
    archive_no: str = ""
    open_requests: list[str] = field(default_factory=list)
    entered: dict[str, int] = field(default_factory=dict)
    timeline: list[TimelineItem] = field(default_factory=list)
    base: CaseState | None = None

    def course(self, tier: str | None = None) -> Course:
        """Return what of this case the office rules depend on; `tier` is given where the case's word is not taken."""
        tier = self.tier if tier is None else tier
        return Course(
            tier,
            self.route.get("first_review", False),
            self.route.get("decision", ""),
            deemed=self.deemed != "",
            lacking=bool(self.still_lacking),
            lapsed=self.lapsed != "",
        )

    @property
    def in_procedure(self) -> bool:
        """Whether a special procedure goes on, so that the clock stands."""
        return any(one.until is None for one in self.procedures)

    @property
    def still_lacking(self) -> list[Lacking]:
        """The materials that were tolerated (容缺) and have not come yet."""
        return [one for one in self.lacking if one.filled_at is None]

    @property
    def open_parts(self) -> list[DepartmentPart]:
        """The departments that were asked and have not answered yet."""
        return [one for one in self.parts if one.answered_at is None]

    @property
    def in_escalation(self) -> bool:
        """Whether an outside system is asked and has not answered."""
        return self.escalation is not None and self.escalation.answered_at is None

    def copy(self) -> CaseState:
        """Return a copy that can be changed without touching this one."""
        lists: dict[str, Any] = {name: list(getattr(self, name)) for name in _LISTS}
        base = self.base.copy() if self.base else None
        return replace(self, **lists, entered=dict(self.entered), base=base)

    def apply(self, change: Change, *, checked: bool = False) -> None:
        """Take one more change in, in place; never raises. Tentative ones belong after all ordered ones.

        `checked`: the caller has just found the body and its blobs to be right.
        """
        if change.standing == ORDERED and self.base is not None:
            self.base.apply(change)
        if change.standing == TENTATIVE and self.base is None:
            self.base = self.copy() if self.timeline else CaseState()
        row = self._fitting_row(change, checked=checked)
        if row is not None:
            self._take(row, change)
        self.timeline.append(_line(change, row))

    def to_plain(self) -> dict[str, Any]:
        """Return the plain form of what ordered changes alone say; equal on every machine that has them."""
        if self.base is not None:
            return self.base.to_plain()
        plain = {f.name: _plain(getattr(self, f.name)) for f in fields(self) if f.name != "base"}
        plain["timeline"] = [item.to_plain() for item in self.timeline if item.standing == ORDERED]
        return plain

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> CaseState:
        """Build a state from `to_plain`. Raises KeyError or ValueError if it is none."""
        given: dict[str, Any] = {f.name: plain[f.name] for f in fields(cls) if f.name != "base"}
        for name, part in _PARTS.items():
            given[name] = [part.from_plain(item) for item in given[name]]
        for name, single in _SINGLE.items():
            given[name] = None if given[name] is None else single.from_plain(given[name])
        for name in ("state", "resume"):
            given[name] = None if given[name] is None else State(given[name])
        return cls(**given).copy()

    def _fitting_row(self, change: Change, *, checked: bool) -> Row | None:
        if change.standing not in (ORDERED, TENTATIVE):
            return None
        course = self.course() if change.standing == TENTATIVE else None
        row = row_for(change.kind, self.state, course)
        if row is None or (course and not office_fits(row, self.state, course, change.office)):
            return None
        if not checked and (
            check_body(change.kind, change.body) or check_blobs(change.kind, change.body, change.blobs)
        ):
            return None
        return row

    def _take(self, row: Row, change: Change) -> None:
        RULES[row.kind](self, change, change.body)
        before = self.state
        self.state = next_state(row, before, self.resume)
        self.resume = resume_after(row.kind, before, self.state, self.resume)
        if self.state is not before:  # nothing else changes the holder: a case's route is that of its 收件
            self.entered[self.state.value] = change.time
            self.holder = holder_of(self.state, self.course())


def _plain(value: Any) -> Any:
    if isinstance(value, State):
        return value.value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return dict(value)
    return value.to_plain() if hasattr(value, "to_plain") else value


def _line(change: Change, row: Row | None) -> TimelineItem:
    # By place, in the order of the fields: every fold of every change makes one, and by name it takes twice as long.
    return TimelineItem(
        change.ref,
        int(change.kind),
        change.office,
        change.author,
        change.actor,
        change.time,
        change.quality,
        change.standing,
        change.code,
        note_of(change.body) if row is not None else "",
        row is not None,
    )


def fold(changes: Iterable[Change], start: CaseState | None = None) -> CaseState:
    """Return the state after `changes`, in the order given, on top of `start` (which is left as it was)."""
    state = start.copy() if start is not None else CaseState()
    for change in changes:
        state.apply(change)
    return state
