"""Is a received change valid? Only the protocol's rules, so that honest work of any version passes.

It is what the hub asks before it orders an entry. What we ask of our own changes beyond this is in
casework.own_rules, and may grow stricter with every release.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from casework.changes import INTERNAL, SHAPES, ChangeKind, check_blobs, check_body, known_kind
from casework.fold import CaseState
from casework.journal import Change
from casework.refusals import Code
from casework.states import COUNTY, HOME, acts_for, office_fits, row_for

RouteFor = Callable[[str, int], Mapping[str, object] | None]
_NUMBERING = (ChangeKind.ACCEPT, ChangeKind.ACCEPT_LACKING, ChangeKind.NUMBER)
ROUTE_FIELDS = ("first_review", "decision", "township_reads")


@dataclass(frozen=True, slots=True)
class Admit:
    """The change takes its place."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The change will never count; `field` is the dotted path at fault, or ""."""

    code: Code
    field: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """The change waits for a person, or for a newer program or catalogue."""

    code: Code


Verdict = Admit | Refuse | Hold
_ADMIT = Admit()


def judge(state: CaseState | None, change: Change, *, home_tier: str, route_for: RouteFor) -> Verdict:
    """Judge a received change against the ordered state of its case.

    state: None or an empty state if the case has no ordered 收件. home_tier: "village" or "township", from
    the county's own list of stations. route_for(item, version) gives the catalogue's route, None if there is
    none. Precedence: kind, body, blobs, the state table, then 收件's own rules or open requests and numbers.
    """
    kind = known_kind(change.kind)
    if kind is None:
        return Hold(Code.UNKNOWN_KIND)
    if _not_of_a_case(kind):
        return Refuse(Code.NOT_A_CASE_CHANGE)
    if change.body is None:
        return Hold(Code.UNREADABLE)
    if problems := check_body(kind, change.body):
        return Refuse(Code.BAD_BODY, problems[0].field)
    if problems := check_blobs(kind, change.body, change.blobs):
        return Refuse(Code.BAD_BLOB, problems[0].field)
    case = state or CaseState()
    if kind is ChangeKind.COLLECT:
        return _judge_collect(case, change, home_tier, route_for)
    if misfit := table_misfit(case, kind, change.office, home_tier):
        return Refuse(misfit)
    return _judge_mentions(case, kind, change.office, change.body)


def _not_of_a_case(kind: ChangeKind) -> bool:
    """Tell whether a known kind is no change of the shared case (internal opinion, staff, catalogue...)."""
    return kind not in SHAPES or kind in INTERNAL


def table_misfit(case: CaseState, kind: ChangeKind, office: str, home_tier: str) -> Code | None:
    """Return why the state table has no place for this kind by this office now, or None if it has."""
    course = case.course(home_tier)
    row = row_for(kind, case.state, course)
    if row is None and case.state is None:
        return Code.NOT_COLLECTED
    if row is None:
        return Code.ALREADY_COLLECTED if kind is ChangeKind.COLLECT else Code.WRONG_STATE
    return None if office_fits(row, case.state, course, office) else Code.WRONG_OFFICE


def request_misfit(case: CaseState, kind: ChangeKind, office: str, body: dict[str, Any]) -> bool:
    """Tell whether a 撤回 or its refusal answers no open request; only the home withdraws unasked."""
    if kind not in (ChangeKind.WITHDRAW, ChangeKind.DECLINE_REQUEST):
        return False
    request = body.get("request")
    if request is None:
        return not acts_for(office, HOME, case.tier)
    return request not in case.open_requests


def _judge_collect(case: CaseState, change: Change, home_tier: str, route_for: RouteFor) -> Verdict:
    body: dict[str, Any] = change.body
    if misfit := table_misfit(case, ChangeKind.COLLECT, change.office, home_tier):
        return Refuse(misfit)
    if body["tier"] != home_tier:
        return Refuse(Code.WRONG_TIER, "tier")
    known = route_for(body["item"], body["version"])
    if known is None:
        return Hold(Code.ITEM_UNKNOWN)
    for name in ROUTE_FIELDS:
        if known.get(name) != body["route"][name]:
            return Refuse(Code.WRONG_ROUTE, f"route.{name}")
    return _ADMIT


def _judge_mentions(case: CaseState, kind: ChangeKind, office: str, body: dict[str, Any]) -> Verdict:
    if request_misfit(case, kind, office, body):
        return Refuse(Code.NO_SUCH_REQUEST, "request")
    number = body.get("case_no") if kind in _NUMBERING else None
    if number and office != COUNTY:
        return Refuse(Code.WRONG_OFFICE, "case_no")
    if number and case.case_no and number != case.case_no:
        return Refuse(Code.ALREADY_NUMBERED, "case_no")
    return _ADMIT
