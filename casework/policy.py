"""Who may do what: one table of rights by role, region and office, asked by pages and routes alike.

RIGHTS says which act a role has and how far it reaches. That the case is in the right state and at the right
office is the state table's business; both must agree. Intake and decision lie with different roles
(受审分离), except at a village that decides itself: `own_rules` keeps the two apart by person there, and everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from casework.changes import ChangeKind
from casework.errors import NotAllowed
from casework.states import COUNTY, HOME, TOWNSHIP
from casework.texts import N_, joined, say


class Role(StrEnum):
    """What a staff account is for; the words are stored in staff rows."""

    VILLAGE_AGENT = "village_agent"
    TOWNSHIP_CLERK = "township_clerk"
    TOWNSHIP_REVIEWER = "township_reviewer"
    COUNTY_REVIEWER = "county_reviewer"
    COUNTY_APPROVER = "county_approver"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    OPS = "ops"


ROLE_NAMES: dict[Role, str] = {
    Role.VILLAGE_AGENT: N_("村站代办员"),
    Role.TOWNSHIP_CLERK: N_("乡镇窗口人员"),
    Role.TOWNSHIP_REVIEWER: N_("乡镇初审员"),
    Role.COUNTY_REVIEWER: N_("县级审核员"),
    Role.COUNTY_APPROVER: N_("县级审批员"),
    Role.SUPERVISOR: N_("督查员"),
    Role.ADMIN: N_("系统管理员"),
    Role.OPS: N_("运维员"),
}


class Act(StrEnum):
    """Everything that somebody may be allowed to do; signing in is not an act."""

    LIST_CASES = "list_cases"
    VIEW_CASE = "view_case"
    COLLECT = "collect"
    CORRECT = "correct"
    ENDORSE = "endorse"
    ASK_SUPPLEMENT = "ask_supplement"
    SUPPLEMENT = "supplement"
    ACCEPT = "accept"
    REFUSE_ACCEPTANCE = "refuse_acceptance"
    REVIEW = "review"
    GRANT = "grant"
    DENY = "deny"
    ATTACH_RESULT = "attach_result"
    CLOSE = "close"
    DELIVER = "deliver"
    REQUEST_WITHDRAW = "request_withdraw"
    WITHDRAW = "withdraw"
    DECLINE_REQUEST = "decline_request"
    NUMBER = "number"
    SPECIAL_PROCEDURE = "special_procedure"
    SPECIAL_RESULT = "special_result"
    EXTEND = "extend"
    ACCEPT_LACKING = "accept_lacking"
    SPLIT = "split"
    PART_ANSWER = "part_answer"
    SEND_BACK = "send_back"
    REASSIGN = "reassign"
    ESCALATE = "escalate"
    ESCALATE_RESULT = "escalate_result"
    ISSUE = "issue"
    ARCHIVE = "archive"
    VERIFY_COMMITMENT = "verify_commitment"
    TELL = "tell"
    REVOKE_RESULT = "revoke_result"
    OPINION = "opinion"
    VIEW_CARDS = "view_cards"
    PLEAD_CARD = "plead_card"
    CLEAR_CARD = "clear_card"
    MANAGE_USERS = "manage_users"
    INVITE = "invite"
    SETTLE_HELD = "settle_held"
    VIEW_STATUS = "view_status"
    COURIER = "courier"
    VIEW_STATISTICS = "view_statistics"
    ASK_RATING = "ask_rating"
    VIEW_RATINGS = "view_ratings"
    MEND_RATING = "mend_rating"
    MANAGE_MESSAGES = "manage_messages"


ACT_NAMES: dict[Act, str] = {
    Act.LIST_CASES: N_("查看办件列表"),
    Act.VIEW_CASE: N_("查看办件"),
    Act.COLLECT: N_("收件"),
    Act.CORRECT: N_("更正"),
    Act.ENDORSE: N_("初审通过"),
    Act.ASK_SUPPLEMENT: N_("补正告知"),
    Act.SUPPLEMENT: N_("补正"),
    Act.ACCEPT: N_("受理"),
    Act.REFUSE_ACCEPTANCE: N_("不予受理"),
    Act.REVIEW: N_("审核"),
    Act.GRANT: N_("准予"),
    Act.DENY: N_("不予许可"),
    Act.ATTACH_RESULT: N_("上传结果"),
    Act.CLOSE: N_("办结"),
    Act.DELIVER: N_("送达"),
    Act.REQUEST_WITHDRAW: N_("申请撤回"),
    Act.WITHDRAW: N_("撤回"),
    Act.DECLINE_REQUEST: N_("不同意撤回"),
    Act.NUMBER: N_("编号"),
    Act.SPECIAL_PROCEDURE: N_("特别程序"),
    Act.SPECIAL_RESULT: N_("特别程序结果"),
    Act.EXTEND: N_("延长审批"),
    Act.ACCEPT_LACKING: N_("容缺受理"),
    Act.SPLIT: N_("并联分送"),
    Act.PART_ANSWER: N_("部门意见"),
    Act.SEND_BACK: N_("退回"),
    Act.REASSIGN: N_("转办"),
    Act.ESCALATE: N_("转报"),
    Act.ESCALATE_RESULT: N_("转报结果"),
    Act.ISSUE: N_("制证"),
    Act.ARCHIVE: N_("归档"),
    Act.VERIFY_COMMITMENT: N_("承诺核查"),
    Act.TELL: N_("告知群众"),
    Act.REVOKE_RESULT: N_("撤销结果凭证"),
    Act.OPINION: N_("内部意见"),
    Act.VIEW_CARDS: N_("查看监察牌"),
    Act.PLEAD_CARD: N_("对监察牌申辩"),
    Act.CLEAR_CARD: N_("消牌"),
    Act.MANAGE_USERS: N_("管理人员"),
    Act.INVITE: N_("邀请站点接入"),
    Act.SETTLE_HELD: N_("处理待核内容"),
    Act.VIEW_STATUS: N_("查看运行状态"),
    Act.COURIER: N_("导出导入U盘包"),
    Act.VIEW_STATISTICS: N_("查看统计"),
    Act.ASK_RATING: N_("请群众评价"),
    Act.VIEW_RATINGS: N_("查看评价"),
    Act.MEND_RATING: N_("差评回访整改"),
    Act.MANAGE_MESSAGES: N_("管理短信"),
}


def act_for(kind: ChangeKind) -> Act | None:
    """Return the act that writing a change of this kind is; None for what no person writes this way."""
    try:
        return Act(kind.name.lower())
    except ValueError:
        return None


class Scope(Enum):
    """How far a right reaches; the value says it in zh-CN."""

    ANYWHERE = N_("全部")
    STATION = N_("本站点收的办件")
    AREA = N_("本辖区")
    DECIDED_HERE = N_("由本级决定的办件")
    OFFICE = N_("本部门的事项")
    INVOLVED = N_("本部门主办或会办的事项")
    PART = N_("分送本部门的事项")


_INTAKE = {
    Act.LIST_CASES: Scope.ANYWHERE,
    Act.VIEW_CASE: Scope.STATION,
    Act.COLLECT: Scope.STATION,
    Act.CORRECT: Scope.STATION,
    Act.SUPPLEMENT: Scope.STATION,
    Act.DELIVER: Scope.STATION,
    Act.TELL: Scope.STATION,
    Act.REQUEST_WITHDRAW: Scope.STATION,
    Act.WITHDRAW: Scope.STATION,
    Act.VIEW_STATUS: Scope.ANYWHERE,
    Act.COURIER: Scope.ANYWHERE,
    Act.ASK_RATING: Scope.STATION,
}
_DECIDE_HERE = dict.fromkeys(
    (
        Act.ACCEPT,
        Act.ACCEPT_LACKING,
        Act.REFUSE_ACCEPTANCE,
        Act.REVIEW,
        Act.SEND_BACK,
        Act.ESCALATE,
        Act.ESCALATE_RESULT,
        Act.ISSUE,
        Act.ARCHIVE,
        Act.VERIFY_COMMITMENT,
        Act.SPECIAL_PROCEDURE,
        Act.SPECIAL_RESULT,
        Act.EXTEND,
        Act.GRANT,
        Act.DENY,
        Act.ATTACH_RESULT,
        Act.CLOSE,
    ),
    Scope.DECIDED_HERE,
)
_COUNTY_DESK = {
    Act.LIST_CASES: Scope.ANYWHERE,
    Act.VIEW_CASE: Scope.INVOLVED,
    Act.ATTACH_RESULT: Scope.OFFICE,
    Act.CLOSE: Scope.OFFICE,
    Act.OPINION: Scope.OFFICE,
    Act.VIEW_CARDS: Scope.OFFICE,
    Act.PLEAD_CARD: Scope.OFFICE,
    Act.SPECIAL_PROCEDURE: Scope.OFFICE,
    Act.SPECIAL_RESULT: Scope.OFFICE,
    Act.SPLIT: Scope.OFFICE,
    Act.PART_ANSWER: Scope.PART,
    Act.SEND_BACK: Scope.OFFICE,
    Act.REASSIGN: Scope.OFFICE,
    Act.ESCALATE: Scope.OFFICE,
    Act.ESCALATE_RESULT: Scope.OFFICE,
    Act.ISSUE: Scope.OFFICE,
    Act.ARCHIVE: Scope.OFFICE,
    Act.VERIFY_COMMITMENT: Scope.OFFICE,
    Act.TELL: Scope.OFFICE,
    Act.VIEW_STATISTICS: Scope.OFFICE,
    Act.ASK_RATING: Scope.OFFICE,
    Act.VIEW_RATINGS: Scope.OFFICE,
}

RIGHTS: dict[Role, dict[Act, Scope]] = {
    Role.VILLAGE_AGENT: {**_INTAKE, **_DECIDE_HERE, Act.ASK_SUPPLEMENT: Scope.DECIDED_HERE},
    Role.TOWNSHIP_CLERK: _INTAKE,
    Role.TOWNSHIP_REVIEWER: {
        Act.LIST_CASES: Scope.ANYWHERE,
        Act.VIEW_CASE: Scope.AREA,
        Act.ENDORSE: Scope.AREA,
        Act.ASK_SUPPLEMENT: Scope.AREA,
        Act.TELL: Scope.AREA,
        **_DECIDE_HERE,
        Act.VIEW_STATUS: Scope.ANYWHERE,
        Act.COURIER: Scope.ANYWHERE,
    },
    Role.COUNTY_REVIEWER: {
        **_COUNTY_DESK,
        Act.ASK_SUPPLEMENT: Scope.OFFICE,
        Act.ACCEPT: Scope.OFFICE,
        Act.ACCEPT_LACKING: Scope.OFFICE,
        Act.REFUSE_ACCEPTANCE: Scope.OFFICE,
        Act.REVIEW: Scope.OFFICE,
    },
    Role.COUNTY_APPROVER: {
        **_COUNTY_DESK,
        Act.EXTEND: Scope.OFFICE,
        Act.GRANT: Scope.OFFICE,
        Act.DENY: Scope.OFFICE,
        Act.REVOKE_RESULT: Scope.OFFICE,
    },
    Role.SUPERVISOR: {
        Act.LIST_CASES: Scope.ANYWHERE,
        Act.VIEW_CASE: Scope.AREA,
        Act.VIEW_STATUS: Scope.ANYWHERE,
        Act.VIEW_STATISTICS: Scope.AREA,
        Act.VIEW_CARDS: Scope.AREA,
        Act.CLEAR_CARD: Scope.AREA,
        Act.VIEW_RATINGS: Scope.AREA,
        Act.MEND_RATING: Scope.AREA,
    },
    Role.ADMIN: {
        Act.MANAGE_USERS: Scope.AREA,
        Act.INVITE: Scope.AREA,
        Act.SETTLE_HELD: Scope.AREA,
        Act.VIEW_STATUS: Scope.ANYWHERE,
        Act.VIEW_STATISTICS: Scope.AREA,
        Act.COURIER: Scope.ANYWHERE,
        Act.MANAGE_MESSAGES: Scope.ANYWHERE,
    },
    Role.OPS: dict.fromkeys((Act.VIEW_STATUS, Act.COURIER, Act.MANAGE_MESSAGES), Scope.ANYWHERE),
}


@dataclass(frozen=True, slots=True)
class Person:
    """The signed-in one: account number, name, role, station (author), region code, county office or ""."""

    account: int
    name: str
    role: Role
    author: int
    region: str
    office: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What the act is about. home_region: region code of the case's home, or of the station or user managed.

    item_office: the county office in charge of the case, or "". parts, open_parts: the offices that were asked in
    parallel (并联审批), and those of them that have not answered. deciding: "home", "township", "county" or "".
    """

    home_region: str
    item_office: str = ""
    deciding: str = ""
    parts: tuple[str, ...] = ()
    open_parts: tuple[str, ...] = ()


