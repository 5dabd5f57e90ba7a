from __future__ import annotations

import pytest

from casework.changes import ChangeKind
from casework.fold import CaseState, fold
from casework.offers import allowed_kinds, target_of
from casework.policy import Role, Target
from tests.casework.cases import collect_body, entry

K = ChangeKind
ACCEPTED = [K.SPLIT, K.REASSIGN, K.ESCALATE]
REVIEW = [K.SPLIT, K.SEND_BACK, K.REASSIGN, K.ESCALATE]


@pytest.mark.parametrize(
    ("steps", "offices", "role", "expected"),
    [
        ([], ["home"], Role.VILLAGE_AGENT, [K.COLLECT]),
        ([], ["home"], Role.TOWNSHIP_REVIEWER, []),
        ([K.COLLECT], ["home"], Role.VILLAGE_AGENT, [K.CORRECT, K.REQUEST_WITHDRAW, K.TELL]),
        ([K.COLLECT], ["township"], Role.TOWNSHIP_REVIEWER, [K.ENDORSE, K.ASK_SUPPLEMENT, K.TELL]),
        ([K.COLLECT], ["county"], Role.COUNTY_REVIEWER, [K.TELL]),
        ([K.COLLECT], ["home", "township"], Role.ADMIN, []),
        ([K.COLLECT, K.ASK_SUPPLEMENT], ["home"], Role.VILLAGE_AGENT, [K.CORRECT, K.SUPPLEMENT, K.WITHDRAW, K.TELL]),
        (
            [K.COLLECT, K.ENDORSE], ["county"], Role.COUNTY_REVIEWER,
            [K.ASK_SUPPLEMENT, K.ACCEPT, K.REFUSE_ACCEPTANCE, K.ACCEPT_LACKING, K.SEND_BACK, K.REASSIGN, K.TELL],
        ),
        (
            [K.COLLECT, K.ENDORSE, K.ACCEPT], ["county"], Role.COUNTY_APPROVER,
            [K.SPECIAL_PROCEDURE, K.EXTEND, *ACCEPTED, K.TELL],
        ),
        (
            [K.COLLECT, K.ENDORSE, K.ACCEPT, K.REVIEW], ["county"], Role.COUNTY_APPROVER,
            [K.GRANT, K.DENY, K.SPECIAL_PROCEDURE, K.EXTEND, *REVIEW, K.TELL],
        ),
        (
            [K.COLLECT, K.ENDORSE, K.ACCEPT, K.REVIEW, K.SPECIAL_PROCEDURE], ["county"], Role.COUNTY_APPROVER,
            [K.SPECIAL_RESULT, K.EXTEND, *REVIEW, K.TELL],
        ),
        (
            [K.COLLECT, K.ENDORSE, K.ACCEPT, K.REVIEW, K.SPECIAL_PROCEDURE, K.SPECIAL_RESULT, K.EXTEND], ["county"],
            Role.COUNTY_APPROVER, [K.GRANT, K.DENY, K.SPECIAL_PROCEDURE, *REVIEW, K.TELL],
        ),
        ([K.COLLECT, K.ENDORSE, K.ACCEPT, K.REVIEW], ["county"], Role.COUNTY_REVIEWER,
         [K.SPECIAL_PROCEDURE, *REVIEW, K.TELL]),
        (
            [K.COLLECT, K.ENDORSE, K.ACCEPT, K.REVIEW, K.GRANT], ["county"], Role.COUNTY_APPROVER,
            [K.ATTACH_RESULT, K.CLOSE, K.ISSUE, K.TELL],
        ),
        (
            [K.COLLECT, K.ENDORSE, K.ACCEPT, K.SPLIT, K.ESCALATE], ["county"], Role.COUNTY_REVIEWER,
            [K.REVIEW, K.SPECIAL_PROCEDURE, K.SPLIT, K.PART_ANSWER, K.REASSIGN, K.ESCALATE_RESULT, K.TELL],
        ),
        ([K.COLLECT, K.ENDORSE, K.ACCEPT_LACKING], ["home"], Role.VILLAGE_AGENT,
         [K.SUPPLEMENT, K.REQUEST_WITHDRAW, K.TELL]),
        ([K.COLLECT, K.ENDORSE, K.ACCEPT], ["home"], Role.VILLAGE_AGENT, [K.REQUEST_WITHDRAW, K.TELL]),
        ([K.COLLECT, K.DEEM_ACCEPTED], ["township"], Role.TOWNSHIP_REVIEWER, [K.TELL]),
        ([K.COLLECT, K.ASK_SUPPLEMENT, K.LAPSE], ["home"], Role.VILLAGE_AGENT, [K.DELIVER, K.TELL]),
        ([K.COLLECT, K.ENDORSE, K.ACCEPT, K.REVIEW, K.GRANT, K.CLOSE, K.DELIVER], ["county"], Role.COUNTY_REVIEWER,
         [K.ISSUE, K.ARCHIVE]),
        ([K.COLLECT, K.ENDORSE, K.ACCEPT, K.REVIEW, K.GRANT, K.CLOSE], ["county"], Role.COUNTY_APPROVER,
         [K.ISSUE, K.TELL]),
        ([K.COLLECT, K.ENDORSE, K.ACCEPT, K.REVIEW, K.DENY, K.CLOSE], ["county"], Role.COUNTY_APPROVER, [K.TELL]),
        ([K.COLLECT, K.ENDORSE, K.REFUSE_ACCEPTANCE], ["home"], Role.VILLAGE_AGENT, [K.DELIVER, K.TELL]),
    ],
)  # fmt: skip
def test_offers_follow_state_office_and_role(
    steps: list[ChangeKind], offices: list[str], role: Role, expected: list[ChangeKind]
) -> None:
    case = fold([entry(kind) for kind in steps]) if steps else None
    assert allowed_kinds(case, offices, role) == expected


def test_the_program_s_own_kinds_are_never_offered() -> None:
    case = fold([entry(K.COLLECT), entry(K.REQUEST_WITHDRAW)])
    offered = {kind for role in Role for kind in allowed_kinds(case, ["home", "township", "county"], role)}
    assert not offered & {K.NUMBER, K.DECLINE_REQUEST, K.OPINION, K.DEEM_ACCEPTED, K.LAPSE}


def test_target_names_who_decides() -> None:
    case = fold([entry(K.COLLECT, body=collect_body(decision="township"))])
    assert target_of(case, "341882101201", "残联") == Target("341882101201", "残联", "township")
    assert target_of(CaseState(), "341882101201", "").deciding == "county"
