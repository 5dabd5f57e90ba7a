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
from casework.texts import N_, say

STEPS = (N_("收件"), N_("受理"), N_("审批"), N_("办结"), N_("领取"))


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
_FETCH = N_("请带上身份证件和回执，到收件站点领取结果文书。")
_STANDS: dict[State, Stand] = {
    _S.COLLECTED: Stand(
        N_("已收件"), N_("您的材料已经收下。"), N_("受理机关核对材料后决定是否受理，需要补充材料会告诉您。"), 1
    ),
    _S.FIRST_REVIEW: Stand(N_("已初审"), N_("乡镇已经初审。"), N_("县级核对后决定是否受理，需要补充材料会告诉您。"), 1),
    _S.SUPPLEMENT_ASKED: Stand(
        N_("需要补充材料"),
        N_("有材料需要补充或更正，要补什么写在补正告知书上。"),
        N_("请联系收件站点，按补正告知书一次补齐。"),
        1,
        "warn",
    ),
    _S.ACCEPTED: Stand(N_("正在办理"), N_("您的申请已经受理。"), N_("承办部门审查后作出决定。"), 2),
    _S.REVIEW: Stand(N_("正在办理"), N_("您的申请已经受理，正在审查。"), N_("承办部门审查后作出决定。"), 2),
    _S.GRANTED: Stand(N_("已作出决定"), N_("承办部门已经作出决定。"), N_("结果文书做好后，收件站点会通知您领取。"), 3),
    _S.DENIED: Stand(N_("已作出决定"), N_("承办部门已经作出决定。"), N_("结果文书做好后，收件站点会通知您领取。"), 3),
    _S.CLOSED: Stand(N_("已办结"), N_("您的申请已经办结。"), _FETCH, 4, "good"),
    _S.DELIVERED: Stand(
        N_("已办完"), N_("结果已经送达，全部办完。"), N_("对办理过程有意见，可以拨打监督电话。"), 5, "good"
    ),
    _S.ARCHIVED: Stand(
        N_("已办完"), N_("结果已经送达，全部办完。"), N_("对办理过程有意见，可以拨打监督电话。"), 5, "good"
    ),
    _S.REFUSED_ACCEPTANCE: Stand(
        N_("不予受理"),
        N_("这次申请没有被受理，理由和救济途径写在不予受理通知书上。"),
        N_("请到收件站点领取不予受理通知书；有疑问请拨打咨询电话。"),
        1,
        "warn",
    ),
    _S.WITHDRAWN: Stand(N_("已撤回"), N_("这次申请已经撤回。"), N_("还需要办理的，可以到收件站点重新申请。"), 1),
}
_CHECKED = Stand(
    N_("正在核对"), N_("您的材料已经送到，县级正在核对。"), N_("核对清楚后会继续办理；有疑问请拨打咨询电话。"), 0
)
_LAPSED = Stand(
    N_("已终止"),
    N_("约定的期限已过，材料没有补齐，这次申请已经终止。"),
    N_("还需要办理的，可以到收件站点重新申请。"),
    1,
    "warn",
)


def public_view(state: CaseState, clocks: Sequence[Clock]) -> PublicView:
    """`clocks`: those of the case today (casework.deadlines.clocks)."""
    stand = _LAPSED if state.lapsed else _STANDS.get(state.state, _CHECKED) if state.state else _CHECKED
    running = most_urgent(tuple(clocks))
    limits = (_limit(running),) if running is not None else ()
    return PublicView(stand, limits, _early(state, clocks), state.base is not None)


def _limit(clock: Clock) -> str:
    if clock.due is None or clock.days_left is None:
        return say("{label}：暂停计时", label=clock.label)
    day = say("{year}年{month}月{day}日", year=clock.due.year, month=clock.due.month, day=clock.due.day)
    about = N_("（预计）") if clock.provisional else ""
    unit = N_("个工作日") if clock.unit == "wd" else N_("天")
    if clock.days_left < 0:
        return say(
            "{label}：{day}{about}，已超过 {what} {unit}",
            label=clock.label,
            day=day,
            about=about,
            what=-clock.days_left,
            unit=unit,
        )
    left = (
        N_("就在今天") if clock.days_left == 0 else say("还有 {days_left} {unit}", days_left=clock.days_left, unit=unit)
    )
    return say("{label}：{day}{about}，{left}", label=clock.label, day=day, about=about, left=left)


def _early(state: CaseState, clocks: Sequence[Clock]) -> str:
    """Against the promise where the item has one, else against the law's limit."""
    if state.decided_at is None or state.lapsed:
        return ""
    by_kind = {clock.kind: clock for clock in clocks}
    clock = by_kind.get(PROMISED) or by_kind.get(STATUTORY)
    if clock is None or not clock.done or not clock.days_left or clock.days_left < 0:
        return ""
    limit = N_("承诺期限") if clock.kind == PROMISED else N_("法定期限")
    return say(
        "比{limit}提前 {days_left} {what}作出决定",
        limit=limit,
        days_left=clock.days_left,
        what=N_("个工作日") if clock.unit == "wd" else N_("天"),
    )
