"""Papers that any item may need beside its own list, because of how the applicant applies, not of what for.

容缺受理承诺书: what lacks will follow within its days. 告知承诺书: the applicant vouches (国办发〔2020〕42号).
授权委托书: somebody else acts for the applicant (代办). An item whose own list has one of them keeps its own.
"""

from __future__ import annotations

from casework.service_item import Mark, MaterialRule, ServiceItem
from casework.texts import N_

TOLERANCE_LETTER = N_("容缺受理承诺书")
COMMITMENT_LETTER = N_("告知承诺书")
AUTHORISATION = N_("授权委托书")


def _paper(name: str, when: str) -> MaterialRule:
    return MaterialRule(name, "declaration", 1, 0, False, "", None, "D", when, Mark("judgement"))


_TOLERANCE = _paper(TOLERANCE_LETTER, N_("有必备材料以后补交的"))
_COMMITMENT = _paper(COMMITMENT_LETTER, N_("采用告知承诺的"))
_AUTHORISATION = _paper(AUTHORISATION, N_("由他人代办的"))


def standing_papers(item: ServiceItem) -> tuple[MaterialRule, ...]:
    """Those that this item can need and does not list itself; always the same ones, in the same order."""
    tolerant = any(rule.tolerable is not None for rule in item.materials)
    papers = [_TOLERANCE] * tolerant + [_COMMITMENT] * (item.commitment is not None) + [_AUTHORISATION]
    return tuple(paper for paper in papers if item.material(paper.name) is None)


def paper_list(item: ServiceItem) -> tuple[MaterialRule, ...]:
    """Everything that may be handed in for the item: its own list first, so that places in that stay what they are."""
    return item.materials + standing_papers(item)
