"""The life of a case, in one table: which change fits in which state, who may write it, where it leads.

Nothing else in the project knows transitions; the state picture in the documents is drawn from TABLE. This
module never asks which program it runs in: offices are relative to the case.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple

from casework.changes import ChangeKind
from casework.texts import N_

HOME = "home"
TOWNSHIP = "township"
COUNTY = "county"
NOBODY = ""
OFFICE_NAMES = {HOME: N_("收件站点"), TOWNSHIP: N_("乡镇"), COUNTY: N_("县级"), NOBODY: N_("无")}


class State(StrEnum):
    """Where a case stands. A draft is local to a station and never enters the log."""

    DRAFT = "draft"
    COLLECTED = "collected"
    FIRST_REVIEW = "first_review"
    SUPPLEMENT_ASKED = "supplement_asked"
    ACCEPTED = "accepted"
    REVIEW = "review"
    GRANTED = "granted"
    DENIED = "denied"
    CLOSED = "closed"
    DELIVERED = "delivered"
    REFUSED_ACCEPTANCE = "refused_acceptance"
    WITHDRAWN = "withdrawn"
    ARCHIVED = "archived"


STATE_NAMES: dict[State, str] = {
    State.DRAFT: N_("草稿"),
    State.COLLECTED: N_("已收件"),
    State.FIRST_REVIEW: N_("已初审"),
    State.SUPPLEMENT_ASKED: N_("待补正"),
    State.ACCEPTED: N_("已受理"),
    State.REVIEW: N_("审核中"),
    State.GRANTED: N_("准予许可"),
    State.DENIED: N_("不予许可"),
    State.CLOSED: N_("已办结"),
    State.DELIVERED: N_("已送达"),
    State.REFUSED_ACCEPTANCE: N_("不予受理"),
    State.WITHDRAWN: N_("已撤回"),
    State.ARCHIVED: N_("已归档"),
}


class Rule(Enum):
    """Whose office may write a change."""

    HOME = N_("收件站点")
    TOWNSHIP = N_("乡镇")
    COUNTY = N_("县级")
    HOLDER = N_("当前承办方")
    DECIDING = N_("决定机关")
    FIRST = N_("最先承办方")
    ANY = N_("任何一方")


class Move(Enum):
    """A next state that depends on the case."""

    STAY = N_("不变")
    RESUME = N_("恢复到补正前")


class Route(Enum):
    """Of which cases a row counts: by their route, or by what time has done to them meanwhile.

    A station that is cut off goes on in good faith. What it wrote before it could know of a change that time caused
    still counts: a notice given within the five days sets a deemed acceptance aside, a supplement takes a lapsed case
    up again.
    """

    ANY = ""
    FIRST_REVIEW = N_("需初审")
    NO_FIRST_REVIEW = N_("无需初审")
    DEEMED = N_("已视为受理")
    LACKING = N_("容缺未补齐")
    LAPSED = N_("已到期终止")


BEHIND_TIME = (Route.DEEMED, Route.LAPSED)
"""Rows for what was written before its author could know of what time had done; nobody who knows writes such."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `kind` fits in any of `sources` (None = no case yet), written by `rule`, leads to `target`."""

    kind: ChangeKind
    sources: tuple[State | None, ...]
    rule: Rule
    target: State | Move
    route: Route = Route.ANY


_S, _K = State, ChangeKind
_BEFORE_ACCEPTANCE = (_S.COLLECTED, _S.FIRST_REVIEW, _S.SUPPLEMENT_ASKED)
_UNDER_REVIEW = (_S.ACCEPTED, _S.REVIEW)
_UNDECIDED = (*_BEFORE_ACCEPTANCE, *_UNDER_REVIEW)
_DECIDED = (_S.GRANTED, _S.DENIED)
_HELD_BY_SOMEBODY = (*_UNDECIDED, *_DECIDED, _S.CLOSED, _S.REFUSED_ACCEPTANCE)
_ANY = (*_HELD_BY_SOMEBODY, _S.DELIVERED, _S.WITHDRAWN, _S.ARCHIVED)
_DIRECT, _ENDORSED = Route.NO_FIRST_REVIEW, Route.FIRST_REVIEW

