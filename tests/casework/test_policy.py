from __future__ import annotations

import pytest

from casework.changes import KIND_NAMES, ChangeKind
from casework.errors import NotAllowed
from casework.policy import (
    ACT_NAMES,
    RIGHTS,
    ROLE_NAMES,
    Act,
    CaseScope,
    Person,
    Role,
    Scope,
    Target,
    act_for,
    case_scope,
    in_region,
    may,
    may_ever,
    region_prefix,
    require,
)

VILLAGE, OTHER_VILLAGE = "341882101201", "341882101202"
TOWN, OTHER_TOWN_VILLAGE, COUNTY, ELSEWHERE = "341882101000", "341882102201", "341882", "341802101201"

# Columns: agent, clerk, township reviewer, county reviewer, county approver, supervisor, admin, ops.
# * anywhere, s own station, a area, d decided at one's own level, o own office's items, i those
# and what it is asked about, p what it is asked and has not answered, . never.
MATRIX = """
list_cases        * * * * * * . .
view_case         s s a i i a . .
collect           s s . . . . . .
correct           s s . . . . . .
endorse           . . a . . . . .
ask_supplement    d . a o . . . .
supplement        s s . . . . . .
accept            d . d o . . . .
refuse_acceptance d . d o . . . .
review            d . d o . . . .
special_procedure d . d o o . . .
special_result    d . d o o . . .
extend            d . d . o . . .
accept_lacking    d . d o . . . .
split             . . . o o . . .
part_answer       . . . p p . . .
send_back         d . d o o . . .
reassign          . . . o o . . .
escalate          d . d o o . . .
escalate_result   d . d o o . . .
issue             d . d o o . . .
archive           d . d o o . . .
verify_commitment d . d o o . . .
tell              s s a o o . . .
revoke_result     . . . . o . . .
grant             d . d . o . . .
deny              d . d . o . . .
attach_result     d . d o o . . .
close             d . d o o . . .
deliver           s s . . . . . .
request_withdraw  s s . . . . . .
withdraw          s s . . . . . .
decline_request   . . . . . . . .
number            . . . . . . . .
opinion           . . . o o . . .
view_cards        . . . o o a . .
plead_card        . . . o o . . .
clear_card        . . . . . a . .
manage_users      . . . . . . a .
invite            . . . . . . a .
settle_held       . . . . . . a .
view_status       * * * . . * * *
courier           * * * . . . * *
view_statistics   . . . o o a a .
ask_rating        s s . o o . . .
view_ratings      . . . o o a . .
mend_rating       . . . . . a . .
manage_messages   . . . . . . * *
"""
LETTERS = {
    "*": Scope.ANYWHERE, "s": Scope.STATION, "a": Scope.AREA, "d": Scope.DECIDED_HERE, "o": Scope.OFFICE,
    "i": Scope.INVOLVED, "p": Scope.PART,
}  # fmt: skip
EXPECTED = {
    (role, Act(line.split()[0])): letter
    for line in MATRIX.strip().splitlines()
    for role, letter in zip(Role, line.split()[1:], strict=True)
}


def person(role: Role, region: str, office: str = "") -> Person:
    return Person(7, "李梅", role, 17, region, office)


def at_home(role: Role) -> Person:
    if role is Role.VILLAGE_AGENT:
        return person(role, VILLAGE)
    if role in (Role.TOWNSHIP_CLERK, Role.TOWNSHIP_REVIEWER):
        return person(role, TOWN)
    return person(role, COUNTY, "残联")


@pytest.mark.parametrize("role", list(Role))
def test_the_full_matrix(role: Role) -> None:
    for act in Act:
        letter = EXPECTED[role, act]
        assert RIGHTS[role].get(act) == LETTERS.get(letter), act
        assert may_ever(role, act) == (letter != ".")
        assert may(at_home(role), act) == (letter == "*"), "without a target only what reaches anywhere"


# region of the case's home, its item's office, who decides -> letters under which each role's act is allowed
REACH = [
    (Role.VILLAGE_AGENT, Target(VILLAGE, "残联", "county"), "*s"),
    (Role.VILLAGE_AGENT, Target(VILLAGE, "残联", "home"), "*sd"),
    (Role.VILLAGE_AGENT, Target(VILLAGE, "残联", "township"), "*s"),
    (Role.VILLAGE_AGENT, Target(OTHER_VILLAGE, "残联", "home"), "*"),
    (Role.VILLAGE_AGENT, Target(TOWN, "残联", "home"), "*"),
    (Role.TOWNSHIP_CLERK, Target(TOWN, "残联", "township"), "*s"),
    (Role.TOWNSHIP_CLERK, Target(VILLAGE, "残联", "township"), "*"),
    (Role.TOWNSHIP_REVIEWER, Target(VILLAGE, "残联", "county"), "*a"),
    (Role.TOWNSHIP_REVIEWER, Target(VILLAGE, "残联", "township"), "*ad"),
    (Role.TOWNSHIP_REVIEWER, Target(VILLAGE, "残联", "home"), "*a"),
    (Role.TOWNSHIP_REVIEWER, Target(TOWN, "残联", "home"), "*ad"),
    (Role.TOWNSHIP_REVIEWER, Target(OTHER_TOWN_VILLAGE, "残联", "township"), "*"),
    (Role.COUNTY_REVIEWER, Target(VILLAGE, "残联", "county"), "*oi"),
    (Role.COUNTY_REVIEWER, Target(VILLAGE, "民政局", "county"), "*"),
    (Role.COUNTY_REVIEWER, Target(ELSEWHERE, "残联", "county"), "*"),
    (Role.COUNTY_APPROVER, Target(VILLAGE, "民政局", "county", ("残联",), ("残联",)), "*ip"),
    (Role.COUNTY_APPROVER, Target(VILLAGE, "民政局", "county", ("残联",), ()), "*i"),
    (Role.COUNTY_REVIEWER, Target(ELSEWHERE, "民政局", "county", ("残联",), ("残联",)), "*"),
    (Role.COUNTY_APPROVER, Target(TOWN, "残联", "county"), "*oi"),
    (Role.COUNTY_APPROVER, Target(TOWN, "", "county"), "*"),
    (Role.SUPERVISOR, Target(VILLAGE), "*a"),
    (Role.SUPERVISOR, Target(ELSEWHERE), "*"),
    (Role.ADMIN, Target(COUNTY), "*a"),
    (Role.ADMIN, Target(ELSEWHERE), "*"),
    (Role.OPS, Target(COUNTY), "*"),
]