def region_prefix(code: str) -> str:
    """Return the digits that all codes inside a region share: 6, 9 or 12 (county, township, village), or "".

    Codes are 6, 9 or 12 digits; trailing zero groups mean the larger region (GB/T 2260, GB/T 10114).
    """
    if len(code) not in (6, 9, 12) or not (code.isascii() and code.isdigit()):
        return ""
    full = code.ljust(12, "0")
    if full.endswith("000000"):
        return full[:6]
    return full[:9] if full.endswith("000") else full


def in_region(outer: str, inner: str) -> bool:
    """Tell whether region `inner` is `outer` or lies in it; what is no code contains and is in nothing."""
    wide, narrow = region_prefix(outer), region_prefix(inner)
    return bool(wide) and narrow.startswith(wide)


def _decided_here(person: Person, target: Target) -> bool:
    if target.deciding == HOME:
        return region_prefix(person.region) == region_prefix(target.home_region)
    level = {TOWNSHIP: 9, COUNTY: 6}.get(target.deciding)
    return len(region_prefix(person.region)) == level


def _reaches(scope: Scope, person: Person, target: Target | None) -> bool:
    if scope is Scope.ANYWHERE:
        return True
    if target is None or not in_region(person.region, target.home_region):
        return False
    match scope:
        case Scope.STATION:
            return region_prefix(person.region) == region_prefix(target.home_region)
        case Scope.DECIDED_HERE:
            return _decided_here(person, target)
        case Scope.OFFICE:
            return person.office != "" and person.office == target.item_office
        case Scope.INVOLVED:
            return person.office != "" and person.office in (target.item_office, *target.parts)
        case Scope.PART:
            return person.office in target.open_parts
        case _:
            return True