TABLE: tuple[Row, ...] = (
    Row(_K.COLLECT, (None,), Rule.HOME, _S.COLLECTED),
    Row(_K.CORRECT, _BEFORE_ACCEPTANCE, Rule.HOME, Move.STAY),
    Row(_K.ENDORSE, (_S.COLLECTED,), Rule.TOWNSHIP, _S.FIRST_REVIEW, _ENDORSED),
    Row(_K.ASK_SUPPLEMENT, (_S.COLLECTED, _S.FIRST_REVIEW), Rule.HOLDER, _S.SUPPLEMENT_ASKED),
    Row(_K.SUPPLEMENT, (_S.SUPPLEMENT_ASKED,), Rule.HOME, Move.RESUME),
    Row(_K.ACCEPT, (_S.COLLECTED,), Rule.DECIDING, _S.ACCEPTED, _DIRECT),
    Row(_K.ACCEPT, (_S.FIRST_REVIEW,), Rule.DECIDING, _S.ACCEPTED),
    Row(_K.REFUSE_ACCEPTANCE, (_S.COLLECTED,), Rule.DECIDING, _S.REFUSED_ACCEPTANCE, _DIRECT),
    Row(_K.REFUSE_ACCEPTANCE, (_S.FIRST_REVIEW,), Rule.DECIDING, _S.REFUSED_ACCEPTANCE),
    Row(_K.ACCEPT_LACKING, (_S.COLLECTED,), Rule.DECIDING, _S.ACCEPTED, _DIRECT),
    Row(_K.ACCEPT_LACKING, (_S.FIRST_REVIEW,), Rule.DECIDING, _S.ACCEPTED),
    Row(_K.SUPPLEMENT, _UNDER_REVIEW, Rule.HOME, Move.STAY, Route.LACKING),
    # Silence past the five days is acceptance (行政许可法第三十二条); what was said in time comes before it.
    Row(_K.DEEM_ACCEPTED, (_S.COLLECTED, _S.FIRST_REVIEW), Rule.COUNTY, _S.ACCEPTED),
    Row(_K.CORRECT, _UNDER_REVIEW, Rule.HOME, Move.STAY, Route.DEEMED),
    Row(_K.ENDORSE, _UNDER_REVIEW, Rule.TOWNSHIP, Move.STAY, Route.DEEMED),
    Row(_K.ASK_SUPPLEMENT, _UNDER_REVIEW, Rule.FIRST, _S.SUPPLEMENT_ASKED, Route.DEEMED),
    Row(_K.ACCEPT, (_S.ACCEPTED,), Rule.DECIDING, Move.STAY, Route.DEEMED),
    Row(_K.REFUSE_ACCEPTANCE, (_S.ACCEPTED,), Rule.DECIDING, _S.REFUSED_ACCEPTANCE, Route.DEEMED),
    Row(_K.REVIEW, (_S.ACCEPTED,), Rule.DECIDING, _S.REVIEW),
    Row(_K.SPLIT, _UNDER_REVIEW, Rule.COUNTY, Move.STAY),
    Row(_K.PART_ANSWER, _UNDER_REVIEW, Rule.COUNTY, Move.STAY),
    Row(_K.ESCALATE, _UNDER_REVIEW, Rule.DECIDING, Move.STAY),
    Row(_K.ESCALATE_RESULT, _UNDER_REVIEW, Rule.DECIDING, Move.STAY),
    Row(_K.SEND_BACK, (_S.FIRST_REVIEW,), Rule.DECIDING, _S.COLLECTED),
    Row(_K.SEND_BACK, (_S.REVIEW,), Rule.DECIDING, _S.ACCEPTED),
    Row(_K.REASSIGN, (_S.COLLECTED,), Rule.COUNTY, Move.STAY, _DIRECT),
    Row(_K.REASSIGN, (_S.FIRST_REVIEW, *_UNDER_REVIEW), Rule.COUNTY, Move.STAY),
    Row(_K.GRANT, (_S.REVIEW,), Rule.DECIDING, _S.GRANTED),
    Row(_K.DENY, (_S.REVIEW,), Rule.DECIDING, _S.DENIED),
    # What stops or stretches the clock moves nothing (行政许可法第四十二、四十五条).
    Row(_K.SPECIAL_PROCEDURE, _UNDER_REVIEW, Rule.DECIDING, Move.STAY),
    Row(_K.SPECIAL_RESULT, _UNDER_REVIEW, Rule.DECIDING, Move.STAY),
    Row(_K.EXTEND, _UNDER_REVIEW, Rule.DECIDING, Move.STAY),
    Row(_K.ATTACH_RESULT, _DECIDED, Rule.DECIDING, Move.STAY),
    Row(_K.CLOSE, _DECIDED, Rule.DECIDING, _S.CLOSED),
    # What is accepted must be decided (行政许可法第三十七、四十二条): time ends it only where materials were tolerated.
    Row(_K.LAPSE, (_S.SUPPLEMENT_ASKED,), Rule.COUNTY, _S.CLOSED),
    Row(_K.LAPSE, _UNDER_REVIEW, Rule.COUNTY, _S.CLOSED, Route.LACKING),
    Row(_K.SUPPLEMENT, (_S.CLOSED,), Rule.HOME, Move.RESUME, Route.LAPSED),
    Row(_K.ISSUE, (_S.GRANTED, _S.CLOSED, _S.DELIVERED), Rule.DECIDING, Move.STAY),
    Row(_K.DELIVER, (_S.CLOSED, _S.REFUSED_ACCEPTANCE), Rule.HOME, _S.DELIVERED),
    Row(_K.VERIFY_COMMITMENT, (_S.GRANTED, _S.CLOSED, _S.DELIVERED), Rule.DECIDING, Move.STAY),
    Row(_K.ARCHIVE, (_S.DELIVERED, _S.WITHDRAWN), Rule.DECIDING, _S.ARCHIVED),
    Row(_K.REQUEST_WITHDRAW, _UNDECIDED, Rule.HOME, Move.STAY),
    Row(_K.WITHDRAW, _UNDECIDED, Rule.HOLDER, _S.WITHDRAWN),
    # A request can be overtaken by a decision; whoever holds the case then still answers it.
    Row(_K.DECLINE_REQUEST, _HELD_BY_SOMEBODY, Rule.HOLDER, Move.STAY),
    Row(_K.NUMBER, _ANY, Rule.COUNTY, Move.STAY),
    # What is said to the applicant, by whoever says it, moves nothing.
    Row(_K.TELL, _ANY, Rule.ANY, Move.STAY),
)


