"""What a page may offer a person on a case: the state table and the rights table, asked together."""

from __future__ import annotations

from collections.abc import Collection

from casework.changes import ChangeKind
from casework.fold import CaseState
from casework.policy import Role, Target, act_for, may_ever
from casework.states import BEHIND_TIME, COUNTY, HOME, State, acts_for, deciding_office, office_fits, row_for
from casework.telling import may_still_meet


def allowed_kinds(state: CaseState | None, offices: Collection[str], role: Role) -> list[ChangeKind]:
    """Return the kinds that fit now, in table order, for somebody with this role writing for these offices.

    A page still asks `policy.may` with the case as target; the program's own kinds are never offered.
    """
    case = state or CaseState()
    return [kind for kind in ChangeKind if _offered(case, kind, offices, role)]


def _offered(case: CaseState, kind: ChangeKind, offices: Collection[str], role: Role) -> bool:
    act = act_for(kind)
    row = row_for(kind, case.state, case.course())
    if row is None or act is None or not may_ever(role, act) or row.route in BEHIND_TIME:
        return False
    if kind is ChangeKind.REQUEST_WITHDRAW and acts_for(HOME, case.holder, case.tier):
        return False  # the home holds the case and withdraws it directly
    if not _fits_case(case, kind):
        return False
    return any(office_fits(row, case.state, case.course(), office) for office in offices)


def _fits_case(case: CaseState, kind: ChangeKind) -> bool:
    """What is open is answered before it is asked again; the limit is extended once."""
    match kind:
        case ChangeKind.SPECIAL_RESULT:
            return case.in_procedure
        case ChangeKind.SPECIAL_PROCEDURE | ChangeKind.GRANT | ChangeKind.DENY:
            return not case.in_procedure
        case ChangeKind.EXTEND:
            return case.extension is None
        case ChangeKind.SPLIT | ChangeKind.REASSIGN:
            return case.holder == COUNTY
        case ChangeKind.PART_ANSWER:
            return bool(case.open_parts)
        case ChangeKind.ESCALATE:
            return not case.in_escalation
        case ChangeKind.ESCALATE_RESULT:
            return case.in_escalation
        case ChangeKind.ISSUE:
            return case.decision == "granted"
        case ChangeKind.VERIFY_COMMITMENT:
            return case.commitment and case.decision == "granted"
        case ChangeKind.TELL:
            return may_still_meet(case)
        case ChangeKind.SEND_BACK:
            return case.state is State.REVIEW or case.course().first_review
        case _:
            return True


def target_of(state: CaseState, home_region: str, item_office: str) -> Target:
    """Return the policy target for a case; region of the home and office of the item are the caller's."""
    parts = tuple(part.office for part in state.parts)
    open_parts = tuple(part.office for part in state.open_parts)
    return Target(home_region, state.office or item_office, deciding_office(state.course()), parts, open_parts)