@pytest.mark.parametrize(("role", "target", "letters"), REACH)
def test_how_far_each_right_reaches(role: Role, target: Target, letters: str) -> None:
    for act in Act:
        assert may(at_home(role), act, target) == (EXPECTED[role, act] in letters), act


def test_a_county_clerk_without_an_office_reaches_no_item() -> None:
    assert not may(person(Role.COUNTY_REVIEWER, COUNTY), Act.VIEW_CASE, Target(VILLAGE, ""))


def test_intake_and_decision_lie_with_different_roles_above_the_village() -> None:
    for role in set(Role) - {Role.VILLAGE_AGENT}:
        assert not (may_ever(role, Act.COLLECT) and may_ever(role, Act.GRANT)), role


@pytest.mark.parametrize(
    ("code", "prefix"),
    [
        ("341882", "341882"), ("341882000000", "341882"), ("341882101", "341882101"), (TOWN, "341882101"),
        (VILLAGE, VILLAGE), ("", ""), ("34188", ""), ("34188210120a", ""), ("３４１８８２", ""),
        ("3418821", ""),
    ],
)  # fmt: skip
def test_region_prefix(code: str, prefix: str) -> None:
    assert region_prefix(code) == prefix


def test_regions_contain_what_lies_in_them() -> None:
    assert in_region(COUNTY, TOWN) and in_region(TOWN, VILLAGE) and in_region(VILLAGE, VILLAGE)
    assert not in_region(VILLAGE, TOWN) and not in_region(TOWN, OTHER_TOWN_VILLAGE)
    assert not in_region("", VILLAGE) and not in_region(COUNTY, "") and not in_region("", "")


def test_a_refusal_names_who_may() -> None:
    require(at_home(Role.TOWNSHIP_REVIEWER), Act.ENDORSE, Target(VILLAGE))
    with pytest.raises(NotAllowed, match="村站代办员不能「初审通过」，可由乡镇初审员办理"):
        require(at_home(Role.VILLAGE_AGENT), Act.ENDORSE, Target(VILLAGE))
    with pytest.raises(NotAllowed, match="仅限本部门的事项"):
        require(at_home(Role.COUNTY_REVIEWER), Act.ACCEPT, Target(VILLAGE, "民政局"))
    with pytest.raises(NotAllowed, match="由系统自动办理"):
        require(at_home(Role.ADMIN), Act.NUMBER, Target(COUNTY))


def test_every_word_is_there_and_acts_are_called_like_their_kinds() -> None:
    assert set(ROLE_NAMES) == set(Role) == set(RIGHTS)
    assert set(ACT_NAMES) == set(Act)
    for kind in ChangeKind:
        act = act_for(kind)
        nobodys = (ChangeKind.DEEM_ACCEPTED, ChangeKind.LAPSE, ChangeKind.CARD, ChangeKind.PLEA)
        assert (act is None) == ((kind >= 100 and kind is not ChangeKind.TELL) or kind in nobodys)
        assert act is None or ACT_NAMES[act] == KIND_NAMES[kind]


@pytest.mark.parametrize(
    ("who", "scope"),
    [
        (at_home(Role.VILLAGE_AGENT), CaseScope(VILLAGE, None)),
        (at_home(Role.TOWNSHIP_CLERK), CaseScope(TOWN, None)),
        (at_home(Role.TOWNSHIP_REVIEWER), CaseScope("341882101", None)),
        (at_home(Role.COUNTY_REVIEWER), CaseScope(COUNTY, "残联")),
        (at_home(Role.SUPERVISOR), CaseScope(COUNTY, None)),
        (at_home(Role.ADMIN), None),
        (at_home(Role.OPS), None),
        (person(Role.COUNTY_APPROVER, COUNTY), None),
        (person(Role.SUPERVISOR, ""), None),
    ],
)
def test_lists_are_cut_as_far_as_views_reach(who: Person, scope: CaseScope | None) -> None:
    assert case_scope(who) == scope
    for region in (VILLAGE, OTHER_VILLAGE, TOWN, OTHER_TOWN_VILLAGE, ELSEWHERE):
        for office in ("残联", "民政局"):
            listed = scope is not None and region.startswith(scope.region_prefix) and scope.office in (None, office)
            assert listed == may(who, Act.VIEW_CASE, Target(region, office))


def test_statistics_are_cut_to_the_region_and_a_county_desks_to_its_office() -> None:
    def cut(role: Role, office: str = "残联") -> CaseScope | None:
        return case_scope(person(role, COUNTY, office), Act.VIEW_STATISTICS)

    for role in (Role.COUNTY_REVIEWER, Role.COUNTY_APPROVER):
        assert cut(role) == CaseScope(COUNTY, "残联") and cut(role, "") is None
    for role in (Role.SUPERVISOR, Role.ADMIN):
        assert cut(role) == CaseScope(COUNTY, None)
    assert cut(Role.OPS) is None and case_scope(person(Role.VILLAGE_AGENT, VILLAGE), Act.VIEW_STATISTICS) is None