_ROWS: dict[int, list[Row]] = {}
for _row in TABLE:
    _ROWS.setdefault(int(_row.kind), []).append(_row)


class Course(NamedTuple):
    """What of a case the office rules depend on: home tier, first review or not, who decides, and whether it counts as
    accepted by silence, lacks materials that were tolerated, or has lapsed.

    tier: "village" or "township". decision: "village", "township", "county" or "external".
    """

    tier: str
    first_review: bool
    decision: str
    deemed: bool = False
    lacking: bool = False
    lapsed: bool = False


_DECIDING = {"village": HOME, "township": TOWNSHIP}
_HOLDERS: dict[State | None, str] = {
    **dict.fromkeys((None, _S.DELIVERED, _S.WITHDRAWN, _S.ARCHIVED), NOBODY),
    **dict.fromkeys((_S.DRAFT, _S.SUPPLEMENT_ASKED, _S.CLOSED, _S.REFUSED_ACCEPTANCE), HOME),
}
"""Where it does not depend on the case."""


def deciding_office(course: Course) -> str:
    """Return the office that decides; what an outside system decides, the county enters."""
    return _DECIDING.get(course.decision, COUNTY)


def holder_of(state: State | None, course: Course) -> str:
    """Return the one office whose entries move the case now, or NOBODY."""
    holder = _HOLDERS.get(state)
    if holder is not None:
        return holder
    return TOWNSHIP if state is _S.COLLECTED and course.first_review else deciding_office(course)


def acts_for(office: str, wanted: str, tier: str) -> bool:
    """Tell whether a writer's office may act as `wanted`; a township hall's own window acts for both."""
    return wanted != NOBODY and (office == wanted or (wanted == TOWNSHIP and office == HOME and tier == "township"))


def wanted_office(rule: Rule, state: State | None, course: Course) -> str:
    """Return the one office that a rule means for a case in this state, or NOBODY."""
    match rule:
        case Rule.HOME:
            return HOME
        case Rule.TOWNSHIP:
            return TOWNSHIP
        case Rule.COUNTY:
            return COUNTY
        case Rule.HOLDER:
            return holder_of(state, course)
        case Rule.DECIDING:
            return deciding_office(course)
        case Rule.FIRST:
            return holder_of(State.COLLECTED, course)
        case Rule.ANY:
            return NOBODY


def row_for(kind: int, state: State | None, course: Course | None = None) -> Row | None:
    """Return the row for a kind in a state, or None; without a course every route counts."""
    for row in _ROWS.get(kind, ()):
        if state in row.sources and _on_route(row, course):
            return row
    return None


def _on_route(row: Row, course: Course | None) -> bool:
    if course is None:
        return True
    match row.route:
        case Route.ANY:
            return True
        case Route.DEEMED:
            return course.deemed
        case Route.LACKING:
            return course.lacking
        case Route.LAPSED:
            return course.lapsed
        case _:
            return course.first_review == (row.route is Route.FIRST_REVIEW)


def office_fits(row: Row, state: State | None, course: Course, office: str) -> bool:
    """Tell whether the writer's office satisfies the row's rule."""
    if row.rule is Rule.ANY:
        return office in (HOME, TOWNSHIP, COUNTY)
    return acts_for(office, wanted_office(row.rule, state, course), course.tier)


def next_state(row: Row, state: State | None, resume: State | None) -> State:
    """Return the state after a row is applied in `state`; `resume` is what a supplement goes back to."""
    if row.target is Move.STAY:
        assert state is not None, "only a case that exists can stay as it is"
        return state
    if row.target is Move.RESUME:
        return resume or State.COLLECTED
    assert isinstance(row.target, State)
    return row.target


def resume_after(kind: int, before: State | None, now: State, resume: State | None) -> State | None:
    """Return what a supplement would lead back to after a change moved a case from `before` to `now`: the state before
    the notice, or before time ended the case. `resume`: what it was until then.
    """
    if now is before:
        return resume
    if kind == ChangeKind.LAPSE:
        return resume or before
    if now is State.SUPPLEMENT_ASKED:  # from beyond acceptance only where silence had accepted it
        return State.COLLECTED if before in _UNDER_REVIEW else before
    return None
