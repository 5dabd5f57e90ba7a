"""What a case needs and lacks now, computed from its item and its state; nothing of it is stored."""

from __future__ import annotations

from datetime import date

from casework.fold import CaseState
from casework.material_check import lacking
from casework.scenario import Needed, Requirements, all_answers, requirements
from casework.service_item import ServiceItem


def needs_of(item: ServiceItem, case: CaseState) -> Requirements:
    """By the version of the item that the case is pinned to and the day it was taken in; `case` has a 收件."""
    answers = all_answers(item, case.answers, case.applicant, date.fromisoformat(case.received))
    return requirements(item, answers, commitment=case.commitment)


def lacking_of(item: ServiceItem, case: CaseState) -> tuple[Needed, ...]:
    """The required materials that have not come: those that were let follow (容缺)."""
    return lacking(needs_of(item, case), {material.name for material in case.materials})
