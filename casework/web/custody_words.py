"""How far a case has come, in words, and never ahead of the truth. Pure.

The words follow two signed facts only (receipts of the township, order records of the county), so every place says
the same of the same case. `_` translates; it is passed in because this module knows no request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from casework.case_log import Custody
from casework.changes import ChangeKind
from casework.fold import CaseState
from casework.journal import ORDERED
from casework.states import COUNTY, HOME, TOWNSHIP, State
from casework.texts import say

FINAL_STATES = (State.CLOSED, State.DELIVERED, State.WITHDRAWN, State.REFUSED_ACCEPTANCE, State.ARCHIVED)
_ANSWERS = (
    ChangeKind.ASK_SUPPLEMENT,
    ChangeKind.ACCEPT,
    ChangeKind.REFUSE_ACCEPTANCE,
    ChangeKind.REVIEW,
    ChangeKind.ACCEPT_LACKING,
    ChangeKind.SPLIT,
    ChangeKind.PART_ANSWER,
    ChangeKind.SEND_BACK,
    ChangeKind.REASSIGN,
    ChangeKind.ESCALATE,
    ChangeKind.ESCALATE_RESULT,
    ChangeKind.DEEM_ACCEPTED,
    ChangeKind.LAPSE,
    ChangeKind.ISSUE,
    ChangeKind.VERIFY_COMMITMENT,
    ChangeKind.ARCHIVE,
    ChangeKind.SPECIAL_PROCEDURE,
    ChangeKind.SPECIAL_RESULT,
    ChangeKind.EXTEND,
    ChangeKind.GRANT,
    ChangeKind.DENY,
    ChangeKind.ATTACH_RESULT,
    ChangeKind.CLOSE,
    ChangeKind.WITHDRAW,
)
_MOVE_NOTHING = (ChangeKind.NUMBER, ChangeKind.TELL)

Translate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of the way; `partly` when the words are there and scans are still below."""

    label: str
    reached: bool
    partly: bool = False


@dataclass(frozen=True, slots=True)
class CustodyWords:
    """The way in steps, the sentence that goes with it, and «材料 3/5 页» (empty without scans)."""

    hops: tuple[Hop, ...]
    sentence: str
    materials: str

    @property
    def text(self) -> str:
        return (
            say("{sentence}（{materials}）", sentence=self.sentence, materials=self.materials)
            if self.materials
            else self.sentence
        )


def custody_text(custody: Custody, state: CaseState, office: str, _: Translate = str) -> str:
    """One line for lists; see `custody_words`."""
    return custody_words(custody, state, office, _).text


def custody_words(custody: Custody, state: CaseState, office: str, _: Translate = str) -> CustodyWords:
    """`office`: who reads, relative to the case ("home", "township" or "county")."""
    return CustodyWords(_hops(custody, state, office, _), _sentence(custody, state, office, _), _materials(custody, _))


def answered(state: CaseState) -> bool:
    """Whether the last thing that moved the case is an ordered answer of another office than its home."""
    moves = [line for line in state.timeline if line.applied and line.kind not in _MOVE_NOTHING]
    if not moves:
        return False
    last = moves[-1]
    return last.standing == ORDERED and last.office != HOME and last.kind in _ANSWERS


def is_final(custody: Custody, state: CaseState) -> bool:
    """Whether it is over, and the county has said so."""
    return custody.tier >= 2 and custody.settled and state.state in FINAL_STATES


def _hops(custody: Custody, state: CaseState, office: str, _: Translate) -> tuple[Hop, ...]:
    final = is_final(custody, state)
    here = _("本机已存") if office == HOME else _("收件站点已存")
    hops = [Hop(here, reached=True)]
    if state.tier != "township":
        hops.append(Hop(_("乡镇已收"), custody.tier >= 1, custody.blobs_township < custody.blobs))
    hops.append(Hop(_("县级已收"), custody.tier >= 2, custody.blobs_county < custody.blobs))
    done = custody.tier >= 2 and custody.settled and answered(state)
    hops.append(Hop(_last_word(state, _), final or done))
    return tuple(hops)


def _last_word(state: CaseState, _: Translate) -> str:
    match state.state:
        case State.CLOSED | State.DELIVERED | State.ARCHIVED:
            return _("已办结")
        case State.WITHDRAWN:
            return _("已撤回")
        case _other:
            return _("已答复")


def _sentence(custody: Custody, state: CaseState, office: str, _: Translate) -> str:
    if custody.tier >= 2:
        return _at_county(custody, state, office, _)
    if custody.tier == 1:
        said = _("县级正在核对次序") if office == COUNTY else _("乡镇已收，尚未到县级")
    elif office == HOME:
        said = _("已保存在本机，尚未送到上级")
    else:
        said = _("已到本级，正在登记") if office == TOWNSHIP else _("县级正在核对次序")
    earlier = state.base is not None and state.base.state is not None
    return _("最新一步：{now}；此前的内容县级已确认").format(now=said) if earlier else said


def _at_county(custody: Custody, state: CaseState, office: str, _: Translate) -> str:
    if not custody.settled:
        said = _("县级已收，有内容等待县级人工核对")
    elif is_final(custody, state):
        said = _("{word}，县级已确认").format(word=_last_word(state, _))
    elif answered(state):
        said = _("县级已收，已答复")
    else:
        said = _("县级已收，等待办理")
    return said + _still_below(custody, office, _)


def _still_below(custody: Custody, office: str, _: Translate) -> str:
    missing = custody.blobs - custody.blobs_county
    if missing <= 0:
        return ""
    lower = custody.blobs - custody.blobs_township
    places = []
    if missing - lower > 0:
        places.append(_("{n} 页在乡镇").format(n=missing - lower))
    if lower > 0:
        here = _("{n} 页还在本机") if office == HOME else _("{n} 页还在收件站点")
        places.append(here.format(n=lower))
    return _("；扫描件还没有到齐：{places}").format(places=_("，").join(places))


def _materials(custody: Custody, _: Translate) -> str:
    """Counted at the tier that the sentence speaks of; a case without scans has nothing to count."""
    if not custody.blobs:
        return ""
    if custody.tier == 1 and custody.blobs_county < custody.blobs:
        return _("材料 {n}/{m} 页已到乡镇").format(n=custody.blobs_township, m=custody.blobs)
    return _("材料 {n}/{m} 页已到县级").format(n=custody.blobs_county, m=custody.blobs)
