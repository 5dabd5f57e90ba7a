"""What the public page says of a case: where it stands, what comes next, by when; nothing of whose it is or what it
is about, because the page opens for whoever holds the code. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from casework.clock_table import PROMISED, STATUTORY
from casework.deadlines import Clock, most_urgent
from casework.fold import CaseState
from casework.states import State

STEPS = ("收件", "受理", "审批", "办结", "领取")


@dataclass(frozen=True, slots=True)
class Stand:
    """A state as a citizen reads it. step: how many of STEPS are behind the case; tone: good, warn or plain."""

    word: str
    said: str
    next: str
    step: int
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class PublicView:
    """`limits` are sentences on the clocks that run; early: by how much the decision came before the promise, or "".

    tentative: what is shown rests on something that the county has not put in order yet.
    """

    stand: Stand
    limits: tuple[str, ...]
    early: str
    tentative: bool


_S = State
_FETCH = "请带上身份证件和回执，到收件站点领取结果文书。"
_STANDS: dict[State, Stand] = {
    _S.COLLECTED: Stand("已收件", "您的材料已经收下。", "受理机关核对材料后决定是否受理，需要补充材料会告诉您。", 1),
    _S.FIRST_REVIEW: Stand("已初审", "乡镇已经初审。", "县级核对后决定是否受理，需要补充材料会告诉您。", 1),
    _S.SUPPLEMENT_ASKED: Stand(
        "需要补充材料",
        "有材料需要补充或更正，要补什么写在补正告知书上。",
        "请联系收件站点，按补正告知书一次补齐。",
        1,
        "warn",
    ),
    _S.ACCEPTED: Stand("正在办理", "您的申请已经受理。", "承办部门审查后作出决定。", 2),
    _S.REVIEW: Stand("正在办理", "您的申请已经受理，正在审查。", "承办部门审查后作出决定。", 2),
    _S.GRANTED: Stand("已作出决定", "承办部门已经作出决定。", "结果文书做好后，收件站点会通知您领取。", 3),
    _S.DENIED: Stand("已作出决定", "承办部门已经作出决定。", "结果文书做好后，收件站点会通知您领取。", 3),
    _S.CLOSED: Stand("已办结", "您的申请已经办结。", _FETCH, 4, "good"),
    _S.DELIVERED: Stand("已办完", "结果已经送达，全部办完。", "对办理过程有意见，可以拨打监督电话。", 5, "good"),
    _S.ARCHIVED: Stand("已办完", "结果已经送达，全部办完。", "对办理过程有意见，可以拨打监督电话。", 5, "good"),
    _S.REFUSED_ACCEPTANCE: Stand(
        "不予受理",
        "这次申请没有被受理，理由和救济途径写在不予受理通知书上。",
        "请到收件站点领取不予受理通知书；有疑问请拨打咨询电话。",
        1,
        "warn",
    ),
    _S.WITHDRAWN: Stand("已撤回", "这次申请已经撤回。", "还需要办理的，可以到收件站点重新申请。", 1),
}
_CHECKED = Stand("正在核对", "您的材料已经送到，县级正在核对。", "核对清楚后会继续办理；有疑问请拨打咨询电话。", 0)
_LAPSED = Stand(
    "已终止", "约定的期限已过，材料没有补齐，这次申请已经终止。", "还需要办理的，可以到收件站点重新申请。", 1, "warn"
)


def public_view(state: CaseState, clocks: Sequence[Clock]) -> PublicView:
    """`clocks`: those of the case today (casework.deadlines.clocks)."""
    stand = _LAPSED if state.lapsed else _STANDS.get(state.state, _CHECKED) if state.state else _CHECKED
    running = most_urgent(tuple(clocks))
    limits = (_limit(running),) if running is not None else ()
    return PublicView(stand, limits, _early(state, clocks), state.base is not None)


def _limit(clock: Clock) -> str:
    if clock.due is None or clock.days_left is None:
        return f"{clock.label}：暂停计时"
    day = f"{clock.due.year}年{clock.due.month}月{clock.due.day}日"
    about = "（预计）" if clock.provisional else ""
    unit = "个工作日" if clock.unit == "wd" else "天"
    if clock.days_left < 0:
        return f"{clock.label}：{day}{about}，已超过 {-clock.days_left} {unit}"
    left = "就在今天" if clock.days_left == 0 else f"还有 {clock.days_left} {unit}"
    return f"{clock.label}：{day}{about}，{left}"


def _early(state: CaseState, clocks: Sequence[Clock]) -> str:
    """Against the promise where the item has one, else against the law's limit."""
    if state.decided_at is None or state.lapsed:
        return ""
    by_kind = {clock.kind: clock for clock in clocks}
    clock = by_kind.get(PROMISED) or by_kind.get(STATUTORY)
    if clock is None or not clock.done or not clock.days_left or clock.days_left < 0:
        return ""
    limit = "承诺期限" if clock.kind == PROMISED else "法定期限"
    return f"比{limit}提前 {clock.days_left} {'个工作日' if clock.unit == 'wd' else '天'}作出决定"
