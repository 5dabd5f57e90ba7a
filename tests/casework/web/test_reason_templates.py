"""Standard wordings: every one fits the form of its act, names its law, and marks what a person has to write."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from casework.catalogue import load_catalogue
from casework.changes import ChangeKind
from casework.desk import CaseView
from casework.fold import CaseState
from casework.web.action_table import ACTIONS
from casework.web.case_actions import defect_subjects
from casework.web.reason_templates import TO_FILL, grouped, reasons_for, rows_of, still_lacking, unfilled

ITEMS = list(load_catalogue())


def view(item: Any) -> CaseView:
    state = CaseState()
    return cast("CaseView", SimpleNamespace(item=item, state=state))


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_every_wording_fills_inputs_that_the_act_has(kind: ChangeKind) -> None:
    action = ACTIONS.get(kind.name.lower())
    for item in ITEMS:
        for reason in reasons_for(kind, view(item)):
            assert action is not None and reason.group and reason.label
            inputs = {line.name for line in action.lines} | {"defects.0.subject", "defects.0.what"}
            assert set(reason.fields) <= inputs
            for text in reason.fields.values():
                assert text.count("【") == text.count("】") <= 1


def test_the_subject_of_a_defect_is_one_that_can_be_chosen() -> None:
    for item in ITEMS:
        for reason in reasons_for(ChangeKind.ASK_SUPPLEMENT, view(item)):
            assert reason.fields["defects.0.subject"] in defect_subjects(view(item))


def test_a_refusal_of_a_licence_cites_the_licensing_law_and_another_its_own() -> None:
    licence = next(item for item in ITEMS if item.item_type == "01")
    other = next(item for item in ITEMS if item.item_type != "01" and item.legal_basis)
    for reason in reasons_for(ChangeKind.DENY, view(licence)):
        assert "行政许可法》第三十八条" in reason.fields["reason"] and "六十日内" in reason.fields["reason"]
    for reason in reasons_for(ChangeKind.DENY, view(other)):
        assert "行政许可" not in reason.fields["reason"] and other.legal_basis[0].text in reason.fields["reason"]
    numbered = replace(other, legal_basis=(replace(other.legal_basis[0], text="国发〔2015〕52号"),))
    assert all("根据国发〔2015〕52号，" in one.fields["reason"] for one in reasons_for(ChangeKind.DENY, view(numbered)))
    bare = replace(other, legal_basis=(), conditions=())
    assert all("《》" not in text for one in reasons_for(ChangeKind.DENY, view(bare)) for text in one.fields.values())


def test_what_is_lacking_comes_first_and_fills_one_row_each() -> None:
    known = still_lacking(view(ITEMS[0]))
    assert known == []  # nothing has been folded yet
    two = list(reasons_for(ChangeKind.ASK_SUPPLEMENT, view(ITEMS[0]))[:2])
    filled = rows_of(two, 8)
    assert filled["defects.1.what"] == two[1].fields["defects.0.what"] and len(filled) == 4
    assert len(rows_of(two, 1)) == 2


def test_groups_keep_their_order_and_every_number_finds_its_wording() -> None:
    reasons = reasons_for(ChangeKind.REFUSE_ACCEPTANCE, view(ITEMS[0]))
    flat = [(number, one) for _, found in grouped(reasons) for number, one in found]
    assert all(reasons[number] is one for number, one in flat) and len(flat) == len(reasons)


def test_a_mark_that_was_left_is_found() -> None:
    assert unfilled({"reason": f"经审查，{TO_FILL}写明事实】", "note": "好"}) == ["reason"]
