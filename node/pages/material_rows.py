"""Which materials the pages of a draft show, and what each still needs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from casework.material_check import demanded
from casework.scenario import LEFT_OUT, OPTIONAL, REQUIRED, Requirements
from casework.service_item import MaterialRule, ServiceItem
from casework.standing_papers import AUTHORISATION, COMMITMENT_LETTER, TOLERANCE_LETTER, paper_list
from casework.texts import N_
from node.drafts import DraftMaterial

MISSING, LATE = "missing", "late"


@dataclass(frozen=True, slots=True)
class MaterialRow:
    """One material: its place in the item's papers, whether it is needed and why, what is there, what it lacks.

    lacks: "" nothing, MISSING it must come now, LATE it may follow (容缺).
    """

    index: int
    rule: MaterialRule
    need: str
    why: tuple[str, ...]
    have: DraftMaterial | None
    lacks: str


def material_rows(
    item: ServiceItem, needs: Requirements, have: Mapping[str, DraftMaterial], *, commitment: bool, proxy: bool
) -> list[MaterialRow]:
    """In the order of the papers. What is left out is shown only while it is there, so that it can be taken away."""
    brought = {name for name, material in have.items() if material.pages or material.seen}
    must = demanded(needs, brought)
    wanted = {COMMITMENT_LETTER: commitment, AUTHORISATION: proxy, TOLERANCE_LETTER: _tolerant(needs)}
    rows = []
    for index, rule in enumerate(paper_list(item)):
        one = needs.needed(rule.name)
        need = one.need if one else REQUIRED if rule.name in must else OPTIONAL
        shown = need != LEFT_OUT if one else wanted.get(rule.name, True)
        if not shown and rule.name not in brought:
            continue
        lacks = ""
        if need == REQUIRED and rule.name not in brought:
            lacks = MISSING if rule.name in must else LATE
        rows.append(MaterialRow(index, rule, need, one.why if one else (), have.get(rule.name), lacks))
    return rows


def _tolerant(needs: Requirements) -> bool:
    return any(one.need == REQUIRED and one.rule.tolerable is not None for one in needs.materials)


def authorisations(item: ServiceItem) -> list[str]:
    """The papers that can be the applicant's letter of authority."""
    return [rule.name for rule in paper_list(item) if N_("委托") in rule.name]
