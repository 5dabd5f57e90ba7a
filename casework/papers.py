"""The papers of a case: which it offers now and why not the others, and each one written out. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from casework import paper_decision, paper_intake
from casework.changes import ChangeKind
from casework.errors import NotFound
from casework.fold import CaseState
from casework.paper_form import TENTATIVE, Facts, Kind, Paper, number_of, times
from casework.states import State
from casework.texts import N_, say

TITLES: dict[Kind, str] = {
    Kind.RECEIPT: N_("收件回执"),
    Kind.TRANSFER: N_("材料流转单"),
    Kind.SUPPLEMENT: N_("补正告知书"),
    Kind.ACCEPTANCE: N_("受理通知书"),
    Kind.REFUSAL: N_("不予受理通知书"),
    Kind.TOLERANCE: N_("容缺受理通知书"),
    Kind.COMMITMENT: N_("容缺受理承诺书"),
    Kind.SPECIAL: N_("特别程序告知书"),
    Kind.EXTENSION: N_("延长审批告知书"),
    Kind.DECISION: N_("准予（不予）决定书"),
    Kind.DELIVERY: N_("送达回证"),
}
_MAKERS: dict[Kind, Callable[[Facts, int], Paper]] = {
    Kind.RECEIPT: paper_intake.receipt,
    Kind.TRANSFER: paper_intake.transfer,
    Kind.SUPPLEMENT: paper_intake.supplement,
    Kind.ACCEPTANCE: paper_decision.acceptance,
    Kind.REFUSAL: paper_decision.refusal,
    Kind.TOLERANCE: paper_intake.tolerance,
    Kind.COMMITMENT: paper_intake.commitment,
    Kind.SPECIAL: paper_decision.special,
    Kind.EXTENSION: paper_decision.extension,
    Kind.DECISION: paper_decision.decision,
    Kind.DELIVERY: paper_decision.delivery,
}
_ENDED = (State.CLOSED, State.REFUSED_ACCEPTANCE, State.DELIVERED, State.ARCHIVED)
_PROCEDURES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Offer:
    """A paper that a case offers, or why it does not yet (`why`, else ""). slug: how addresses name it."""

    kind: Kind
    ordinal: int
    title: str
    why: str

    @property
    def slug(self) -> str:
        return f"{self.kind.value}-{self.ordinal}" if self.kind is Kind.SPECIAL else self.kind.value


def offers(state: CaseState, to_come: Sequence[str] = ()) -> list[Offer]:
    """Every kind of paper in the order of a case's life; a special procedure has one each. to_come: required materials
    that have not come."""
    found = []
    for kind, title in TITLES.items():
        why = _why_not(state, kind, to_come)
        if kind is Kind.SPECIAL and not why:
            last = len(state.procedures)
            first = max(1, last - _PROCEDURES_SHOWN + 1)
            found += [
                Offer(kind, n, say("{title}（{n}）", title=title, n=n) if last > 1 else title, "")
                for n in range(first, last + 1)
            ]
        else:
            found.append(Offer(kind, _ordinal(state, kind), title, why))
    return found


def paper(facts: Facts, slug: str) -> Paper:
    """The paper that an address names, with number, QR and what is printed from tentative state. Raises NotFound."""
    offer = next((one for one in offers(facts.state, facts.to_come) if one.slug == slug), None)
    if offer is None:
        raise NotFound(N_("没有这种文书"))
    if offer.why:
        raise NotFound(say("现在还不能打印《{title}》：{why}", title=offer.title, why=offer.why))
    made = _MAKERS[offer.kind](facts, offer.ordinal)
    return replace(
        made,
        number=number_of(offer.kind, facts, offer.ordinal),
        facts=(*made.facts, *_code_row(facts.case_qr)),
        qr=made.qr or facts.case_qr,
        qr_words=made.qr_words or N_("扫码查看办理进度"),
        tentative=TENTATIVE if facts.state.base is not None else "",
        printed=say("打印 {now} · {station}", now=facts.now, station=facts.station),
    )


def _code_row(qr: str) -> tuple[tuple[str, str], ...]:
    """The code in the QR, to be typed where there is no camera; in groups of five."""
    found = re.search(r"q/([A-Z2-7]{26})", qr)
    return ((N_("查询码"), "-".join(re.findall(".{1,5}", found[1]))),) if found else ()


def _ordinal(state: CaseState, kind: Kind) -> int:
    """Which of its kind the paper is: of a notice of defects the last one is kept, the others are counted."""
    return max(1, len(times(state, (int(ChangeKind.ASK_SUPPLEMENT),)))) if kind is Kind.SUPPLEMENT else 1


def _why_not(state: CaseState, kind: Kind, to_come: Sequence[str]) -> str:
    if state.state is None:
        return N_("本件的收件内容还没有读出")
    match kind:
        case Kind.SUPPLEMENT if state.supplement is None:
            return N_("没有要求过补正")
        case Kind.ACCEPTANCE if state.accepted_at is None or state.lacking:
            return N_("已按容缺受理，请打印《容缺受理通知书》") if state.lacking else N_("还没有受理")
        case Kind.REFUSAL if State.REFUSED_ACCEPTANCE.value not in state.entered:
            return N_("没有作出不予受理的决定")
        case Kind.TOLERANCE if not state.lacking:
            return N_("本件没有容缺受理")
        case Kind.COMMITMENT if not state.lacking and (not to_come or state.accepted_at is not None):
            return N_("本件不缺材料")
        case Kind.SPECIAL if not state.procedures:
            return N_("没有启动特别程序")
        case Kind.EXTENSION if state.extension is None:
            return N_("没有延长期限")
        case Kind.DECISION if not state.decision:
            return N_("还没有作出决定")
        case Kind.DELIVERY if state.state not in _ENDED:
            return N_("还没有可以送达的结果")
        case _:
            return ""