def may_ever(role: Role, act: Act) -> bool:
    """Tell whether a role has an act at all, wherever it reaches (for menus, never for access)."""
    return act in RIGHTS[role]


def may(person: Person, act: Act, target: Target | None = None) -> bool:
    """Tell whether this person may do this. An act that is about something is refused without a target."""
    scope = RIGHTS[person.role].get(act)
    return scope is not None and _reaches(scope, person, target)


def require(person: Person, act: Act, target: Target | None = None) -> None:
    """Raise NotAllowed, saying who may, unless the person may."""
    if may(person, act, target):
        return
    scope, role, name = RIGHTS[person.role].get(act), ROLE_NAMES[person.role], ACT_NAMES[act]
    if scope is not None:
        raise NotAllowed(say("{role}「{act}」仅限{scope}，这一件不在其内", role=role, act=name, scope=scope.value))
    able = [ROLE_NAMES[role] for role in Role if may_ever(role, act)]
    who = say("可由{names}办理", names=joined(N_("、"), able)) if able else N_("由系统自动办理")
    raise NotAllowed(say("{role}不能「{act}」，{who}", role=role, act=name, who=who))


@dataclass(frozen=True, slots=True)
class CaseScope:
    """The cut of a list of cases: homes whose region starts with region_prefix; one county office or all."""

    region_prefix: str
    office: str | None


_OF_AN_OFFICE = (Scope.OFFICE, Scope.INVOLVED)


def case_scope(person: Person, act: Act = Act.VIEW_CASE) -> CaseScope | None:
    """Return the cut for a person's lists and searches, or another act's; None if they see none.

    A township window's prefix is the hall's full 12 digits: it sees its own cases, not its villages'.
    """
    scope = RIGHTS[person.role].get(act)
    prefix = region_prefix(person.region)
    if scope is None or not prefix or (scope in _OF_AN_OFFICE and not person.office):
        return None
    if scope is Scope.STATION:
        return CaseScope(prefix.ljust(12, "0"), None)
    return CaseScope(prefix, person.office if scope in _OF_AN_OFFICE else None)
